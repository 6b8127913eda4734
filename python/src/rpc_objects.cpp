#include "python/src/rpc_objects.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "python/src/abi.h"
#include "python/src/arguments.h"
#include "python/src/context.h"
#include "python/src/exchange.h"
#include "tine/runtime.h"

namespace tine::python {
namespace {

using rpc::Seconds;
using rpc::WorkerInfo;

// An object of a class whose __init__ has not run, made by __new__ alone, holds nothing.
struct PyWorkerInfo {
  PyObject_HEAD std::optional<WorkerInfo> held;
  PyObject* weakrefs;
};
struct PyRRef {
  PyObject_HEAD std::optional<RRef> held;
  PyObject* weakrefs;
  PyObject* dict;
};
template <class Py>
constinit PyTypeObject* type_of = nullptr;

template <class Py>
Py* as(PyObject* object) noexcept {
  return reinterpret_cast<Py*>(object);
}

// What an object of the class holds.
template <class Py>
const auto& held_in(PyObject* object) {
  const auto& held = as<Py>(object)->held;
  if (!held) {
    const TypeName type(object);
    const std::string name = type.c_str();
    throw TypeError("this " + name + " was made by __new__ alone and holds nothing; call " + name + "(...)");
  }
  return *held;
}
const WorkerInfo& info_of(PyObject* object) { return held_in<PyWorkerInfo>(object); }
const RRef& rref_of(PyObject* object) { return held_in<PyRRef>(object); }

template <class Py>
PyObject* make_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* const object = PyType_GenericAlloc(type, 0);
  if (object) std::construct_at(&as<Py>(object)->held);
  return object;
}

template <class Py>
void free_held(PyObject* object) {
  const ErrorAside aside;
  if (as<Py>(object)->weakrefs) PyObject_ClearWeakRefs(object);
  std::destroy_at(&as<Py>(object)->held);
  free_object(object);
}

template <class Py, class Held>
PyRef wrap(Held held) {
  PyRef object = checked(make_new<Py>(type_of<Py>, nullptr, nullptr));
  as<Py>(object.get())->held.emplace(std::move(held));
  return object;
}

// Equality alone; __hash__ goes with it.
template <class Py>
PyObject* compare(PyObject* a, PyObject* b, int op) {
  return guarded([=]() -> PyObject* {
    if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(b, type_of<Py>)) Py_RETURN_NOTIMPLEMENTED;
    return PyBool_FromLong((held_in<Py>(a) == held_in<Py>(b)) == (op == Py_EQ));
  });
}

template <class Py>
bool add_class(PyObject* module, const char* name, PyType_Spec* spec) {
  const PyRef made = PyRef::adopt(PyType_FromSpec(spec));
  if (!made || PyModule_AddObjectRef(module, name, made.get()) < 0) return false;
  type_of<Py> = reinterpret_cast<PyTypeObject*>(Py_NewRef(made.get()));
  return true;
}

// --- WorkerInfo

// PyTorch's rule, and its words.
int info_init(PyObject* self, PyObject* args, PyObject* keywords) {
  return guarded([=] {
    static const char* const names[] = {"name", "id", nullptr};
    PyObject *given = nullptr, *rank = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO:WorkerInfo", const_cast<char**>(names), &given,
                                     &rank))
      return -1;
    if (!PyUnicode_Check(given))
      throw TypeError(std::string("WorkerInfo: name: expected a str, got a ") + TypeName(given).c_str());
    const PyRef bytes = checked(PyUnicode_AsEncodedString(given, "utf-8", "backslashreplace"));
    std::string name(PyBytes_AS_STRING(bytes.get()), static_cast<size_t>(PyBytes_GET_SIZE(bytes.get())));
    const bool allowed =
        name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:") ==
        std::string::npos;
    if (!allowed || name.empty() || name.size() >= 128) {
      throw ValueError(
          "Worker name must match ^[A-Za-z0-9-_:]*$, and must be non-empty and shorter than 128 chars, "
          "but got " +
          name);
    }
    int overflow = 0;
    const PyRef number = PyIndex_Check(rank) ? checked(PyNumber_Index(rank)) : PyRef();
    const long id = number ? PyLong_AsLongAndOverflow(number.get(), &overflow) : 0;
    if (!number || overflow || id != static_cast<int>(id)) {
      PyErr_Format(PyExc_TypeError, "WorkerInfo: id: expected an int of 32 bits, got %R", rank);
      return -1;
    }
    as<PyWorkerInfo>(self)->held.emplace(WorkerInfo{std::move(name), static_cast<int>(id)});
    return 0;
  });
}

PyObject* info_name(PyObject* self, void*) {
  return guarded([=] { return text_of(info_of(self).name).leak(); });
}
PyObject* info_id(PyObject* self, void*) {
  return guarded([=] { return PyLong_FromLong(info_of(self).id); });
}

PyObject* info_repr(PyObject* self) {
  return guarded([=] {
    const WorkerInfo& info = info_of(self);
    return text_of("WorkerInfo(id=" + std::to_string(info.id) + ", name=" + info.name + ")").leak();
  });
}

PyRef pair_of(const WorkerInfo& info) {
  return checked(
      Py_BuildValue("(s#i)", info.name.data(), static_cast<Py_ssize_t>(info.name.size()), info.id));
}

Py_hash_t info_hash(PyObject* self) {
  return guarded([=] { return PyObject_Hash(pair_of(info_of(self)).get()); });
}

PyObject* info_reduce(PyObject* self, PyObject*) {
  return guarded([=] { return Py_BuildValue("(OO)", type_of<PyWorkerInfo>, pair_of(info_of(self)).get()); });
}

PyMethodDef info_methods[] = {{"__reduce__", info_reduce, METH_NOARGS, nullptr}, {}};
PyGetSetDef info_getset[] = {{"name", info_name, nullptr, "The worker's name.", nullptr},
                             {"id", info_id, nullptr, "The worker's rank.", nullptr},
                             {}};
PyMemberDef info_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyWorkerInfo, weakrefs), READONLY, nullptr}, {}};
PyType_Slot info_slots[] = {
    {Py_tp_doc, const_cast<char*>("WorkerInfo(name, id)\n--\n\nA worker: its name and its rank.")},
    {Py_tp_new, reinterpret_cast<void*>(make_new<PyWorkerInfo>)},
    {Py_tp_init, reinterpret_cast<void*>(info_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_held<PyWorkerInfo>)},
    {Py_tp_repr, reinterpret_cast<void*>(info_repr)},
    {Py_tp_richcompare, reinterpret_cast<void*>(compare<PyWorkerInfo>)},
    {Py_tp_hash, reinterpret_cast<void*>(info_hash)},
    {Py_tp_methods, info_methods},
    {Py_tp_getset, info_getset},
    {Py_tp_members, info_members},
    {0, nullptr}};
PyType_Spec info_spec = {"tine.distributed.rpc.WorkerInfo", sizeof(PyWorkerInfo), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, info_slots};

// --- RRef

int rref_init(PyObject* self, PyObject* args, PyObject* keywords) {
  return guarded([=] {
    static const char* const names[] = {"value", "type_hint", nullptr};
    PyObject *value = nullptr, *type_hint = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O:RRef", const_cast<char**>(names), &value,
                                     &type_hint))
      return -1;
    RRef owned = Runtime::instance().rpc().own(to_value_shallow(value));
    std::optional<RRef> before = std::exchange(as<PyRRef>(self)->held, std::move(owned));
    return 0;  // the one before goes when the object is whole
  });
}

// Only its dictionary: what the value keeps alive is in a table that the collector does not see.
int rref_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as<PyRRef>(self)->dict);
  return 0;
}
int rref_clear(PyObject* self) {
  Py_CLEAR(as<PyRRef>(self)->dict);
  return 0;
}
void rref_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  rref_clear(self);
  free_held<PyRRef>(self);
}

PyObject* owner(PyObject* self, PyObject*) {
  return guarded([=] { return wrap_worker_info(rref_of(self).owner()).leak(); });
}
PyObject* owner_name(PyObject* self, PyObject*) {
  return guarded([=] { return text_of(rref_of(self).owner().name).leak(); });
}
PyObject* is_owner(PyObject* self, PyObject*) {
  return guarded([=] { return PyBool_FromLong(rref_of(self).is_owner()); });
}
PyObject* confirmed_by_owner(PyObject* self, PyObject*) {
  return guarded([=] { return PyBool_FromLong(rpc::confirmed_by_owner(rref_of(self))); });
}

// As Future.wait does: the lock is released, Ctrl-C is heard.
PyObject* waited(const Future<Value>& future) {
  const PyRef shown = checked(wrap_future(future));
  return wait_value(reinterpret_cast<PyFuture*>(shown.get()), kNoDeadline);
}

// The value brought here, as function(timeout=-1.0).
Future<Value> fetched(const char* function, PyObject* self, PyObject* const* args, Py_ssize_t count,
                      PyObject* names) {
  static constexpr const char* kNames[] = {"timeout"};
  PyObject* given[1] = {};
  if (!parse_arguments({function, kNames, 0, 1}, args, count, names, given)) throw_error();
  const RRef& rref = rref_of(self);
  const PythonsContext here;
  if (!given[0]) return rref.to_here(Seconds(-1));
  const PyRef options = checked(PyImport_ImportModule("tine.distributed.rpc.options"));
  const PyRef seconds = checked(PyObject_CallMethod(options.get(), "call_timeout", "O", given[0]));
  return rref.to_here(Seconds(PyFloat_AsDouble(seconds.get())));
}
PyObject* to_here(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([=] { return waited(fetched("to_here", self, args, count, names)); });
}
PyObject* to_here_async(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([=] { return wrap_future(fetched("to_here_async", self, args, count, names)); });
}
PyObject* local_value(PyObject* self, PyObject*) {
  return guarded([=] { return waited(rref_of(self).local_value()); });
}
PyObject* get_future(PyObject* self, PyObject*) {
  return guarded([=] { return wrap_future(rref_of(self).confirmed()); });
}

// (owner, its incarnation, the creator's, number, parent, fork number, type)
PyObject* serialize(PyObject* self, PyObject*) {
  return guarded([=] {
    const rpc::LentRRef lent = rpc::lend(rref_of(self));
    return Py_BuildValue("(iKKKiKs)", lent.owner, static_cast<unsigned long long>(lent.owner_incarnation),
                         static_cast<unsigned long long>(lent.creator_incarnation),
                         static_cast<unsigned long long>(lent.number), lent.parent,
                         static_cast<unsigned long long>(lent.fork), "PyObject");
  });
}

PyObject* deserialize(PyObject*, PyObject* given) {
  return guarded([=]() -> PyObject* {
    uint64_t numbers[6] = {};
    bool fits = PyTuple_Check(given) && PyTuple_GET_SIZE(given) == 7;
    for (Py_ssize_t i = 0; fits && i < 6; ++i) {
      PyObject* const number = PyTuple_GET_ITEM(given, i);
      fits = PyLong_Check(number);
      if (fits) numbers[i] = PyLong_AsUnsignedLongLong(number);
      if (PyErr_Occurred()) PyErr_Clear(), fits = false;
    }
    constexpr uint64_t kMostRanks = INT32_MAX;
    if (!fits || numbers[0] > kMostRanks || numbers[4] > kMostRanks)
      throw TypeError("_deserialize(): expected the tuple that _serialize() of an RRef returns");
    return wrap_rref(
               rpc::take(Runtime::instance().rpc(), {static_cast<int>(numbers[0]), numbers[1], numbers[2],
                                                     numbers[3], static_cast<int>(numbers[4]), numbers[5]}))
        .leak();
  });
}

PyObject* rref_repr(PyObject* self) {
  return guarded([=] { return text_of(rref_of(self).repr()).leak(); });
}

Py_hash_t rref_hash(PyObject* self) {
  return guarded([=]() -> Py_hash_t {
    const PyRef id = text_of(rref_of(self).id());
    return id ? PyObject_Hash(id.get()) : -1;
  });
}

PyObject* rref_reduce(PyObject* self, PyObject*) {
  return guarded([=]() -> PyObject* {
    (void)rref_of(self);
    throw TypeError(
        "Can not pickle rref in python pickler, rref can only be pickled when using RPC: as an argument or "
        "a result of a call");
  });
}

PyMethodDef rref_methods[] = {
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "RRef[T], for annotations."},
    {"owner", owner, METH_NOARGS,
     "owner($self, /)\n--\n\nReturns the WorkerInfo of the worker that holds the value."},
    {"owner_name", owner_name, METH_NOARGS, "owner_name($self, /)\n--\n\nReturns the name of that worker."},
    {"is_owner", is_owner, METH_NOARGS,
     "is_owner($self, /)\n--\n\nReturns whether this worker holds the value."},
    {"confirmed_by_owner", confirmed_by_owner, METH_NOARGS,
     "confirmed_by_owner($self, /)\n--\n\nReturns whether the owner is known to know this reference: on the "
     "owner "
     "True; on the worker that created the value, True once the owner has answered."},
    {"to_here", as_method(to_here), METH_FASTCALL | METH_KEYWORDS,
     "to_here($self, /, timeout=-1.0)\n--\n\nReturns the value, copied to this worker (on its owner the very "
     "object). Blocks.\n"
     "\n"
     "timeout: in seconds; 0 for none, -1 for that of init_rpc."},
    {"to_here_async", as_method(to_here_async), METH_FASTCALL | METH_KEYWORDS,
     "to_here_async($self, /, timeout=-1.0)\n--\n\nAs to_here(), but returns a Future at once."},
    {"local_value", local_value, METH_NOARGS,
     "local_value($self, /)\n--\n\nReturns the value itself, on its owner; elsewhere RuntimeError."},
    {"_get_future", get_future, METH_NOARGS,
     "_get_future($self, /)\n--\n\nReturns a Future that is done when the owner has the value."},
    {"_serialize", serialize, METH_NOARGS,
     "_serialize($self, /)\n--\n\nReturns the reference as a tuple of numbers, for _deserialize() on any "
     "worker of this "
     "world. The value is kept until that is called, or until this worker ends."},
    {"_deserialize", deserialize, METH_O | METH_STATIC,
     "_deserialize(tp, /)\n--\n\nReturns the RRef of a tuple that _serialize() made, which serves once."},
    {"__reduce__", rref_reduce, METH_NOARGS, nullptr},
    {"__reduce_ex__", rref_reduce, METH_O, nullptr},
    {}};
PyGetSetDef rref_getset[] = {{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
                             {}};
PyMemberDef rref_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyRRef, weakrefs), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(PyRRef, dict), READONLY, nullptr},
    {}};
PyType_Slot rref_slots[] = {
    {Py_tp_doc, const_cast<char*>("RRef(value, type_hint=None)\n--\n\nA reference to a value that lives on "
                                  "one worker, its owner.")},
    {Py_tp_new, reinterpret_cast<void*>(make_new<PyRRef>)},
    {Py_tp_init, reinterpret_cast<void*>(rref_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(rref_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(rref_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(rref_clear)},
    {Py_tp_repr, reinterpret_cast<void*>(rref_repr)},
    {Py_tp_richcompare, reinterpret_cast<void*>(compare<PyRRef>)},
    {Py_tp_hash, reinterpret_cast<void*>(rref_hash)},
    {Py_tp_methods, rref_methods},
    {Py_tp_getset, rref_getset},
    {Py_tp_members, rref_members},
    {0, nullptr}};
// The package adds methods that are written in Python, so it is not immutable.
PyType_Spec rref_spec = {"tine.distributed.rpc.RRef", sizeof(PyRRef), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, rref_slots};

}  // namespace

const WorkerInfo* worker_info_in(PyObject* object) {
  return PyObject_TypeCheck(object, type_of<PyWorkerInfo>) ? &info_of(object) : nullptr;
}
const RRef* rref_in(PyObject* object) {
  return PyObject_TypeCheck(object, type_of<PyRRef>) ? &rref_of(object) : nullptr;
}
const RRef* exact_rref_in(PyObject* object) {
  return Py_TYPE(object) == type_of<PyRRef> ? &rref_of(object) : nullptr;
}
PyRef wrap_worker_info(WorkerInfo info) { return wrap<PyWorkerInfo>(std::move(info)); }
PyRef wrap_rref(RRef rref) { return wrap<PyRRef>(std::move(rref)); }

bool init_rpc_objects(PyObject* module) {
  return add_class<PyWorkerInfo>(module, "WorkerInfo", &info_spec) &&
         add_class<PyRRef>(module, "RRef", &rref_spec);
}

}  // namespace tine::python

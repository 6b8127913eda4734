#include "python/src/rpc_modules.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "python/src/exchange.h"
#include "python/src/script.h"
#include "python/src/shown.h"
#include "tine/foreign.h"
#include "tine/runtime.h"

namespace tine::python {
namespace {

using rpc::ScriptCode;
using tine::detail::make_ref;
using tine::detail::Ref;

using CodePtr = std::shared_ptr<const ScriptCode>;

ScriptStore& store() { return Runtime::instance().scripts(); }

PyObject* wrap(CodePtr code) { return show_as(shown_type<CodePtr>, std::move(code)); }

PyObject* get_hash(PyObject* self, void*) { return text_of(shown_in<CodePtr>(self)->hash).leak(); }

PyObject* reduce(PyObject* self, PyObject*) {
  const ScriptCode& code = *shown_in<CodePtr>(self);
  const PyRef home = PyRef::adopt(PyImport_ImportModule("tine._C._rpc"));
  const PyRef make = home ? PyRef::adopt(PyObject_GetAttrString(home.get(), "script_code")) : PyRef();
  return make ? Py_BuildValue("O(s#y#)", make.get(), code.hash.data(),
                              static_cast<Py_ssize_t>(code.hash.size()), code.text.data(),
                              static_cast<Py_ssize_t>(code.text.size()))
              : nullptr;
}

// That the hash is the text's is verified where the code is used.
PyObject* script_code(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *hash = nullptr, *text = nullptr;
    if (!PyArg_ParseTuple(args, "UO!", &hash, &PyBytes_Type, &text)) return nullptr;
    return wrap(std::make_shared<const ScriptCode>(
        ScriptCode{std::string(utf8(hash)),
                   std::string(PyBytes_AsString(text), static_cast<size_t>(PyBytes_Size(text)))}));
  });
}

PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, "By its text."}, {}};

PyGetSetDef getset[] = {{"hash", get_hash, nullptr, "The hash of the content.", nullptr}, {}};
PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<CodePtr>)},
                       {Py_tp_getset, getset},
                       {Py_tp_methods, methods},
                       {Py_tp_doc, const_cast<char*>("Script code on its way to another worker.")},
                       {0, nullptr}};
PyType_Spec spec = {"tine._C._rpc.ScriptCode", sizeof(Shown<CodePtr>), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};

// The code in the object, whose text has come.
const ScriptCode& code_in(PyObject* object) {
  if (Py_TYPE(object) != shown_type<CodePtr>)
    throw TypeError(fmt::format("expected script code, got {}", TypeName(object).c_str()));
  const ScriptCode& code = *shown_in<CodePtr>(object);
  if (code.text.empty())
    throw Error(fmt::format("the code {} of a scripted module or function did not come with it", code.hash));
  return code;
}

// With the interpreter's lock released: reading code takes time by its length.
template <class F>
auto without_lock(F&& read) {
  const GilRelease release;
  return read();
}

PyObject* export_function(PyObject*, PyObject* object) {
  return guarded([&]() -> PyObject* {
    const script::Function* const f = function_of(object);
    if (!f)
      throw TypeError(
          fmt::format("export_function(): expected a ScriptFunction, got {}", TypeName(object).c_str()));
    return wrap(ScriptStore::export_code(*f));
  });
}

PyObject* import_function(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    const char* name = nullptr;
    PyObject* object = nullptr;
    if (!PyArg_ParseTuple(args, "sO", &name, &object)) return nullptr;
    if (Py_TYPE(object) != shown_type<CodePtr>) (void)code_in(object);  // which says what it is
    const CodePtr code = shown_in<CodePtr>(object);
    // Usually this worker runs the same program and has the same function.
    const script::Function own = without_lock([&] {
      script::Function known = store().function(name);
      return known && ScriptStore::export_code(known)->hash == code->hash ? known : script::Function();
    });
    if (own) return wrap_function(own);
    const ScriptCode& whole = code_in(object);
    return wrap_function(without_lock([&] { return store().import_code(whole.hash, whole.text); }));
  });
}

PyObject* export_classes(PyObject*, PyObject* list) {
  return guarded([&]() -> PyObject* {
    if (!PyList_Check(list)) throw TypeError("export_classes(): expected a list");
    std::vector<script::Class> classes;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
      PyObject *type = nullptr, *name = nullptr, *facts = nullptr, *methods = nullptr;
      if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "OUUO!", &type, &name, &facts, &PyDict_Type, &methods))
        return nullptr;
      script::Class& c = classes.emplace_back();
      c.type = object_type_of(type);
      if (!c.type) throw TypeError("export_classes(): expected an ObjectType");
      c.name = utf8(name);
      c.facts = utf8(facts);
      PyObject *key = nullptr, *method = nullptr;
      for (Py_ssize_t at = 0; PyDict_Next(methods, &at, &key, &method);) {
        const script::Function* const f = function_of(method);
        if (!f) throw TypeError("export_classes(): expected ScriptFunctions");
        c.methods.emplace_back(utf8(key), *f);
      }
    }
    return wrap(
        without_lock([&] { return static_cast<const ScriptStore&>(store()).export_classes(classes); }));
  });
}

// (type, name, facts, {method: ScriptFunction}).
PyRef shown(script::Class& c) {
  const PyRef type = checked(wrap_object_type(c.type));
  const PyRef methods = checked(PyDict_New());
  for (auto& [name, function] : c.methods) {
    const PyRef shown = checked(wrap_function(std::move(function)));
    if (PyDict_SetItem(methods.get(), checked(text_of(name).leak()).get(), shown.get()) < 0) throw_error();
  }
  const PyRef name = checked(text_of(c.name).leak()), facts = checked(text_of(c.facts).leak());
  return checked(PyTuple_Pack(4, type.get(), name.get(), facts.get(), methods.get()));
}

PyObject* import_classes(PyObject*, PyObject* object) {
  return guarded([&]() -> PyObject* {
    const ScriptCode& code = code_in(object);
    std::vector<script::Class> classes =
        without_lock([&] { return store().import_classes(code.hash, code.text); });
    PyRef list = checked(PyList_New(0));
    for (script::Class& c : classes) {
      if (PyList_Append(list.get(), shown(c).get()) < 0) throw_error();
    }
    return list.leak();
  });
}

PyMethodDef functions[] = {
    {"script_code", script_code, METH_VARARGS, "script_code(hash, text): what __reduce__() took apart."},
    {"export_function", export_function, METH_O, "export_function(f): its ScriptCode."},
    {"import_function", import_function, METH_VARARGS,
     "import_function(name, code): the function of that name here, if its code is this; else a new one."},
    {"export_classes", export_classes, METH_O,
     "export_classes([(type, name, facts, {method: ScriptFunction})]): the ScriptCode of all, children "
     "first."},
    {"import_classes", import_classes, METH_O,
     "import_classes(code): what export_classes() was given, as classes of this process."},
    {}};

}  // namespace

PyObject* wrap_code(const Value& value) {
  const rpc::CodeValue* const code = rpc::CodeValue::in(value);
  return code ? guarded([&] { return wrap(code->code()); }) : nullptr;
}

bool unwrap_code(PyObject* object, Value* value) {
  if (Py_TYPE(object) != shown_type<CodePtr>) return false;
  *value = Value(Ref<Foreign>(make_ref<rpc::CodeValue>(shown_in<CodePtr>(object))));
  return true;
}

bool init_rpc_modules(PyObject* module) {
  return add_type(module, &spec, &shown_type<CodePtr>) && PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python

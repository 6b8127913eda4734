#include "python/src/rpc_plain.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "python/src/exchange.h"
#include "python/src/rpc_objects.h"
#include "python/src/rpc_payload.h"

namespace tine::python {
namespace {

using rpc::ForeignPayload;
using tine::detail::make_ref;
using tine::detail::Ref;

// More values than this are not worth the memory of a Value each; longer texts are copied less often in a pickle.
constexpr size_t kMostValues = 1024;
constexpr Py_ssize_t kLongestText = 64 << 10;
constexpr const char* kOfRRef = "RRef.";
constexpr const char* kModule = "module";

// Of a str itself that is not too long; the object's own bytes.
std::optional<std::string_view> short_text(PyObject* object) {
  if (Py_TYPE(object) != &PyUnicode_Type) return {};
  Py_ssize_t size = 0;
  const char* const chars = PyUnicode_AsUTF8AndSize(object, &size);
  if (!chars) PyErr_Clear();  // half a surrogate pair: a pickle can carry it
  if (!chars || size > kLongestText) return {};
  return std::string_view(chars, static_cast<size_t>(size));
}

bool take_name(PyObject* object, std::string* name) {
  const auto text = short_text(object);
  if (text) name->assign(*text);
  return text.has_value();
}

// The arguments of one call.
class Plain {
 public:
  bool take(PyObject* object, Value* value) {
    return take_item(object, value) || take_container(object, value);
  }
  bool take_all(PyObject* sequence, std::vector<Value>* values) {
    return take_each<&Plain::take>(sequence, values);
  }

  // No object of these came twice: the callee would have to see one.
  bool all_distinct() {
    std::sort(met_.begin(), met_.end());
    return std::adjacent_find(met_.begin(), met_.end()) == met_.end();
  }

 private:
  // Runs no Python code.
  bool take_item(PyObject* object, Value* value) {
    if (++count_ > kMostValues) return false;
    PyTypeObject* const type = Py_TYPE(object);
    if (object == Py_None) {
      *value = Value();
    } else if (type == &PyLong_Type) {
      int overflow = 0;
      const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
      if (overflow) return false;
      *value = Value(static_cast<int64_t>(number));
    } else if (type == &PyFloat_Type) {
      *value = Value(PyFloat_AsDouble(object));
    } else if (type == &PyBool_Type) {
      *value = Value(object == Py_True);
    } else if (type == &PyUnicode_Type) {
      const auto text = short_text(object);
      if (!text) return false;
      *value = Value(*text);
    } else if (type == types.tensor) {
      met_.push_back(object);
      *value = Value(tensor_of(object));
    } else if (type == &PyBytes_Type) {
      met_.push_back(object);
      *value = Value(Ref<Foreign>(payload_on(object, ForeignPayload::kPythonBytes)));
    } else if (const RRef* const rref = exact_rref_in(object)) {
      met_.push_back(object);
      creation_of(*rref).observe();  // passed on: the receiver sees the error
      *value = *rref;
    } else {
      return false;
    }
    return true;
  }

  bool take_container(PyObject* object, Value* value) {
    PyTypeObject* const type = Py_TYPE(object);
    if (type == &PyTuple_Type) {
      std::vector<Value> items;
      if (!take_each<&Plain::take_item>(object, &items)) return false;
      *value = Value(make_ref<Tuple>(std::move(items)));
    } else if (type == &PyList_Type) {
      met_.push_back(object);
      std::vector<Value> items;
      if (!take_each<&Plain::take_item>(object, &items)) return false;
      *value = Value(make_ref<List>(std::move(items)));
    } else if (type == &PyDict_Type) {
      met_.push_back(object);
      auto dict = make_ref<Dict>();
      PyObject *key, *item;
      Py_ssize_t at = 0;
      while (PyDict_Next(object, &at, &key, &item)) {
        if (Py_TYPE(key) != &PyUnicode_Type && Py_TYPE(key) != &PyLong_Type) return false;
        Value k, v;
        if (!take_item(key, &k) || !take_item(item, &v)) return false;
        dict->set(std::move(k), std::move(v));
      }
      *value = Value(std::move(dict));
    } else {
      return false;
    }
    return true;
  }

  template <bool (Plain::*Take)(PyObject*, Value*)>
  bool take_each(PyObject* sequence, std::vector<Value>* values) {
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(sequence);
    if (static_cast<size_t>(n) > kMostValues) return false;
    values->reserve(values->size() + static_cast<size_t>(n));
    for (Py_ssize_t i = 0; i < n; ++i) {
      if (!(this->*Take)(PySequence_Fast_GET_ITEM(sequence, i), &values->emplace_back())) return false;
    }
    return true;
  }

  size_t count_ = 0;
  std::vector<PyObject*> met_;  // borrowed from the arguments
};

// A name as the callee looks it up: sys.modules[module], then the attributes.
struct Path {
  PyRef module;
  std::vector<PyRef> attributes;
};

PyRef interned(std::string_view text) {
  PyObject* name = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
  if (name) PyUnicode_InternInPlace(&name);
  return checked(name);
}

Path path_of(std::string_view module, std::string_view qualname) {
  Path path{interned(module), {}};
  for (size_t at = 0; at <= qualname.size();) {
    const size_t end = std::min(qualname.find('.', at), qualname.size());
    path.attributes.push_back(interned(qualname.substr(at, end - at)));
    at = end + 1;
  }
  return path;
}

// Names that were looked up are split once. What they name is looked up each time, as unpickling does.
// Looking up may run Python, and then another thread may change the table: the path stays for who holds it.
std::shared_ptr<const Path> known_path(const std::string& name, size_t module_size) {
  constexpr size_t kMost = 4096;  // names come from outside
  static auto& paths = *new std::unordered_map<std::string, std::pair<size_t, std::shared_ptr<const Path>>>;
  auto found = paths.find(name);
  if (found == paths.end() || found->second.first != module_size) {
    auto path = std::make_shared<const Path>(path_of(std::string_view(name).substr(0, module_size),
                                                     std::string_view(name).substr(module_size + 1)));
    if (paths.size() >= kMost) paths.clear();
    found = paths.insert_or_assign(name, std::pair(module_size, std::move(path))).first;
  }
  return found->second.second;
}

// Empty, without an error, if that is not so easy.
PyRef object_at(const Path& path) {
  PyRef object = PyRef::share(PyDict_GetItemWithError(PyImport_GetModuleDict(), path.module.get()));
  for (size_t i = 0; object && i < path.attributes.size(); ++i)
    object = PyRef::adopt(PyObject_GetAttr(object.get(), path.attributes[i].get()));
  if (!object) PyErr_Clear();
  return object;
}

// "module.qualname" if that is where the very object is.
bool name_of(PyObject* callee, std::string* name, int64_t* module_size) {
  static PyObject* const of_module = PyUnicode_InternFromString("__module__");
  static PyObject* const of_itself = PyUnicode_InternFromString("__qualname__");
  const PyRef module = PyRef::adopt(PyObject_GetAttr(callee, of_module));
  const PyRef qualname = module ? PyRef::adopt(PyObject_GetAttr(callee, of_itself)) : PyRef();
  if (!qualname) PyErr_Clear();
  std::string rest;
  if (!qualname || !take_name(module.get(), name) || !take_name(qualname.get(), &rest)) return false;
  if (name->empty() || rest.empty() || rest.find('<') != std::string::npos) return false;
  *module_size = static_cast<int64_t>(name->size());
  name->append(1, '.').append(rest);
  return object_at(*known_path(*name, static_cast<size_t>(*module_size))).get() == callee;
}

bool is_pickle(const Value& value) noexcept {
  const ForeignPayload* const payload = ForeignPayload::in(value);
  return payload && payload->language() == ForeignPayload::kPythonPickle;
}

// The function or class of a name that begins with that of a module, of so many bytes.
PyRef function_named(const std::string& name, int64_t size, PyObject* find) {
  if (size < 1 || static_cast<uint64_t>(size) + 1 >= name.size() || name[static_cast<size_t>(size)] != '.')
    throw ValueError("a Python call of " + name + " whose module's name has " + std::to_string(size) +
                     " bytes");
  const auto path = known_path(name, static_cast<size_t>(size));
  PyRef function = object_at(*path);
  if (function) return function;
  const PyRef qualname =
      checked(text_of(std::string_view(name).substr(static_cast<size_t>(size) + 1)).leak());
  return checked(PyObject_CallFunctionObjArgs(find, path->module.get(), qualname.get(), nullptr));
}

PyRef dict_of(const std::vector<std::pair<std::string, Value>>& kwargs) {
  if (kwargs.empty()) return {};
  PyRef dict = checked(PyDict_New());
  for (const auto& [key, value] : kwargs) {
    const PyRef name = interned(key);
    if (PyDict_SetItem(dict.get(), name.get(), checked(to_python(value)).get()) < 0) throw_error();
  }
  return dict;
}

}  // namespace

std::optional<rpc::CallRequest> plain_request(PyObject* callee, PyObject* args, PyObject* kwargs,
                                              const RRef* after) {
  if (!PyTuple_Check(args) || !PyDict_Check(kwargs))
    throw TypeError("expected a tuple and a dict of arguments");
  Plain plain;
  rpc::CallRequest request;
  request.target = rpc::Target::kForeign;
  request.args.reserve(1 + static_cast<size_t>(PyTuple_GET_SIZE(args)));
  request.args.emplace_back();  // below: most calls that have to be pickled are found out by their arguments
  if (!plain.take_all(args, &request.args)) return {};
  PyObject *key, *item;
  Py_ssize_t at = 0;
  while (PyDict_Next(kwargs, &at, &key, &item)) {
    auto& [name, value] = request.kwargs.emplace_back();
    if (!take_name(key, &name) || !plain.take(item, &value)) return {};
  }
  if (!plain.all_distinct()) return {};
  if (after) {
    std::string method;
    if (!take_name(callee, &method)) return {};
    request.name = kOfRRef + method;
    request.args.front() = *after;
    creation_of(*after).observe();  // when it has failed, that is the call's answer
    request.after = after->object();
  } else {
    int64_t module_size = 0;
    if (!name_of(callee, &request.name, &module_size)) return {};
    request.args.front() = Value(module_size);
  }
  return request;
}

bool has_name(PyObject* callee) {
  std::string name;
  int64_t module_size = 0;
  return name_of(callee, &name, &module_size);
}

rpc::CallRequest request_by_name(PyObject* callee, Ref<ForeignPayload> arguments) {
  int64_t module_size = 0;
  rpc::CallRequest request;
  request.target = rpc::Target::kForeign;
  if (!name_of(callee, &request.name, &module_size))
    throw ValueError("a function that is to be called by its name is not there");
  request.args = {Value(Ref<Foreign>(std::move(arguments)))};
  request.kwargs.emplace_back(kModule, Value(module_size));
  return request;
}

std::optional<Value> plain_result(PyObject* object) {
  Plain plain;
  Value value;
  if (!plain.take(object, &value) || !plain.all_distinct()) return {};
  switch (value.tag()) {
    case Tag::kList:
    case Tag::kTuple:
    case Tag::kDict:
    case Tag::kRRef:
      return Value(Ref<Foreign>(make_ref<ForeignPayload>(std::span<const std::byte>(), nullptr,
                                                         std::vector<Value>{std::move(value)},
                                                         ForeignPayload::kPythonValue)));
    default: return value;
  }
}

bool is_plain(const rpc::IncomingCall& call) noexcept {
  if (call.args().empty()) return false;
  const Value& first = call.args().front();
  return first.is_int() || first.is(Tag::kRRef) || (is_pickle(first) && !call.kwargs().empty());
}

PlainCall plain_call(rpc::IncomingCall& call, PyObject* find, PyObject* find_method, PyObject* unpickle) {
  std::vector<Value>& args = call.args();
  const std::string& name = call.name();
  PlainCall plain;
  if (is_pickle(args.front())) {
    const auto& [key, size] = call.kwargs().front();
    if (key != kModule || !size.is_int())
      throw ValueError("a Python call of " + name + " with a pickle and " + key);
    plain.function = function_named(name, size.as_int(), find);
    const PyRef both = unpickled(*ForeignPayload::in(args.front()), unpickle);
    if (!PyTuple_Check(both.get()) || PyTuple_GET_SIZE(both.get()) != 2 ||
        !PyTuple_Check(PyTuple_GET_ITEM(both.get(), 0)) || !PyDict_Check(PyTuple_GET_ITEM(both.get(), 1)))
      throw ValueError("a Python call of " + name + " whose pickle is not a tuple and a dict of arguments");
    plain.args = PyRef::share(PyTuple_GET_ITEM(both.get(), 0));
    plain.kwargs = PyRef::share(PyTuple_GET_ITEM(both.get(), 1));
    return plain;
  }
  if (args.front().is_int()) {
    plain.function = function_named(name, args.front().as_int(), find);
  } else {
    const PyRef rref = checked(to_python(args.front()));
    if (!name.starts_with(kOfRRef)) throw ValueError("a Python call of a method that has the name " + name);
    const PyRef method =
        checked(text_of(std::string_view(name).substr(std::string_view(kOfRRef).size())).leak());
    plain.function = checked(PyObject_CallFunctionObjArgs(find_method, rref.get(), method.get(), nullptr));
  }
  PlainCall all = arguments_of(call, 1);
  all.function = std::move(plain.function);
  return all;
}

PlainCall arguments_of(rpc::IncomingCall& call, size_t from) {
  PlainCall plain;
  const std::vector<Value>& args = call.args();
  plain.args = checked(PyTuple_New(static_cast<Py_ssize_t>(args.size() - from)));
  for (size_t i = from; i < args.size(); ++i)
    PyTuple_SET_ITEM(plain.args.get(), static_cast<Py_ssize_t>(i - from), checked(to_python(args[i])).leak());
  plain.kwargs = dict_of(call.kwargs());
  return plain;
}

PyObject* plain_object(const ForeignPayload& payload) {
  switch (payload.language()) {
    case ForeignPayload::kPythonBytes:
      return checked(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(payload.bytes().data()),
                                               static_cast<Py_ssize_t>(payload.bytes().size())))
          .leak();
    case ForeignPayload::kPythonValue:
      if (payload.leaves().size() != 1)
        throw ValueError("a value of Python that is not followed by one value");
      return checked(to_python(payload.leaves().front())).leak();
    default: return nullptr;
  }
}

}  // namespace tine::python

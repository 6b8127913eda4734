// The compiler's questions about names, answered by tine.jit._names.

#include <fmt/format.h>
#include <tine/runtime.h>

#include "python/src/script.h"

namespace tine::python {
namespace {

using compile::FunctionSource;
using compile::Resolved;

std::string_view text_at(PyObject* tuple, Py_ssize_t i) {
  Py_ssize_t size = 0;
  const char* const chars = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(tuple, i), &size);
  if (!chars) throw_error();
  return {chars, static_cast<size_t>(size)};
}

bool has_foreign(const Value& value) {
  const auto any = [](const std::vector<Value>& items) {
    for (const Value& item : items) {
      if (has_foreign(item)) return true;
    }
    return false;
  };
  switch (value.tag()) {
    case Tag::kForeign: return true;
    case Tag::kList: return any(value.as_list().items);
    case Tag::kTuple: return any(value.as_tuple().items);
    default: return false;
  }
}

class PyResolver final : public compile::Resolver {
 public:
  explicit PyResolver(PyObject* names) : names_(PyRef::share(names)) {}

  Resolved resolve(std::string_view dotted) override {
    const PyRef name = text(dotted);
    return answer(PyRef::adopt(PyObject_CallMethod(names_.get(), "resolve", "O", name.get())));
  }

  Resolved method(const ObjectType& type, std::string_view name) override {
    const PyRef type_name = text(type.name), method_name = text(name);
    return answer(
        PyRef::adopt(PyObject_CallMethod(names_.get(), "method", "OO", type_name.get(), method_name.get())));
  }

  std::optional<compile::Submodules> submodules(const ObjectType& type) override {
    const PyRef type_name = text(type.name);
    const PyRef found = PyRef::adopt(PyObject_CallMethod(names_.get(), "submodules", "O", type_name.get()));
    if (!found) throw_error();
    if (found.get() == Py_None) return std::nullopt;
    int named = 0;
    PyObject* names = nullptr;
    if (!PyArg_ParseTuple(found.get(), "pO!", &named, &PyTuple_Type, &names)) throw_error();
    compile::Submodules modules;
    modules.named = named != 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i) modules.names.emplace_back(text_at(names, i));
    return modules;
  }

  std::vector<std::string> candidates(std::string_view dotted) override {
    const PyRef name = text(dotted);
    const PyRef list = PyRef::adopt(PyObject_CallMethod(names_.get(), "candidates", "O", name.get()));
    if (!list) throw_error();
    const PyRef fast = PyRef::adopt(PySequence_Fast(list.get(), "candidates(): expected a list of names"));
    if (!fast) throw_error();
    std::vector<std::string> found;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
      const char* const chars = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(fast.get(), i));
      if (!chars) throw_error();
      found.emplace_back(chars);
    }
    return found;
  }

 private:
  static PyRef text(std::string_view s) {
    PyRef t = text_of(s);
    if (!t) throw_error();
    return t;
  }

  static Resolved answer(const PyRef& tuple) {
    if (!tuple) throw_error();
    if (tuple.get() == Py_None) return compile::Missing{};
    if (!PyTuple_Check(tuple.get()) || PyTuple_GET_SIZE(tuple.get()) < 1) {
      throw TypeError("a resolver's answer: expected None or a tuple");
    }
    PyObject* const t = tuple.get();
    const std::string_view kind = text_at(t, 0);
    if (kind == "namespace") return compile::Namespace{};
    if (PyTuple_GET_SIZE(t) < 2)
      throw TypeError(fmt::format("a resolver's answer: `{}` without its value", kind));
    if (kind == "builtin") return compile::resolve_builtin(Runtime::instance().ops(), text_at(t, 1));
    if (kind == "operator") return compile::Operator{std::string(text_at(t, 1))};
    if (kind == "exception") return compile::ExceptionName{std::string(text_at(t, 1))};
    if (kind == "refused") return compile::Refused{std::string(text_at(t, 1))};
    if (kind == "constant") return constant(PyTuple_GET_ITEM(t, 1));
    if (kind == "type") return type(PyTuple_GET_ITEM(t, 1));
    if (kind == "function" && PyTuple_GET_SIZE(t) == 3) {
      compile::FunctionRef f{std::string(text_at(t, 1)), nullptr};
      PyObject* const source = PyTuple_GET_ITEM(t, 2);
      if (source != Py_None) f.source = std::make_shared<FunctionSource>(function_source_of(source));
      return f;
    }
    throw TypeError(fmt::format("a resolver's answer: unknown kind `{}`", kind));
  }

  static Resolved constant(PyObject* object) {
    Value value = to_value(object);
    if (has_foreign(value)) {
      return compile::Refused{
          fmt::format("a Python {} outside of what scripts can hold (64-bit integers, UTF-8 text)",
                      Py_TYPE(object)->tp_name)};
    }
    return compile::Constant{std::move(value)};
  }

  static Resolved type(PyObject* object) {
    if (auto known = object_type_of(object)) return compile::TypeName{std::move(known)};
    const char* const chars = PyUnicode_AsUTF8(object);
    if (!chars) throw_error();
    return compile::TypeName{parse_type(chars)};
  }

  PyRef names_;
};

}  // namespace

FunctionSource function_source_of(PyObject* tuple) {
  // (qualified name, file, text, first line, def's name, names, self's type or None, {parameter: default})
  if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != 8 || !PyDict_Check(PyTuple_GET_ITEM(tuple, 7))) {
    throw TypeError("a function's source: expected a tuple of 8");
  }
  FunctionSource source;
  source.qualified_name = text_at(tuple, 0);
  const long first_line = PyLong_AsLong(PyTuple_GET_ITEM(tuple, 3));
  if (first_line == -1 && PyErr_Occurred()) throw_error();
  source.source = std::make_shared<const Source>(
      std::string(text_at(tuple, 1)), std::string(text_at(tuple, 2)), static_cast<int>(first_line));
  source.def_name = text_at(tuple, 4);
  source.resolver = std::make_shared<PyResolver>(PyTuple_GET_ITEM(tuple, 5));
  if (PyObject* const self = PyTuple_GET_ITEM(tuple, 6); self != Py_None) {
    source.self = object_type_of(self);
    if (!source.self)
      throw TypeError(
          fmt::format("a method's source: expected an ObjectType, got {}", Py_TYPE(self)->tp_name));
  }
  PyObject *name = nullptr, *value = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(PyTuple_GET_ITEM(tuple, 7), &at, &name, &value);) {
    const char* const chars = PyUnicode_AsUTF8(name);
    if (!chars) throw_error();
    Value held = to_value(value);
    if (!has_foreign(held)) source.defaults.emplace_back(chars, std::move(held));
  }
  return source;
}

}  // namespace tine::python

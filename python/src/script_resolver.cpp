// The compiler's questions about names, answered by tine.jit._names.

#include <fmt/format.h>
#include <tine/runtime.h>

#include "python/src/records.h"
#include "python/src/script.h"
#include "python/src/shown.h"

namespace tine::python {
namespace {

using script::FunctionSource;
using script::Resolved;

bool has_foreign(const Value& value) {
  const auto any = [](std::span<const Value> items) {
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

using SourcePtr = std::shared_ptr<const FunctionSource>;

// The meaning that a Python object shows; null if it shows none.
const Resolved* meaning_in(PyObject* object) noexcept {
  return Py_TYPE(object) == shown_type<Resolved> ? &shown_in<Resolved>(object) : nullptr;
}
// The function that it means; null if it means something else.
const script::FunctionRef* function_in(PyObject* object) noexcept {
  const Resolved* const meaning = meaning_in(object);
  return meaning ? std::get_if<script::FunctionRef>(meaning) : nullptr;
}

class PyResolver final : public script::Resolver {
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

  std::optional<script::Submodules> submodules(const ObjectType& type) override {
    const PyRef type_name = text(type.name);
    const PyRef found = PyRef::adopt(PyObject_CallMethod(names_.get(), "submodules", "O", type_name.get()));
    if (!found) throw_error();
    if (found.get() == Py_None) return std::nullopt;
    int named = 0;
    PyObject* names = nullptr;
    if (!PyArg_ParseTuple(found.get(), "pO!", &named, &PyTuple_Type, &names)) throw_error();
    script::Submodules modules;
    modules.named = named != 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i)
      modules.names.emplace_back(utf8(PyTuple_GET_ITEM(names, i)));
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
      found.emplace_back(utf8(PySequence_Fast_GET_ITEM(fast.get(), i)));
    }
    return found;
  }

 private:
  static PyRef text(std::string_view s) {
    PyRef t = text_of(s);
    if (!t) throw_error();
    return t;
  }

  static Resolved answer(const PyRef& meaning) {
    if (!meaning) throw_error();
    if (meaning.get() == Py_None) return script::Missing{};
    const Resolved* const shown = meaning_in(meaning.get());
    if (!shown) {
      throw TypeError(fmt::format("a resolver's answer: expected a tine._C.Meaning or None, got {}",
                                  TypeName(meaning.get()).c_str()));
    }
    return *shown;
  }

  PyRef names_;
};

// --- FunctionSource ---

PyObject* new_source(PyTypeObject* cls, PyObject* args, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    static const char* const kNames[] = {"qualified_name", "file",      "text",     "first_line", "def_name",
                                         "names",          "self_type", "defaults", "cls_type",   nullptr};
    PyObject *name = nullptr, *file = nullptr, *text = nullptr, *def = nullptr, *names = nullptr;
    PyObject *self_type = Py_None, *defaults = nullptr, *cls_type = Py_None;
    int first_line = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "UUUiUO|OO!O", const_cast<char**>(kNames), &name, &file,
                                     &text, &first_line, &def, &names, &self_type, &PyDict_Type, &defaults,
                                     &cls_type))
      return nullptr;
    auto source = std::make_shared<FunctionSource>();
    source->qualified_name = utf8(name);
    source->source =
        std::make_shared<const Source>(std::string(utf8(file)), std::string(utf8(text)), first_line);
    source->def_name = utf8(def);
    source->resolver = std::make_shared<PyResolver>(names);
    const auto type_given = [](PyObject* given, const char* as) {
      auto type = given == Py_None ? nullptr : object_type_of(given);
      if (!type && given != Py_None)
        throw TypeError(
            fmt::format("FunctionSource: expected an ObjectType as {}, got {}", as, TypeName(given).c_str()));
      return type;
    };
    source->self = type_given(self_type, "self_type");
    source->cls = type_given(cls_type, "cls_type");
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; defaults && PyDict_Next(defaults, &at, &key, &value);) {
      Value held = to_value(value);
      if (!has_foreign(held)) source->defaults.emplace_back(utf8(key), std::move(held));
    }
    return show_as<SourcePtr>(cls, std::move(source));
  });
}

PyType_Slot source_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(new_source)},
    {Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<SourcePtr>)},
    {Py_tp_doc, const_cast<char*>(
                    "FunctionSource(qualified_name, file, text, first_line, def_name, names, self_type=None, "
                    "defaults={}, cls_type=None)\n--\n\nA `def` to compile. `names` resolves the names that "
                    "it does not define.")},
    {0, nullptr}};
PyType_Spec source_spec = {"tine._C.FunctionSource", sizeof(Shown<SourcePtr>), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, source_slots};

// --- Meaning ---

PyObject* wrap(Resolved resolved) { return show_as(shown_type<Resolved>, std::move(resolved)); }

// A Meaning that has a text: an operator's name, why something is refused.
template <class Kind>
PyObject* named(PyObject*, PyObject* text) {
  return guarded([&] { return wrap(Kind{std::string(utf8(text))}); });
}

PyObject* meaning_namespace(PyObject*, PyObject*) {
  return guarded([&] { return wrap(script::Namespace{}); });
}

PyObject* meaning_builtin(PyObject*, PyObject* dotted) {
  return guarded([&] { return wrap(script::resolve_builtin(Runtime::instance().ops(), utf8(dotted))); });
}

PyObject* meaning_function(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *name = nullptr, *source = Py_None;
    int async_execution = 0;
    if (!PyArg_ParseTuple(args, "U|Op", &name, &source, &async_execution)) return nullptr;
    script::FunctionRef f{std::string(utf8(name)), nullptr, async_execution != 0};
    if (source != Py_None) f.source = function_source_of(source);
    return wrap(std::move(f));
  });
}

PyObject* meaning_property(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *get = nullptr, *set = Py_None;
    if (!PyArg_ParseTuple(args, "O!|O", shown_type<Resolved>, &get, &set)) return nullptr;
    script::Property property;
    const auto* const getter = function_in(get);
    if (!getter) return Py_NewRef(get);  // one that scripts cannot have refuses the property
    property.get = *getter;
    if (const auto* const setter = function_in(set)) property.set = *setter;
    return wrap(std::move(property));
  });
}

PyObject* meaning_overloads(PyObject*, PyObject* functions) {
  return guarded([&]() -> PyObject* {
    const PyRef list = PyRef::adopt(PySequence_Fast(functions, "overloads(): expected Meanings"));
    if (!list) return nullptr;
    script::Overloads all;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.get()); ++i) {
      PyObject* const item = PySequence_Fast_GET_ITEM(list.get(), i);
      const auto* const f = function_in(item);
      if (!f)
        throw TypeError(
            fmt::format("overloads(): expected Meanings of functions, got {}", TypeName(item).c_str()));
      all.functions.push_back(*f);
    }
    return wrap(std::move(all));
  });
}

PyObject* meaning_constant(PyObject*, PyObject* object) {
  return guarded([&] {
    Value value;
    if (!enum_to_value(object, &value)) value = to_value(object);
    if (has_foreign(value)) {
      return wrap(script::Refused{
          fmt::format("a Python {} outside of what scripts can hold (64-bit integers, UTF-8 text)",
                      TypeName(object).c_str())});
    }
    return wrap(script::Constant{std::move(value)});
  });
}

PyObject* meaning_type_name(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *object = nullptr, *defaults = nullptr;
    if (!PyArg_ParseTuple(args, "O|O!", &object, &PyDict_Type, &defaults)) return nullptr;
    if (auto known = object_type_of(object)) return wrap(script::TypeName{std::move(known)});
    script::TypeName meaning{script_type(utf8(object))};
    const NamedTupleType* const named = meaning.type->named_tuple();
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; named && defaults && PyDict_Next(defaults, &at, &key, &value);) {
      const int index = named->index_of(utf8(key));
      if (index < 0) continue;
      const TypePtr& type = named->of[static_cast<size_t>(index)];
      Value held = with_classes(to_value(value), type);
      if (held.is_int() && fits(Value(0.0), type) && !fits(held, type)) held = held.to_float();
      if (!fits(held, type)) {
        return wrap(script::Refused{
            fmt::format("the default of `{}` in the named tuple {} is {}, but the field is {}", utf8(key),
                        named->name, type_of(held)->str(), type->str())});
      }
      meaning.defaults.emplace_back(utf8(key), std::move(held));
    }
    return wrap(std::move(meaning));
  });
}

PyObject* get_source(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    const auto* const f = function_in(self);
    if (!f || !f->source) Py_RETURN_NONE;
    return show_as(shown_type<SourcePtr>, f->source);
  });
}

PyObject* get_parts(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    const auto* const property = std::get_if<script::Property>(meaning_in(self));
    if (!property) return PyTuple_New(0);
    const PyRef get = PyRef::adopt(wrap(property->get));
    if (!get) return nullptr;
    if (!property->set) return PyTuple_Pack(1, get.get());
    const PyRef set = PyRef::adopt(wrap(*property->set));
    return set ? PyTuple_Pack(2, get.get(), set.get()) : nullptr;
  });
}

PyObject* get_why(PyObject* self, void*) {
  const auto* const refused = std::get_if<script::Refused>(meaning_in(self));
  if (!refused) Py_RETURN_NONE;
  return text_of(refused->why).leak();
}

PyMethodDef meaning_methods[] = {
    {"namespace", meaning_namespace, METH_NOARGS | METH_STATIC,
     "A module: its attributes are asked for next."},
    {"builtin", meaning_builtin, METH_O | METH_STATIC,
     "The compiler's own word for it: \"torch.jit.fork\", \"typing.List\"."},
    {"operator", named<script::Operator>, METH_O | METH_STATIC, "\"aten::add\""},
    {"function", meaning_function, METH_VARARGS | METH_STATIC,
     "function(qualified_name, source=None, async_execution=False): a script function, with a FunctionSource "
     "where it may have to be compiled. The value of an async_execution function's Future answers a remote "
     "call."},
    {"property", meaning_property, METH_VARARGS | METH_STATIC,
     "property(get, set=None): an attribute that functions compute."},
    {"overloads", meaning_overloads, METH_O | METH_STATIC,
     "Several functions: a call means the first that takes its arguments."},
    {"constant", meaning_constant, METH_O | METH_STATIC, "A value that does not change."},
    {"type", meaning_type_name, METH_VARARGS | METH_STATIC,
     "type(type, defaults={}): a type's text, or an ObjectType. A named tuple may have defaults."},
    {"exception", named<script::ExceptionName>, METH_O | METH_STATIC, "\"ValueError\""},
    {"refused", named<script::Refused>, METH_O | METH_STATIC, "It exists, and a script cannot use it: why."},
    {}};
PyGetSetDef meaning_getset[] = {
    {"source", get_source, nullptr, "Of a function: its FunctionSource, or None.", nullptr},
    {"parts", get_parts, nullptr, "Of a property: the Meanings of its functions; else ().", nullptr},
    {"why", get_why, nullptr, "Of what is refused: why; else None.", nullptr},
    {}};
PyType_Slot meaning_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<Resolved>)},
    {Py_tp_methods, meaning_methods},
    {Py_tp_getset, meaning_getset},
    {Py_tp_doc, const_cast<char*>("What a name means in a script: a resolver's answer (tine/resolver.h).")},
    {0, nullptr}};
PyType_Spec meaning_spec = {"tine._C.Meaning", sizeof(Shown<Resolved>), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                            meaning_slots};

}  // namespace

std::shared_ptr<const FunctionSource> function_source_of(PyObject* object) {
  if (Py_TYPE(object) != shown_type<SourcePtr>) {
    throw TypeError(fmt::format("expected a tine._C.FunctionSource, got {}", TypeName(object).c_str()));
  }
  return shown_in<SourcePtr>(object);
}

bool init_script_resolver(PyObject* module) {
  return add_type(module, &source_spec, &shown_type<SourcePtr>) &&
         add_type(module, &meaning_spec, &shown_type<Resolved>);
}

}  // namespace tine::python

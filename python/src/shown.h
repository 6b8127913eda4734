// Python objects that show C++ handles, and their methods from C++ functions, one line each.
//
//   PyMethodDef methods[] = {
//       {"kind", as_method(method<&script::Node::kind>), kMethod, "kind($self, /)\n--\n\n..."},
//       {"i", as_method(method<[](const script::Node& n, std::string_view name) { return n.attribute(name).to_int(); }>), ...
//
// A method takes its arguments by position or by the names that its text signature gives (`kind($self, kind, recurse=True)`);
// a std::optional one may be left out. What C++ throws is raised. The caller holds the interpreter's lock.
#pragma once

#include <array>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "python/src/convert.h"
#include "python/src/script.h"
#include "tine/graph.h"

namespace tine::python {

// The Python type that shows a T: made at import, never destroyed.
template <class T>
inline PyTypeObject* shown_type = nullptr;

template <class T>
struct Shown {
  PyObject_HEAD T value;
};
template <class T>
[[nodiscard]] T& shown_in(PyObject* object) noexcept {
  return reinterpret_cast<Shown<T>*>(object)->value;
}
template <class T>
[[nodiscard]] PyObject* show_as(PyTypeObject* type, T value) {
  PyObject* const made = PyType_GenericAlloc(type, 0);
  if (!made) throw_error();
  std::construct_at(&shown_in<T>(made), std::move(value));
  return made;
}
template <class T>
void shown_dealloc(PyObject* self) {
  std::destroy_at(&shown_in<T>(self));
  free_object(self);
}

// The Python type of a tine::Type is that of its kind; graph_types.cpp.
[[nodiscard]] PyObject* show_type(TypePtr type);
[[nodiscard]] TypePtr type_in(PyObject* object);  // TypeError for what is not one

template <class T>
struct Argument_ {
  static T from(PyObject* object) {
    if (!PyObject_TypeCheck(object, shown_type<T>)) {
      throw TypeError(std::string("expected a ") + TypeName(shown_type<T>).c_str() + ", got a " +
                      TypeName(object).c_str());
    }
    return shown_in<T>(object);
  }
};
template <>
struct Argument_<std::string_view> {
  static std::string_view from(PyObject* object) {
    if (!PyUnicode_Check(object))
      throw TypeError(std::string("expected a str, got a ") + TypeName(object).c_str());
    return utf8(object);
  }
};
template <>
struct Argument_<std::string> {
  static std::string from(PyObject* object) { return std::string(Argument_<std::string_view>::from(object)); }
};
template <>
struct Argument_<bool> {
  static bool from(PyObject* object) {
    const int is = PyObject_IsTrue(object);
    if (is < 0) throw_error();
    return is == 1;
  }
};
template <>
struct Argument_<size_t> {
  static size_t from(PyObject* object) {
    const Py_ssize_t number = PyNumber_AsSsize_t(object, PyExc_IndexError);
    if (number == -1 && PyErr_Occurred()) throw_error();
    if (number < 0) throw IndexError("expected a number from 0");
    return static_cast<size_t>(number);
  }
};
template <>
struct Argument_<Value> {
  static Value from(PyObject* object) { return to_value(object); }
};
template <>
struct Argument_<TypePtr> {
  static TypePtr from(PyObject* object) { return type_in(object); }
};
template <>
struct Argument_<PyObject*> {
  static PyObject* from(PyObject* object) { return object; }
};
template <class T>
struct Argument_<std::optional<T>> {
  static std::optional<T> from(PyObject* object) { return Argument_<T>::from(object); }
};
template <class... T>
struct Argument_<std::variant<script::Def, T...>> {
  static std::variant<script::Def, T...> from(PyObject* object) {
    if (PyObject_TypeCheck(object, shown_type<script::Def>)) return shown_in<script::Def>(object);
    return to_value(object);
  }
};
template <class T>
struct Argument_<std::vector<T>> {
  static std::vector<T> from(PyObject* object) {
    const PyRef items = PyRef::adopt(PySequence_Fast(object, "expected a list or a tuple"));
    if (!items) throw_error();
    std::vector<T> out;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i)
      out.push_back(Argument_<T>::from(PySequence_Fast_GET_ITEM(items.get(), i)));
    return out;
  }
};

template <class T>
PyObject* result_of(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return PyBool_FromLong(value);
  } else if constexpr (std::is_integral_v<T>) {
    return PyLong_FromLongLong(static_cast<long long>(value));
  } else if constexpr (std::is_same_v<T, double>) {
    return PyFloat_FromDouble(value);
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return text_of(value).leak();
  } else if constexpr (std::is_same_v<T, Value>) {
    return to_python(value);
  } else if constexpr (std::is_same_v<T, TypePtr>) {
    return show_type(std::move(value));
  } else if constexpr (std::is_same_v<T, script::Function>) {
    return wrap_function(std::move(value));
  } else if constexpr (std::is_same_v<T, PyObject*>) {
    return value;
  } else {
    return show_as<T>(shown_type<T>, std::move(value));
  }
}
template <class T>
PyObject* result_of(std::optional<T> value) {
  if (!value) Py_RETURN_NONE;
  return result_of(std::move(*value));
}
template <class T>
PyObject* result_of(std::vector<T> values) {
  PyRef list = PyRef::adopt(PyList_New(static_cast<Py_ssize_t>(values.size())));
  if (!list) throw_error();
  for (size_t i = 0; i < values.size(); ++i) {
    PyObject* const item = result_of(std::move(values[i]));
    if (!item) throw_error();
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), item);
  }
  return list.leak();
}

template <class F>
struct Signature;
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const> {
  using Self = C;
  using Args = std::tuple<std::decay_t<A>...>;
  using Result = R;
};
template <class R, class C, class... A>
struct Signature<R (*)(const C&, A...)> : Signature<R (C::*)(A...) const> {};

// A member, or a function (a lambda without captures) that takes the handle first.
template <auto F>
constexpr auto callable() {
  if constexpr (std::is_class_v<decltype(F)>) {
    return +F;
  } else {
    return F;
  }
}

// The arguments by their places: those given by name follow the others in a call, in the order of `names`, which are those of
// the parameters. False with the indicator set.
bool in_places(PyObject* const* args, Py_ssize_t count, PyObject* names, const char* const* parameters,
               size_t most, size_t least, PyObject** places);

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <auto F, const char* const* kNames = nullptr>
PyObject* method(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> PyObject* {
    constexpr auto call = callable<F>();
    using S = Signature<std::remove_const_t<decltype(call)>>;
    using Args = typename S::Args;
    constexpr size_t most = std::tuple_size_v<Args>;
    return [&]<size_t... I>(std::index_sequence<I...>)->PyObject* {
      constexpr size_t least = (size_t{0} + ... + (is_optional<std::tuple_element_t<I, Args>> ? 0 : 1));
      std::array<PyObject*, most + 1> places{};
      if (!in_places(args, count, names, kNames, most, least, places.data())) return nullptr;
      const auto argument = [&]<class T>(std::type_identity<T>, PyObject* object) -> T {
        if constexpr (is_optional<T>) {
          if (!object) return std::nullopt;
        }
        return Argument_<T>::from(object);
      };
      const typename S::Self& handle = shown_in<typename S::Self>(self);
      const auto invoke = [&]() -> decltype(auto) {
        if constexpr (std::is_member_function_pointer_v<std::remove_const_t<decltype(call)>>) {
          return (handle.*call)(argument(std::type_identity<std::tuple_element_t<I, Args>>(), places[I])...);
        } else {
          return call(handle, argument(std::type_identity<std::tuple_element_t<I, Args>>(), places[I])...);
        }
      };
      if constexpr (std::is_void_v<typename S::Result>) {
        invoke();
        Py_RETURN_NONE;
      } else {
        return result_of(std::decay_t<typename S::Result>(invoke()));
      }
    }
    (std::make_index_sequence<most>());
  });
}
inline constexpr int kMethod = METH_FASTCALL | METH_KEYWORDS;

// Equal objects show one thing of one graph.
template <class T>
PyObject* shown_compare(PyObject* a, PyObject* b, int op) {
  if (!PyObject_TypeCheck(b, shown_type<T>) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong((shown_in<T>(a) == shown_in<T>(b)) == (op == Py_EQ));
}
template <class T>
Py_hash_t shown_hash(PyObject* self) {
  return static_cast<Py_hash_t>(std::hash<const void*>()(shown_in<T>(self).id()));
}

[[nodiscard]] bool init_graph_types(PyObject* module);

}  // namespace tine::python

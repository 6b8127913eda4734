#include "python/src/errors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <new>

#include "python/src/abi.h"
#include "tine/detail/error_kinds.h"

namespace tine::python {
namespace {

// Two classes for each kind: the class that tine raises, and the builtin class of Python's own exceptions of that kind. The
// first derives from the second, and from RuntimeError, because PyTorch raises that.
constinit std::array<PyObject*, kErrorKinds> classes{};
constinit std::array<PyObject*, kErrorKinds> builtins{};

std::string text_of(PyObject* exception) {
  const ErrorAside aside;
  const PyRef object = PyRef::adopt(PyObject_Str(exception));
  Py_ssize_t size = 0;
  if (object) {
    if (const char* const chars = PyUnicode_AsUTF8AndSize(object.get(), &size)) {
      return std::string(chars, static_cast<size_t>(size));
    }
    PyErr_Clear();
    // Half a surrogate pair, which no UTF-8 has, is shown as its escape.
    const PyRef bytes = PyRef::adopt(PyUnicode_AsEncodedString(object.get(), "utf-8", "backslashreplace"));
    if (bytes) {
      return std::string(PyBytes_AS_STRING(bytes.get()), static_cast<size_t>(PyBytes_GET_SIZE(bytes.get())));
    }
  }
  PyErr_Clear();
  return "<the exception's __str__ failed>";
}

// The line of a script, marked as PyTorch marks it; empty when its file is not at hand. The indicator is clear.
std::string source_line(const Hop& hop) {
  const PyRef linecache = PyRef::adopt(PyImport_ImportModule("linecache"));
  const PyRef line =
      linecache
          ? PyRef::adopt(PyObject_CallMethod(linecache.get(), "getline", "si", hop.file.c_str(), hop.line))
          : PyRef();
  const char* const chars = line && PyUnicode_Check(line.get()) ? PyUnicode_AsUTF8(line.get()) : nullptr;
  if (!chars) PyErr_Clear();
  std::string text = chars ? chars : "";
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  const size_t indent = text.find_first_not_of(" \t");
  if (indent == std::string::npos) return "";
  text.erase(0, indent);
  const auto columns = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
  return "\n    " + text + "\n    " + std::string(static_cast<size_t>(columns), '~') + " <--- HERE";
}

constinit PyObject* hop_type = nullptr;

double in_seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

PyRef decoded(const std::string& text) {
  return PyRef::adopt(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

// An attribute of a note, as text or as a time; an empty one, or -1, if it is of another type.
std::string text_in(PyObject* note, const char* name) {
  const PyRef value = PyRef::adopt(PyObject_GetAttrString(note, name));
  Py_ssize_t size = 0;
  const char* const chars =
      value && PyUnicode_Check(value.get()) ? PyUnicode_AsUTF8AndSize(value.get(), &size) : nullptr;
  if (!chars) PyErr_Clear();
  return chars ? std::string(chars, static_cast<size_t>(size)) : std::string();
}
std::chrono::microseconds time_in(PyObject* note, const char* name) {
  const PyRef value = PyRef::adopt(PyObject_GetAttrString(note, name));
  const double seconds = value ? PyFloat_AsDouble(value.get()) : -1;
  if (PyErr_Occurred()) PyErr_Clear();
  constexpr double kCentury = 3e9;
  if (!(seconds >= 0 && seconds < kCentury)) return std::chrono::microseconds(-1);
  return std::chrono::round<std::chrono::microseconds>(std::chrono::duration<double>(seconds));
}

}  // namespace

PyObject* set_hop(PyObject*, PyObject* type) {
  Py_XDECREF(std::exchange(hop_type, Py_NewRef(type)));
  Py_RETURN_NONE;
}

PyObject* note_of(const Hop& hop) {
  std::string text = tine::detail::text_of(hop);
  if (hop.kind == Hop::Kind::kScript && !hop.file.empty() && hop.line > 0) text += source_line(hop);
  PyRef line = decoded(text);
  if (!line || hop.kind != Hop::Kind::kWorker || !hop_type) return line.leak();
  const PyRef worker = decoded(hop.what), call = decoded(hop.call);
  if (!worker || !call) return nullptr;
  return PyObject_CallFunction(hop_type, "OOOdd", line.get(), worker.get(), call.get(), in_seconds(hop.began),
                               in_seconds(hop.took));
}

std::vector<Hop> calls_in_notes(PyObject* exception) {
  std::vector<Hop> calls;
  const ErrorAside aside;
  const PyRef notes = PyRef::adopt(PyObject_GetAttrString(exception, "__notes__"));
  if (notes && PyList_Check(notes.get()) && hop_type) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(notes.get()); ++i) {
      const PyRef note = PyRef::share(PyList_GET_ITEM(notes.get(), i));
      if (reinterpret_cast<PyObject*>(Py_TYPE(note.get())) != hop_type) continue;
      Hop hop{Hop::Kind::kWorker, text_in(note.get(), "worker"), "", 0, text_in(note.get(), "call")};
      hop.began = time_in(note.get(), "began");
      hop.took = time_in(note.get(), "took");
      calls.push_back(std::move(hop));
    }
  }
  PyErr_Clear();
  return calls;
}

void add_notes(PyObject* exception, const std::vector<Hop>& trail) {
  if (trail.empty()) return;
  const ErrorAside aside;
  for (const Hop& hop : trail) {
    const PyRef line = PyRef::adopt(note_of(hop));
    if (!line) break;
    const PyRef notes = PyRef::adopt(PyObject_GetAttrString(exception, "__notes__"));
    if (!notes) PyErr_Clear();
    const int known = notes ? PySequence_Contains(notes.get(), line.get()) : 0;
    if (known < 0) PyErr_Clear();
    if (known == 1) continue;
    const PyRef none = PyRef::adopt(PyObject_CallMethod(exception, "add_note", "O", line.get()));
    if (!none) break;
  }
  PyErr_Clear();
}

namespace {

PyObject* new_exception(PyObject* type, const char* message, size_t size) {
  const PyRef text = PyRef::adopt(PyUnicode_DecodeUTF8(message, static_cast<Py_ssize_t>(size), "replace"));
  return text ? PyObject_CallOneArg(type, text.get()) : nullptr;
}

PyObject* from_error(const Error& error) {
  PyObject* const exception =
      new_exception(class_of(error.kind()), error.message().data(), error.message().size());
  if (!exception) return nullptr;
  if (error.cause()) {
    PyObject* const cause = to_exception(error.cause());
    if (cause) {
      PyException_SetCause(exception, cause);  // steals
    } else {
      PyErr_Clear();
    }
  }
  add_notes(exception, error.trail());
  return exception;
}

}  // namespace

std::exception_ptr to_exception_ptr(PyObject* exception) {
  return std::make_exception_ptr(PyError(tine::detail::make_ref<PyForeign>(Py_NewRef(exception)),
                                         kind_of(exception), text_of(exception)));
}

PyRef raised_error() noexcept {
#if PY_VERSION_HEX < 0x030C0000
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback) PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return PyRef::adopt(value);
#else
  return PyRef::adopt(PyErr_GetRaisedException());
#endif
}

std::exception_ptr take_error() { return to_exception_ptr(raised_error().get()); }

void throw_error() { std::rethrow_exception(take_error()); }

const PyError* as_py_error(const std::exception_ptr& error) noexcept { return abi::thrown<PyError>(error); }

std::exception_ptr for_another_owner(const std::exception_ptr& error) noexcept {
  const PyError* const e = as_py_error(error);
  if (!e || !holds_gil()) return error;
  try {
    return e->for_another_owner();
  } catch (const std::bad_alloc&) {
    return error;
  }
}

PyObject* solely_owned_object(const std::exception_ptr& error) noexcept {
  const PyError* const e = as_py_error(error);
  if (!e || !e->sole_owner() || abi::owners_of(error) != 1) return nullptr;
  return e->object();
}

namespace {
using ErrorConversion = PyObject* (*)(const std::exception_ptr&);
constinit ErrorConversion converted_elsewhere = nullptr;
}  // namespace

void set_error_conversion(ErrorConversion convert) { converted_elsewhere = convert; }

PyObject* to_exception(const std::exception_ptr& error) {
  if (const PyError* const e = as_py_error(error)) {
    add_notes(e->object(), e->trail());
    return Py_NewRef(e->object());
  }
  if (converted_elsewhere) {
    PyObject* const exception = converted_elsewhere(error);
    if (exception || PyErr_Occurred()) return exception;
  }
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return from_error(e);
  } catch (const std::bad_alloc&) {
    return PyObject_CallNoArgs(PyExc_MemoryError);
  } catch (const std::exception& e) {
    return new_exception(PyExc_RuntimeError, e.what(), std::strlen(e.what()));
  } catch (...) {
    constexpr std::string_view kUnknown = "C++ exception of a type that is not derived from std::exception";
    return new_exception(PyExc_RuntimeError, kUnknown.data(), kUnknown.size());
  }
}

void raise_object(PyObject* exception) {
  PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(exception))), Py_NewRef(exception),
                PyException_GetTraceback(exception));
}

void raise(const std::exception_ptr& error) {
  const PyRef exception = PyRef::adopt(to_exception(error));
  if (exception) raise_object(exception.get());
}

PyObject* class_of(ErrorKind kind) noexcept { return classes[static_cast<size_t>(kind)]; }

ErrorKind kind_of(PyObject* exception) noexcept {
  const auto is = [exception](PyObject* type) {
    return PyType_IsSubtype(Py_TYPE(exception), reinterpret_cast<PyTypeObject*>(type)) != 0;
  };
  // tine's own classes come first, because they derive from builtin ones too. All other exceptions are RuntimeErrors.
  for (int k = static_cast<int>(ErrorKind::kShape); k < kErrorKinds; ++k) {
    if (is(classes[static_cast<size_t>(k)])) return static_cast<ErrorKind>(k);
  }
  if (PyErr_GivenExceptionMatches(exception, PyExc_SyntaxError)) return ErrorKind::kSyntax;
  for (size_t k = 0; k < builtins.size(); ++k) {
    if (builtins[k] && is(builtins[k])) return static_cast<ErrorKind>(k);
  }
  return ErrorKind::kRuntime;
}

namespace {

// An exception class of the module; it lives as long as the process.
PyObject* add_class(PyObject* module, const char* name, const PyRef& bases, const char* doc) {
  if (!bases) return nullptr;
  PyObject* const type =
      PyErr_NewExceptionWithDoc((std::string("tine.") + name).c_str(), doc, bases.get(), nullptr);
  return type && PyModule_AddObjectRef(module, name, type) == 0 ? type : nullptr;
}

struct KindRow {
  const char* name;
  const char* base;
  const char* doc;
};
#define TINE_ROW(kind, name, base, doc) KindRow{name, base, doc},
constexpr KindRow kKinds[] = {TINE_ERROR_KINDS(TINE_ROW)};
#undef TINE_ROW

}  // namespace

bool init_errors(PyObject* module) {
  PyObject* const runtime = PyExc_RuntimeError;
  for (size_t k = 0; k < std::size(kKinds); ++k) {
    const auto [name, base, doc] = kKinds[k];
    PyObject* builtin = nullptr;
    if (*base) {
      const PyRef all = PyRef::adopt(PyImport_ImportModule("builtins"));
      builtin = all ? PyObject_GetAttrString(all.get(), base) : nullptr;  // lives as long as the process
      if (!builtin) return false;
    }
    const bool pythons = std::string_view(name) == base && !*doc;
    if (pythons && builtin != runtime) builtins[k] = builtin;
    if (pythons && PyObject_IsSubclass(builtin, runtime) == 1) {
      classes[k] = builtin;
      continue;
    }
    // SyntaxError comes first: its own __init__ takes the message.
    const PyRef bases = PyRef::adopt(!builtin                       ? PyTuple_Pack(1, runtime)
                                     : builtin == PyExc_SyntaxError ? PyTuple_Pack(2, builtin, runtime)
                                                                    : PyTuple_Pack(2, runtime, builtin));
    classes[k] = add_class(module, name, bases,
                           pythons ? "Python's exception of that name, raised by tine itself: also a "
                                     "RuntimeError, which PyTorch raises there."
                                   : doc);
    if (!classes[k]) return false;
  }
  return true;
}

}  // namespace tine::python

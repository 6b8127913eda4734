#include "python/src/errors.h"

#include <pybind11/pybind11.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <typeinfo>

namespace tine::python {
namespace {

constinit std::array<PyObject*, kErrorKinds> classes{};
// Where libstdc++ keeps the count of an exception_ptr, seen from the exception; 0 when it isn't there.
constinit std::ptrdiff_t count_offset = 0;

const void* address_in(const std::exception_ptr& error) noexcept {
  static_assert(sizeof(std::exception_ptr) == sizeof(void*));
  const void* address;
  std::memcpy(&address, &error, sizeof address);
  return address;
}

uint32_t count_at(const std::exception_ptr& error, std::ptrdiff_t offset) noexcept {
  auto* const count =
      reinterpret_cast<uint32_t*>(static_cast<char*>(const_cast<void*>(address_in(error))) - offset);
  return std::atomic_ref<uint32_t>(*count).load(std::memory_order_acquire);
}

// exception_ptr does not tell how many share it, and without that the collector cannot see cycles through
// a stored exception's traceback. The place is libstdc++'s ABI; it is believed only if it counts.
void find_count() {
  constexpr std::ptrdiff_t kAbi = 128;
  const auto first = std::make_exception_ptr(PyError({}, ErrorKind::kRuntime, ""));
  const uint32_t one = count_at(first, kAbi);
  const auto second = first;
  const uint32_t two = count_at(first, kAbi);
  const auto third = second;
  const uint32_t three = count_at(first, kAbi);
  if (one == 1 && two == 2 && three == 3) count_offset = kAbi;
}

std::string text_of(PyObject* exception) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  std::string text;
  const PyRef object = PyRef::adopt(PyObject_Str(exception));
  Py_ssize_t size = 0;
  const char* const chars = object ? PyUnicode_AsUTF8AndSize(object.get(), &size) : nullptr;
  if (chars) {
    text.assign(chars, static_cast<size_t>(size));
  } else {
    PyErr_Clear();
    text = "<the exception's __str__ failed>";
  }
  PyErr_Restore(type, value, traceback);
  return text;
}

std::string line_of(const Hop& hop) {
  std::string line;
  switch (hop.kind) {
    case Hop::Kind::kScript: line = "in script "; break;
    case Hop::Kind::kFork: line = "forked from "; break;
    case Hop::Kind::kWorker: line = "on worker "; break;
    case Hop::Kind::kNote: break;
  }
  line += hop.what;
  if (!hop.file.empty()) line += " (" + hop.file + ":" + std::to_string(hop.line) + ")";
  return line;
}

// Best effort: an exception without room for notes is still raised.
void add_notes(PyObject* exception, const std::vector<Hop>& trail) {
  if (trail.empty()) return;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  for (const Hop& hop : trail) {
    const std::string text = line_of(hop);
    const PyRef line =
        PyRef::adopt(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
    if (!line) break;
    const PyRef notes = PyRef::adopt(PyObject_GetAttrString(exception, "__notes__"));
    if (!notes) PyErr_Clear();
    if (notes && PySequence_Contains(notes.get(), line.get()) == 1) continue;
    const PyRef none = PyRef::adopt(PyObject_CallMethod(exception, "add_note", "O", line.get()));
    if (!none) break;
  }
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

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

struct NewClass {
  ErrorKind kind;
  const char* name;
  PyObject* second_base;  // besides RuntimeError
  const char* doc;
};

}  // namespace

std::exception_ptr to_exception_ptr(PyObject* exception) {
  return std::make_exception_ptr(PyError(tine::detail::make_ref<PyForeign>(Py_NewRef(exception)),
                                         kind_of(exception), text_of(exception)));
}

std::exception_ptr take_error() {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback) PyException_SetTraceback(value, traceback);
  const PyRef owned[] = {PyRef::adopt(type), PyRef::adopt(value), PyRef::adopt(traceback)};
  return to_exception_ptr(value);
}

void throw_error() { std::rethrow_exception(take_error()); }

const PyError* as_py_error(const std::exception_ptr& error) noexcept {
  if (!error) return nullptr;
#if defined(__GLIBCXX__)
  if (*error.__cxa_exception_type() != typeid(PyError)) return nullptr;
  return static_cast<const PyError*>(address_in(error));
#else
  try {
    std::rethrow_exception(error);
  } catch (const PyError& e) {
    return &e;
  } catch (...) {
    return nullptr;
  }
#endif
}

PyObject* solely_owned_object(const std::exception_ptr& error) noexcept {
  const PyError* const e = as_py_error(error);
  if (!e || !count_offset || !e->sole_owner() || count_at(error, count_offset) != 1) return nullptr;
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
  } catch (pybind11::error_already_set& e) {
    return Py_NewRef(e.value().ptr());
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
  const auto is = [exception](ErrorKind kind) {
    return PyType_IsSubtype(Py_TYPE(exception), reinterpret_cast<PyTypeObject*>(class_of(kind))) != 0;
  };
  // tine's own first: they derive from builtin ones too. RuntimeError is what is left.
  for (int k = static_cast<int>(ErrorKind::kShape); k < kErrorKinds; ++k) {
    if (is(static_cast<ErrorKind>(k))) return static_cast<ErrorKind>(k);
  }
  if (PyErr_GivenExceptionMatches(exception, PyExc_SyntaxError)) return ErrorKind::kSyntax;
  for (int k = static_cast<int>(ErrorKind::kType); k < static_cast<int>(ErrorKind::kShape); ++k) {
    if (is(static_cast<ErrorKind>(k))) return static_cast<ErrorKind>(k);
  }
  return ErrorKind::kRuntime;
}

bool init_errors(PyObject* module) {
  const auto set = [](ErrorKind kind, PyObject* type) { classes[static_cast<size_t>(kind)] = type; };
  set(ErrorKind::kRuntime, PyExc_RuntimeError);
  set(ErrorKind::kType, PyExc_TypeError);
  set(ErrorKind::kValue, PyExc_ValueError);
  set(ErrorKind::kIndex, PyExc_IndexError);
  set(ErrorKind::kKey, PyExc_KeyError);
  set(ErrorKind::kAttribute, PyExc_AttributeError);
  set(ErrorKind::kName, PyExc_NameError);
  set(ErrorKind::kAssertion, PyExc_AssertionError);
  set(ErrorKind::kZeroDivision, PyExc_ZeroDivisionError);
  set(ErrorKind::kOverflow, PyExc_OverflowError);
  set(ErrorKind::kMemory, PyExc_MemoryError);
  set(ErrorKind::kNotImplemented, PyExc_NotImplementedError);
  set(ErrorKind::kSystem, PyExc_OSError);
  const NewClass fresh[] = {
      {ErrorKind::kShape, "ShapeError", PyExc_ValueError,
       "Sizes that do not go together; names all of them."},
      {ErrorKind::kSyntax, "SyntaxError", PyExc_SyntaxError,
       "A script or an IR text that cannot be compiled: file, line, the source line with a marker."},
      {ErrorKind::kCancelled, "Cancelled", nullptr, "The future was cancelled before it had a result."},
      {ErrorKind::kDeadlineExceeded, "DeadlineExceeded", PyExc_TimeoutError,
       "A future's deadline passed before it had a result."},
      {ErrorKind::kAbandoned, "Abandoned", nullptr,
       "Nobody is left who could complete the future: its producer was dropped."},
      {ErrorKind::kPeerDied, "PeerDied", PyExc_ConnectionError,
       "The worker that was to answer is gone; names it and says why."},
      {ErrorKind::kRemote, "RemoteError", nullptr,
       "A remote error whose type is unknown on this side; the message names it."},
      {ErrorKind::kAuth, "AuthError", PyExc_PermissionError,
       "The other side did not prove that it knows the secret."},
  };
  for (const NewClass& c : fresh) {
    // SyntaxError comes first: its own __init__ takes the message.
    PyObject* const first = c.kind == ErrorKind::kSyntax ? PyExc_SyntaxError : PyExc_RuntimeError;
    PyObject* const second = c.kind == ErrorKind::kSyntax ? PyExc_RuntimeError : c.second_base;
    const PyRef bases = PyRef::adopt(second ? PyTuple_Pack(2, first, second) : PyTuple_Pack(1, first));
    if (!bases) return false;
    const std::string qualified = std::string("tine.") + c.name;
    PyObject* const type = PyErr_NewExceptionWithDoc(qualified.c_str(), c.doc, bases.get(), nullptr);
    if (!type || PyModule_AddObjectRef(module, c.name, type) < 0) return false;
    set(c.kind, type);
  }
  find_count();
  return true;
}

}  // namespace tine::python

// Errors across the border: tine's kinds of errors as Python classes (docs/differences.md lists them), and Python's
// exceptions as C++ exceptions.
//
// A PyError holds the exception object itself, and may be copied, thrown and dropped on any thread. Everything else needs
// the interpreter's lock. raise() and its variants leave the interpreter's error indicator set. Hops become notes in the
// order of the trail, and each hop becomes one note however often the error is raised. Raising a PyError again costs no
// C++ throw.
#pragma once

#include <tine/error.h>

#include <exception>
#include <string>
#include <utility>

#include "python/src/foreign.h"

namespace tine::python {

// A Python exception on its way through C++: same object, traceback kept.
class PyError final : public Error {
 public:
  PyError(tine::detail::Ref<PyForeign> object, ErrorKind kind, std::string message)
      : Error(std::move(message), kind), object_(std::move(object)) {}
  [[nodiscard]] PyObject* object() const noexcept { return object_->object(); }
  [[nodiscard]] bool sole_owner() const noexcept { return object_->sole_owner(); }
  [[nodiscard]] std::exception_ptr to_exception_ptr() const override {
    return std::make_exception_ptr(*this);
  }
  // With a reference to the object of its own; the lock is held.
  [[nodiscard]] std::exception_ptr for_another_owner() const {
    PyError copy = *this;
    copy.object_ = tine::detail::make_ref<PyForeign>(Py_NewRef(object()));
    return copy.to_exception_ptr();
  }

 private:
  tine::detail::Ref<PyForeign> object_;
};

// Wraps an exception instance (a new reference is taken).
[[nodiscard]] std::exception_ptr to_exception_ptr(PyObject* exception);
// Takes the error out of the indicator, which must be set.
[[nodiscard]] PyRef raised_error() noexcept;
// The same, moved into C++.
[[nodiscard]] std::exception_ptr take_error();
// The same, thrown as PyError.
[[noreturn]] void throw_error();
// The PyError in the pointer, null when it is something else; throws nothing and rethrows nothing.
[[nodiscard]] const PyError* as_py_error(const std::exception_ptr& error) noexcept;
// The error for a second owner; see the same of a Value.
[[nodiscard]] std::exception_ptr for_another_owner(const std::exception_ptr& error) noexcept;
// The object of a PyError of which this pointer is the only owner, null otherwise: what a garbage
// collector may count as reachable from here alone.
[[nodiscard]] PyObject* solely_owned_object(const std::exception_ptr& error) noexcept;

// The Python exception for it: the very object of a PyError, a new one of the mapped class otherwise, its
// trail as notes, its cause as __cause__. New reference; null and the indicator set when memory ran out.
[[nodiscard]] PyObject* to_exception(const std::exception_ptr& error);
// A note for each hop that the exception has no such note of. Best effort: an exception without room for notes is still
// raised. The indicator stays as it is.
void add_notes(PyObject* exception, const std::vector<Hop>& trail);
// The note of a call, a str that knows the call as well: the class of python/tine/_trail.py.
[[nodiscard]] PyObject* set_hop(PyObject* module, PyObject* type);
// New reference; null with the indicator set.
[[nodiscard]] PyObject* note_of(const Hop& hop);
// The calls that the exception came through, as its notes say them: the inverse of add_notes().
[[nodiscard]] std::vector<Hop> calls_in_notes(PyObject* exception);
// For a binding with an error class of its own: to_exception() asks it first about errors that are not PyErrors. It
// returns a new reference; null with the indicator set for a failure; null without it for an error of another class.
void set_error_conversion(PyObject* (*convert)(const std::exception_ptr& error));
// Sets the error indicator. The traceback grows from where it was.
void raise(const std::exception_ptr& error);
void raise_object(PyObject* exception);

// Runs f, which returns a PyObject* (or int); what it throws becomes the indicator and null (-1).
template <class F>
[[nodiscard]] auto guarded(F&& f) -> decltype(f()) {
  using R = decltype(f());
  try {
    return f();
  } catch (const std::exception&) {  // not (...): a thread that is being ended unwinds through here
    raise(std::current_exception());
  }
  if constexpr (std::is_pointer_v<R>) {
    return nullptr;
  } else {
    return R(-1);
  }
}

// The class a kind maps to, borrowed.
[[nodiscard]] PyObject* class_of(ErrorKind kind) noexcept;
[[nodiscard]] ErrorKind kind_of(PyObject* exception) noexcept;
// Makes tine's classes and puts them into the module. False with the indicator set.
[[nodiscard]] bool init_errors(PyObject* module);

}  // namespace tine::python

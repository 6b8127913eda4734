#include <tine/unobserved.h>

#include <new>
#include <string>

#include "python/src/future.h"
#include "tine/log.h"

// Errors that nobody looked at. A future may go on any thread, so its report may have to wait for one that has the
// interpreter's lock.

namespace tine::python {
namespace {

constinit PyObject* current_hook = nullptr;

// What a report says without the interpreter, in one line.
std::string first_line(std::string text) {
  const size_t end = text.find('\n');
  if (end != std::string::npos) text.resize(end);
  return text;
}
std::string place_text(const std::exception_ptr& error, const std::source_location& where) {
  const tine::detail::MadeAt made = tine::detail::made_at(error, where);
  if (made.line == 0) return "a Future";
  return "the Future made at " + made.file + ":" + std::to_string(made.line);
}

// True when the hook took it.
bool tell_hook(PyObject* exception) {
  if (!current_hook) return false;
  const PyRef hook = PyRef::share(current_hook);
  if (PyRef::adopt(call_one(hook.get(), exception))) return true;
  PyErr_WriteUnraisable(hook.get());  // and the error itself is not lost to a broken hook
  return false;
}

bool matters(const std::exception_ptr& error) noexcept {
  const PyError* const e = as_py_error(error);
  if (e && e->kind() == ErrorKind::kCancelled) return false;
  if (!gate_closed()) return true;
  // Futures that are pending at the interpreter's end are abandoned. That is expected and not reported.
  try {
    std::rethrow_exception(error);
  } catch (const Error& what) {
    return what.kind() != ErrorKind::kAbandoned;
  } catch (...) {
    return true;
  }
}

// Many errors of the same text become one line. The line goes through the log, because the calling thread may be any thread
// of the program and must not wait for stderr.
void log_report(const std::string& place, const std::string& what) {
  log_once_for_all("tine: nobody looked at the error of " + place + ": " + what, what);
}

// Without the interpreter.
void log_report(const std::exception_ptr& error, const std::source_location& where) {
  const PyError* const e = as_py_error(error);
  log_report(place_text(error, where),
             e ? std::string(TypeName(e->object()).c_str()) + ": " + first_line(e->message())
               : first_line(describe(error)));
}

// The lock is held.
void report(const std::exception_ptr& error, const std::source_location& where) noexcept try {
  const ErrorAside aside;
  const PyRef exception = PyRef::adopt(to_exception(error));
  if (!exception) {
    PyErr_Clear();
    return log_report(error, where);
  }
  if (current_hook) {
    const PyRef note = text_of(place_text(error, where) + " was dropped and nobody looked at this error");
    if (!note || !PyRef::adopt(PyObject_CallMethod(exception.get(), "add_note", "O", note.get())))
      PyErr_Clear();
    if (tell_hook(exception.get())) return;
  }
  const PyRef text = PyRef::adopt(PyObject_Str(exception.get()));
  const char* const chars = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  if (!chars) PyErr_Clear();
  const std::string line = first_line(chars ? chars : "<the exception's __str__ failed>");
  log_report(place_text(error, where),
             std::string(TypeName(exception.get()).c_str()) + (line.empty() ? line : ": " + line));
} catch (const std::exception&) {
  // Out of memory: there is nothing to report it with.
}

struct Pending final : detail::Orphan {
  Pending(const std::exception_ptr& e, const std::source_location& w)
      : Orphan{nullptr, nullptr, &run_it}, error(e), where(w) {}
  static void run_it(Orphan* orphan) {
    auto* const self = static_cast<Pending*>(orphan);
    report(self->error, self->where);
    delete self;
  }
  std::exception_ptr error;
  std::source_location where;
};

void on_unobserved(const std::exception_ptr& error, const std::source_location& where) noexcept try {
  if (!matters(error)) return;
  if (holds_gil()) {
    report(error, where);
  } else if (Py_IsInitialized()) {
    detail::push_orphan(new Pending(error, where));
  } else {
    log_report(error, where);  // the interpreter is going: its objects are not called any more
  }
} catch (const std::exception&) {
  // Out of memory: there is nothing to report it with.
}

}  // namespace

void report_unraisable(PyObject* context) {
  const PyRef error = raised_error();
  if (tell_hook(error.get())) return;
  raise_object(error.get());
  PyErr_WriteUnraisable(context);
}

PyObject* swap_unobserved_hook(PyObject* hook) {
  PyObject* const before = std::exchange(current_hook, hook == Py_None ? nullptr : Py_NewRef(hook));
  return before ? before : Py_NewRef(Py_None);
}

void init_unobserved() { (void)set_unobserved_error_hook(&on_unobserved); }

}  // namespace tine::python

// The Context of Python code (include/tine/context.h). Python keeps it in a context variable, so it follows what those follow:
// each task of asyncio has its own, a thread starts without one, and contextvars.copy_context() copies it. C++ keeps it in the
// thread, so the functions that Python calls put it in force there (PythonsContext), and Python code that C++ calls later runs
// in the one that was carried (CarriedContext).
//
// A handler's Context is that of its call. Most handlers neither call nor ask, so it is made when it is first needed.
//
// Everything here needs the interpreter's lock. While the process has neither set a Context nor served a call, each costs one
// load.
#pragma once

#include <tine/context.h>
#include <tine/foreign.h>

#include <optional>

#include "python/src/foreign.h"
#include "python/src/gil.h"

namespace tine::python {

class ServedCall;

namespace detail {
struct ContextUse {
  bool set = false;     // a context variable may hold one
  bool served = false;  // a handler has run
  [[nodiscard]] bool any() const noexcept { return set || served; }
};
extern ContextUse context_use;
bool join_context_here(tine::detail::StateBase& state);
[[nodiscard]] PyObject* context_object_here();
}  // namespace detail

// The Context in which this thread's Python code runs; empty for none. Throws std::bad_alloc.
[[nodiscard]] Context context_here();
// What such an object shows.
[[nodiscard]] const Context& context_in(PyObject* object) noexcept;
// The object that shows it, to be carried to a callback; new reference, null for none. Throws std::bad_alloc.
[[nodiscard]] inline PyObject* context_to_carry() {
  return detail::context_use.any() ? detail::context_object_here() : nullptr;
}
// A pending state that Python code makes ends with the Context in which it is made. False if there is none.
inline bool join_here(tine::detail::StateBase& state) {
  return detail::context_use.any() && detail::join_context_here(state);
}

// In its scope C++ code of this thread runs in context_here().
class PythonsContext {
 public:
  PythonsContext() {
    if (detail::context_use.any()) [[unlikely]]
      enter();
  }
  PythonsContext(const PythonsContext&) = delete;
  PythonsContext& operator=(const PythonsContext&) = delete;
  // The object that shows it, null for none.
  [[nodiscard]] PyObject* object() const noexcept { return object_.get(); }

 private:
  void enter();
  PyRef object_;
  std::optional<tine::detail::ContextSwap> swap_;
};

// In its scope Python code of this thread runs in the Context that `context` shows, in none if it is null.
class CarriedContext {
 public:
  explicit CarriedContext(PyObject* context) noexcept {
    if (detail::context_use.any()) [[unlikely]]
      enter(context);
  }
  ~CarriedContext() {
    if (entered_) [[unlikely]]
      leave();
  }
  CarriedContext(const CarriedContext&) = delete;
  CarriedContext& operator=(const CarriedContext&) = delete;

 private:
  void enter(PyObject* context) noexcept;
  void leave() noexcept;
  bool entered_ = false;
  ServedCall* before_ = nullptr;
  PyRef token_;
};

// In its scope this thread runs the handler of that call.
class ServedCall {
 public:
  explicit ServedCall(const rpc::IncomingCall& call) noexcept;
  ~ServedCall();
  ServedCall(const ServedCall&) = delete;
  ServedCall& operator=(const ServedCall&) = delete;
  // Borrowed. Throws std::bad_alloc.
  [[nodiscard]] PyObject* context();
  // In the child of a fork(2) that the handler has made.
  [[nodiscard]] bool of_parent() const noexcept { return generation_ != tine::detail::forks_so_far(); }

 private:
  const rpc::IncomingCall& call_;
  const CarriedContext nothing_carried_;
  const int generation_ = tine::detail::forks_so_far();
  PyRef context_;
};

// Where a generator runs that serves a stream, from the call of its function to its close: a contextvars.Context of its own, so
// that what is set in it, such as a deadline around a `yield`, is in force there alone and whenever it goes on. Its Context is
// that of the call, and stops with the stream, too.
class GeneratorContext {
 public:
  // In the handler of that call. Throws PyError.
  explicit GeneratorContext(const rpc::IncomingCall& call);
  // The result of function(*args, **kwargs); empty with the indicator set.
  [[nodiscard]] PyRef call(PyObject* function, PyObject* args, PyObject* kwargs) const;
  template <class... Args>
  [[nodiscard]] PyRef run(PyObject* function, Args*... args) const {
    return PyRef::adopt(PyObject_CallMethodObjArgs(variables(), name_of_run(), function, args..., nullptr));
  }
  [[nodiscard]] PyObject* variables() const noexcept { return variables_->object(); }
  void stop() const noexcept { stop_.cancel(); }

 private:
  [[nodiscard]] static PyObject* name_of_run();
  const tine::detail::Ref<PyForeign> variables_;
  const CancelSource stop_;
};

[[nodiscard]] bool init_context(PyObject* module);

}  // namespace tine::python

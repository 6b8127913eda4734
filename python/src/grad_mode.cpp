#include "python/src/grad_mode.h"

#include <iterator>

namespace tine::python {
namespace {

// Each is of torch._C.
struct Functions {
  PyObject* is_grad_enabled;
  PyObject* is_inference_mode_enabled;
  PyObject* set_grad_enabled;
  PyObject* inference_mode;
};
constinit Functions functions{};
constinit PyObject* torch_name = nullptr;
constinit PyObject* own_module = nullptr;

// False until the program has imported PyTorch. The module named torch may be tine itself.
bool find_functions() noexcept {
  if (functions.is_grad_enabled) [[likely]]
    return true;
  PyObject* const modules = PyImport_GetModuleDict();
  PyObject* const torch =
      modules && PyDict_CheckExact(modules) ? PyDict_GetItemWithError(modules, torch_name) : nullptr;
  if (!torch) [[likely]]
    return false;
  if (torch == own_module) return false;
  static constexpr const char* kNames[] = {"is_grad_enabled", "is_inference_mode_enabled",
                                           "_set_grad_enabled", "_InferenceMode"};
  const PyRef keep = PyRef::share(torch);
  PyRef found[std::size(kNames)];
  for (size_t i = 0; i < std::size(kNames); ++i) {
    found[i] = PyRef::adopt(PyObject_GetAttrString(torch, kNames[i]));
    if (!found[i]) {  // it is being imported now, or does not know such modes
      PyErr_Clear();
      return false;
    }
  }
  functions = {found[0].leak(), found[1].leak(), found[2].leak(), found[3].leak()};
  return true;
}

bool is_on(PyObject* function) noexcept {
  const PyRef on = PyRef::adopt(PyObject_CallNoArgs(function));
  if (!on) PyErr_Clear();
  return on.get() == Py_True;
}

void set_grad(bool on) noexcept {
  if (!PyRef::adopt(PyObject_CallOneArg(functions.set_grad_enabled, on ? Py_True : Py_False))) PyErr_Clear();
}

// PyTorch's, entered.
PyRef inference_guard(bool on) noexcept {
  PyRef guard = PyRef::adopt(PyObject_CallOneArg(functions.inference_mode, on ? Py_True : Py_False));
  if (!guard || !PyRef::adopt(PyObject_CallMethod(guard.get(), "__enter__", nullptr))) PyErr_Clear();
  return guard;
}

}  // namespace

GradMode GradMode::here() noexcept {
  GradMode mode;
  if (!find_functions()) [[likely]]
    return mode;
  mode.bits_ = kKnown;
  if (is_on(functions.is_grad_enabled)) mode.bits_ |= kGrad;
  if (is_on(functions.is_inference_mode_enabled)) mode.bits_ |= kInference;
  return mode;
}

void GradModeScope::enter(GradMode mode) noexcept {
  before_ = GradMode::here();
  if (mode == before_) return;
  GradMode now = before_;
  if (mode.inference() != before_.inference()) {
    inference_ = inference_guard(mode.inference());
    now = GradMode::here();  // it switches gradients as well
  }
  if (mode.grad() != now.grad()) set_grad(mode.grad());
}

void GradModeScope::leave() noexcept {
  const ErrorAside aside;
  if (inference_ &&
      !PyRef::adopt(PyObject_CallMethod(inference_.get(), "__exit__", "OOO", Py_None, Py_None, Py_None))) {
    PyErr_Clear();
  }
  GradMode now = GradMode::here();
  if (now.inference() != before_.inference()) {
    // The code in between has changed the mode, and its guard is elsewhere. This guard is leaked.
    (void)inference_guard(before_.inference()).leak();
    now = GradMode::here();
  }
  if (now.grad() != before_.grad()) set_grad(before_.grad());
}

bool init_grad_mode(PyObject* module) {
  own_module = module;
  torch_name = PyUnicode_InternFromString("torch._C");
  return torch_name != nullptr;
}

}  // namespace tine::python

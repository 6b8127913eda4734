// GradMode: whether PyTorch records gradients on this thread, carried to another one that runs code for it.
//
// State      Two of PyTorch's thread-local switches: gradients on or off, inference mode on or off.
// Threads    The caller holds the lock.
// Ordering   A scope ends on the thread where it began, in reverse order of others.
// Ownership  PyTorch's four functions, from when they were first seen, for good.
// Errors     None: a PyTorch that lacks one of the functions has nothing to carry.
// Cost       Without PyTorch one look into sys.modules; with it two calls into C, 80 ns. PyTorch is never imported here.
// Source     at::ThreadLocalState, which at::launch carries.
#pragma once

#include "python/src/gil.h"

namespace tine::python {

class GradMode {
 public:
  constexpr GradMode() noexcept = default;  // nothing to carry
  [[nodiscard]] static GradMode here() noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return bits_ != 0; }
  [[nodiscard]] bool operator==(const GradMode&) const noexcept = default;
  [[nodiscard]] bool grad() const noexcept { return (bits_ & kGrad) != 0; }
  [[nodiscard]] bool inference() const noexcept { return (bits_ & kInference) != 0; }

 private:
  static constexpr unsigned char kKnown = 1;
  static constexpr unsigned char kGrad = 2;
  static constexpr unsigned char kInference = 4;
  unsigned char bits_ = 0;
};

// The mode is in force on this thread for the scope; behind it the earlier one is, whatever the code between did.
class GradModeScope {
 public:
  explicit GradModeScope(GradMode mode) noexcept {
    if (mode) [[unlikely]]
      enter(mode);
  }
  ~GradModeScope() {
    if (before_) [[unlikely]]
      leave();
  }
  GradModeScope(const GradModeScope&) = delete;
  GradModeScope& operator=(const GradModeScope&) = delete;

 private:
  void enter(GradMode mode) noexcept;
  void leave() noexcept;
  GradMode before_;
  PyRef inference_;  // PyTorch's guard while inference mode differs from before
};

[[nodiscard]] bool init_grad_mode(PyObject* module);

}  // namespace tine::python

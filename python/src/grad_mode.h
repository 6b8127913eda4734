// GradMode: whether PyTorch records gradients on this thread (gradients on or off, inference mode on or off), carried to
// another thread that runs code for it, as at::launch carries at::ThreadLocalState.
//
// The caller holds the interpreter's lock. Scopes end on the thread where they began, in reverse order. PyTorch is never
// imported here: while it is not loaded, the cost is one look into sys.modules; afterwards two calls into C, 80 ns. A
// PyTorch that lacks one of the functions has nothing to carry.
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

// The mode is in force on this thread for the scope. Afterwards the earlier mode is, whatever the code in between did.
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

// Splitter: how a kernel asks for more than one core. There is one pool of threads in the process, the scheduler's.
//
// A body runs on several threads at once, of which the calling one is one. parallel_for() returns after the last body has
// returned, and the caller sees what they wrote. The first error that a body throws is rethrown to the caller. Each piece
// costs a fork of the scheduler, so a kernel asks only where a piece is worth that.
#pragma once

#include <cstdint>

namespace tine {

class Splitter {
 public:
  // Splits [0, n) into pieces of at least `grain` and runs them.
  virtual void parallel_for(int64_t n, int64_t grain, void (*body)(void* state, int64_t begin, int64_t end),
                            void* state) = 0;
  virtual int cores() const noexcept = 0;

 protected:
  ~Splitter() = default;
};

class Generator;

// What a tensor kernel may use besides its arguments; a plain struct, made per thread or per call.
struct KernelContext {
  Generator* generator = nullptr;  // null: operators that draw numbers fail
  Splitter* splitter = nullptr;    // null: one core
};

// Runs body(begin, end) over [0, n): in one piece where no splitter is given or n is no more than grain.
template <class Body>
void split(const KernelContext& context, int64_t n, int64_t grain, Body&& body) {
  if (!context.splitter || n <= grain) {
    if (n > 0) body(int64_t{0}, n);
    return;
  }
  context.splitter->parallel_for(
      n, grain, [](void* state, int64_t begin, int64_t end) { (*static_cast<Body*>(state))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace tine

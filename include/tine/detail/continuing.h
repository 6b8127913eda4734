// The machine of then, and_then, or_else and finally: when the callback is called, and what becomes of the result.
// docs/spec/future.md draws it. C++ and Python run these very lines, and so do the tests of interleavings.
#pragma once

#include <cstdint>
#include <exception>
#include <utility>

namespace tine::detail {

enum class Outcome : uintptr_t;
class Node;

enum class Mode : unsigned char { kThen, kAndThen, kOrElse, kFinally };

// What a callback leaves behind.
enum class Gives : unsigned char {
  kValue,   // the result's value is constructed and not published
  kError,   // it threw
  kFuture,  // the result becomes what that future becomes
  kSource   // the result becomes what the source became
};

// Self is the result and has
//   mode(), done()                   the mode; whether somebody has completed the result, by cancelling it
//   succeeded(source)                whether the source, which is done, has a value
//   enter(body)                      runs body() where a callback may be called; false when there is no such place
//   call(source, &error, &inner)     calls the callback, which is gone afterwards, and says what it gives
//   drop()                           the callback goes uncalled
//   publish, fail, forward           complete the result, unless somebody has; `later` as in StateBase::fail
//   follow(inner)                    calls forward() when inner is done; Self may be gone when this returns
//   refuse(later)                    fails the result, since enter() found no place
template <class Self>
class Continuing {
 public:
  // Whether the callback is to be called. Of a result that is done only finally's is.
  template <class Source>
  [[nodiscard]] bool wants(const Source& source) const noexcept {
    const auto& self = static_cast<const Self&>(*this);
    const Mode mode = self.mode();
    if (mode == Mode::kFinally) return true;
    if (self.done()) return false;
    return mode == Mode::kThen || (mode == Mode::kAndThen) == self.succeeded(source);
  }

  // The source is done; called once. True: the result is done. False: it is left to another future, and this object
  // may be gone.
  template <class Source>
  [[nodiscard]] bool settle(Source& source, Node** later) noexcept {
    auto& self = static_cast<Self&>(*this);
    if (!wants(source)) {
      self.drop();
      if (!self.done()) self.forward(source, later);
      return true;
    }
    bool left = false;
    const bool entered = self.enter([&] {
      std::exception_ptr error;
      typename Self::Inner inner;
      switch (self.call(source, &error, &inner)) {
        case Gives::kValue: self.publish(later); break;
        case Gives::kError: self.fail(std::move(error), later); break;
        case Gives::kSource: self.forward(source, later); break;
        case Gives::kFuture: left = self.follow(std::move(inner), later); break;
      }
    });
    if (!entered) self.refuse(later);
    return !left;
  }
};

}  // namespace tine::detail

// RRef<T>: a reference to a value of type T that lives on one worker of a world, its owner. Included by rpc.h.
//
//   const tine::rpc::RRef<double> half = worker.own<double>(0.5);
//   const double there = half.to_here().get();       // on its owner the very value, elsewhere brought there
//   const tine::Value argument = half;               // it travels in arguments and results as what it is
//   const auto again = tine::rpc::RRef<double>::from(argument);
//
// Copies share one reference. The value lives for as long as any worker has a reference to it, and goes with its owner. An
// RRef may be an argument and a result of calls, and lie in lists, tuples and dicts that are; its receiver gets an RRef to the
// same value. Passing one on costs two small messages, for which nobody waits. It converts to a Value and back, and so is a
// parameter type of served functions.
//
// T is what this program says of the value. It does not travel, and is not looked at before the value is here: to_here() of a
// value of another type fails with a TypeError. RRef<> is RRef<Value>, the untyped one, which every RRef<T> is, too.
// The specification is docs/spec/rref.md.
#pragma once

#include <chrono>
#include <source_location>
#include <string>
#include <utility>

#include "tine/convert.h"
#include "tine/detail/export.h"
#include "tine/detail/typed_answer.h"
#include "tine/future.h"
#include "tine/value.h"

namespace tine::rpc {

using Seconds = std::chrono::duration<double>;
// As any negative one: that of the worker, JoinOptions::rpc_timeout.
inline constexpr Seconds kDefaultTimeout{-1};
inline constexpr Seconds kNoTimeout{0};

struct WorkerInfo {
  std::string name;
  int id = -1;  // its rank
  friend bool operator==(const WorkerInfo&, const WorkerInfo&) = default;
};

template <class T = Value>
class RRef;

template <>
class TINE_API RRef<Value> {
 public:
  explicit RRef(detail::Ref<RRefObject> reference) noexcept : reference_(std::move(reference)) {}
  // The RRef in a Value. TypeError when it holds something else.
  [[nodiscard]] static RRef from(const Value& value);
  operator Value() const noexcept { return Value(reference_); }

  [[nodiscard]] const WorkerInfo& owner() const noexcept;
  [[nodiscard]] bool is_owner() const noexcept;  // whether the value lives on this worker
  // The value, brought here: a message there and one back; on its owner the very value, without a copy. Fails with the error
  // of the call that was to make the value, with PeerDied when the owner has died, and with DeadlineExceeded.
  [[nodiscard]] Future<Value> to_here(Seconds timeout = kDefaultTimeout) const;
  // The owner's value itself: a future, because it may still be in the making. Elsewhere Error, which names the owner.
  [[nodiscard]] Future<Value> local_value() const;
  // Done when the owner has the value; fails as the call did that was to make it. It holds None or the value.
  [[nodiscard]] Future<Value> confirmed() const;
  // Names the value among all workers, for printing and hashing.
  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::string repr() const { return reference_->repr(); }
  // Whether both refer to one value.
  friend TINE_API bool operator==(const RRef& a, const RRef& b) noexcept;

  [[nodiscard]] const detail::Ref<RRefObject>& object() const noexcept { return reference_; }

 private:
  detail::Ref<RRefObject> reference_;
};

template <class T>
class RRef : public RRef<Value> {
  static_assert(detail::kTravels<T>,
                "RRef<T>: T is of no type that to_value() and from_value() of tine/convert.h know");

 public:
  // Says that the value is a T.
  explicit RRef(RRef<Value> untyped) noexcept : RRef<Value>(std::move(untyped)) {}
  [[nodiscard]] static RRef from(const Value& value) { return RRef(RRef<Value>::from(value)); }

  // As those of the untyped one, and TypeError when the value is not a T.
  [[nodiscard]] Future<T> to_here(Seconds timeout = kDefaultTimeout,
                                  const std::source_location& where = std::source_location::current()) const {
    return detail::typed_answer<T>(RRef<Value>::to_here(timeout), repr(), where);
  }
  [[nodiscard]] Future<T> local_value(
      const std::source_location& where = std::source_location::current()) const {
    return detail::typed_answer<T>(RRef<Value>::local_value(), repr(), where);
  }
};

}  // namespace tine::rpc

namespace tine::detail {

template <class T>
struct Conversion<rpc::RRef<T>> {
  static Value to(const rpc::RRef<T>& v) noexcept { return v; }
  static rpc::RRef<T> from(Value&& v) { return rpc::RRef<T>::from(v); }
};

}  // namespace tine::detail

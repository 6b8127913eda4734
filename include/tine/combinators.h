// Combinators: one future of many. (collect_all of a list is in future.h.)
//
//   Future<std::vector<int>> both = gather(std::vector{fork(pool, left), fork(pool, right)});
//   for (const Future<int>& f : as_completed(futures)) use(f.get());
//
// The outcome of a combinator does not depend on the order in which its inputs become done, except where the text says "first".
// A pending input keeps the result alive, so an input's completion counts even if the result has been dropped. A pending input
// itself is kept by its producer; an input that is done is kept by the result, until all are done.
//
// A result belongs to the Context in which it was made. If the input that decides was cancelled, so is the result. Each
// combinator throws ValueError for an input without a state. It costs one allocation, and 32 bytes in it for each input.
#pragma once

#include <array>
#include <iterator>

#include "tine/context.h"
#include "tine/detail/arrivals.h"
#include "tine/detail/combine.h"
#include "tine/future.h"

namespace tine {

// Becomes done when all inputs are, with the very futures passed in. It never fails.
template <class T>
[[nodiscard]] Future<std::vector<Future<T>>> collect_all_settled(
    std::vector<Future<T>> futures, std::source_location where = std::source_location::current()) {
  using Kind = detail::CollectedFutures<detail::Rule::kSettled, T>;
  return detail::collect<Kind, T>("collect_all_settled", futures, where);
}

// collect_all for futures of different types: becomes done when all inputs are. If any failed it fails with the error of the
// first failed one in input order.
template <class... T>
requires(sizeof...(T) > 0) [[nodiscard]] Future<std::tuple<Future<T>...>> collect_all(Future<T>... futures) {
  if (!(futures.valid() && ...)) throw ValueError("collect_all: a Future without a state was passed");
  detail::WaitHelper* helper = nullptr;
  const auto look = [&](const auto& future) {
    if (!helper && !future.ready()) helper = future.state()->helper();
  };
  (look(futures), ...);
  const std::array<detail::StateBase*, sizeof...(T)> states{futures.state()...};
  const auto state_of = [&](size_t i) { return states[i]; };
  auto state =
      detail::make_ref<detail::Collection<detail::CollectedTuple<T...>>>(helper, sizeof...(T), state_of);
  state->start(state_of);
  detail::join_current_context(*state);
  return Future<std::tuple<Future<T>...>>(std::move(state));
}

template <class T>
struct Any {
  size_t index;      // its place among the inputs
  Future<T> future;  // the very future passed in; done
};

// The input that is done first, failed or not. The others go on. Throws ValueError for an empty list.
template <class T>
[[nodiscard]] Future<Any<T>> collect_any(std::vector<Future<T>> futures,
                                         std::source_location where = std::source_location::current()) {
  if (futures.empty()) throw ValueError("collect_any: expected at least one future, got none");
  return detail::collect<detail::FirstFuture<T, Any<T>>, T>("collect_any", futures, where);
}

// Copies of the values of all inputs, in input order (Future<void> for futures of nothing). It fails with the first error in
// time. When it has failed, or has been cancelled itself, it cancels the inputs that are still pending. Tasks that have not
// begun are then not run, and promises say so (Promise::cancelled). To stop tasks that run already, fork them in a Context
// of a token of `source`: gather raises it, too, and they ask Context::current().stopped().
template <class T>
[[nodiscard]] auto gather(std::vector<Future<T>> futures,
                          std::source_location where = std::source_location::current()) {
  const auto nothing = [] {};
  using Kind = detail::GatheredFutures<T, std::remove_const_t<decltype(nothing)>>;
  return detail::collect<Kind, T>("gather", futures, where, nothing);
}
template <class T>
[[nodiscard]] auto gather(const CancelSource& source, std::vector<Future<T>> futures,
                          std::source_location where = std::source_location::current()) {
  const auto stop = [source] { source.cancel(); };
  using Kind = detail::GatheredFutures<T, std::remove_const_t<decltype(stop)>>;
  return detail::collect<Kind, T>("gather", futures, where, stop);
}

// The inputs one by one, in the order in which they become done. One thread at a time uses an AsCompleted.
template <class T>
class AsCompleted {
 public:
  explicit AsCompleted(std::vector<Future<T>> futures)
      : arrivals_(detail::make_ref<Arrivals>(futures.size())) {
    arrivals_->start([&](size_t i) { return futures[i].state(); });
  }
  // Waits for the next one. Returns a Future without a state (valid() is false) when all have been handed out. Throws
  // Cancelled or DeadlineExceeded when the Context stops first.
  [[nodiscard]] Future<T> next() { return next_until(kNoDeadline); }
  // The same; returns a Future without a state also when the deadline passes first.
  [[nodiscard]] Future<T> next_until(TimePoint deadline) {
    for (;;) {
      if (auto next = arrivals_->take()) return Future<T>(std::move(next));
      if (left() == 0) return {};
      const auto arrival = arrivals_->arrival(detail::make_ref<detail::State<void>>(arrivals_->helper()));
      detail::wait_in_context(*arrival, deadline);
      if (!arrival->done()) return {};
    }
  }
  // How many have not been handed out.
  [[nodiscard]] size_t left() const { return arrivals_->left(); }

  class Iterator {
   public:
    using value_type = Future<T>;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(AsCompleted* from) : from_(from), now_(from->next()) {}
    const Future<T>& operator*() const noexcept { return now_; }
    Iterator& operator++() {
      now_ = from_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept { return !it.now_.valid(); }

   private:
    AsCompleted* from_;
    Future<T> now_;
  };
  [[nodiscard]] Iterator begin() { return Iterator(this); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  using Arrivals = detail::Arrivals<detail::ArrivalKind<T>>;
  detail::Ref<Arrivals> arrivals_;
};

template <class T>
[[nodiscard]] AsCompleted<T> as_completed(std::vector<Future<T>> futures) {
  detail::require_states<T>("as_completed", futures);
  return AsCompleted<T>(std::move(futures));
}

}  // namespace tine

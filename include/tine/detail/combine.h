// The states behind include/tine/combinators.h.
//
// A combined state has one node in each input's list. The nodes together own one reference to it, dropped by the
// input that completes last. It keeps its inputs alive until then.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tine/future.h"

namespace tine::detail {

// Owner has input_done(index, state), called once for each input on the thread that completes it, and
// all_done(), called once, behind the last of those.
template <class Owner, class R>
class Combined : public State<R> {
 protected:
  explicit Combined(WaitHelper* helper) noexcept : State<R>(helper) {}
  ~Combined() override { std::allocator<Input>().deallocate(nodes_, size_); }

  // `each(i)` gives the state of the i-th input. The inputs are kept alive by the caller for the call.
  template <class Each>
  void watch(size_t size, Each each) {
    auto* const self = static_cast<Owner*>(this);
    if (size == 0) {
      self->all_done();
      return;
    }
    nodes_ = std::allocator<Input>().allocate(size);
    size_ = size;
    left_.store(size, std::memory_order_relaxed);
    this->retain();
    for (size_t i = 0; i < size; ++i) each(i)->subscribe(std::construct_at(&nodes_[i], self, i));
  }

 private:
  struct Input final : Node {
    Input(Owner* o, size_t i) noexcept : Node(&kOps), owner(o), index(i) {}
    static void run(Node* node, StateBase& done) noexcept {
      const auto* const self = static_cast<Input*>(node);
      Owner* const owner = self->owner;
      owner->input_done(self->index, done);
      Combined& combined = *owner;
      if (combined.left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
      owner->all_done();
      combined.release();
    }
    static constexpr NodeOps kOps{&Input::run, false};
    Owner* owner;
    size_t index;
  };

  Input* nodes_ = nullptr;
  size_t size_ = 0;
  std::atomic<size_t> left_{0};
};

template <class T>
WaitHelper* helper_of(const std::vector<Future<T>>& futures) noexcept {
  for (const Future<T>& future : futures) {
    if (!future.ready()) return future.state()->helper();
  }
  return nullptr;
}

template <class T>
void require_states(const char* who, const std::vector<Future<T>>& futures) {
  for (const Future<T>& future : futures) {
    if (!future.valid()) throw ValueError(std::string(who) + ": a Future without a state was passed");
  }
}

template <class T>
class SettledState final : public Combined<SettledState<T>, std::vector<Future<T>>> {
 public:
  explicit SettledState(std::vector<Future<T>> futures)
      : Combined<SettledState<T>, std::vector<Future<T>>>(helper_of(futures)), futures_(std::move(futures)) {}
  void start() {
    const std::vector<Future<T>> inputs = futures_;
    this->watch(inputs.size(), [&](size_t i) { return inputs[i].state(); });
  }
  void input_done(size_t, StateBase&) noexcept {}
  void all_done() noexcept { this->emplace(std::move(futures_)); }

 private:
  std::vector<Future<T>> futures_;
};

template <class... T>
class TupleState final : public Combined<TupleState<T...>, std::tuple<Future<T>...>> {
 public:
  explicit TupleState(WaitHelper* helper, Future<T>... futures)
      : Combined<TupleState<T...>, std::tuple<Future<T>...>>(helper), futures_(std::move(futures)...) {}
  void start() {
    const std::tuple<Future<T>...> inputs = futures_;
    const auto states = std::apply(
        [](const auto&... f) { return std::array<StateBase*, sizeof...(T)>{f.state()...}; }, inputs);
    this->watch(states.size(), [&](size_t i) { return states[i]; });
  }
  void input_done(size_t, StateBase&) noexcept {}
  void all_done() noexcept {
    std::exception_ptr first;
    const auto look = [&](const auto& future) {
      if (!first) first = future.state()->error();
    };
    std::apply([&](const auto&... f) { (look(f), ...); }, futures_);
    if (first) {
      futures_ = {};
      this->fail(std::move(first));
    } else {
      this->emplace(std::move(futures_));
    }
  }

 private:
  std::tuple<Future<T>...> futures_;
};

template <class T, class R>
class AnyState final : public Combined<AnyState<T, R>, R> {
 public:
  explicit AnyState(std::vector<Future<T>> futures)
      : Combined<AnyState<T, R>, R>(helper_of(futures)), futures_(std::move(futures)) {}
  void start() {
    this->watch(futures_.size(), [this](size_t i) { return futures_[i].state(); });
  }
  void input_done(size_t index, StateBase&) noexcept {
    if (this->claim()) this->emplace(R{index, futures_[index]});
  }
  void all_done() noexcept {}

 private:
  const std::vector<Future<T>> futures_;
};

template <class T>
using GatheredValues = std::conditional_t<std::is_void_v<T>, void, std::vector<Payload<T>>>;

// The values of all, or the first error in time. on_failure runs once, behind that error.
template <class T, class OnFailure, class R = GatheredValues<T>>
class GatherState final : public Combined<GatherState<T, OnFailure, R>, R> {
 public:
  GatherState(std::vector<Future<T>> futures, OnFailure on_failure)
      : Combined<GatherState, R>(helper_of(futures)),
        futures_(std::move(futures)),
        on_failure_(std::move(on_failure)) {}
  void start() {
    this->watch(futures_.size(), [this](size_t i) { return futures_[i].state(); });
  }
  // From now on its own cancellation counts as a failure.
  void watch_itself() noexcept { this->subscribe(&self_); }
  void input_done(size_t, StateBase& done) noexcept {
    if (done.outcome() == Outcome::kValue || !this->claim()) return;
    this->fail(done.error());
    on_failure_(futures_);
  }
  void all_done() noexcept {
    if (!this->claim()) return;
    try {
      if constexpr (std::is_void_v<R>) {
        this->emplace();
      } else {
        std::vector<T> values;
        values.reserve(futures_.size());
        for (const Future<T>& future : futures_) values.push_back(std::as_const(*future.state()).value());
        this->emplace(std::move(values));
      }
    } catch (...) {
      this->fail(std::current_exception());
    }
  }

 private:
  struct Self final : Node {
    explicit Self(GatherState* o) noexcept : Node(&kOps), owner(o) {}
    static void run(Node* node, StateBase& done) noexcept {
      const Outcome how = done.outcome();
      if (how == Outcome::kValue || how == Outcome::kError) return;
      GatherState* const owner = static_cast<Self*>(node)->owner;
      owner->on_failure_(owner->futures_);
    }
    static constexpr NodeOps kOps{&Self::run, false, true};
    GatherState* owner;
  };

  const std::vector<Future<T>> futures_;
  OnFailure on_failure_;
  Self self_{this};
};

// Cancels the inputs that are left, and tells `stop`, if there is one, on the first failure.
template <class T, class Stop>
auto gather_with(std::vector<Future<T>> futures, Stop stop, const std::source_location& where) {
  require_states("gather", futures);
  const auto give_up = [stop = std::move(stop)](const std::vector<Future<T>>& inputs) {
    for (const Future<T>& future : inputs) future.cancel();
    stop();
  };
  using Gather = GatherState<T, std::remove_const_t<decltype(give_up)>>;
  const auto state = make_ref<Gather>(std::move(futures), give_up);
  state->made_at(where);
  state->start();
  state->watch_itself();
  join_current_context(*state);
  return Future<GatheredValues<T>>(state);
}

// What as_completed waits on: the inputs that are done and not yet handed out, in the order of completion. Its
// own future is never completed: it is only the nodes' owner.
template <class T>
class CompletedState final : public Combined<CompletedState<T>, void> {
 public:
  explicit CompletedState(std::vector<Future<T>> futures)
      : Combined<CompletedState<T>, void>(nullptr), futures_(std::move(futures)), done_(futures_.size()) {}
  void start() {
    this->watch(futures_.size(), [this](size_t i) { return futures_[i].state(); });
  }
  void input_done(size_t index, StateBase&) noexcept {
    Ref<State<void>> arrival;
    {
      const std::lock_guard lock(mutex_);
      done_[arrived_++] = index;
      arrival = std::move(arrival_);
    }
    if (arrival) arrival->emplace();
  }
  void all_done() noexcept {}

  // Null when all have been handed out, or when the deadline passed.
  Future<T> next(TimePoint deadline) {
    for (;;) {
      Ref<State<void>> arrival;
      {
        const std::lock_guard lock(mutex_);
        if (taken_ < arrived_) return futures_[done_[taken_++]];
        if (taken_ == futures_.size()) return {};
        if (!arrival_) arrival_ = make_ref<State<void>>(helper_of(futures_));
        arrival = arrival_;
      }
      wait_in_context(*arrival, deadline);
      if (!arrival->done()) return {};
    }
  }
  size_t left() {
    const std::lock_guard lock(mutex_);
    return futures_.size() - taken_;
  }

 private:
  const std::vector<Future<T>> futures_;
  std::mutex mutex_;
  std::vector<size_t> done_;
  size_t arrived_ = 0;
  size_t taken_ = 0;
  Ref<State<void>> arrival_;
};

}  // namespace tine::detail

namespace tine {

template <class T>
auto wait_all(std::span<const Future<T>> futures) {
  for (const Future<T>& future : futures) {
    if (!future.valid()) throw ValueError("wait_all: a Future without a state was passed");
  }
  // Newest first: that is the order in which a worker finds them in its own queue.
  for (size_t i = futures.size(); i-- > 0;) {
    auto* const state = futures[i].state();
    if (!state->done()) state->help_once();
    if (state->done() && state->outcome() != detail::Outcome::kValue) std::rethrow_exception(state->error());
  }
  for (const Future<T>& future : futures) {
    if (future.ready()) continue;
    // Some are still on their way: sleep until the last is there or one fails.
    const auto nothing = [](const std::vector<Future<T>>&) {};
    auto all = detail::make_ref<detail::GatherState<T, decltype(nothing), void>>(
        std::vector<Future<T>>(futures.begin(), futures.end()), nothing);
    all->start();
    detail::wait_in_context(*all);
    if (all->outcome() != detail::Outcome::kValue) std::rethrow_exception(all->error());
    break;
  }
  if constexpr (!std::is_void_v<T>) {
    std::vector<T> values;
    values.reserve(futures.size());
    for (const Future<T>& future : futures) values.push_back(future.get());
    return values;
  }
}

}  // namespace tine

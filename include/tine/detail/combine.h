// The states of the combinators (future.h, combinators.h). A collection has one node in each input's list, and the nodes keep
// the collection. A pending input is kept by its producer; from then on the collection keeps it, until the last input is done.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tine/detail/collecting.h"
#include "tine/detail/continuation.h"
#include "tine/future.h"

namespace tine::detail {

// Kind is what a collection is made of, and what a language has to say about it:
//   Result                  the type of its value
//   rule()                  see collecting.h
//   value(collection, i)    the value: by input i, of kAny, else by all inputs; may throw
//   Slot                    an input; made of its state, to which it holds no reference until it is kept
//   keep, drop, cancel      (slot) as in Collecting
//   state(slot)             the state of one that is kept
//   error(state)            the error for the result of a failed one
//   hold(collection, size)  the nodes of all inputs begin to keep the collection
//   kHeldByEach             whether each of them does by a reference of its own; else by one together
//   let_go(collection)      gives up one such reference
//   deciding()              before the collection completes itself
//   cancelling(body)        calls body(), which cancels inputs, if that is possible
//   is_user()               whether an arrival must not run under a CallbackGate
//   kGivesUp                whether a cancelled result cancels the inputs
template <class Kind>
class Collection final : public State<typename Kind::Result>, private Collecting<Collection<Kind>> {
  using Machine = Collecting<Collection>;

 public:
  // state_of(i) is the state of input i. The caller keeps the inputs until start() has returned.
  template <class StateOf, class... Args>
  Collection(WaitHelper* helper, size_t size, StateOf state_of, Args&&... args)
      : State<typename Kind::Result>(helper),
        Machine(size),
        kind_(std::forward<Args>(args)...),
        inputs_(std::allocator<Input>().allocate(size)) {
    const NodeOps* const ops = kind_.is_user() ? &Input::kUserOps : &Input::kOps;
    for (size_t i = 0; i < size; ++i) std::construct_at(&inputs_[i], this, state_of(i), ops);
  }
  ~Collection() override {
    std::destroy_n(inputs_, size());
    std::allocator<Input>().deallocate(inputs_, size());
  }

  // Called once, with the same, by one that keeps the collection for the call.
  template <class StateOf>
  void start(StateOf state_of) noexcept {
    if (size() == 0) {
      decided();
      return;
    }
    kind_.hold(*this, size());
    for (size_t i = 0; i < size(); ++i) state_of(i)->subscribe(&inputs_[i]);
    if constexpr (Kind::kGivesUp) this->subscribe(&own_);
  }

  using Machine::size;
  [[nodiscard]] typename Kind::Slot& slot(size_t i) noexcept { return inputs_[i].slot; }
  // Only of one that is kept.
  [[nodiscard]] StateBase& input(size_t i) noexcept { return kind_.state(slot(i)); }
  [[nodiscard]] Kind& kind() noexcept { return kind_; }
  // Null for a node that is not an input of such a collection.
  [[nodiscard]] static Collection* of_input(Node* node) noexcept {
    const bool ours = node->ops() == &Input::kOps || node->ops() == &Input::kUserOps;
    return ours ? static_cast<Input*>(node)->owner : nullptr;
  }

 private:
  friend Machine;
  struct Input final : Node {
    Input(Collection* o, StateBase* s, const NodeOps* ops) noexcept : Node(ops), owner(o), slot(s) {}
    static void run(Node* node, StateBase&) noexcept {
      auto* const input = static_cast<Input*>(node);
      input->owner->arrive(static_cast<size_t>(input - input->owner->inputs_));
    }
    static constexpr NodeOps kOps{&Input::run, false};
    static constexpr NodeOps kUserOps{&Input::run, true};
    Collection* owner;
    typename Kind::Slot slot;
  };
  // In the collection's own list.
  struct Own final : Node {
    explicit Own(Collection* o) noexcept : Node(&kOps), owner(o) {}
    static void run(Node* node, StateBase& done) noexcept {
      const Outcome how = done.outcome();
      if (how != Outcome::kValue && how != Outcome::kError) static_cast<Own*>(node)->owner->give_up();
    }
    static constexpr NodeOps kOps{&Own::run, false, true};
    Collection* owner;
  };
  struct Nothing {
    explicit Nothing(Collection*) noexcept {}
  };

  [[nodiscard]] Rule rule() const noexcept { return kind_.rule(); }
  [[nodiscard]] bool failed(size_t i) noexcept { return input(i).outcome() != Outcome::kValue; }
  void keep(size_t i) noexcept { kind_.keep(slot(i)); }
  void drop(size_t i) noexcept { kind_.drop(slot(i)); }
  void cancel(size_t i) noexcept { kind_.cancel(slot(i)); }
  void cancel_rest() noexcept {
    // In the child of a fork(2) an input may have gone without arriving here: its callbacks were the parent's.
    if (this->of_parent()) return;
    kind_.cancelling([this] { this->cancel_each(); });
  }
  static constexpr bool kHeldByEach = Kind::kHeldByEach;
  void let_go() noexcept { kind_.let_go(*this); }

  void decided_by(size_t i) noexcept {
    kind_.deciding();
    rule() == Rule::kAny ? finish_with(i) : fail_as(i);
  }
  void decided() noexcept {
    if (this->done()) return;
    kind_.deciding();
    if (rule() == Rule::kAll) {
      for (size_t i = 0; i < size(); ++i) {
        if (failed(i)) return fail_as(i);
      }
    }
    finish_with(0);
  }
  void fail_as(size_t i) noexcept {
    const Outcome outcome = input(i).outcome();
    if (outcome == Outcome::kError) {
      this->fail(kind_.error(input(i)));
    } else {
      StateBase::cancel(outcome);
    }
  }
  void finish_with(size_t i) noexcept {
    try {
      this->emplace(kind_.value(*this, i));
    } catch (...) {
      this->fail(std::current_exception());
    }
  }

  Kind kind_;
  Input* const inputs_;
  [[no_unique_address]] std::conditional_t<Kind::kGivesUp, Own, Nothing> own_{this};
};

// --- in C++

template <Rule kRule, class R>
struct CollectionKind {
  using Result = R;
  static constexpr bool is_user() noexcept { return false; }
  static constexpr bool kGivesUp = false;
  static constexpr bool kHeldByEach = false;
  static constexpr Rule rule() noexcept { return kRule; }
  static void hold(StateBase& collection, size_t) noexcept { collection.retain(); }
  static void let_go(StateBase& collection) noexcept { collection.release(); }
  struct Slot {
    explicit Slot(StateBase* s) noexcept : state(s) {}
    StateBase* state;
  };
  static void keep(Slot& slot) noexcept { slot.state->retain(); }
  static void drop(Slot& slot) noexcept {
    if (slot.state) slot.state->release();  // else the value has taken it
  }
  static void cancel(Slot& slot) noexcept { slot.state->cancel(); }
  static StateBase& state(Slot& slot) noexcept { return *slot.state; }
  static std::exception_ptr error(StateBase& failed) noexcept { return failed.error(); }
  static void deciding() noexcept {}
  template <class Body>
  static void cancelling(Body body) noexcept {
    body();
  }
};

template <class T, class C>
[[nodiscard]] Future<T> taken_from(C& collection, size_t i) noexcept {
  StateBase* const state = std::exchange(collection.slot(i).state, nullptr);
  return Future<T>(Ref<State<T>>::adopt(static_cast<State<T>*>(state)));
}

template <Rule kRule, class T>
struct CollectedFutures : CollectionKind<kRule, std::vector<Future<T>>> {
  template <class C>
  static std::vector<Future<T>> value(C& collection, size_t) {
    std::vector<Future<T>> futures;
    futures.reserve(collection.size());
    for (size_t i = 0; i < collection.size(); ++i) futures.push_back(taken_from<T>(collection, i));
    return futures;
  }
};

template <class... T>
struct CollectedTuple : CollectionKind<Rule::kAll, std::tuple<Future<T>...>> {
  template <class C>
  static std::tuple<Future<T>...> value(C& collection, size_t) noexcept {
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return std::tuple<Future<T>...>(taken_from<T>(collection, I)...);
    }
    (std::index_sequence_for<T...>());
  }
};

template <class T, class R>
struct FirstFuture : CollectionKind<Rule::kAny, R> {
  template <class C>
  static R value(C& collection, size_t i) noexcept {
    auto* const first = static_cast<State<T>*>(&collection.input(i));
    return R{i, Future<T>(Ref<State<T>>::share(first))};
  }
};

template <class T>
using GatheredValues = std::conditional_t<std::is_void_v<T>, void, std::vector<Payload<T>>>;

template <class T, class Stop>
struct GatheredFutures : CollectionKind<Rule::kGather, GatheredValues<T>> {
  static constexpr bool kGivesUp = true;
  explicit GatheredFutures(Stop s) : stop(std::move(s)) {}
  template <class C>
  static Payload<GatheredValues<T>> value(C& collection, size_t) {
    Payload<GatheredValues<T>> values;
    if constexpr (!std::is_void_v<T>) {
      values.reserve(collection.size());
      for (size_t i = 0; i < collection.size(); ++i) {
        values.push_back(std::as_const(static_cast<State<T>&>(collection.input(i))).value());
      }
    }
    return values;
  }
  template <class Body>
  void cancelling(Body body) noexcept {
    body();
    stop();
  }
  Stop stop;
};

struct AllOrAFailure : CollectionKind<Rule::kFailFast, void> {
  template <class C>
  static Unit value(C&, size_t) noexcept {
    return {};
  }
};

template <class T>
WaitHelper* helper_of(std::span<const Future<T>> futures) noexcept {
  for (const Future<T>& future : futures) {
    if (!future.ready()) return future.state()->helper();
  }
  return nullptr;
}

template <class T>
void require_states(const char* function, std::span<const Future<T>> futures) {
  for (const Future<T>& future : futures) {
    if (!future.valid()) throw ValueError(std::string(function) + ": a Future without a state was passed");
  }
}

template <class Kind, class T, class... Args>
[[nodiscard]] auto collect(const char* function, std::span<const Future<T>> futures,
                           const std::source_location& where, Args&&... args) {
  require_states(function, futures);
  const auto state_of = [&](size_t i) { return futures[i].state(); };
  auto state =
      make_ref<Collection<Kind>>(helper_of(futures), futures.size(), state_of, std::forward<Args>(args)...);
  state->made_at(where);
  state->start(state_of);
  join_current_context(*state);
  return Future<typename Kind::Result>(std::move(state));
}

}  // namespace tine::detail

namespace tine {

template <class T>
Future<std::vector<Future<T>>> collect_all(std::vector<Future<T>> futures, std::source_location where) {
  return detail::collect<detail::CollectedFutures<detail::Rule::kAll, T>, T>("collect_all", futures, where);
}

template <class T>
auto wait_all(std::span<const Future<T>> futures) {
  detail::require_states("wait_all", futures);
  // Newest first: that is the order in which a worker finds them in its own queue.
  for (size_t i = futures.size(); i-- > 0;) {
    auto* const state = futures[i].state();
    if (!state->done()) state->help_once();
    if (state->done() && state->outcome() != detail::Outcome::kValue) std::rethrow_exception(state->error());
  }
  for (const Future<T>& future : futures) {
    if (future.ready()) continue;
    // Some are still on their way: sleep until the last is there or one fails.
    const auto state_of = [&](size_t k) { return futures[k].state(); };
    const auto all = detail::make_ref<detail::Collection<detail::AllOrAFailure>>(detail::helper_of(futures),
                                                                                 futures.size(), state_of);
    all->start(state_of);
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

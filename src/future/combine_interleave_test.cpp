// The machines of docs/spec/future.md under every order of their operations. The numbers are those of its invariants.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "src/base/testing/interleave.h"
#include "tine/combinators.h"
#include "tine/detail/collecting.h"
#include "tine/detail/continuing.h"

namespace tine {
namespace {

using detail::Gives;
using detail::Mode;
using detail::Rule;
using interleave::Explorer;
using interleave::Report;
using interleave::require;
using interleave::Scenario;

// Broken on purpose: it can be interrupted between reading and writing.
template <class T>
class TornCount : public interleave::Atomic<T> {
 public:
  using interleave::Atomic<T>::Atomic;
  T fetch_sub(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    const T seen = this->load();
    this->store(static_cast<T>(seen - value));
    return seen;
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    const T seen = this->load();
    this->store(value);
    return seen;
  }
};

constexpr int kPending = 0, kValue = 1, kError = 2, kCancelled = 3;

// What a future is here: an outcome and a count of references.
struct Model {
  interleave::Atomic<int> outcome{kPending};
  interleave::Atomic<int> references{1};  // the producer's
  bool gone = false;

  void retain() {
    require(!gone, "C2: a future was used after its end");
    references.fetch_add(1);
  }
  void release() {
    if (references.fetch_sub(1) == 1) gone = true;
  }
  // True for the one that completes it.
  bool complete(int code) {
    require(!gone, "C2: a future was completed after its end");
    int pending = kPending;
    return outcome.compare_exchange_strong(pending, code);
  }
};

template <template <class> class Atomic, bool kEach>
struct Group : detail::Collecting<Group<Atomic, kEach>, Atomic> {
  static constexpr size_t kInputs = 3;

  explicit Group(Rule r) : detail::Collecting<Group, Atomic>(kInputs), rule_(r) {
    own.references.fetch_add(kEach ? static_cast<int>(kInputs) : 1);
  }

  const Rule rule_;
  Model own;  // the first reference is the user's
  std::array<Model, kInputs> inputs;
  std::array<int, kInputs> kept{};
  int decisions = 0;
  int cancellations = 0;

  // --- what Collecting asks for
  Rule rule() const {
    require(!own.gone, "C4: the collection was used after its end");
    return rule_;
  }
  bool failed(size_t i) {
    require(!inputs[i].gone, "C2: an input was looked at after its end");
    return inputs[i].outcome.load() != kValue;
  }
  void keep(size_t i) {
    inputs[i].retain();
    require(kept[i]++ == 0, "C1: an input arrived twice");
  }
  void drop(size_t i) {
    require(kept[i]-- == 1, "C1: an input was dropped that was not kept");
    inputs[i].release();
  }
  void cancel(size_t i) {
    inputs[i].retain();
    complete(i, kCancelled);
    inputs[i].release();
  }
  void decided_by(size_t i) {
    require(decisions++ == 0, "C3: it was decided twice");
    require(kept[i] == 1, "C2: it was decided by an input that is not kept");
    (void)own.complete(rule_ == Rule::kAny || inputs[i].outcome.load() == kValue ? kValue : kError);
  }
  void decided() {
    require(decisions++ == 0, "C3: it was decided twice");
    for (const int k : kept) require(k == 1, "C2: it was decided by all, and not all are kept");
    (void)own.complete(kValue);
  }
  void cancel_rest() {
    require(cancellations++ == 0, "C3: the rest was cancelled twice");
    this->cancel_each();
  }
  static constexpr bool kHeldByEach = kEach;  // as in Python
  void let_go() {
    require(!own.gone, "C4: the collection was let go after its end");
    own.release();
  }

  // --- what the threads do
  void complete(size_t i, int code) {
    if (inputs[i].complete(code)) this->arrive(i);
  }
  void produce(size_t i, int code) {
    complete(i, code);
    inputs[i].release();
  }
  void cancel_by_user() {
    if (own.complete(kCancelled)) this->give_up();
    own.release();
  }
};

// Each input has a producer; input 1 may fail. The user cancels the result, or just drops it.
template <template <class> class Atomic, bool kEach>
std::function<Scenario()> collection(Rule rule, bool fails, bool cancels) {
  return [=] {
    const auto group = std::make_shared<Group<Atomic, kEach>>(rule);
    Scenario s;
    for (size_t i = 0; i < group->kInputs; ++i) {
      s.threads.push_back([=] { group->produce(i, fails && i == 1 ? kError : kValue); });
    }
    s.threads.push_back([=] { cancels ? group->cancel_by_user() : group->own.release(); });
    s.check = [=] {
      require(group->own.outcome.load() != kPending, "C3: the result was never completed");
      require(group->decisions == 1 || (cancels && group->own.outcome.load() == kCancelled),
              "C3: not exactly one decision");
      require(group->own.gone, "C4: the collection is still held");
      for (const Model& input : group->inputs) require(input.gone, "C1: an input is still kept");
    };
    return s;
  };
}

void expect_holds(const char* name, const std::function<Scenario()>& make, size_t runs = 8'000) {
  const Report deep = Explorer::exhaustive(make, runs, 3);
  EXPECT_EQ(deep.failure, "") << name;
  const Report wide = Explorer::random(make, runs, 20261128);
  EXPECT_EQ(wide.failure, "") << name;
  interleave::tell(name, deep, wide);
}

template <bool kEach>
void expect_collections_hold() {
  expect_holds("collect_all", collection<interleave::Atomic, kEach>(Rule::kAll, true, false));
  expect_holds("collect_any", collection<interleave::Atomic, kEach>(Rule::kAny, true, false));
  expect_holds("gather", collection<interleave::Atomic, kEach>(Rule::kGather, false, false));
  expect_holds("gather that fails", collection<interleave::Atomic, kEach>(Rule::kGather, true, false));
  expect_holds("wait_all", collection<interleave::Atomic, kEach>(Rule::kFailFast, true, false));
}

TEST(CollectionInterleavings, DecideOnceAndKeepTheInputsUntilTheLastHasLeft) {
  expect_collections_hold<false>();
  expect_collections_hold<true>();
}

TEST(CollectionInterleavings, OfACancelledGatherCancelOrFindThatAllHaveLeft) {
  expect_holds("gather, cancelled", collection<interleave::Atomic, false>(Rule::kGather, false, true));
  expect_holds("gather, cancelled and failing",
               collection<interleave::Atomic, false>(Rule::kGather, true, true));
}

TEST(CollectionInterleavings, OfATornCountAreCaught) {
  EXPECT_NE(Explorer::exhaustive(collection<TornCount, false>(Rule::kAll, false, false), 20'000, 3).failure,
            "");
  EXPECT_NE(Explorer::random(collection<TornCount, true>(Rule::kAny, true, false), 20'000, 1).failure, "");
}

// A source, the future that the callback returns, and the result.
struct Chain : detail::Continuing<Chain> {
  Mode mode_;
  Gives gives;
  bool open;  // whether there is a place to call the callback
  interleave::Atomic<int> source{kPending};
  interleave::Atomic<int> result{kPending};
  interleave::Atomic<int> inner_word{0};  // 1: this waits for it, 2: it is done
  int calls = 0;
  int gone = 0;
  int completions = 0;

  Chain(Mode m, Gives g, bool o) : mode_(m), gives(g), open(o) {}

  void complete(int code) {
    require(gone == 1, "T2: the result was completed before the callback was gone");
    int pending = kPending;
    if (result.compare_exchange_strong(pending, code)) ++completions;
  }

  // --- what Continuing asks for
  struct Inner {};
  Mode mode() const { return mode_; }
  bool done() const { return result.load() != kPending; }
  bool succeeded(int outcome) const { return outcome == kValue; }
  template <class Body>
  bool enter(Body body) {
    if (open) body();
    return open;
  }
  Gives call(int, std::exception_ptr*, Inner*) {
    require(gone == 0 && calls++ == 0, "T1: the callback was called twice");
    (void)result.load();  // it takes its time
    ++gone;
    return mode_ == Mode::kFinally ? Gives::kSource : gives;
  }
  void drop() { require(gone++ == 0, "T1: the callback was dropped after it was gone"); }
  void publish(detail::Node**) { complete(kValue); }
  void fail(std::exception_ptr, detail::Node**) { complete(kError); }
  void forward(int outcome, detail::Node**) { complete(outcome); }
  void refuse(detail::Node**) {
    ++gone;  // the callback goes with the result
    complete(kError);
  }
  bool follow(Inner, detail::Node**) {
    int before = 0;
    if (!inner_word.compare_exchange_strong(before, 1)) complete(kValue);
    return true;
  }

  // --- what the threads do
  void complete_source(int code) {
    int pending = kPending;
    if (!source.compare_exchange_strong(pending, code)) return;
    (void)this->settle(code, nullptr);
  }
  void complete_inner() {
    if (inner_word.exchange(2) == 1) complete(kValue);
  }
  void cancel() {
    int pending = kPending;
    if (result.compare_exchange_strong(pending, kCancelled)) ++completions;
  }
};

// The source gets a value or is cancelled, the result is cancelled, the returned future gets its value.
std::function<Scenario()> chain(Mode mode, Gives gives, bool open) {
  return [=] {
    const auto c = std::make_shared<Chain>(mode, gives, open);
    Scenario s;
    s.threads = {[c] { c->complete_source(kValue); }, [c] { c->complete_source(kCancelled); },
                 [c] { c->complete_inner(); }, [c] { c->cancel(); }};
    s.check = [=] {
      require(c->gone == 1, "T1: the callback is still there");
      require(c->completions == 1 && c->done(), "T3: the result was not completed exactly once");
      const bool ok = c->source.load() == kValue;
      require(c->calls == 0 || mode != (ok ? Mode::kOrElse : Mode::kAndThen),
              "T4: it was called for the wrong outcome");
      require(c->calls == 1 || mode != Mode::kFinally || !open, "T4: finally's callback was not called");
      require(c->calls == 1 || mode != Mode::kThen || !open || c->result.load() == kCancelled,
              "T4: then's callback was not called");
    };
    return s;
  };
}

TEST(ContinuationInterleavings, CallOnceAndCompleteOnceWhoeverCancels) {
  for (const Mode mode : {Mode::kThen, Mode::kAndThen, Mode::kOrElse, Mode::kFinally}) {
    const std::string name = "mode " + std::to_string(static_cast<int>(mode));
    for (const Gives gives : {Gives::kValue, Gives::kError, Gives::kFuture}) {
      expect_holds(name.c_str(), chain(mode, gives, true), 5'000);
    }
    expect_holds(name.c_str(), chain(mode, Gives::kValue, false), 5'000);
  }
}

struct InterleavedMutex {
  interleave::Atomic<int> held{0};
  void lock() {
    for (int free = 0; !held.compare_exchange_strong(free, 1); free = 0) {
      Explorer::block_until([this] { return held.load() == 0; });
    }
  }
  void unlock() { held.store(0); }
};

using Inputs = std::array<detail::Ref<detail::State<int>>, 3>;

struct CheckedKind : detail::ArrivalKind<int> {
  explicit CheckedKind(const Inputs* i) : inputs(i) {}
  void let_go(detail::RefCounted& arrivals) const noexcept {
    for (const auto& input : *inputs) require(input->done(), "A3: let go before all have arrived");
    detail::ArrivalKind<int>::let_go(arrivals);
  }
  const Inputs* const inputs;
};

// Two threads complete three inputs, one of them by cancelling, while a third thread takes them.
Scenario arrivals() {
  using Queue = detail::Arrivals<CheckedKind, InterleavedMutex>;
  struct World {
    Inputs inputs{detail::make_ref<detail::State<int>>(), detail::make_ref<detail::State<int>>(),
                  detail::make_ref<detail::State<int>>()};
    detail::Ref<Queue> queue = detail::make_ref<Queue>(size_t{3}, &inputs);
    std::vector<detail::Ref<detail::State<int>>> taken;
  };
  const auto world = std::make_shared<World>();
  world->queue->start([&](size_t i) { return world->inputs[i].get(); });
  Scenario s;
  s.threads = {[world] {
                 world->inputs[0]->emplace(0);
                 world->inputs[1]->cancel();
               },
               [world] { world->inputs[2]->emplace(2); },
               [world] {
                 while (world->queue->left() > 0) {
                   if (auto next = world->queue->take()) {
                     world->taken.push_back(std::move(next));
                     continue;
                   }
                   const auto arrival = world->queue->arrival(detail::make_ref<detail::State<void>>());
                   Explorer::block_until([&] { return arrival->done(); });
                 }
               }};
  s.check = [world] {
    require(world->taken.size() == 3, "A1: not all inputs were handed out");
    for (const auto& input : world->inputs) {
      require(std::count(world->taken.begin(), world->taken.end(), input) == 1,
              "A1: an input was not handed out exactly once");
    }
    const auto at = [&](int i) {
      return std::find(world->taken.begin(), world->taken.end(), world->inputs[static_cast<size_t>(i)]);
    };
    require(at(0) < at(1), "A2: one thread's inputs were handed out in another order");
    require(world->queue->sole_owner(), "A3: the inputs still hold the queue");
  };
  return s;
}

TEST(ArrivalInterleavings, HandEachInputOutOnceAndLoseNoSignal) { expect_holds("as_completed", arrivals); }

}  // namespace
}  // namespace tine

#include "tests/chaos/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "src/base/recycler.h"
#include "src/base/thread.h"
#include "src/rpc/agent.h"
#include "src/rpc/world_for_tests.h"
#include "tests/chaos/crew.h"
#include "tests/chaos/network.h"
#include "tests/chaos/simulation.h"

namespace tine::chaos {
namespace {

using namespace std::chrono_literals;
using rpc::Agent;
using rpc::CallRequest;
using rpc::IncomingCall;
using rpc::Reference;

constexpr auto kStart = 20s, kCall = 30s, kEnd = 10s;
constexpr auto kBound = 5s;  // docs/spec/agent.md: shutdown ends within 5 s of its timeout; so does the start
constexpr auto kLetGo = 60s, kLongestStop = 20s;

Value list_of(std::vector<Value> items) { return detail::make_ref<List>(std::move(items)); }
Value as_value(const detail::Ref<Reference>& r) { return detail::Ref<RRefObject>(r); }
Value value_of(int64_t number, size_t padding) { return list_of({number, std::string(padding, 'x')}); }
int64_t number_in(const Value& value) { return value.to_list().items.at(0).to_int(); }
bool names_worker(const std::string& text) {
  for (size_t at = text.find('w'); at != std::string::npos; at = text.find('w', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9') return true;
  }
  return false;
}

const OpTable& operators() {
  static const std::unique_ptr<OpTable> table = [] {
    auto made = std::make_unique<OpTable>();
    rpc::testing::add_operators(*made);
    return made;
  }();
  return *table;
}

// A reference that a worker holds, what it leads to, and through whom it came: its owner, its creator and all who passed it on.
struct Held {
  detail::Ref<Reference> reference;
  int64_t number = 0;  // negative: its creation fails
  int64_t through = 0;
};

struct Call {
  int64_t id = 0;
  int from = 0, to = 0;
  std::string what;
  Future<Value> future;
  bool may_be_late = false, cancelled = false;
  int64_t through = 0;                            // whom a fault must have touched for it to fail
  std::function<std::string(const Value&)> look;  // what is wrong with its value; empty: nothing
  std::string error;                              // it must fail, and say this
};

Plan plan_of(uint64_t seed) {
  Simulation chance({.seed = seed ^ 0x5EED});  // only for its numbers
  const auto pick = [&](uint32_t n) { return chance.pick(n); };
  Plan plan;
  const std::array<uint32_t, 4> late{0, 0, 3, 20}, read{0, 0, 64, 5000};
  plan.late_one_in = late[pick(4)];
  plan.latest = std::chrono::microseconds(1 + pick(3000));
  plan.most_read_at_once = read[pick(4)];
  const uint32_t faults = pick(8) == 0 ? 0 : pick(4) == 0 ? 2 : 1;
  struct Kind {
    const char* name;
    uint32_t most;
  };
  constexpr std::array<Kind, 14> kKinds{{{"handshake", 12},
                                         {"control", 12},
                                         {"request", 16},
                                         {"reply", 16},
                                         {"error", 3},
                                         {"fetch", 5},
                                         {"lease", 3},
                                         {"fork done", 3},
                                         {"release", 6},
                                         {"cancel", 2},
                                         {"goodbye", 3},
                                         {"ping", 2},
                                         {"chunk", 6},
                                         {"", 120}}};
  constexpr std::array<Clock::duration, 5> kTimes{5ms, 500ms, 3s, 10s, Clock::duration::max()};
  for (uint32_t i = 0; i < faults; ++i) {
    const Kind& kind = kKinds[pick(kKinds.size())];
    Plan::Step step;
    step.fault = static_cast<Fault>(pick(7));
    step.message = kind.name;
    step.count = 1 + pick(kind.most);
    step.bytes = pick(3) == 0 ? 0 : chance.random() >> 8;
    const bool stops = step.fault == Fault::kSenderStops || step.fault == Fault::kReceiverStops;
    step.time = kTimes[pick(stops ? 4 : 5)];
    plan.steps.push_back(step);
  }
  return plan;
}

class Story {
 public:
  Story(Simulation& simulation, Plan plan, Outcome& outcome)
      : simulation_(simulation),
        network_(std::make_shared<Network>(simulation, std::move(plan))),
        outcome_(outcome) {}

  void run() {
    network_->begin();
    const int size = 2 + static_cast<int>(simulation_.pick(3));
    for (int rank = 0; rank < size; ++rank) ones_.push_back(std::make_unique<One>(*this, rank));
    std::vector<std::unique_ptr<Thread>> lives;
    for (const auto& one : ones_)
      lives.push_back(std::make_unique<Thread>("chaos-life", [this, &one] { live(*one); }));
    lives.clear();
    for (const auto& one : ones_) one->agent = nullptr;
    for (const auto& [id, ran] : ran_) {
      if (ran > 1) wrong(fmt::format("call {} ran {} times", id, ran));
    }
    ones_.clear();  // with the threads that run callbacks
    for (const auto& [id, ended] : ended_) {
      if (ended != 1) wrong(fmt::format("call {} ended {} times", id, ended));
    }
    network_->end();
    outcome_.faulty = !touched().empty();
    outcome_.started = started_ == size;
  }

 private:
  struct One final : rpc::Handler {
    One(Story& s, int r) : story(s), rank(r) {}
    void handle(IncomingCall call) override { story.handle(*this, std::move(call)); }
    Story& story;
    const int rank;
    Crew crew;
    std::unique_ptr<Agent> agent;
    std::mutex mutex;
    std::vector<Held> bag;
    std::vector<IncomingCall> late;
    std::vector<Call> calls;
    bool started = false, left = false, lets_go = false;
  };

  void wrong(std::string what) {
    simulation_.trace("!! " + what);
    outcome_.wrong.push_back(std::move(what));
  }
  std::set<int> touched() const {
    std::set<int> all = network_->touched();
    all.insert(left_.begin(), left_.end());
    // Whose start fails has come and gone, to those that have started.
    for (const auto& one : ones_) {
      if (!network_->touched().empty() && !one->started) all.insert(one->rank);
    }
    return all;
  }
  bool is_touched(int64_t through) const {
    const auto all = touched();
    return std::any_of(all.begin(), all.end(), [&](int rank) { return (through >> rank & 1) != 0; });
  }
  static int64_t bit(int rank) { return int64_t{1} << rank; }

  // --- the callee's side

  void handle(One& one, IncomingCall call) {
    auto& args = call.args();
    const std::string name = call.name();
    const int64_t id = args.at(0).to_int();
    ++ran_[id];
    simulation_.trace(fmt::format("w{} runs {} {}", one.rank, name, id));
    if (name == "echo") return call.reply(args.at(1));
    if (name == "fail") return call.fail(make_error(ErrorKind::kValue, "as asked"));
    if (name == "drop") return;
    if (name == "slow") {
      simulation_.sleep(std::chrono::microseconds(simulation_.pick(20'000)));
      return call.reply(id);
    }
    if (name == "late") {
      const std::lock_guard lock(one.mutex);
      one.late.push_back(std::move(call));
      return;
    }
    if (name == "nested") {
      return call.reply_with(one.agent->call(static_cast<int>(args.at(2).to_int()),
                                             CallRequest::served("echo", {args.at(1), id}), call.deadline()));
    }
    if (name == "make") return call.reply(list_of({args.at(1), args.at(2)}));
    if (name == "keep") {
      Held held{Reference::from(args.at(1)), args.at(2).to_int(), args.at(3).to_int()};
      const std::lock_guard lock(one.mutex);
      // A call that was given up may run when all have let go.
      if (!one.lets_go) one.bag.push_back(std::move(held));
      return call.reply(id);
    }
    if (name == "give") {
      Held held = some(one).value_or(Held{});
      if (!held.reference) held = {one.agent->own(value_of(id, 10)), id, bit(one.rank)};
      return call.reply(list_of({id, as_value(held.reference), held.number, held.through | bit(one.rank)}));
    }
    throw NameError(name);
  }

  std::optional<Held> some(One& one) {
    const std::lock_guard lock(one.mutex);
    if (one.bag.empty()) return std::nullopt;
    return one.bag[simulation_.pick(static_cast<uint32_t>(one.bag.size()))];
  }

  // --- the caller's side

  size_t padding() {
    constexpr std::array<size_t, 8> kSizes{0, 0, 10, 100, 1000, 5000, 20'000, 300'000};
    return kSizes[simulation_.pick(simulation_.one_in(4) ? 8 : 5)];
  }
  int anybody() { return static_cast<int>(simulation_.pick(static_cast<uint32_t>(ones_.size()))); }

  // Makes the call, unless it is refused at once; then the refusal is its end.
  void begin(One& one, Call call, const std::function<Future<Value>(TimePoint)>& make) {
    call.from = one.rank;
    call.through |= bit(call.from) | bit(call.to);
    TimePoint deadline = simulation_.now() + kCall;
    if (simulation_.one_in(10)) {
      deadline = simulation_.now() + std::chrono::microseconds(simulation_.pick(5000));
      call.may_be_late = true;
    }
    simulation_.trace(fmt::format("w{} calls {} {} on w{}", one.rank, call.what, call.id, call.to));
    ++outcome_.calls;
    try {
      call.future = make(deadline);
    } catch (...) {
      call.future = make_failed<Value>(std::current_exception());
    }
    ended_[call.id] = 0;
    then_.push_back(call.future.then([this, id = call.id](Future<Value>) { ++ended_[id]; }));
    one.calls.push_back(std::move(call));
  }
  void begin(One& one, Call call, CallRequest request) {
    const int to = call.to;
    const auto given = std::make_shared<CallRequest>(std::move(request));
    begin(one, std::move(call),
          [&one, to, given](TimePoint deadline) { return one.agent->call(to, std::move(*given), deadline); });
  }

  void step(One& one) {
    Call call;
    call.id = ++last_id_;
    call.to = anybody();
    const int64_t id = call.id;
    const auto same = [id](const Value& v) { return v.to_int() == id ? "" : "a value of another call"; };
    switch (simulation_.pick(17)) {
      case 0: {
        call.what = "plus";
        call.look = [id](const Value& v) { return v.to_int() == id + 1 ? "" : "a wrong sum"; };
        return begin(one, std::move(call), CallRequest::builtin("test::plus", {id}));
      }
      case 1:
      case 2: {
        call.what = "echo";
        const size_t size = padding();
        call.look = [id, size](const Value& v) {
          return number_in(v) == id && v.to_list().items.at(1).to_string().size() == size ? ""
                                                                                          : "another value";
        };
        return begin(one, std::move(call), CallRequest::served("echo", {id, value_of(id, size)}));
      }
      case 3: {
        call.what = "fail";
        call.error = "as asked";
        return begin(one, std::move(call), CallRequest::served("fail", {id}));
      }
      case 4: {
        call.what = "drop";
        call.error = "dropped";
        return begin(one, std::move(call), CallRequest::served("drop", {id}));
      }
      case 5: {
        call.what = hurries_ || simulation_.one_in(2) ? "slow" : "late";
        call.look = same;
        const std::string name = call.what;
        return begin(one, std::move(call), CallRequest::served(name, {id}));
      }
      case 6: {
        call.what = "nested";
        const int64_t inner = ++last_id_;
        const int further = anybody();
        call.through |= bit(further);
        call.look = same;
        return begin(one, std::move(call), CallRequest::served("nested", {id, inner, further}));
      }
      case 7:
      case 8: {
        Held made{{}, id, bit(one.rank) | bit(call.to)};
        const bool fails = simulation_.one_in(6);
        if (fails) made.number = -id;
        try {
          made.reference =
              one.agent->remote(call.to,
                                fails ? CallRequest::served("fail", {id})
                                      : CallRequest::served("make", {id, id, std::string(padding(), 'y')}),
                                simulation_.now() + kCall);
        } catch (const Error& e) {
          if (!is_touched(made.through))
            wrong(fmt::format("w{} cannot create on w{}: {}", one.rank, call.to, e.what()));
          return;
        }
        simulation_.trace(fmt::format("w{} creates {} on w{}", one.rank, made.number, call.to));
        ++outcome_.references;
        const std::lock_guard lock(one.mutex);
        one.bag.push_back(std::move(made));
        return;
      }
      case 9: {
        const std::lock_guard lock(one.mutex);
        one.bag.push_back({one.agent->own(value_of(id, 10)), id, bit(one.rank)});
        ++outcome_.references;
        return;
      }
      case 10:
      case 11: {
        const auto held = some(one);
        if (!held) return;
        call.what = "keep";
        call.look = same;
        // A creation that has failed at once cannot be passed on.
        if (held->number < 0) call.error = "as asked";
        call.through |= held->through;
        begin(one, std::move(call),
              CallRequest::served(
                  "keep", {id, as_value(held->reference), held->number, held->through | bit(one.rank)}));
        if (simulation_.one_in(2)) drop(one);
        return;
      }
      case 12: {
        call.what = "give";
        call.through = ~int64_t{0};
        One* const mine = &one;
        call.look = [id, mine](const Value& v) {
          const auto& f = v.to_list().items;
          if (f.at(0).to_int() != id) return "a value of another call";
          const std::lock_guard lock(mine->mutex);
          mine->bag.push_back({Reference::from(f.at(1)), f.at(2).to_int(), f.at(3).to_int()});
          return "";
        };
        return begin(one, std::move(call), CallRequest::served("give", {id}));
      }
      case 13:
      case 14: {
        const auto held = some(one);
        if (!held) return;
        call.what = fmt::format("fetch of {}", held->number);
        call.to = held->reference->owner().id;
        call.through = held->through;
        const int64_t number = held->number;
        if (number < 0) call.error = "as asked";
        call.look = [this, number](const Value& v) {
          ++outcome_.fetched;
          return number_in(v) == number ? "" : "the value of another reference";
        };
        return begin(one, std::move(call),
                     [&](TimePoint deadline) { return held->reference->to_here(deadline); });
      }
      case 15: {
        if (one.calls.empty() || simulation_.one_in(2)) return drop(one);
        Call& given_up = one.calls[simulation_.pick(static_cast<uint32_t>(one.calls.size()))];
        given_up.cancelled = given_up.future.cancel() || given_up.cancelled;
        if (given_up.cancelled) simulation_.trace(fmt::format("w{} gives {} up", one.rank, given_up.id));
        return;
      }
      default: return settle(one, simulation_.one_in(2) ? 1 : 0);
    }
  }

  void drop(One& one) {
    Held dropped;  // outside of the lock
    const std::lock_guard lock(one.mutex);
    if (one.bag.empty()) return;
    const size_t at = simulation_.pick(static_cast<uint32_t>(one.bag.size()));
    dropped = std::move(one.bag[at]);
    one.bag.erase(one.bag.begin() + static_cast<std::ptrdiff_t>(at));
  }

  void answer_late(One& one) {
    std::vector<IncomingCall> late;
    {
      const std::lock_guard lock(one.mutex);
      late.swap(one.late);
    }
    for (IncomingCall& call : late) call.reply(call.args().at(0));
  }

  // Waits for its calls, but for the last `but`.
  void settle(One& one, size_t but) {
    while (one.calls.size() > but) {
      Call call = std::move(one.calls.front());
      one.calls.erase(one.calls.begin());
      const TimePoint bound = simulation_.now() + kCall + kBound;
      while (!call.future.wait_until(std::min(bound, simulation_.now() + 20ms)) && simulation_.now() < bound)
        answer_late(one);
      check(call);
    }
  }

  void check(const Call& call) {
    const auto say = [&](const std::string& what) {
      wrong(fmt::format("call {} ({}, w{} to w{}): {}", call.id, call.what, call.from, call.to, what));
    };
    if (!call.future.ready()) return say("it has not ended");
    const std::exception_ptr error = call.future.error();
    if (!error) {
      ++outcome_.values;
      if (!call.error.empty() && call.what != "keep") return say("it should have failed");
      const std::string bad = call.look ? call.look(call.future.get()) : "";
      if (!bad.empty()) say(bad);
      const bool counted = call.what.find("fetch") == std::string::npos && call.what != "plus";
      if (counted && ran_[call.id] != 1) say(fmt::format("it has a value and ran {} times", ran_[call.id]));
      return;
    }
    const std::string text = describe(error);
    simulation_.trace(fmt::format("call {} failed: {}", call.id, text));
    if (call.cancelled) return;
    const bool as_asked = !call.error.empty() && text.find(call.error) != std::string::npos;
    // Where a worker calls itself nobody else is to be named.
    if (!names_worker(text) && !(as_asked && call.from == call.to)) say("its error names no worker: " + text);
    if (as_asked) return;
    if (call.may_be_late && kind_of(error) == ErrorKind::kDeadlineExceeded) return;
    // Whoever dies or says nothing is found out long before that.
    if (!call.may_be_late && kind_of(error) == ErrorKind::kDeadlineExceeded)
      return say("it has waited for its deadline: " + text);
    // Without a barrier, which a fault may break, those who hurry leave one another's calls unanswered.
    if (hurries_ && !touched().empty()) return;
    if (!is_touched(call.through)) say("it failed, and nothing has happened to those it is about: " + text);
  }
  static ErrorKind kind_of(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const Error& e) {
      return e.kind();
    } catch (...) {
      return ErrorKind::kRuntime;
    }
  }

  // --- a worker's life

  void start(One& one) {
    rpc::AgentOptions o;
    o.name = fmt::format("w{}", one.rank);
    o.rank = one.rank;
    o.world_size = static_cast<int>(ones_.size());
    o.address = "inproc:meeting";
    o.secret = secret_;
    o.transports = {network_->factory(one.rank)};
    o.init_timeout = kStart;
    o.rpc_timeout = kCall;
    o.heartbeat_interval = 1000ms;
    o.heartbeat_timeout = 4000ms;
    o.polling = std::chrono::microseconds(polls_ ? 50 : 0);
    o.ops = &operators();
    o.handler = &one;
    o.hold_calls = true;
    o.executor = o.blocking = o.callbacks = &one.crew;
    one.agent = Agent::start(std::move(o));
    one.agent->open();
    one.started = true;
    ++started_;
  }

  // All workers are here.
  void meet(One& one, size_t& here) {
    ++here;
    simulation_.wake(&here);
    while (here < ones_.size()) {
      (void)simulation_.wait(&here, simulation_.now() + 50ms);
      if (one.agent) answer_late(one);
    }
  }

  // Runs it, and sees to it that it ends in time and fails only if something has happened to somebody.
  void within(One& one, const char* what, Clock::duration bound, const std::function<void()>& work) {
    const TimePoint began = simulation_.now();
    try {
      work();
      simulation_.trace(fmt::format("w{}: {} is done", one.rank, what));
    } catch (const std::exception&) {
      const std::string text = describe(std::current_exception());
      simulation_.trace(fmt::format("w{}: {} failed: {}", one.rank, what, text));
      if (touched().empty())
        wrong(fmt::format("w{}: {} failed, and nothing has happened: {}", one.rank, what, text));
      if (!names_worker(text) && text.find("rank ") == std::string::npos)
        wrong(fmt::format("w{}: {} failed and names nobody: {}", one.rank, what, text));
    }
    // The time for which workers were stopped is not theirs.
    const auto took = simulation_.now() - began;
    if (took > bound + kBound + (network_->parted() ? kLongestStop : 0s))
      wrong(
          fmt::format("w{}: {} took {:.3f} s", one.rank, what, std::chrono::duration<double>(took).count()));
  }

  void live(One& one) {
    simulation_.belong_to(one.rank);
    if (simulation_.one_in(4)) simulation_.sleep(std::chrono::microseconds(simulation_.pick(3000)));
    within(one, "the start", kStart, [&] { start(one); });
    if (one.agent) {
      const uint32_t steps = 4 + simulation_.pick(12);
      const uint32_t leaves_at = simulation_.one_in(24) ? simulation_.pick(steps) : steps;
      for (uint32_t i = 0; i < steps && !one.left; ++i) {
        if (i == leaves_at) {
          simulation_.trace(fmt::format("** w{} leaves", one.rank));
          left_.insert(one.rank);
          one.left = true;
          within(one, "leaving", 0s, [&] { one.agent->shutdown(false); });
        } else {
          step(one);
        }
      }
      if (!hurries_) settle(one, 0);
    }
    if (hurries_) return end_in_a_hurry(one);
    meet(one, settled_);
    answer_late(one);
    {
      std::vector<Held> dropped;
      const std::lock_guard lock(one.mutex);
      dropped.swap(one.bag);
      one.lets_go = true;
    }
    meet(one, let_go_);
    if (one.agent && !one.agent->closed()) see_that_nothing_is_left(one);
    meet(one, looked_);
    // All workers are here and nothing runs: whoever has died is known.
    const auto bound = network_->parted() ? Clock::duration(kEnd) : 0s;
    if (one.agent && !one.left) within(one, "shutdown", bound, [&] { one.agent->shutdown(true, kEnd); });
  }

  // While calls run everywhere: the barrier is there to let them end.
  void end_in_a_hurry(One& one) {
    if (one.agent && !one.left) within(one, "shutdown", kEnd, [&] { one.agent->shutdown(true, kEnd); });
    meet(one, settled_);
    settle(one, 0);
    const std::lock_guard lock(one.mutex);
    one.bag.clear();
  }

  void see_that_nothing_is_left(One& one) {
    const TimePoint bound = simulation_.now() + kLetGo;
    Clock::duration pause = 100us;
    for (;;) {
      const auto [pending, running, owned, pinned] = one.agent->counts();
      if (pending == 0 && running == 0 && owned == 0 && pinned == 0) return;
      if (simulation_.now() > bound && network_->parted()) return;
      if (simulation_.now() > bound)
        return wrong(fmt::format("w{} still has {} calls, runs {}, owns {} and pins {}", one.rank, pending,
                                 running, owned, pinned));
      simulation_.sleep(pause);
      pause *= 2;
    }
  }

  Simulation& simulation_;
  const std::shared_ptr<Network> network_;
  Outcome& outcome_;
  const std::shared_ptr<const rpc::Secret> secret_ = rpc::testing::test_secret();
  const bool polls_ = simulation_.one_in(2), hurries_ = simulation_.one_in(5);
  std::vector<std::unique_ptr<One>> ones_;
  std::map<int64_t, int> ran_, ended_;
  std::vector<Future<void>> then_;
  std::set<int> left_;
  int64_t last_id_ = 100;
  int started_ = 0;
  size_t settled_ = 0, let_go_ = 0, looked_ = 0;
};

}  // namespace

Outcome tell(uint64_t seed) {
  static_cast<void>(operators());
  // What earlier stories have left there would be seen: whoever first keeps memory is asked to see to it.
  while (Recycler::of_process().trim()) {
  }
  Outcome outcome;
  constexpr std::array<uint32_t, 4> kTurns{0, 8, 64, 512};
  Simulation simulation({.seed = seed, .turn_at_one_in = kTurns[seed % 4]});
  {
    const Plan plan = plan_of(seed);
    simulation.run([&] {
      Story story(simulation, plan, outcome);
      story.run();
    });
  }
  outcome.trace = simulation.traced();
  outcome.hash = simulation.hash();
  outcome.turns = simulation.turns();
  return outcome;
}

}  // namespace tine::chaos

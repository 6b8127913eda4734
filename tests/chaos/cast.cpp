#include "tests/chaos/cast.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/thread.h"
#include "src/rpc/world_for_tests.h"

namespace tine::chaos {

using namespace std::chrono_literals;
using rpc::Agent;
using rpc::CallRequest;
using rpc::IncomingCall;
using rpc::Reference;

namespace {

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

ErrorKind kind_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return e.kind();
  } catch (...) {
    return ErrorKind::kRuntime;
  }
}

const OpTable& operators() {
  static const std::unique_ptr<OpTable> table = [] {
    auto made = std::make_unique<OpTable>();
    rpc::testing::add_operators(*made);
    return made;
  }();
  return *table;
}

}  // namespace

Cast::Cast(Simulation& simulation, Plan plan, Outcome& outcome, bool changes)
    : simulation_(simulation),
      network_(std::make_shared<Network>(simulation, std::move(plan))),
      outcome_(outcome),
      changes_(changes),
      secret_(rpc::testing::test_secret()),
      polls_(simulation.one_in(2)) {
  static_cast<void>(operators());
}

void Cast::run() {
  network_->begin();
  std::vector<std::unique_ptr<Thread>> lives;
  for (const auto& one : ones_) {
    lives.push_back(std::make_unique<Thread>("chaos-life", [this, &one] {
      simulation_.belong_to(one->index);
      live(*one);
    }));
  }
  lives.clear();
  for (const auto& one : ones_) one->agent = nullptr;
  for (const auto& [id, ran] : ran_) {
    if (ran > 1) wrong(fmt::format("call {} ran {} times", id, ran));
  }
  const size_t size = ones_.size();
  outcome_.faulty = !touched().empty();
  outcome_.started = started_ == static_cast<int>(size);
  ones_.clear();  // with the threads that run callbacks
  for (const auto& [id, ended] : ended_) {
    if (ended != 1) wrong(fmt::format("call {} ended {} times", id, ended));
  }
  network_->end();
}

void Cast::wrong(std::string what) {
  simulation_.trace("!! " + what);
  outcome_.wrong.push_back(std::move(what));
}

std::set<int> Cast::touched() const {
  std::set<int> all = network_->touched();
  all.insert(left_.begin(), left_.end());
  // Whose start fails has come and gone, to those that have started.
  for (const auto& one : ones_) {
    if (!network_->touched().empty() && !one->started) all.insert(one->index);
  }
  return all;
}

bool Cast::is_touched(int64_t through) const {
  const auto all = touched();
  return std::any_of(all.begin(), all.end(), [&](int index) { return (through >> index & 1) != 0; });
}

// --- the callee's side

void Cast::handle(One& one, IncomingCall call) {
  auto& args = call.args();
  const std::string name = call.name();
  const int64_t id = args.at(0).to_int();
  ++ran_[id];
  simulation_.trace(fmt::format("w{} runs {} {}", one.index, name, id));
  if (name == "echo") return call.reply(args.at(1));
  if (name == "fail") return call.fail(make_error(ErrorKind::kValue, "as asked"));
  if (name == "drop") return;
  if (name == "slow") {
    simulation_.sleep(std::chrono::microseconds(simulation_.pick(20'000)));
    return call.reply(id);
  }
  if (name == "late") {
    const std::lock_guard lock(one.mutex);
    // Nobody answers it later where the worker's thread waits in its shutdown.
    if (one.leaves) return call.reply(id);
    one.late.push_back(std::move(call));
    return;
  }
  if (name == "nested") {
    return call.reply_with(one.agent->call(static_cast<int>(args.at(2).to_int()),
                                           CallRequest::served("echo", {args.at(1), id}), call.deadline()));
  }
  if (name == "make") {
    // Fetches wait for it, and some give up meanwhile.
    if (simulation_.one_in(4)) simulation_.sleep(std::chrono::microseconds(simulation_.pick(20'000)));
    return call.reply(list_of({args.at(1), args.at(2)}));
  }
  if (name == "keep") {
    Held held{Reference::from(args.at(1)), args.at(2).to_int(), args.at(3).to_int()};
    const std::lock_guard lock(one.mutex);
    // A call that was given up may run when all have let go.
    if (!one.lets_go) one.bag.push_back(std::move(held));
    return call.reply(id);
  }
  if (name == "give") {
    Held held = some(one).value_or(Held{});
    if (!held.reference) held = {one.agent->own(value_of(id, 10)), id, bit(one.index)};
    return call.reply(list_of({id, as_value(held.reference), held.number, held.through | bit(one.index)}));
  }
  throw NameError(name);
}

std::optional<Cast::Held> Cast::some(One& one) {
  const std::lock_guard lock(one.mutex);
  if (one.bag.empty()) return std::nullopt;
  return one.bag[simulation_.pick(static_cast<uint32_t>(one.bag.size()))];
}

// --- the caller's side

size_t Cast::padding() {
  constexpr std::array<size_t, 8> kSizes{0, 0, 10, 100, 1000, 5000, 20'000, 300'000};
  return kSizes[simulation_.pick(simulation_.one_in(4) ? 8 : 5)];
}

// Makes the call, unless it is refused at once; then the refusal is its end.
void Cast::begin(One& one, Call call, const std::function<Future<Value>(TimePoint)>& make) {
  call.from = one.index;
  call.through |= bit(call.from) | bit(call.to);
  TimePoint deadline = simulation_.now() + kCall;
  if (simulation_.one_in(10)) {
    deadline = simulation_.now() + std::chrono::microseconds(simulation_.pick(5000));
    call.may_be_late = true;
  }
  simulation_.trace(fmt::format("w{} calls {} {} on w{}", one.index, call.what, call.id, call.to));
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
void Cast::begin(One& one, Call call, const Callee& to, CallRequest request) {
  const auto given = std::make_shared<CallRequest>(std::move(request));
  begin(one, std::move(call), [&one, &to, given](TimePoint deadline) {
    return one.agent->call(*to.peer, std::move(*given), deadline);
  });
}

void Cast::step(One& one) {
  Call call;
  call.id = ++last_id_;
  const Callee to = anybody(one);
  call.to = to.index;
  const int64_t id = call.id;
  const auto same = [id](const Value& v) { return v.to_int() == id ? "" : "a value of another call"; };
  switch (simulation_.pick(17)) {
    case 0: {
      call.what = "plus";
      call.look = [id](const Value& v) { return v.to_int() == id + 1 ? "" : "a wrong sum"; };
      return begin(one, std::move(call), to, CallRequest::builtin("test::plus", {id}));
    }
    case 1:
    case 2: {
      call.what = "echo";
      const size_t size = padding();
      call.look = [id, size](const Value& v) {
        return number_in(v) == id && v.to_list().items.at(1).to_string().size() == size ? ""
                                                                                        : "another value";
      };
      return begin(one, std::move(call), to, CallRequest::served("echo", {id, value_of(id, size)}));
    }
    case 3: {
      call.what = "fail";
      call.error = "as asked";
      return begin(one, std::move(call), to, CallRequest::served("fail", {id}));
    }
    case 4: {
      call.what = "drop";
      call.error = "dropped";
      return begin(one, std::move(call), to, CallRequest::served("drop", {id}));
    }
    case 5: {
      call.what = hurries_ || simulation_.one_in(2) ? "slow" : "late";
      call.look = same;
      const std::string name = call.what;
      return begin(one, std::move(call), to, CallRequest::served(name, {id}));
    }
    case 6: {
      call.what = "nested";
      const int64_t inner = ++last_id_;
      const Callee further = anybody(one);
      // In a world that changes the one that is called may know it not yet, or another one of that rank.
      call.through |= changes_ ? ~int64_t{0} : bit(further.index);
      call.look = same;
      return begin(one, std::move(call), to,
                   CallRequest::served("nested", {id, inner, further.peer->info.id}));
    }
    case 7:
    case 8: static_cast<void>(create(one, id, to)); return;
    case 9: {
      const std::lock_guard lock(one.mutex);
      one.bag.push_back({one.agent->own(value_of(id, 10)), id, bit(one.index)});
      ++outcome_.references;
      return;
    }
    case 10:
    case 11: {
      const auto held = some(one);
      if (!held) return;
      pass_on(one, std::move(call), *held, to);
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
      return begin(one, std::move(call), to, CallRequest::served("give", {id}));
    }
    case 13:
    case 14: return fetch(one, std::move(call));
    case 15: {
      if (one.calls.empty() || simulation_.one_in(2)) return drop(one);
      Call& given_up = one.calls[simulation_.pick(static_cast<uint32_t>(one.calls.size()))];
      given_up.cancelled = given_up.future.cancel() || given_up.cancelled;
      if (given_up.cancelled) simulation_.trace(fmt::format("w{} gives {} up", one.index, given_up.id));
      return;
    }
    default: return settle(one, simulation_.one_in(2) ? 1 : 0);
  }
}

bool Cast::create(One& one, int64_t id, const Callee& owner) {
  Held made{{}, id, bit(one.index) | bit(owner.index)};
  const bool fails = simulation_.one_in(6);
  if (fails) made.number = -id;
  try {
    made.reference =
        one.agent->remote(*owner.peer,
                          fails ? CallRequest::served("fail", {id})
                                : CallRequest::served("make", {id, id, std::string(padding(), 'y')}),
                          simulation_.now() + kCall);
  } catch (const Error& e) {
    if (!is_touched(made.through))
      wrong(fmt::format("w{} cannot create on w{}: {}", one.index, owner.index, e.what()));
    return false;
  }
  simulation_.trace(fmt::format("w{} creates {} on w{}", one.index, made.number, owner.index));
  ++outcome_.references;
  const std::lock_guard lock(one.mutex);
  one.bag.push_back(std::move(made));
  return true;
}

void Cast::pass_on(One& one, Call call, const Held& held, const Callee& to) {
  call.what = "keep";
  call.look = [id = call.id](const Value& v) { return v.to_int() == id ? "" : "a value of another call"; };
  // A creation that has failed at once cannot be passed on.
  if (held.number < 0) call.error = "as asked";
  call.through |= held.through;
  const int64_t id = call.id;
  begin(one, std::move(call), to,
        CallRequest::served("keep",
                            {id, as_value(held.reference), held.number, held.through | bit(one.index)}));
}

void Cast::pass_on_from(One& one, const Callee& owner, const Callee& to) {
  if (!create(one, ++last_id_, owner)) return;
  Held made;
  {
    const std::lock_guard lock(one.mutex);
    made = one.bag.back();
  }
  Call call;
  call.id = ++last_id_;
  call.to = to.index;
  pass_on(one, std::move(call), made, to);
}

void Cast::fetch(One& one, Call call) {
  const auto held = some(one);
  if (!held) return;
  call.what = fmt::format("fetch of {}", held->number);
  call.to = network_->worker_of(held->reference->id().owner_incarnation);
  call.through = held->through;
  const int64_t number = held->number;
  if (number < 0) call.error = "as asked";
  call.look = [this, number](const Value& v) {
    ++outcome_.fetched;
    return number_in(v) == number ? "" : "the value of another reference";
  };
  return begin(one, std::move(call), [&](TimePoint deadline) { return held->reference->to_here(deadline); });
}

void Cast::drop(One& one) {
  Held dropped;  // outside of the lock
  const std::lock_guard lock(one.mutex);
  if (one.bag.empty()) return;
  const size_t at = simulation_.pick(static_cast<uint32_t>(one.bag.size()));
  dropped = std::move(one.bag[at]);
  one.bag.erase(one.bag.begin() + static_cast<std::ptrdiff_t>(at));
}

void Cast::answer_late(One& one) {
  std::vector<IncomingCall> late;
  {
    const std::lock_guard lock(one.mutex);
    late.swap(one.late);
  }
  for (IncomingCall& call : late) call.reply(call.args().at(0));
}

// Waits for its calls, but for the last `but`.
void Cast::settle(One& one, size_t but) {
  while (one.calls.size() > but) {
    Call call = std::move(one.calls.front());
    one.calls.erase(one.calls.begin());
    const TimePoint bound = simulation_.now() + kCall + kBound;
    while (!call.future.wait_until(std::min(bound, simulation_.now() + 20ms)) && simulation_.now() < bound)
      answer_late(one);
    check(call);
  }
}

void Cast::check(const Call& call) {
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
  if (changes_ && call.what == "nested" && text.find("unknown worker") != std::string::npos) return;
  if (call.may_be_late && kind_of(error) == ErrorKind::kDeadlineExceeded) return;
  // Whoever dies or says nothing is found out long before that.
  if (!call.may_be_late && kind_of(error) == ErrorKind::kDeadlineExceeded)
    return say("it has waited for its deadline: " + text);
  // Without a barrier, which a fault may break, those who hurry leave one another's calls unanswered.
  if (hurries_ && !touched().empty()) return;
  // Who leaves in order answers what it has begun.
  const auto& callee = *ones_[static_cast<size_t>(call.to)];
  const bool its_own =
      call.what == "echo" || call.what == "slow" || call.what == "late" || call.what == "keep";
  if (its_own && callee.leaves_in_order && ran_[call.id] > 0 && network_->touched().empty() &&
      !ones_[static_cast<size_t>(call.from)]->leaves)
    return say("it ran on a worker that left in order, and was not answered: " + text);
  if (!is_touched(call.through)) say("it failed, and nothing has happened to those it is about: " + text);
}

void Cast::let_go(One& one) {
  std::vector<Held> dropped;
  const std::lock_guard lock(one.mutex);
  dropped.swap(one.bag);
  one.lets_go = true;
}

void Cast::see_that_nothing_is_left(One& one) {
  const TimePoint bound = simulation_.now() + kLetGo;
  Clock::duration pause = 100us;
  for (;;) {
    answer_late(one);  // a call that was given up may come when nobody waits for it any more
    const auto [pending, running, owned, pinned] = one.agent->counts();
    if (pending == 0 && running == 0 && owned == 0 && pinned == 0) return;
    if (simulation_.now() > bound)
      return wrong(fmt::format("w{} still has {} calls, runs {}, owns {} and pins {}", one.index, pending,
                               running, owned, pinned));
    simulation_.sleep(pause);
    pause *= 2;
  }
}

// --- a worker's life

void Cast::start(One& one, const std::function<void(rpc::AgentOptions&)>& more) {
  rpc::AgentOptions o;
  o.name = one.name;
  o.rank = one.rank;
  o.world_size = static_cast<int>(ones_.size());
  o.address = "inproc:meeting";
  o.secret = secret_;
  o.transports = {network_->factory(one.index)};
  o.init_timeout = kStart;
  o.rpc_timeout = kCall;
  o.heartbeat_interval = 1000ms;
  o.heartbeat_timeout = 4000ms;
  o.polling = std::chrono::microseconds(polls_ ? 50 : 0);
  o.ops = &operators();
  o.handler = &one;
  o.hold_calls = true;
  o.executor = o.blocking = o.callbacks = &one.crew;
  if (more) more(o);
  one.agent = Agent::start(std::move(o));
  one.agent->open();
  one.started = true;
  ++started_;
}

void Cast::meet(One& one, size_t& here) {
  ++here;
  simulation_.wake(&here);
  while (here < ones_.size()) {
    (void)simulation_.wait(&here, simulation_.now() + 50ms);
    if (one.agent) answer_late(one);
  }
}

bool Cast::within(One& one, const char* what, Clock::duration bound, const std::function<void()>& work,
                  const std::function<bool(const std::string& error)>& excused) {
  const TimePoint began = simulation_.now();
  bool succeeded = false;
  try {
    work();
    succeeded = true;
    simulation_.trace(fmt::format("{} (w{}): {} is done", one.name, one.index, what));
  } catch (const std::exception&) {
    const std::string text = describe(std::current_exception());
    simulation_.trace(fmt::format("{} (w{}): {} failed: {}", one.name, one.index, what, text));
    if (!excused(text))
      wrong(fmt::format("w{}: {} failed, and nothing has happened: {}", one.index, what, text));
    if (!names_worker(text) && text.find("rank ") == std::string::npos)
      wrong(fmt::format("w{}: {} failed and names nobody: {}", one.index, what, text));
  }
  // The time for which workers were stopped is not theirs.
  const auto took = simulation_.now() - began;
  if (took > bound + kBound + (network_->parted() ? kLongestStop : 0s))
    wrong(fmt::format("w{}: {} took {:.3f} s", one.index, what, std::chrono::duration<double>(took).count()));
  return succeeded;
}

}  // namespace tine::chaos

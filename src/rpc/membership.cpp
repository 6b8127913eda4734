#include "src/rpc/membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <unordered_set>

namespace tine::rpc {
namespace {

constexpr const char* kExpect = "expect";
constexpr const char* kForget = "forget";
constexpr const char* kHere = "here";
constexpr const char* kJoined = "joined";
constexpr const char* kLeaving = "leaving";

}  // namespace

Membership::Membership(World& world, Calls& calls, Server& server, Links& links,
                       std::function<bool()> interrupted, std::function<void(const std::string&)> log,
                       Events events)
    : world_(world),
      calls_(calls),
      server_(server),
      links_(links),
      interrupted_(std::move(interrupted)),
      log_(std::move(log)),
      events_(std::move(events)) {}

bool Membership::serve_control(const detail::Ref<IncomingState>& call) {
  Peer& from = *call->caller;
  const auto& args = call->args;
  const bool from_register = call->name == kExpect || call->name == kForget;
  if (!from_register && call->name != kHere && call->name != kJoined && call->name != kLeaving) return false;
  if (!world_.changes()) throw ValueError(fmt::format("'{}': this world does not change", call->name));
  if (from_register && from.info.id != 0) throw ValueError("only rank 0 keeps the register");
  Value answer;
  if (call->name == kExpect) {
    if (args.size() != 3) throw ValueError("'expect' takes name, rank and incarnation");
    expect({args[0].to_string(),
            static_cast<int>(args[1].to_int()),
            static_cast<uint64_t>(args[2].to_int()),
            {}});
  } else if (call->name == kForget) {
    if (args.size() != 1) throw ValueError("'forget' takes an incarnation");
    forget(static_cast<uint64_t>(args[0].to_int()));
  } else if (call->name == kJoined) {
    if (from.set_joined()) events_.joined(from);
  } else if (call->name == kLeaving) {
    from.refuse_calls(make_error(ErrorKind::kPeerDied,
                                 fmt::format("worker '{}' (rank {}) is leaving: it takes no more calls",
                                             from.info.name, from.info.id)));
    answer = static_cast<int64_t>(from.calls.pending());
  }
  call->answer(std::move(answer));
  return true;
}

void Membership::tell_all(const char* what, const std::vector<Value>& args) noexcept {
  for (const auto& p : world_.peers()) {
    if (p->is_self || p->dead()) continue;
    try {
      // Nobody waits for the answer, and nobody is told that there is none: its end says as much.
      calls_.call(*p, control_request(what, args), Clock::now() + std::chrono::seconds(60))
          .state()
          ->observe();
    } catch (const std::bad_alloc&) {
      p->end_for_want_of_memory();
    } catch (const std::exception&) {
      return;  // this worker has ended
    }
  }
}

void Membership::tell_expected(const Member& member) noexcept {
  try {
    tell_all(kExpect, {member.name, member.rank, static_cast<int64_t>(member.incarnation)});
    expect(member);
  } catch (const std::bad_alloc&) {
    // It comes to the end of its own deadline.
  }
}

void Membership::tell_forgotten(uint64_t incarnation) noexcept {
  try {
    tell_all(kForget, {static_cast<int64_t>(incarnation)});
  } catch (const std::bad_alloc&) {
    // They see the end of its connection.
  }
  forget(incarnation);
}

void Membership::expect(Member member) {
  {
    const MutexLock lock(mutex_);
    if (closed_) return;
    expected_.push_back({std::move(member), Clock::now()});
  }
  look_at(Clock::now());
}

void Membership::forget(uint64_t incarnation) noexcept {
  std::vector<detail::Ref<Connection>> dropped;
  {
    const MutexLock lock(mutex_);
    std::erase_if(expected_, [&](const Expected& e) { return e.member.incarnation == incarnation; });
    for (Arrived& a : arrived_) {
      if (a.connection->peer().incarnation == incarnation) a.since = TimePoint();
    }
  }
  for (const auto& p : world_.peers()) {
    if (p->incarnation == incarnation && !p->joined() && p->connected()) p->connection()->close(nullptr);
  }
  look_at(Clock::now());
}

void Membership::arrived(detail::Ref<Connection> connection) noexcept {
  try {
    const MutexLock lock(mutex_);
    if (!closed_ && arrived_.size() < kMostWaiting) arrived_.push_back({std::move(connection), Clock::now()});
  } catch (const std::bad_alloc&) {
    // The other side is told by the end of the connection, which follows.
  }
  if (connection) return connection->close(nullptr);
  look_at(Clock::now());
}

void Membership::look_at(TimePoint when) noexcept {
  try {
    (void)links_.loop().schedule_at(when, [weak = owner_, this] {
      if (const auto owner = weak.lock()) look();
    });
  } catch (const std::exception&) {
    // No memory: the next one who comes or goes has it looked at.
  }
}

detail::Ref<Peer> Membership::in_place_of(const Member& member) const {
  for (const auto& p : world_.peers()) {
    if ((p->info.id == member.rank || p->info.name == member.name) &&
        !p->gone.load(std::memory_order_acquire))
      return p;
  }
  return {};
}

void Membership::look() noexcept {
  try {
    look_or_throw();
  } catch (const std::bad_alloc&) {
    look_at(Clock::now() + std::chrono::milliseconds(100));
  }
}

void Membership::look_or_throw() {
  const TimePoint now = Clock::now();
  std::vector<std::pair<Member, detail::Ref<Connection>>> newcomers;
  std::vector<detail::Ref<Connection>> strangers;
  std::vector<detail::Ref<Peer>> in_the_way;
  TimePoint next = kNoDeadline;
  {
    const MutexLock lock(mutex_);
    for (auto e = expected_.begin(); e != expected_.end();) {
      if (const auto other = in_place_of(e->member)) {
        // Rank 0 has seen its end. Here it may be on its way.
        const TimePoint until = e->since + OpenRegister::kPatience;
        if (now >= until) in_the_way.push_back(other);
        next = std::min(next, now >= until ? now + std::chrono::milliseconds(100) : until);
      } else if (const auto a = std::find_if(arrived_.begin(), arrived_.end(),
                                             [&](const Arrived& x) {
                                               const PeerInfo& peer = x.connection->peer();
                                               return peer.incarnation == e->member.incarnation &&
                                                      peer.name == e->member.name;
                                             });
                 a != arrived_.end()) {
        newcomers.emplace_back(e->member, a->connection);
        arrived_.erase(a);
        e = expected_.erase(e);
        continue;
      }
      ++e;
    }
    for (auto a = arrived_.begin(); a != arrived_.end();) {
      if (a->since + kWait <= now) {
        strangers.push_back(std::move(a->connection));
        a = arrived_.erase(a);
      } else {
        next = std::min(next, (a++)->since + kWait);
      }
    }
  }
  for (const auto& p : in_the_way) {
    if (!p->connected()) continue;
    p->connection()->close(make_error(
        ErrorKind::kPeerDied, "rank 0 has seen its end, and another worker has come with its name or rank"));
  }
  for (const auto& c : strangers) c->close(nullptr);
  for (auto& [member, connection] : newcomers) {
    try {
      events_.take_in(member, connection);
    } catch (const std::bad_alloc&) {
      connection->close(nullptr);  // so that the other side is told
    }
  }
  if (next != kNoDeadline) look_at(next);
}

void Membership::ask_all(const char* what, const char* during, TimePoint deadline,
                         const std::function<void(const Peer&, const Value& answer)>& answered,
                         const std::function<bool(const Peer&)>& asks) {
  std::vector<std::pair<detail::Ref<Peer>, Future<Value>>> asked;
  for (const auto& p : world_.peers()) {
    if (!p->is_self && !p->dead() && (!asks || asks(*p)))
      asked.emplace_back(p, calls_.call(*p, control_request(what), kNoDeadline));
  }
  LongWait is_long(log_);
  for (const auto& [p, answer] : asked) {
    const auto reason = [&peer = *p, during] {
      return fmt::format("{}: worker '{}' (rank {}) does not answer", during, peer.info.name, peer.info.id);
    };
    const auto slice = [&, &a = answer](TimePoint until) {
      if (!a.ready()) is_long.look(reason);
      return a.wait_until(until);
    };
    if (!wait_interruptible(deadline, interrupted_, during, slice)) throw DeadlineExceeded(reason());
    // Its end may have reached the connection, and not the peer yet.
    if (answer.error() && !p->dead() && !p->connection()->closed()) std::rethrow_exception(answer.error());
    if (answered && !answer.error()) answered(*p, answer.get());
  }
}

void Membership::announce(TimePoint deadline) {
  // First all have this worker in their lists, then the first of them may use it: what it passes on of this worker's they
  // all understand.
  ask_all(kHere, "init_rpc", deadline);
  ask_all(kJoined, "init_rpc", deadline);
}

std::string Membership::under_way(bool own_only) const {
  std::string names;
  for (const auto& p : world_.peers()) {
    const size_t to = p->calls.pending(), from = own_only ? 0 : p->incoming->running();
    if (to + from)
      names += fmt::format("{}{} to and {} of '{}'", names.empty() ? "" : ", ", to, from, p->info.name);
  }
  if (names.empty()) return names;
  if (const std::string pending = calls_.pending_by_name(); !pending.empty())
    names += fmt::format("; it waits for {}", pending);
  return fmt::format("calls of worker '{}' are still running: {}", world_.name(), names);
}

void Membership::wait_until_idle(TimePoint deadline, bool own_only, LongWait* busy) {
  Naps naps(interrupted_, "shutdown");
  bool was_idle = false;
  for (uint64_t last = 0;;) {
    const size_t pending = calls_.pending(), running = own_only ? 0 : server_.running();
    const uint64_t begun = calls_.begun() + (own_only ? 0 : server_.begun());
    // Twice, with nothing begun in between: a call that was made while they were counted is seen the second time.
    const bool is_idle = pending + running == 0;
    if (is_idle && was_idle && begun == last) return;
    if (!is_idle) {
      // Empty: they have just ended.
      const auto calls = [&](const char* waits) {
        const std::string named = under_way(own_only);
        return named.empty() ? named : waits + named;
      };
      if (Clock::now() >= deadline) {
        if (const std::string text = calls("shutdown: "); !text.empty()) throw DeadlineExceeded(text);
      }
      busy->look([&] { return calls("shutdown waits: "); });
      naps.nap();
    }
    was_idle = is_idle;
    last = begun;
  }
}

// What another worker has sent may be on its way here when its answer is: that overtakes a large request.
void Membership::take_leave(TimePoint deadline) {
  LongWait is_long(log_);
  std::unordered_set<uint64_t> done;  // by incarnation: who makes no more calls and has all answers
  for (Naps naps(interrupted_, "shutdown");; naps.nap()) {
    std::string names;
    ask_all(
        kLeaving, "shutdown", deadline,
        [&](const Peer& p, const Value& answer) {
          if (const int64_t pending = answer.to_int(); pending != 0)
            names += fmt::format("{}{} of '{}'", names.empty() ? "" : ", ", pending, p.info.name);
          else
            done.insert(p.incarnation);
        },
        [&](const Peer& p) { return !done.contains(p.incarnation); });
    if (names.empty()) return;
    const auto reason = [&] {
      return fmt::format("shutdown: calls to worker '{}' are still running: {}", world_.name(), names);
    };
    if (Clock::now() + naps.next() >= deadline) throw DeadlineExceeded(reason());
    is_long.look(reason);
  }
}

void Membership::wait_until_last(TimePoint deadline) {
  OpenRegister* const all = links_.open_register();
  const auto slice = [&](TimePoint until) {
    if (!world_.wait_until(until, [this] { return world_.is_alone(); })) return false;
    if (!all || all->end_if_alone()) return true;
    // Somebody is about to join, or its end is being dealt with.
    (void)world_.wait_until(std::min(until, Clock::now() + std::chrono::milliseconds(5)),
                            [] { return false; });
    return false;
  };
  while (!wait_interruptible(deadline, interrupted_, "shutdown", slice)) {
    const std::string others = all ? all->others() : std::string();
    if (others.empty()) continue;  // they have just gone
    throw DeadlineExceeded(
        fmt::format("shutdown: worker '{}' is rank 0, which keeps the register of this world and leaves it "
                    "last; there are "
                    "still {}: they are to call shutdown first",
                    world_.name(), others));
  }
}

void Membership::leave(TimePoint deadline) {
  // Calls of this worker may make others call it, so it takes calls until it has none under way.
  LongWait busy(log_);
  wait_until_idle(deadline, true, &busy);
  if (world_.rank() == 0) {
    wait_until_last(deadline);
  } else {
    take_leave(deadline);
  }
  LongWait others(log_);
  wait_until_idle(deadline, false, &others);
}

void Membership::close() noexcept {
  std::vector<Arrived> arrived;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    arrived.swap(arrived_);
    expected_.clear();
  }
  for (const Arrived& a : arrived) a.connection->close(nullptr);
}

}  // namespace tine::rpc

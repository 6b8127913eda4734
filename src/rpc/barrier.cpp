#include "src/rpc/barrier.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/rpc/waits.h"

namespace tine::rpc {
namespace {

constexpr const char* kJoin = "join";
constexpr const char* kProbe = "probe";

}  // namespace

Barrier::Barrier(World& world, Calls& calls, Server& server, std::function<bool()> interrupted,
                 std::function<void(const std::string&)> log)
    : world_(world),
      calls_(calls),
      server_(server),
      interrupted_(std::move(interrupted)),
      log_(std::move(log)) {}

void Barrier::Round::add(const std::string& name, size_t its_active, uint64_t its_begun,
                         const std::string& pending) {
  active += its_active;
  begun.emplace(name, its_begun);
  if (!its_active) return;
  busy +=
      fmt::format("{}'{}' has {} calls running or unanswered", busy.empty() ? "" : "; ", name, its_active);
  if (!pending.empty()) busy += fmt::format(", and waits for {}", pending);
}

std::string Barrier::Round::begun_since(const Round& last) const {
  std::string names;
  for (const auto& [name, number] : begun) {
    const auto before = last.begun.find(name);
    if (before != last.begun.end() && before->second != number)
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", name);
  }
  return names;
}

void Barrier::serve_control(const detail::Ref<IncomingState>& call) {
  if (call->name == kProbe) {
    const size_t active = calls_.pending() + server_.running();
    std::vector<Value> counts{static_cast<int64_t>(active),
                              static_cast<int64_t>(calls_.begun() + server_.begun())};
    if (!call->args.empty()) counts.emplace_back(calls_.pending_by_name());
    return call->answer(detail::make_ref<Tuple>(std::move(counts)));
  }
  if (call->name != kJoin) throw ValueError(fmt::format("an unknown control call '{}'", call->name));
  if (world_.rank() != 0) throw ValueError("only rank 0 keeps the barrier of shutdown");
  {
    const MutexLock lock(mutex_);
    if (ended_) std::rethrow_exception(ended_);
    joins_.insert_or_assign(call->caller->info.id, call);
  }
  world_.changed();
}

// One round: asks every worker how many calls it runs or waits for.
Barrier::Round Barrier::ask_all(TimePoint deadline, bool names) {
  Round round;
  std::vector<std::pair<detail::Ref<Peer>, Future<Value>>> asked;
  for (const auto& p : world_.peers()) {
    if (p->is_self || p->dead()) continue;
    asked.emplace_back(
        p, calls_.call(*p, control_request(kProbe, names ? std::vector<Value>{true} : std::vector<Value>()),
                       deadline));
  }
  round.add(world_.name(), calls_.pending() + server_.running(), calls_.begun() + server_.begun(),
            names ? calls_.pending_by_name() : std::string());
  for (const auto& [p, answer] : asked) {
    const auto slice = [&a = answer](TimePoint until) { return a.wait_until(until); };
    if (!wait_interruptible(deadline, interrupted_, "shutdown", slice) || answer.error()) {
      round.active += 1;
      round.busy += fmt::format("{}'{}' does not answer", round.busy.empty() ? "" : "; ", p->info.name);
      continue;
    }
    const auto& counts = answer.get().to_tuple().items;
    round.add(p->info.name, static_cast<size_t>(counts.at(0).to_int()),
              static_cast<uint64_t>(counts.at(1).to_int()),
              counts.size() > 2 ? counts[2].to_string() : std::string());
  }
  return round;
}

std::string Barrier::absent() {
  std::string list;
  const MutexLock lock(mutex_);
  for (const auto& p : world_.peers()) {
    if (p->is_self || p->dead() || joins_.contains(p->info.id)) continue;
    list += fmt::format("{}'{}' (rank {})", list.empty() ? "" : ", ", p->info.name, p->info.id);
  }
  return list;
}

void Barrier::wait_for_all(TimePoint deadline) {
  std::string names;
  const auto slice = [&](TimePoint until) {
    return world_.wait_until(until, [&] { return (names = absent()).empty(); });
  };
  if (!wait_interruptible(deadline, interrupted_, "shutdown", slice)) {
    throw DeadlineExceeded(fmt::format("shutdown: {} did not call shutdown in time", names));
  }
  Round last;
  last.active = 1;
  bool last_asked = false;
  LongWait busy(log_);
  Naps naps(interrupted_, "shutdown");
  for (;;) {
    // Also at the deadline there is time for one answer: it names the busy.
    const auto in_time = [deadline] {
      return std::max(deadline, Clock::now() + std::chrono::milliseconds(500));
    };
    const bool is_over = Clock::now() >= deadline;
    Round round = ask_all(in_time(), is_over);
    // Idle twice with nothing begun in between: at the time between the two nothing ran anywhere.
    if (round.active == 0 && last.active == 0 && round.begun == last.begun) break;
    // Not if it has passed while they were asked: then they have not said what they wait for.
    if (is_over) {
      // Found idle once at the deadline, they may be found so again: that is asked once more, and after each death.
      if (round.active) throw DeadlineExceeded("shutdown: calls are still running: " + round.busy);
      const std::string begins = round.begun_since(last);
      if (last_asked && !begins.empty())
        throw DeadlineExceeded(
            fmt::format("shutdown: calls are still running: found idle, {} began others", begins));
      last_asked = true;
    }
    if (round.active) {
      busy.look([&] {
        const std::string who = ask_all(in_time(), true).busy;
        return who.empty() ? who : "shutdown waits for calls that are still running: " + who;
      });
      naps.nap();
    }
    last = std::move(round);
  }
  std::string died, failed;
  for (const auto& p : world_.peers()) {
    if (p->is_self || !p->dead()) continue;
    const Peer::End end = p->end.load();
    if (end == Peer::End::kDied) died += fmt::format("{}'{}'", died.empty() ? "" : ", ", p->info.name);
    if (end == Peer::End::kFailed)
      failed += fmt::format("{}{}", failed.empty() ? "" : "; ", message_of(p->death()));
  }
  if (!died.empty()) died += " died before the end";
  if (!failed.empty() && !died.empty()) died += "; ";
  if (!failed.empty() || !died.empty()) throw PeerDied(fmt::format("shutdown: {}{}", died, failed));
}

void Barrier::wait_for_rank0(TimePoint deadline) {
  const TimePoint begun = Clock::now();
  // Rank 0 gives up at its own deadline and tells why: that text is worth a second.
  const TimePoint until = deadline == kNoDeadline ? deadline : deadline + std::chrono::seconds(1);
  const Future<Value> joined = calls_.call(*world_.peer(0), control_request(kJoin), until);
  const auto slice = [&](TimePoint t) { return joined.wait_until(t); };
  if (!wait_interruptible(until, interrupted_, "shutdown", slice) || !joined.ready()) {
    throw DeadlineExceeded(
        fmt::format("shutdown: rank 0 ('{}') did not end the barrier within {:.3g} s: it, or another "
                    "worker, has not called shutdown or still runs calls",
                    world_.peer(0)->info.name, std::chrono::duration<double>(deadline - begun).count()));
  }
  if (joined.error()) std::rethrow_exception(joined.error());
}

void Barrier::wait(TimePoint deadline) {
  if (world_.rank() == 0) {
    wait_for_all(deadline);
  } else {
    wait_for_rank0(deadline);
  }
}

Barrier::Joins Barrier::take_joins(std::exception_ptr reason) {
  const MutexLock lock(mutex_);
  ended_ = std::move(reason);
  return std::exchange(joins_, {});
}

void Barrier::let_go(const std::exception_ptr& failure) noexcept {
  if (world_.rank() != 0) return;
  const Joins joins =
      take_joins(failure ? failure : make_error(ErrorKind::kRuntime, "rank 0 has ended the world"));
  for (const auto& [rank, join] : joins) {
    if (failure) {
      join->answer_error(failure);
    } else {
      join->answer(Value());
    }
  }
  // They close first: what they still send must not meet a closed socket, which would take the answer with it.
  if (!joins.empty()) wait_until_left(Clock::now() + std::chrono::seconds(2));
}

void Barrier::wait_until_left(TimePoint deadline) noexcept {
  (void)world_.wait_until(deadline, [this] { return world_.is_alone(); });
}

void Barrier::close() noexcept { (void)take_joins(make_error(ErrorKind::kRuntime, "this worker has ended")); }

}  // namespace tine::rpc

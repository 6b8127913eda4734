// The end: the barrier that finds out that no call is running anywhere, and closing.

#include <fmt/format.h>

#include <algorithm>

#include "src/rpc/agent_core.h"

namespace tine::rpc {
namespace {

constexpr const char* kJoin = "join";
constexpr const char* kProbe = "probe";

CallRequest control(const char* name) {
  CallRequest request;
  request.target = Target::kControl;
  request.name = name;
  return request;
}

}  // namespace

void AgentCore::serve_control(const detail::Ref<IncomingState>& call) {
  if (call->name == kProbe) {
    const int64_t active = static_cast<int64_t>(pending() + running.load());
    return call->answer(detail::make_ref<Tuple>(
        std::vector<Value>{active, static_cast<int64_t>(started_.load(std::memory_order_relaxed))}));
  }
  if (call->name != kJoin) throw ValueError(fmt::format("an unknown control call '{}'", call->name));
  if (options.rank != 0) throw ValueError("only rank 0 keeps the barrier of shutdown");
  {
    const std::lock_guard lock(mutex_);
    if (!ended_.empty()) throw Error(ended_);
    joins_.insert_or_assign(call->caller->info.id, call);
  }
  changed_.notify_all();
}

// One round: asks every worker how many calls it runs or waits for.
AgentCore::Round AgentCore::ask_all(TimePoint deadline) {
  Round round;
  std::vector<std::pair<const Peer*, Future<Value>>> asked;
  for (const auto& p : peers) {
    if (p->is_self || p->dead()) continue;
    asked.emplace_back(p.get(), call(p->info.id, control(kProbe), deadline));
  }
  const auto add = [&round](const std::string& name, int64_t active, int64_t begun) {
    round.active += active;
    round.begun += begun;
    if (active)
      round.busy += fmt::format("{}'{}' has {} calls running or unanswered", round.busy.empty() ? "" : ", ",
                                name, active);
  };
  add(options.name, static_cast<int64_t>(pending() + running.load()), static_cast<int64_t>(started_.load()));
  for (const auto& [p, answer] : asked) {
    const auto slice = [&a = answer](TimePoint until) { return a.wait_until(until); };
    if (!wait_interruptible(deadline, options.interrupted, "shutdown", slice) || answer.error()) {
      round.active += 1;
      round.busy += fmt::format("{}'{}' does not answer", round.busy.empty() ? "" : ", ", p->info.name);
      continue;
    }
    const auto& counts = answer.get().to_tuple().items;
    add(p->info.name, counts.at(0).to_int(), counts.at(1).to_int());
  }
  return round;
}

void AgentCore::wait_for_end(TimePoint deadline) {
  const auto absent = [this] {
    std::string list;
    for (const auto& p : peers) {
      if (p->is_self || p->dead() || joins_.contains(p->info.id)) continue;
      list += fmt::format("{}'{}' (rank {})", list.empty() ? "" : ", ", p->info.name, p->info.id);
    }
    return list;
  };
  std::string names;
  const auto slice = [&](TimePoint until) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, until, [&] { return (names = absent()).empty(); });
  };
  if (!wait_interruptible(deadline, options.interrupted, "shutdown", slice)) {
    throw DeadlineExceeded(fmt::format("shutdown: {} did not call shutdown in time", names));
  }
  Round last;
  last.active = 1;
  auto pause = std::chrono::milliseconds(1);
  for (;;) {
    // Also at the deadline there is time for one answer: it names the busy.
    Round round = ask_all(std::max(deadline, Clock::now() + std::chrono::milliseconds(500)));
    // Idle twice with nothing begun in between: at the time between the two nothing ran anywhere.
    if (round.active == 0 && last.active == 0 && round.begun == last.begun) break;
    if (Clock::now() >= deadline) {
      throw DeadlineExceeded(fmt::format("shutdown: calls are still running: {}", round.busy));
    }
    if (round.active) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, pause);
      pause = std::min(pause * 2, std::chrono::milliseconds(32));
    }
    last = std::move(round);
  }
  std::string lost;
  for (const auto& p : peers) {
    if (!p->is_self && p->dead() && !p->left)
      lost += fmt::format("{}'{}'", lost.empty() ? "" : ", ", p->info.name);
  }
  if (!lost.empty()) throw PeerDied(fmt::format("shutdown: {} died before the end", lost));
}

void AgentCore::wait_for_rank0(TimePoint deadline, Seconds timeout) {
  // Rank 0 gives up at its own deadline and tells why: that text is worth a second.
  const TimePoint until = deadline == kNoDeadline ? deadline : deadline + std::chrono::seconds(1);
  const Future<Value> joined = call(0, control(kJoin), until);
  const auto slice = [&](TimePoint t) { return joined.wait_until(t); };
  if (!wait_interruptible(until, options.interrupted, "shutdown", slice) || !joined.ready()) {
    throw DeadlineExceeded(
        fmt::format("shutdown: rank 0 ('{}') did not end the barrier within {:.3g} s: it, or another "
                    "worker, has not called shutdown or still runs calls",
                    workers[0].name, timeout.count()));
  }
  if (joined.error()) std::rethrow_exception(joined.error());
}

void AgentCore::shutdown(bool graceful, Seconds timeout, std::string_view failed_by) {
  if (of_parent()) return;
  const std::lock_guard once(shutdown_mutex_);
  if (closed.load(std::memory_order_acquire)) return;
  const TimePoint deadline =
      timeout.count() > 0 ? Clock::now() + std::chrono::duration_cast<Clock::duration>(timeout) : kNoDeadline;
  std::exception_ptr failure;
  if (graceful) {
    leaving.store(true, std::memory_order_release);
    try {
      if (options.rank == 0) {
        wait_for_end(deadline);
      } else {
        wait_for_rank0(deadline, timeout);
      }
    } catch (...) {
      failure = std::current_exception();
    }
  }
  closing.store(true, std::memory_order_release);
  if (options.rank == 0) {
    decltype(joins_) joins;
    {
      const std::lock_guard lock(mutex_);
      joins.swap(joins_);
      ended_ = "rank 0 has ended the world";
    }
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
  close(
      make_error(ErrorKind::kAbandoned,
                 fmt::format("RPC was shut down on worker '{}' while this call had no answer", options.name)),
      std::chrono::milliseconds(graceful ? 1000 : 100), failed_by);
  if (failure) std::rethrow_exception(failure);
}

void AgentCore::wait_until_left(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [this] {
    return std::all_of(peers.begin(), peers.end(), [](const auto& p) { return p->is_self || p->dead(); });
  });
}

void AgentCore::close(const std::exception_ptr& cause, std::chrono::milliseconds patience,
                      std::string_view failure) {
  closing.store(true, std::memory_order_release);
  closed.store(true, std::memory_order_release);
  for (const auto& listener : listeners_) listener->close();
  const TimePoint until = Clock::now() + patience;
  const GoodbyeReason reason = failure.empty() ? GoodbyeReason::kShutdown : GoodbyeReason::kFailed;
  for (const auto& p : peers) {
    if (p->connected()) p->connection()->shutdown(reason, failure, until);
  }
  wait_until_left(until);
  if (loop_) loop_->stop();
  for (const auto& p : peers) {
    p->die(cause);
    p->cancel_all_incoming();
    p->detach();
  }
  rrefs.clear(cause);
  decltype(joins_) joins;
  decltype(arrived_) arrived;
  decltype(held_) held;
  const std::lock_guard lock(mutex_);
  held.swap(held_);
  joins.swap(joins_);
  arrived.swap(arrived_);
}

void AgentCore::abandon_in_child() noexcept {
  closing.store(true, std::memory_order_relaxed);
  closed.store(true, std::memory_order_relaxed);
}

}  // namespace tine::rpc

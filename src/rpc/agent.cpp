#include "src/rpc/agent.h"

#include <fmt/format.h>

#include "src/rpc/agent_core.h"

namespace tine::rpc {

Agent::Agent(std::shared_ptr<AgentCore> core) noexcept : core_(std::move(core)) {}

std::unique_ptr<Agent> Agent::start(AgentOptions options) {
  auto core = std::make_shared<AgentCore>(std::move(options));
  try {
    core->start();
  } catch (...) {
    core->close(std::current_exception(), std::chrono::milliseconds(100));
    throw;
  }
  return std::unique_ptr<Agent>(new Agent(std::move(core)));
}

Agent::~Agent() {
  if (core_->of_parent()) return;
  try {
    shutdown(false);
  } catch (...) {
    // Everything is closed; nobody is left to be told.
  }
}

const WorkerInfo& Agent::self() const noexcept { return core_->self(); }
std::span<const WorkerInfo> Agent::workers() const noexcept { return core_->workers; }

const WorkerInfo& Agent::worker_info(std::string_view name) const {
  const auto at = core_->ranks.find(std::string(name));
  if (at != core_->ranks.end()) return core_->workers[static_cast<size_t>(at->second)];
  std::string known;
  for (const WorkerInfo& w : core_->workers)
    known += fmt::format("{}'{}'", known.empty() ? "" : ", ", w.name);
  throw ValueError(fmt::format("unknown worker '{}'; the workers are {}", name, known));
}

const WorkerInfo& Agent::worker_info(int rank) const {
  if (rank < 0 || static_cast<size_t>(rank) >= core_->workers.size()) {
    throw ValueError(
        fmt::format("unknown worker with rank {}; ranks go from 0 to {}", rank, core_->workers.size() - 1));
  }
  return core_->workers[static_cast<size_t>(rank)];
}

void Agent::open() { core_->open(); }

TimePoint Agent::deadline_after(Seconds timeout) const noexcept {
  double seconds = timeout.count();
  if (seconds < 0) seconds = core_->rpc_timeout.load(std::memory_order_relaxed);
  // 30 years are as good as none, and do not overflow.
  if (seconds <= 0 || seconds > 1e9) return kNoDeadline;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
}

Seconds Agent::rpc_timeout() const noexcept { return Seconds(core_->rpc_timeout.load()); }
void Agent::set_rpc_timeout(Seconds timeout) {
  if (!(timeout.count() >= 0))
    throw ValueError(fmt::format("rpc_timeout is {} s: expected 0 (none) or more", timeout.count()));
  core_->rpc_timeout.store(timeout.count());
}

Future<Value> Agent::call(int to, CallRequest request, TimePoint deadline) {
  return core_->call(worker_info(to).id, std::move(request), deadline);
}

detail::Ref<RRef> Agent::remote(int to, CallRequest request, TimePoint deadline) {
  return core_->remote(worker_info(to).id, std::move(request), deadline);
}

detail::Ref<RRef> Agent::own(Value value) {
  if (holds_future(value)) throw_future_cannot_travel("the value of an RRef");
  auto entry = detail::make_ref<OwnerEntry>(core_->rrefs.next_id(core_->options.rank));
  entry->complete(std::move(value));
  return core_->rrefs.own(std::move(entry));
}

void Agent::shutdown(bool graceful, Seconds timeout, std::string_view failure) {
  core_->shutdown(graceful, timeout, failure);
}
bool Agent::closed() const noexcept { return core_->closed.load(); }
void Agent::abandon_in_child() noexcept { core_->abandon_in_child(); }

Agent::Counts Agent::counts() const {
  return {core_->pending(), core_->running.load(), core_->rrefs.entries()};
}

}  // namespace tine::rpc

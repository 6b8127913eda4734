#include "src/rpc/world.h"

#include <fmt/format.h>

namespace tine::rpc {

World::World(std::string name, int rank, uint64_t incarnation, Allow allow)
    : name_(std::move(name)), rank_(rank), incarnation_(incarnation), allow_(allow) {}

void World::fill(std::vector<detail::Ref<Peer>> peers) {
  peers_ = std::move(peers);
  for (const auto& peer : peers_) {
    workers_.push_back(peer->info);
    ranks_.emplace(peer->info.name, peer->info.id);
  }
}

const WorkerInfo& World::find(std::string_view name) const {
  const auto at = ranks_.find(std::string(name));
  if (at != ranks_.end()) return workers_[static_cast<size_t>(at->second)];
  std::string known;
  for (const WorkerInfo& w : workers_) known += fmt::format("{}'{}'", known.empty() ? "" : ", ", w.name);
  throw ValueError(fmt::format("unknown worker '{}'; the workers are {}", name, known));
}

const WorkerInfo& World::find(int rank) const {
  if (rank < 0 || static_cast<size_t>(rank) >= workers_.size()) {
    throw ValueError(
        fmt::format("unknown worker with rank {}; ranks go from 0 to {}", rank, workers_.size() - 1));
  }
  return workers_[static_cast<size_t>(rank)];
}

void World::changed() noexcept {
  // Empty section: a waiter that looked under the lock and saw nothing is in its wait before this returns.
  { const MutexLock lock(mutex_); }
  changed_.notify_all();
}

}  // namespace tine::rpc

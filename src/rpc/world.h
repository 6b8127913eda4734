// World: which workers there are, by rank and by name, and which of them are dead.
//
// The thread that starts the agent fills it once, before any call; after that workers die and none comes, and any thread
// may ask. The World owns the peers. find() of a worker that is not there throws ValueError that lists the known names or ranks.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/peer.h"
#include "src/rpc/rref_table.h"

namespace tine::rpc {

class World final : public Workers {
 public:
  World(std::string name, int rank, uint64_t incarnation, Allow allow = Allow::kAll);

  void fill(std::vector<detail::Ref<Peer>> peers);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const WorkerInfo& self() const noexcept { return workers_[static_cast<size_t>(rank_)]; }
  [[nodiscard]] std::span<const WorkerInfo> workers() const noexcept { return workers_; }
  [[nodiscard]] const WorkerInfo& find(std::string_view name) const;
  [[nodiscard]] const WorkerInfo& find(int rank) const;
  [[nodiscard]] std::span<const detail::Ref<Peer>> peers() const noexcept { return peers_; }
  [[nodiscard]] Peer& peer(int rank) const noexcept { return *peers_[static_cast<size_t>(rank)]; }

  int rank() const noexcept override { return rank_; }
  uint64_t incarnation() const noexcept override { return incarnation_; }
  int size() const noexcept override { return static_cast<int>(peers_.size()); }
  const WorkerInfo& info(int rank) const noexcept override { return peer(rank).info; }
  uint64_t incarnation_of(int rank) const noexcept override { return peer(rank).incarnation; }
  bool is_dead(int rank) const noexcept override { return peer(rank).dead(); }
  void tell(int rank, OutFrame frame) noexcept override { peer(rank).tell(std::move(frame)); }
  bool takes_foreign() const noexcept override { return allow_ == Allow::kAll; }

  // Something that wait_until's condition may look at has changed: a worker died, a message came.
  void changed() noexcept;
  // The condition is looked at under a lock of the world's own. False: the deadline passed first.
  template <class Come>
  bool wait_until(TimePoint deadline, Come come) {
    const MutexLock lock(mutex_);
    while (!come()) {
      if (!changed_.wait_until(mutex_, deadline)) return come();
    }
    return true;
  }

 private:
  const std::string name_;
  const int rank_;
  const uint64_t incarnation_;
  const Allow allow_;
  std::vector<WorkerInfo> workers_;
  std::unordered_map<std::string, int> ranks_;
  std::vector<detail::Ref<Peer>> peers_;
  Mutex mutex_;
  Condition changed_;
};

}  // namespace tine::rpc

// World: which workers there are, by rank and by name. Roster: a list of them that does not change.
//
// The thread that starts the agent fills the world, before any call. In a fixed world nobody comes after that. In a world that
// changes, workers come (add) and go (replace). Any thread may ask at any time. The dead stay in the list, so that calls to
// them fail with their names, until another has the name or rank, and at most kRemembered of them.
//
// To ask costs no lock and no write to shared memory but the count of the peer that is returned: each thread keeps a reference
// to the roster that it saw last, and compares its address with that of the world's own. As long as a thread holds that
// reference the roster lives, so no other roster has the same address, and equal addresses mean the same list. Only behind a
// change a thread takes the lock, once. A thread that never asks again keeps one old list until it ends.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/peer.h"
#include "src/rpc/rref_table.h"

namespace tine::rpc {

class Roster final : public detail::RefCounted {
 public:
  explicit Roster(std::vector<detail::Ref<Peer>> peers);

  // Null: nobody.
  [[nodiscard]] Peer* at(int rank) const noexcept;
  [[nodiscard]] Peer* named(std::string_view name) const noexcept;

  const std::vector<detail::Ref<Peer>> peers;  // by rank

 private:
  std::vector<Peer*> by_name_;
};

class World final : public Workers {
 public:
  // A dead worker is remembered until so many have died after it.
  static constexpr size_t kRemembered = 256;

  // `changes`: workers come and go. Then the rank may be -1 until fill() says it.
  World(std::string name, int rank, uint64_t incarnation, bool changes = false, Allow allow = Allow::kAll);

  // One of them is this worker itself.
  void fill(std::vector<detail::Ref<Peer>> peers);
  // One more, who takes the place of the dead who had its name or its rank.
  void add(detail::Ref<Peer> peer);
  // `by` stands for it from now on; null: as if it had never been there.
  void replace(const Peer& peer, detail::Ref<Peer> by) noexcept;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool changes() const noexcept { return changes_; }
  [[nodiscard]] const WorkerInfo& self() const noexcept override { return self_->info; }
  [[nodiscard]] const detail::Ref<Peer>& own() const noexcept { return self_; }
  // By rank. In a world that changes: those who have joined and live.
  [[nodiscard]] std::vector<WorkerInfo> workers() const;
  // One that may be called: it has joined, and may have died. ValueError, which lists the workers, for another.
  [[nodiscard]] detail::Ref<Peer> find(std::string_view name) const;
  [[nodiscard]] detail::Ref<Peer> find(int64_t rank) const;
  // ValueError when it has died in a world that changes: it is a worker no more.
  [[nodiscard]] const WorkerInfo& info_of(const Peer& peer) const;
  // Null when there is none, or the one of that rank has another life.
  [[nodiscard]] detail::Ref<Peer> peer(int rank) const noexcept;
  [[nodiscard]] detail::Ref<Peer> peer(int rank, uint64_t incarnation) const noexcept;
  [[nodiscard]] detail::Ref<Peer> peer_named(std::string_view name) const noexcept;
  // What fails calls to a life that is gone.
  [[nodiscard]] std::exception_ptr end_of(const WorkerInfo& worker, uint64_t incarnation) const noexcept;

  // All of them as they are now; to be used in a for loop.
  class Peers {
   public:
    explicit Peers(detail::Ref<const Roster> roster) noexcept : roster_(std::move(roster)) {}
    [[nodiscard]] auto begin() const noexcept { return roster_->peers.begin(); }
    [[nodiscard]] auto end() const noexcept { return roster_->peers.end(); }

   private:
    detail::Ref<const Roster> roster_;
  };
  [[nodiscard]] Peers peers() const noexcept { return Peers(snapshot()); }

  // Everybody else is dead.
  [[nodiscard]] bool is_alone() const noexcept;

  int rank() const noexcept override { return rank_; }
  uint64_t incarnation() const noexcept override { return incarnation_; }
  bool is_rank(int rank) const noexcept override;
  WorkerInfo info_of_life(int rank, uint64_t incarnation) const override;
  std::string name_of_life(uint64_t incarnation) const override;
  bool lives(uint64_t incarnation) const noexcept override;
  void tell(int rank, uint64_t incarnation, OutFrame frame) noexcept override;
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
  [[nodiscard]] detail::Ref<const Roster> snapshot() const noexcept;
  // f(roster), which is not kept.
  template <class F>
  auto look(F f) const;
  void publish(std::vector<detail::Ref<Peer>> peers) TINE_REQUIRES(change_mutex_);
  [[nodiscard]] std::string known() const;

  const std::string name_;
  int rank_;
  const uint64_t incarnation_;
  const bool changes_;
  const Allow allow_;
  detail::Ref<Peer> self_;
  Mutex change_mutex_;  // one change at a time
  uint64_t next_number_ TINE_GUARDED_BY(change_mutex_) = 0;
  std::atomic<const Roster*> current_{nullptr};
  mutable Mutex roster_mutex_;
  detail::Ref<const Roster> roster_ TINE_GUARDED_BY(roster_mutex_);  // what current_ points to
  Mutex mutex_;
  Condition changed_;
};

}  // namespace tine::rpc

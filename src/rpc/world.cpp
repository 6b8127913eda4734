#include "src/rpc/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/error_or_want.h"
#include "src/rpc/agent.h"

namespace tine::rpc {
namespace {

// The roster that this thread saw last, of whatever world.
struct Seen {
  detail::Ref<const Roster> roster;
  ~Seen();
};

thread_local bool seen_is_over = false;  // the thread ends: another destructor of it may still ask
thread_local Seen seen;

Seen::~Seen() { seen_is_over = true; }

std::string who(const WorkerInfo& worker) {
  return fmt::format("worker '{}' (rank {})", worker.name, worker.id);
}

}  // namespace

Roster::Roster(std::vector<detail::Ref<Peer>> all)
    : peers([&] {
        std::sort(all.begin(), all.end(),
                  [](const auto& a, const auto& b) { return a->info.id < b->info.id; });
        return std::move(all);
      }()) {
  for (const auto& p : peers) by_name_.push_back(p.get());
  std::sort(by_name_.begin(), by_name_.end(),
            [](const Peer* a, const Peer* b) { return a->info.name < b->info.name; });
}

Peer* Roster::at(int rank) const noexcept {
  // Where no rank is missing before it, it is at its own place.
  if (const auto place = static_cast<size_t>(rank); place < peers.size() && peers[place]->info.id == rank)
    return peers[place].get();
  const auto at =
      std::lower_bound(peers.begin(), peers.end(), rank, [](const auto& p, int r) { return p->info.id < r; });
  return at != peers.end() && (*at)->info.id == rank ? at->get() : nullptr;
}

Peer* Roster::named(std::string_view name) const noexcept {
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [](const Peer* p, std::string_view n) { return p->info.name < n; });
  return at != by_name_.end() && (*at)->info.name == name ? *at : nullptr;
}

World::World(std::string name, int rank, uint64_t incarnation, bool changes, Allow allow)
    : name_(std::move(name)), rank_(rank), incarnation_(incarnation), changes_(changes), allow_(allow) {
  const MutexLock change(change_mutex_);
  publish({});
}

detail::Ref<const Roster> World::snapshot() const noexcept {
  const MutexLock lock(roster_mutex_);
  return roster_;
}

template <class F>
auto World::look(F f) const {
  if (seen_is_over) [[unlikely]] {
    const detail::Ref<const Roster> held = snapshot();
    return f(*held);
  }
  // Once more after each exchange: what the old roster held last may run code that asks another world.
  while (seen.roster.get() != current_.load(std::memory_order_acquire)) [[unlikely]] {
      detail::Ref<const Roster> fresh = snapshot();
      const detail::Ref<const Roster> old = std::exchange(seen.roster, std::move(fresh));
    }
  return f(*seen.roster);
}

void World::publish(std::vector<detail::Ref<Peer>> peers) {
  detail::Ref<const Roster> next = detail::make_ref<Roster>(std::move(peers));
  const MutexLock lock(roster_mutex_);
  current_.store(next.get(), std::memory_order_release);
  std::swap(roster_, next);  // the old one is dropped without the lock
}

void World::fill(std::vector<detail::Ref<Peer>> peers) {
  const MutexLock change(change_mutex_);
  for (const auto& p : peers) {
    p->set_joined();
    p->number = next_number_++;
    if (!p->is_self) continue;
    self_ = p;
    rank_ = p->info.id;
  }
  publish(std::move(peers));
}

bool World::is_alone() const noexcept {
  const Peers all = peers();
  return std::all_of(all.begin(), all.end(), [](const auto& p) { return p->is_self || p->dead(); });
}

void World::add(detail::Ref<Peer> peer) {
  const MutexLock change(change_mutex_);
  std::vector<detail::Ref<Peer>> next;
  size_t dead = 0;
  uint64_t oldest = UINT64_MAX;
  for (const auto& p : peers()) {
    if (p->dead() && (p->info.id == peer->info.id || p->info.name == peer->info.name)) continue;
    next.push_back(p);
    if (!p->dead()) continue;
    ++dead;
    oldest = std::min(oldest, p->number);
  }
  peer->number = next_number_++;
  if (dead > kRemembered)
    std::erase_if(next, [&](const auto& p) { return p->dead() && p->number == oldest; });
  next.push_back(std::move(peer));
  publish(std::move(next));
}

void World::replace(const Peer& peer, detail::Ref<Peer> by) noexcept {
  const MutexLock change(change_mutex_);
  try {
    if (by) by->number = next_number_++;  // in the order of their ends
    std::vector<detail::Ref<Peer>> next;
    for (const auto& p : peers()) {
      if (p.get() != &peer) {
        next.push_back(p);
      } else if (by) {
        next.push_back(std::move(by));
      }
    }
    publish(std::move(next));
  } catch (const std::bad_alloc&) {
    // It is dead, and stays in the list as it is.
  }
}

std::vector<WorkerInfo> World::workers() const {
  std::vector<WorkerInfo> workers;
  for (const auto& p : peers()) {
    if (p->joined() && (!changes_ || !p->dead())) workers.push_back(p->info);
  }
  return workers;
}

std::string World::known() const {
  std::string known;
  for (const WorkerInfo& w : workers()) known += fmt::format("{}'{}'", known.empty() ? "" : ", ", w.name);
  return known;
}

detail::Ref<Peer> World::find(std::string_view name) const {
  if (auto peer = peer_named(name); peer && peer->joined()) return peer;
  throw ValueError(fmt::format("unknown worker '{}'; the workers are {}", name, known()));
}

detail::Ref<Peer> World::find(int64_t rank) const {
  if (std::in_range<int>(rank)) {
    if (auto at = peer(static_cast<int>(rank)); at && at->joined()) return at;
  }
  if (changes_) {
    std::string ranks;
    for (const WorkerInfo& w : workers()) ranks += fmt::format("{}{}", ranks.empty() ? "" : ", ", w.id);
    throw ValueError(fmt::format("unknown worker with rank {}; the ranks are {}", rank, ranks));
  }
  throw ValueError(
      fmt::format("unknown worker with rank {}; ranks go from 0 to {}", rank, workers().size() - 1));
}

const WorkerInfo& World::info_of(const Peer& peer) const {
  if (!changes_ || !peer.dead()) return peer.info;
  throw ValueError(fmt::format("{}; the workers are {}", message_of(peer.death()), known()));
}

detail::Ref<Peer> World::peer(int rank) const noexcept {
  return look([rank](const Roster& r) { return detail::Ref<Peer>::share(r.at(rank)); });
}

detail::Ref<Peer> World::peer(int rank, uint64_t incarnation) const noexcept {
  auto found = peer(rank);
  return found && found->incarnation == incarnation ? found : nullptr;
}

detail::Ref<Peer> World::peer_named(std::string_view name) const noexcept {
  return look([name](const Roster& r) { return detail::Ref<Peer>::share(r.named(name)); });
}

std::exception_ptr World::end_of(const WorkerInfo& worker, uint64_t incarnation) const noexcept {
  if (const auto known = peer(worker.id, incarnation); known && known->dead()) return known->death();
  return error_or_want([&] {
    const auto now = peer(worker.id);
    return make_error(
        ErrorKind::kPeerDied,
        fmt::format("{} has left{}", who(worker),
                    now && now->joined() && now->incarnation != incarnation
                        ? fmt::format("; its rank is now that of another: worker '{}'", now->info.name)
                        : ""));
  });
}

bool World::is_rank(int rank) const noexcept {
  return changes_ ? rank >= 0 && rank < kMostRanks : peer(rank) != nullptr;
}

WorkerInfo World::info_of_life(int rank, uint64_t incarnation) const {
  const auto now = peer(rank);
  if (now && now->incarnation == incarnation) return now->info;
  if (!now)
    throw ValueError(fmt::format("a reference owned by rank {}: no such worker is known here{}", rank,
                                 changes_ ? "; its owner has left, or never was of this world" : ""));
  throw ValueError(
      fmt::format("a reference from an earlier life of worker '{}'{}", now->info.name,
                  changes_ ? fmt::format(" or of another one of rank {}, who has left", rank) : ""));
}

std::string World::name_of_life(uint64_t incarnation) const {
  return look([&](const Roster& r) {
    const auto at = std::find_if(r.peers.begin(), r.peers.end(),
                                 [&](const auto& p) { return p->incarnation == incarnation; });
    return at == r.peers.end() ? std::string() : (*at)->info.name;
  });
}

bool World::lives(uint64_t incarnation) const noexcept {
  return look([&](const Roster& r) {
    return std::any_of(r.peers.begin(), r.peers.end(), [&](const auto& p) {
      return p->incarnation == incarnation && !p->is_self && !p->dead();
    });
  });
}

void World::tell(int rank, uint64_t incarnation, OutFrame frame) noexcept {
  const auto to = incarnation ? peer(rank, incarnation) : peer(rank);
  if (to) to->tell(std::move(frame));
}

void World::changed() noexcept {
  // Empty section: a waiter that looked under the lock and saw nothing is in its wait before this returns.
  { const MutexLock lock(mutex_); }
  changed_.notify_all();
}

}  // namespace tine::rpc

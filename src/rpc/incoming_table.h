// IncomingTable: the calls of one worker that run here. It is open until that worker is gone.
//
// Any thread may use it. It owns nothing: a call takes itself out, and cancel_all() takes out all. Each member costs a short
// lock and a hash.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>

#include "src/base/mutex.h"

namespace tine::rpc {

// A Call has `uint64_t id`, `bool counts() const`, and mark_cancelled(), which is called under the lock and returns what is
// to be stopped outside of it, by its cancel(). It is false when there is nothing to stop.
template <class Call>
class IncomingTable {
 public:
  // False, and it is not counted: one of that id is there.
  bool add(Call& call);
  void remove(Call& call) noexcept;
  // Its caller has given one up, or all: then it is gone, and nobody counts what runs for it.
  void cancel(uint64_t id) noexcept;
  void cancel_all() noexcept;
  // Not answered, those that count, of a caller that lives.
  [[nodiscard]] size_t running() const;

 private:
  friend Call;
  using Source = decltype(std::declval<Call&>().mark_cancelled());
  mutable Mutex mutex_;
  bool gone_ TINE_GUARDED_BY(mutex_) = false;
  size_t not_counted_ TINE_GUARDED_BY(mutex_) = 0;
  std::unordered_map<uint64_t, Call*> calls_ TINE_GUARDED_BY(mutex_);
};

template <class Call>
bool IncomingTable<Call>::add(Call& call) {
  const MutexLock lock(mutex_);
  if (gone_) call.cancelled.store(true, std::memory_order_seq_cst);
  if (!calls_.emplace(call.id, &call).second) return false;
  not_counted_ += !call.counts();
  return true;
}

template <class Call>
void IncomingTable<Call>::remove(Call& call) noexcept {
  const MutexLock lock(mutex_);
  const auto at = calls_.find(call.id);
  if (at == calls_.end() || at->second != &call) return;
  not_counted_ -= !call.counts();
  calls_.erase(at);
}

template <class Call>
void IncomingTable<Call>::cancel(uint64_t id) noexcept {
  Source source{};
  {
    const MutexLock lock(mutex_);
    const auto at = calls_.find(id);
    if (at != calls_.end()) source = at->second->mark_cancelled();
  }
  if (source) source.cancel();
}

template <class Call>
void IncomingTable<Call>::cancel_all() noexcept {
  // One after the other, because a list of them would need memory. A call that is taken out misses nothing: the table counts
  // no more.
  for (;;) {
    Source source{};
    {
      const MutexLock lock(mutex_);
      gone_ = true;
      const auto first = calls_.begin();
      if (first == calls_.end()) return;
      source = first->second->mark_cancelled();
      calls_.erase(first);
    }
    if (source) source.cancel();
  }
}

template <class Call>
size_t IncomingTable<Call>::running() const {
  const MutexLock lock(mutex_);
  return gone_ ? 0 : calls_.size() - not_counted_;
}

}  // namespace tine::rpc

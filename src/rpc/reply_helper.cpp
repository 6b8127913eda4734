#include "src/rpc/reply_helper.h"

#include <utility>

#include "tine/detail/state.h"

namespace tine::rpc {
namespace {

// Process-wide by nature: as futures are. Nothing is ever taken out, so that it needs no lock, which a child of fork(2)
// might find held.
constinit std::atomic<ReplyHelper*> all{nullptr};

}  // namespace

ReplyHelper& ReplyHelper::take() {
  for (ReplyHelper* helper = all.load(std::memory_order_acquire); helper; helper = helper->next_) {
    if (!helper->taken_.exchange(true, std::memory_order_acq_rel)) return *helper;
  }
  auto* const made = new ReplyHelper;
  made->next_ = all.load(std::memory_order_relaxed);
  while (!all.compare_exchange_weak(made->next_, made, std::memory_order_acq_rel)) {
  }
  return *made;
}

void ReplyHelper::serve(detail::Ref<Connection> connection, std::shared_ptr<const void> keep) noexcept {
  const MutexLock lock(mutex_);
  connection_ = std::move(connection);
  keep_ = std::move(keep);
}

void ReplyHelper::retire() noexcept {
  // Destroyed after the lock is released, and before this helper may be taken again.
  std::shared_ptr<const void> keep;
  detail::Ref<Connection> connection;
  {
    const MutexLock lock(mutex_);
    connection = std::exchange(connection_, nullptr);
    keep.swap(keep_);
  }
  taken_.store(false, std::memory_order_release);
}

void ReplyHelper::help(detail::StateBase& state, TimePoint deadline) noexcept {
  std::shared_ptr<const void> keep;
  detail::Ref<Connection> connection;
  {
    const MutexLock lock(mutex_);
    connection = connection_;
    keep = keep_;
  }
  if (!connection) return;
  auto done = [&state] { return state.done(); };
  (void)connection->try_poll(deadline, DoneCheck(done));
}

}  // namespace tine::rpc

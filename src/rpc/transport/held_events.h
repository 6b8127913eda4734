// HeldEvents: the events that a channel's watcher tells, until the channel lets go of them.
//
// The loop's thread tells them while any thread may stop watching. So an event keeps them for itself, and those that come
// after drop() find none.
#pragma once

#include <utility>

#include "src/base/mutex.h"
#include "src/rpc/transport/channel.h"

namespace tine::rpc {

class HeldEvents {
 public:
  explicit HeldEvents(detail::Ref<ChannelEvents> events) noexcept : events_(std::move(events)) {}

  // Null after drop().
  [[nodiscard]] detail::Ref<ChannelEvents> get() noexcept {
    const MutexLock lock(mutex_);
    return events_;
  }
  // The caller lets go of what is returned, without a lock of its own: that may be the last of whoever owns the channel.
  [[nodiscard]] detail::Ref<ChannelEvents> drop() noexcept {
    const MutexLock lock(mutex_);
    return std::move(events_);
  }

 private:
  Mutex mutex_;
  detail::Ref<ChannelEvents> events_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::rpc

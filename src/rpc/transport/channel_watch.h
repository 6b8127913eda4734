// ChannelWatch: the descriptor of a channel in a loop, from Channel::watch() to unwatch() or retire(). `Watcher` is what the loop
// calls: a Pollable that tells its ChannelEvents until drop().
//
// The channel calls each member under one lock of its own.
#pragma once

#include <optional>
#include <utility>

#include "src/rpc/transport/channel.h"

namespace tine::rpc {

template <class Watcher>
class ChannelWatch {
 public:
  // False: it has ended for good.
  [[nodiscard]] bool begin(const Loop& loop, int fd, detail::Ref<Watcher> watcher, uint32_t epoll_events) {
    if (ended_) return false;
    loop_ = loop;
    loop_->watch(fd, *watcher, epoll_events);
    fd_ = fd;
    watcher_ = std::move(watcher);
    return true;
  }
  void change(uint32_t epoll_events) noexcept {
    if (watcher_) loop_->change(fd_, *watcher_, epoll_events);
  }
  // What the caller lets go of without its lock: they may hold whoever owns the channel.
  [[nodiscard]] detail::Ref<ChannelEvents> end(bool for_good) noexcept {
    ended_ = ended_ || for_good;
    if (!watcher_) return {};
    loop_->forget(fd_, *watcher_);
    return std::exchange(watcher_, nullptr)->drop();
  }
  // Of the loop that it is in, or was in last.
  [[nodiscard]] bool on_loop_thread() const noexcept { return loop_ && loop_->on_loop_thread(); }

 private:
  std::optional<Loop> loop_;
  int fd_ = -1;
  detail::Ref<Watcher> watcher_;  // null: not watched
  bool ended_ = false;
};

}  // namespace tine::rpc

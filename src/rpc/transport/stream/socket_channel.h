// SocketChannel: a Channel over a connected stream socket, of whatever family.
//
// The socket is its own bell. It is armed while epoll(7), level-triggered, watches it for reading, so arm() never has
// anything to tell. Arming what is armed already costs nothing; otherwise arm and disarm are an epoll_ctl.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "src/base/mutex.h"
#include "src/rpc/transport/channel_watch.h"
#include "src/rpc/transport/stream/socket.h"

namespace tine::rpc {

// Makes the channel of a connected socket.
using SocketChannelMaker = std::function<std::unique_ptr<Channel>(FileDescriptor)>;
[[nodiscard]] SocketChannelMaker plain_sockets();

class SocketChannel : public Channel {
 public:
  // Non-blocking.
  explicit SocketChannel(FileDescriptor socket) noexcept;
  ~SocketChannel() override;

  bool watch(const Loop& loop, detail::Ref<ChannelEvents> events) override;
  void unwatch() noexcept override;
  void retire() noexcept override;
  Outcome try_read(std::span<const iovec> pieces) noexcept override;
  bool arm() noexcept override;
  void disarm() noexcept override;
  Outcome try_write(std::span<const iovec> pieces) noexcept override;
  void want_writable(bool want) noexcept override;
  void end_output() noexcept override;
  void bound_unread(size_t bytes) noexcept override;
  bool has_unread() const noexcept override;
  void break_off() noexcept override;
  void close() noexcept override;
  void leave() noexcept override;

 protected:
  [[nodiscard]] int fd() const noexcept { return fd_; }
  // For a channel that takes this one's place.
  [[nodiscard]] FileDescriptor give_socket() noexcept { return std::move(socket_); }

 private:
  class Watcher;
  void stop_watching(bool for_good) noexcept;
  // Of epoll(7).
  [[nodiscard]] uint32_t wanted() const noexcept TINE_REQUIRES(mutex_);

  FileDescriptor socket_;
  const int fd_;
  bool armed_ = true;  // of those who read; changed under the lock

  Mutex mutex_;
  ChannelWatch<Watcher> watch_ TINE_GUARDED_BY(mutex_);
  bool wants_writable_ TINE_GUARDED_BY(mutex_) = false;
};

}  // namespace tine::rpc

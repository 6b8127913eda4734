// SocketListener: a Listener that accepts on listening sockets.
//
// Accepting never fails for good: without descriptors it pauses for 100 ms. accept4(2).
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/transport/acceptor.h"
#include "src/rpc/transport/stream/socket.h"
#include "src/rpc/transport/stream/socket_channel.h"

namespace tine::rpc {

inline constexpr int kBacklog = 512;  // for listen(2)

// One listening socket.
class AcceptSocket final : public Pollable {
 public:
  // `unlink_path`: the unix socket's file, removed on close when it still is the one that was bound.
  AcceptSocket(std::shared_ptr<Acceptor> acceptor, FileDescriptor fd, std::string unlink_path,
               SocketChannelMaker make_channel = plain_sockets());
  void begin();
  void on_events(uint32_t events) noexcept override;
  void close() noexcept;  // any thread

 private:
  void leave() noexcept TINE_NO_THREAD_SAFETY_ANALYSIS;

  std::shared_ptr<Acceptor> acceptor_;
  Mutex mutex_;
  FileDescriptor fd_ TINE_GUARDED_BY(mutex_);
  const std::string unlink_path_;
  const SocketChannelMaker make_channel_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

class SocketListener final : public Listener {
 public:
  SocketListener(std::shared_ptr<Acceptor> acceptor, std::vector<detail::Ref<AcceptSocket>> sockets)
      : acceptor_(std::move(acceptor)), sockets_(std::move(sockets)) {}
  ~SocketListener() override { close(); }
  [[nodiscard]] const std::string& address() const noexcept override { return acceptor_->address(); }
  void close() noexcept override;

 private:
  std::shared_ptr<Acceptor> acceptor_;
  std::vector<detail::Ref<AcceptSocket>> sockets_;
};

}  // namespace tine::rpc

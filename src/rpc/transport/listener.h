// StreamListener: accepts on stream sockets and hands each proven peer on.
//
// State      Listening, then closed.
// Threads    Any; hooks run on the loop's thread.
// Ordering   None.
// Ownership  The core is shared by the listener, the loop's sockets and the pending handshakes.
// Errors     Accepting never fails for good: without descriptors it pauses for 100 ms.
// Cost       See Transport.
// Source     accept4(2).
#pragma once

#include <sys/types.h>

#include <list>
#include <memory>

#include "src/base/mutex.h"
#include "src/rpc/transport/pending_handshake.h"
#include "src/rpc/transport/transport.h"

namespace tine::rpc {

[[nodiscard]] Handshake::Config handshake_config(const Identity& identity, Handshake::Role role,
                                                 std::string address);

class AcceptCore : public std::enable_shared_from_this<AcceptCore> {
 public:
  AcceptCore(const Loop& loop, Identity identity, ListenOptions options, std::string address);
  // On the loop's thread.
  void accepted(FileDescriptor fd, std::string peer_address);
  void refuse_pending() noexcept;
  void close() noexcept;  // any thread
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] Loop& loop() noexcept { return loop_; }

 private:
  void finished(PendingHandshake& pending, detail::Ref<Connection> connection,
                std::exception_ptr error) noexcept;

  Loop loop_;
  const Identity identity_;
  const ListenOptions options_;
  const std::string address_;
  std::atomic<bool> closed_{false};
  std::list<detail::Ref<PendingHandshake>> pending_;  // the loop's thread alone; oldest first
};

// One listening socket.
class AcceptSocket final : public Pollable {
 public:
  // `unlink_path`: the unix socket's file, removed on close when it still is the one that was bound.
  AcceptSocket(std::shared_ptr<AcceptCore> core, FileDescriptor fd, std::string unlink_path);
  void begin();
  void on_events(uint32_t events) noexcept override;
  void close() noexcept;  // any thread

 private:
  // Without the lock, which is as the fork found it. The descriptor's number may be another file's by now.
  void leave_in_child() noexcept TINE_NO_THREAD_SAFETY_ANALYSIS { (void)fd_.release(); }

  std::shared_ptr<AcceptCore> core_;
  Mutex mutex_;
  FileDescriptor fd_ TINE_GUARDED_BY(mutex_);
  const std::string unlink_path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

class StreamListener final : public Listener {
 public:
  StreamListener(std::shared_ptr<AcceptCore> core, std::vector<detail::Ref<AcceptSocket>> sockets)
      : core_(std::move(core)), sockets_(std::move(sockets)) {}
  ~StreamListener() override { close(); }
  [[nodiscard]] const std::string& address() const noexcept override { return core_->address(); }
  void close() noexcept override;

 private:
  std::shared_ptr<AcceptCore> core_;
  std::vector<detail::Ref<AcceptSocket>> sockets_;
};

}  // namespace tine::rpc

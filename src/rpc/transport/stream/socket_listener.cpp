#include "src/rpc/transport/stream/socket_listener.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr int kAcceptsAtOnce = 16;

}  // namespace

AcceptSocket::AcceptSocket(std::shared_ptr<Acceptor> acceptor, FileDescriptor fd, std::string unlink_path,
                           SocketChannelMaker make_channel)
    : acceptor_(std::move(acceptor)),
      fd_(std::move(fd)),
      unlink_path_(std::move(unlink_path)),
      make_channel_(std::move(make_channel)) {
  struct stat info {};
  if (!unlink_path_.empty() && ::stat(unlink_path_.c_str(), &info) == 0) {
    device_ = info.st_dev;
    inode_ = info.st_ino;
  }
}

void AcceptSocket::begin() {
  const MutexLock lock(mutex_);
  acceptor_->loop().watch(fd_.get(), *this, EPOLLIN);
}

void AcceptSocket::on_events(uint32_t events) noexcept {
  if (events == 0) {
    close();
    acceptor_->close();
    return;
  }
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    FileDescriptor fd;
    SocketAddress from;
    {
      const MutexLock lock(mutex_);
      if (!fd_) return;
      from.length = sizeof from.storage;
      const int listening = fd_.get();
      fd = FileDescriptor::made_by([&] {
        return ::accept4(listening, reinterpret_cast<sockaddr*>(&from.storage), &from.length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
      });
      if (!fd) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
          // Those that wait stay in the backlog. Asking again at once would only burn the processor.
          acceptor_->loop().change(fd_.get(), *this, 0);
          const auto self = detail::Ref<AcceptSocket>::share(this);
          try {
            acceptor_->loop().schedule_at(Clock::now() + std::chrono::milliseconds(100), [self] {
              const MutexLock relock(self->mutex_);
              if (self->fd_) self->acceptor_->loop().change(self->fd_.get(), *self, EPOLLIN);
            });
          } catch (const std::bad_alloc&) {
            acceptor_->loop().change(fd_.get(), *this, EPOLLIN);  // then it asks at once
          }
          return;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL || errno == EBADF) return;
        continue;  // this one is gone already
      }
    }
    prepare_accepted(fd.get(), from.storage.ss_family);
    try {
      if (const std::string bad = objection_to_user_of(fd.get()); !bad.empty()) {
        acceptor_->refused(
            make_error(ErrorKind::kAuth,
                       fmt::format("refused a process that connected to {}: {}", acceptor_->address(), bad)));
        continue;
      }
      std::string text = from.storage.ss_family == AF_UNIX ? acceptor_->address() : from.text();
      acceptor_->accepted(make_channel_(std::move(fd)), std::move(text));
    } catch (const std::bad_alloc&) {
      continue;  // the other side finds its connection closed
    }
  }
}

void AcceptSocket::close() noexcept {
  if (acceptor_->loop().forked()) return leave();
  const MutexLock lock(mutex_);
  if (!fd_) return;
  acceptor_->loop().forget(fd_.get(), *this);
  fd_ = FileDescriptor();
  struct stat info {};
  if (inode_ != 0 && ::lstat(unlink_path_.c_str(), &info) == 0 && info.st_ino == inode_ &&
      info.st_dev == device_) {
    ::unlink(unlink_path_.c_str());
  }
}

// The lock is as fork(2) found it and this is the child's only thread. The number may be another file's by now.
void AcceptSocket::leave() noexcept { static_cast<void>(fd_.release()); }

void SocketListener::close() noexcept {
  for (auto& socket : sockets_) socket->close();
  acceptor_->close();
}

}  // namespace tine::rpc

#include "src/rpc/transport/listener.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr int kAcceptsAtOnce = 16;

}  // namespace

Handshake::Config handshake_config(const Identity& identity, Handshake::Role role, std::string address) {
  Handshake::Config config;
  config.role = role;
  config.name = identity.name;
  config.incarnation = identity.incarnation;
  config.secret = identity.secret;
  config.features = identity.features;
  config.address = std::move(address);
  config.low_version = kWireVersion;
  config.high_version = kWireVersion;
  return config;
}

AcceptCore::AcceptCore(const Loop& loop, Identity identity, ListenOptions options, std::string address)
    : loop_(loop),
      identity_(std::move(identity)),
      options_(std::move(options)),
      address_(std::move(address)) {
  if (!options_.on_connection)
    throw ValueError("Transport::listen: ListenOptions::on_connection is required");
  // Says now, and not at the first connection, what is wrong with our identity.
  static_cast<void>(Handshake(handshake_config(identity_, Handshake::Role::kAcceptor, address_)));
}

void AcceptCore::accepted(FileDescriptor fd, std::string peer_address) {
  if (closed_.load(std::memory_order_acquire)) return;
  // Who came first and has not proven itself had the most time to do so.
  if (pending_.size() >= std::max<size_t>(options_.max_pending_handshakes, 1)) {
    const auto oldest = pending_.front();
    oldest->refuse(RefusalCode::kBusy);
  }
  const auto self = shared_from_this();
  auto pending = detail::make_ref<PendingHandshake>(
      loop_, std::move(fd), handshake_config(identity_, Handshake::Role::kAcceptor, std::move(peer_address)),
      options_.connection, options_.admit,
      [self](PendingHandshake& p, detail::Ref<Connection> connection, std::exception_ptr error) {
        self->finished(p, std::move(connection), std::move(error));
      });
  pending_.push_back(pending);
  pending->begin(Clock::now() + options_.handshake_timeout);
}

void AcceptCore::finished(PendingHandshake& pending, detail::Ref<Connection> connection,
                          std::exception_ptr error) noexcept {
  pending_.remove_if([&](const auto& p) { return p.get() == &pending; });
  if (connection && !closed_.load(std::memory_order_acquire)) {
    options_.on_connection(std::move(connection));
  } else if (error && options_.on_refused) {
    options_.on_refused(std::move(error), pending.claimed_name());
  }
}

void AcceptCore::refuse_pending() noexcept {
  const auto all = pending_;
  for (const auto& p : all) p->refuse(RefusalCode::kClosing);
}

void AcceptCore::close() noexcept {
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  const auto self = shared_from_this();
  loop_.post([self] { self->refuse_pending(); });
}

AcceptSocket::AcceptSocket(std::shared_ptr<AcceptCore> core, FileDescriptor fd, std::string unlink_path)
    : core_(std::move(core)), fd_(std::move(fd)), unlink_path_(std::move(unlink_path)) {
  struct stat info {};
  if (!unlink_path_.empty() && ::stat(unlink_path_.c_str(), &info) == 0) {
    device_ = info.st_dev;
    inode_ = info.st_ino;
  }
}

void AcceptSocket::begin() {
  MutexLock lock(mutex_);
  core_->loop().watch(fd_.get(), *this, EPOLLIN);
}

void AcceptSocket::on_events(uint32_t events) noexcept {
  if (events == 0) {
    close();
    core_->close();
    return;
  }
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    FileDescriptor fd;
    SocketAddress from;
    {
      MutexLock lock(mutex_);
      if (!fd_) return;
      from.length = sizeof from.storage;
      const int listening = fd_.get();
      fd = FileDescriptor::made_by([&] {
        return ::accept4(listening, reinterpret_cast<sockaddr*>(&from.storage), &from.length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
      });
      if (!fd) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
          // Who waits stays in the backlog; asking at once again would only burn the processor.
          core_->loop().change(fd_.get(), *this, 0);
          const auto self = detail::Ref<AcceptSocket>::share(this);
          core_->loop().schedule_at(Clock::now() + std::chrono::milliseconds(100), [self] {
            MutexLock relock(self->mutex_);
            if (self->fd_) self->core_->loop().change(self->fd_.get(), *self, EPOLLIN);
          });
          return;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL || errno == EBADF) return;
        continue;  // this one is gone already
      }
    }
    prepare_accepted(fd.get(), from.storage.ss_family);
    std::string text = from.storage.ss_family == AF_UNIX ? core_->address() : from.text();
    try {
      core_->accepted(std::move(fd), std::move(text));
    } catch (const std::exception&) {
      // No memory or no randomness for this one: it is closed, and finds out by that.
    }
  }
}

void AcceptSocket::close() noexcept {
  if (core_->loop().forked()) {
    leave_in_child();
    return;
  }
  MutexLock lock(mutex_);
  if (!fd_) return;
  core_->loop().forget(fd_.get(), *this);
  fd_ = FileDescriptor();
  struct stat info {};
  if (inode_ != 0 && ::lstat(unlink_path_.c_str(), &info) == 0 && info.st_ino == inode_ &&
      info.st_dev == device_) {
    ::unlink(unlink_path_.c_str());
  }
}

void StreamListener::close() noexcept {
  for (auto& socket : sockets_) socket->close();
  core_->close();
}

}  // namespace tine::rpc

#include "src/rpc/transport/pending_handshake.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "src/rpc/transport/stream_connection.h"
#include "tine/error.h"

namespace tine::rpc {

PendingHandshake::PendingHandshake(const Loop& loop, FileDescriptor fd, Handshake::Config config,
                                   ConnectionOptions options, Admit admit, Done done)
    : loop_(loop),
      fd_(std::move(fd)),
      acceptor_(config.role == Handshake::Role::kAcceptor),
      address_(config.address),
      handshake_(std::move(config)),
      options_(options),
      admit_(std::move(admit)),
      done_(std::move(done)) {}

void PendingHandshake::begin(TimePoint deadline) {
  const auto self = detail::Ref<PendingHandshake>::share(this);
  timer_ = loop_.schedule_at(deadline, [self] {
    if (self->acceptor_) {
      self->refuse(RefusalCode::kTooSlow);
    } else {
      self->finish(
          nullptr,
          make_error(ErrorKind::kDeadlineExceeded,
                     fmt::format("{} accepted the connection but did not finish the handshake in time: "
                                 "it hangs, or is not a tine worker",
                                 self->address_)));
    }
  });
  try {
    loop_.watch(fd_.get(), *this, EPOLLIN | EPOLLRDHUP);
    watched_ = true;
    step();
  } catch (const std::exception&) {
    finish(nullptr, std::current_exception());
  }
}

void PendingHandshake::on_events(uint32_t events) noexcept {
  if (!done_) return;
  if (events == 0) {
    if (acceptor_) return refuse(RefusalCode::kClosing);
    return finish(
        nullptr,
        make_error(ErrorKind::kCancelled,
                   fmt::format("connecting to {} was given up: this worker is shutting down", address_)));
  }
  try {
    step();
  } catch (const std::exception&) {
    finish(nullptr, std::current_exception());
  }
}

void PendingHandshake::refuse(RefusalCode code) noexcept {
  if (!done_) return;
  handshake_.refuse(code);
  write_out();
  finish(nullptr, handshake_.error());
}

// False when the socket takes no more now.
bool PendingHandshake::write_out() {
  while (!handshake_.output().empty()) {
    const auto out = handshake_.output();
    const ssize_t n = ::send(fd_.get(), out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (n < 0) {
      handshake_.ended(fmt::format("closed the connection ({})", std::strerror(errno)));
      return true;
    }
    handshake_.written(static_cast<size_t>(n));
  }
  return true;
}

PeerInfo PendingHandshake::peer() const {
  PeerInfo info;
  info.name = handshake_.peer_name();
  info.incarnation = handshake_.peer_incarnation();
  info.address = address_;
  info.version = handshake_.version();
  info.we_connected = !acceptor_;
  return info;
}

void PendingHandshake::step() {
  using State = Handshake::State;
  for (;;) {
    if (handshake_.state() == State::kProven) {
      if (!admit_ || admit_(peer())) {
        handshake_.admit();
      } else {
        handshake_.refuse(RefusalCode::kNotAdmitted);
      }
    }
    const bool all_written = write_out();
    if (handshake_.state() == State::kFailed) return finish(nullptr, handshake_.error());
    if (all_written == wants_writable_) {
      wants_writable_ = !all_written;
      loop_.change(fd_.get(), *this,
                   uint32_t{EPOLLIN | EPOLLRDHUP} | (wants_writable_ ? uint32_t{EPOLLOUT} : 0U));
    }
    if (handshake_.state() == State::kDone) {
      if (!all_written) return;
      loop_.forget(fd_.get(), *this);
      watched_ = false;
      PeerInfo info = peer();
      const int fd = fd_.release();
      return finish(detail::make_ref<StreamConnection>(loop_, fd, std::move(info), options_), nullptr);
    }
    const auto in = handshake_.input();
    const ssize_t n = ::recv(fd_.get(), in.data(), in.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) {
      handshake_.ended(n == 0 ? "closed the connection" : std::strerror(errno));
      return finish(nullptr, handshake_.error());
    }
    handshake_.received(static_cast<size_t>(n));
  }
}

void PendingHandshake::finish(detail::Ref<Connection> connection, std::exception_ptr error) noexcept {
  const auto self = detail::Ref<PendingHandshake>::share(this);  // `done` may drop the last other reference
  const Done done = std::exchange(done_, nullptr);
  if (!done) return;
  loop_.cancel(timer_);
  if (watched_) loop_.forget(fd_.get(), *this);
  watched_ = false;
  fd_ = FileDescriptor();
  admit_ = nullptr;
  done(*this, std::move(connection), std::move(error));
}

}  // namespace tine::rpc

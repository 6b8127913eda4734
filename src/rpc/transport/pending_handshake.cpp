#include "src/rpc/transport/pending_handshake.h"

#include <fmt/format.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "src/base/error_or_want.h"
#include "src/rpc/transport/encryption.h"
#include "src/rpc/transport/framed_connection.h"
#include "tine/error.h"

namespace tine::rpc {

PendingHandshake::PendingHandshake(const Loop& loop, std::unique_ptr<Channel> channel,
                                   Handshake::Config config, ConnectionOptions options, Done done)
    : loop_(loop),
      channel_(std::move(channel)),
      acceptor_(config.role == Handshake::Role::kAcceptor),
      address_(config.address),
      handshake_(std::move(config)),
      options_(options),
      done_(std::move(done)) {}

void PendingHandshake::begin(TimePoint deadline) {
  const auto self = detail::Ref<PendingHandshake>::share(this);
  timer_ = loop_.schedule_at(deadline, [self] {
    if (self->acceptor_) {
      self->refuse(RefusalCode::kTooSlow);
    } else {
      self->finish(nullptr, error_or_want([&] {
                     return make_error(
                         ErrorKind::kDeadlineExceeded,
                         fmt::format("{} accepted the connection but did not finish the handshake in time: "
                                     "it hangs, or is not a tine worker",
                                     self->address_));
                   }));
    }
  });
  try {
    static_cast<void>(channel_->watch(loop_, self));
    step();
  } catch (const Cancelled&) {
    loop_ends();  // it had ended before
  } catch (const std::exception&) {
    finish(nullptr, std::current_exception());
  }
}

void PendingHandshake::loop_ends() noexcept {
  if (!done_) return;
  if (acceptor_) return refuse(RefusalCode::kClosing);
  finish(nullptr, error_or_want([this] {
           return make_error(
               ErrorKind::kCancelled,
               fmt::format("connecting to {} was given up: this worker is shutting down", address_));
         }));
}

void PendingHandshake::go_on() noexcept {
  if (!done_) return;
  try {
    step();
  } catch (const std::exception&) {
    finish(nullptr, std::current_exception());
  }
}

void PendingHandshake::refuse(RefusalCode code) noexcept {
  if (!done_) return;
  try {
    if (proven_) {
      return finish(nullptr, make_error(ErrorKind::kPeerDied,
                                        fmt::format("worker {} proved itself and then {}", peer().describe(),
                                                    code == RefusalCode::kClosing
                                                        ? "was given up: this worker is shutting down"
                                                        : "did not go on in time")));
    }
    handshake_.refuse(code);
    write_out();
    finish(nullptr, handshake_.error());
  } catch (const std::exception&) {
    finish(nullptr, std::current_exception());
  }
}

// False when the channel takes no more now.
bool PendingHandshake::write_out() {
  while (!handshake_.output().empty()) {
    const auto out = handshake_.output();
    const iovec piece{const_cast<std::byte*>(out.data()), out.size()};
    const Channel::Outcome written = channel_->try_write({&piece, 1});
    if (written.what == Channel::What::kNothingNow) return false;
    if (written.what == Channel::What::kEnded) {
      ended(fmt::format("closed the connection ({})", std::strerror(written.error)));
      return true;
    }
    handshake_.written(written.bytes);
  }
  return true;
}

void PendingHandshake::ended(std::string_view how) {
  const Encryption* const encryption = channel_->encryption();
  const std::string why = encryption ? encryption->why_ended() : std::string();
  if (why.empty()) {
    handshake_.ended(how);
  } else {
    handshake_.distrust(why);
  }
}

PeerInfo PendingHandshake::peer() const {
  PeerInfo info;
  info.name = handshake_.peer_name();
  info.incarnation = handshake_.peer_incarnation();
  info.address = address_;
  info.version = handshake_.version();
  info.we_connected = !acceptor_;
  info.features = handshake_.peer_features();
  return info;
}

void PendingHandshake::step() {
  using State = Handshake::State;
  for (;;) {
    if (proven_) return agree();
    const bool all_written = write_out();
    if (handshake_.state() == State::kFailed) return finish(nullptr, handshake_.error());
    if (all_written == wants_writable_) {
      wants_writable_ = !all_written;
      channel_->want_writable(wants_writable_);
    }
    if (handshake_.state() == State::kDone) {
      if (!all_written) return;
      proven_ = true;
      continue;
    }
    const auto in = handshake_.input();
    const iovec piece{in.data(), in.size()};
    const Channel::Outcome read = channel_->try_read({&piece, 1});
    if (read.what == Channel::What::kNothingNow) {
      if (channel_->arm()) continue;
      return;
    }
    if (read.what == Channel::What::kEnded) {
      ended(read.error == 0 ? "closed the connection" : std::strerror(read.error));
      return finish(nullptr, handshake_.error());
    }
    if (const Encryption* const e = channel_->encryption(); e && !handshake_.is_bound()) {
      handshake_.bind(e->binding(), [e](std::string_view name) { return e->objection_to(name); });
    }
    handshake_.received(read.bytes);
  }
}

void PendingHandshake::agree() {
  std::unique_ptr<Channel> instead;
  const auto side = acceptor_ ? Channel::Side::kAcceptor : Channel::Side::kInitiator;
  for (;;) {
    const Channel::Outcome agreed = channel_->agree(side, &instead);
    if (agreed.what == Channel::What::kMoved) break;
    if (agreed.what == Channel::What::kNothingNow) {
      if (channel_->arm()) continue;
      return;
    }
    const std::string how = agreed.error == 0         ? "closed the connection"
                            : agreed.error == EBADMSG ? "sent something malformed"
                                                      : std::strerror(agreed.error);
    return finish(nullptr, make_error(ErrorKind::kPeerDied,
                                      fmt::format("worker {} proved itself and then {}: the connection was "
                                                  "closed before it could be used",
                                                  peer().describe(), how)));
  }
  const auto self = detail::Ref<PendingHandshake>::share(this);  // the channel lets go of its own
  channel_->unwatch();
  if (instead) channel_ = std::move(instead);
  PeerInfo info = peer();
  finish(detail::make_ref<FramedConnection>(loop_, std::move(channel_), std::move(info), options_), nullptr);
}

void PendingHandshake::finish(detail::Ref<Connection> connection, std::exception_ptr error) noexcept {
  const auto self = detail::Ref<PendingHandshake>::share(this);  // `done` may drop the last other reference
  const Done done = std::exchange(done_, nullptr);
  if (!done) return;
  loop_.cancel(timer_);
  if (channel_) channel_->retire();
  channel_ = nullptr;
  done(*this, std::move(connection), std::move(error));
}

}  // namespace tine::rpc

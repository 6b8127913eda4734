#include "src/rpc/transport/connector.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "src/base/error_or_want.h"
#include "src/rpc/transport/acceptor.h"
#include "src/rpc/transport/pending_handshake.h"

namespace tine::rpc {
namespace {

constexpr std::chrono::seconds kDefaultConnectTime{30};
constexpr std::chrono::milliseconds kFirstPause{5}, kLongestPause{250};

// A listener may come, or come back.
bool may_pass(int error) noexcept {
  return error == ECONNREFUSED || error == ENOENT || error == ETIMEDOUT || error == EHOSTUNREACH ||
         error == ENETUNREACH || error == ECONNRESET;
}

bool is_peer_death(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const PeerDied&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

Connector::Connector(const Loop& loop, const Identity& identity, std::string address, ConnectOptions options)
    : loop_(loop),
      identity_(identity),
      address_(std::move(address)),
      options_(std::move(options)),
      pause_(kFirstPause) {
  if (options_.deadline == kNoDeadline) options_.deadline = Clock::now() + kDefaultConnectTime;
}

Connector::~Connector() {
  if (!finished_) promise_.set_error(shutting_down());
}

Future<detail::Ref<Connection>> Connector::start(const detail::Ref<Connector>& connector) {
  auto future = connector->promise_.future();
  if (connector->loop_.post([connector] { connector->begin(); })) return future;
  return make_failed<detail::Ref<Connection>>(
      make_error(ErrorKind::kCancelled,
                 fmt::format("cannot connect to {}: this worker has shut down", connector->address_)));
}

void Connector::begin() noexcept {
  try {
    const auto self = detail::Ref<Connector>::share(this);
    timer_ = loop_.schedule_at(options_.deadline, [self] {
      const int error = self->last_error_;
      self->give_up(error_or_want([&] {
        return make_error(ErrorKind::kDeadlineExceeded,
                          fmt::format("could not connect to {} in time{}{}", self->address_,
                                      error ? ": " : "", error ? std::strerror(error) : ""));
      }));
    });
  } catch (const std::exception&) {
    return give_up(std::current_exception());
  }
  next_try();
}

void Connector::next_try() noexcept {
  if (finished_) return;
  try {
    try_once();
  } catch (const std::exception&) {
    give_up(std::current_exception());
  }
}

void Connector::failed(int error) noexcept {
  if (finished_) return;
  last_error_ = error;
  // A full backlog is somebody who listens.
  const bool again = error == EAGAIN || (options_.retry && may_pass(error));
  if (again) {
    // Past the deadline the timer says so.
    if (Clock::now() + pause_ < options_.deadline) pause();
    return;
  }
  give_up(error_or_want([&] {
    return std::make_exception_ptr(
        ConnectError(fmt::format("cannot connect to {}: {}", address_, std::strerror(error)), error));
  }));
}

void Connector::pause() noexcept {
  const auto self = detail::Ref<Connector>::share(this);
  try {
    // Where the loop is ending nothing is scheduled, and the last reference goes: the destructor tells.
    (void)loop_.schedule_at(Clock::now() + pause_, [self] { self->next_try(); });
  } catch (const std::exception&) {
    return give_up(std::current_exception());
  }
  pause_ = std::min(2 * pause_, kLongestPause);
}

void Connector::connected(std::unique_ptr<Channel> channel) noexcept {
  if (finished_) return;
  try {
    Handshake::Config config = handshake_config(identity_, Handshake::Role::kInitiator, address_);
    config.expected_name = options_.expected_name;
    const auto self = detail::Ref<Connector>::share(this);
    auto pending = detail::make_ref<PendingHandshake>(
        loop_, std::move(channel), std::move(config), options_.connection,
        [self](PendingHandshake&, detail::Ref<Connection> connection, std::exception_ptr error) {
          self->proven(std::move(connection), std::move(error));
        });
    pending->begin(options_.deadline);
  } catch (const std::exception&) {
    give_up(std::current_exception());
  }
}

void Connector::proven(detail::Ref<Connection> connection, std::exception_ptr error) noexcept {
  if (finished_) {
    if (connection) connection->close(nullptr);
    return;
  }
  if (error) {
    // It died between taking the connection and the end of the handshake: whoever is told to retry may find its successor.
    if (options_.retry && is_peer_death(error) && Clock::now() + pause_ < options_.deadline) return pause();
    return give_up(std::move(error));
  }
  finished_ = true;
  loop_.cancel(timer_);
  if (!promise_.set_value(connection)) connection->close(nullptr);
}

std::exception_ptr Connector::shutting_down() const noexcept {
  return error_or_want([this] {
    return make_error(ErrorKind::kCancelled,
                      fmt::format("connecting to {} was given up: this worker is shutting down", address_));
  });
}

void Connector::loop_ends() noexcept { give_up(shutting_down()); }

void Connector::give_up(std::exception_ptr error) noexcept {
  if (std::exchange(finished_, true)) return;
  loop_.cancel(timer_);
  stop_trying();
  promise_.set_error(std::move(error));
}

}  // namespace tine::rpc

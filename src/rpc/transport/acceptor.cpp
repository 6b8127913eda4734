#include "src/rpc/transport/acceptor.h"

#include <algorithm>
#include <utility>

#include "tine/error.h"

namespace tine::rpc {

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

Acceptor::Acceptor(const Loop& loop, Identity identity, ListenOptions options, std::string address)
    : loop_(loop),
      identity_(std::move(identity)),
      options_(std::move(options)),
      address_(std::move(address)) {
  if (!options_.on_connection)
    throw ValueError("Transport::listen: ListenOptions::on_connection is required");
  // Says now, and not at the first connection, what is wrong with our identity.
  static_cast<void>(Handshake(handshake_config(identity_, Handshake::Role::kAcceptor, address_)));
}

void Acceptor::accepted(std::unique_ptr<Channel> channel, std::string peer_address) noexcept {
  if (closed_.load(std::memory_order_acquire)) return;
  try {
    // The oldest of those that have not proven themselves had the most time to do so.
    if (pending_.size() >= std::max<size_t>(options_.max_pending_handshakes, 1)) {
      const auto oldest = pending_.front();
      oldest->refuse(RefusalCode::kBusy);
    }
    const auto self = shared_from_this();
    auto pending = detail::make_ref<PendingHandshake>(
        loop_, std::move(channel),
        handshake_config(identity_, Handshake::Role::kAcceptor, std::move(peer_address)), options_.connection,
        [self](PendingHandshake& p, detail::Ref<Connection> connection, std::exception_ptr error) {
          self->finished(p, std::move(connection), std::move(error));
        });
    pending_.push_back(pending);
    try {
      pending->begin(Clock::now() + options_.handshake_timeout);
    } catch (const std::exception&) {
      pending_.remove(pending);
    }
  } catch (const std::exception&) {
    return;
  }
}

void Acceptor::finished(PendingHandshake& pending, detail::Ref<Connection> connection,
                        std::exception_ptr error) noexcept {
  pending_.remove_if([&](const auto& p) { return p.get() == &pending; });
  if (connection && !closed_.load(std::memory_order_acquire)) {
    options_.on_connection(std::move(connection));
  } else if (error) {
    refused(std::move(error), pending.claimed_name());
  }
}

void Acceptor::refused(std::exception_ptr error, const std::string& claimed) const noexcept {
  if (!options_.on_refused) return;
  try {
    options_.on_refused(std::move(error), claimed);
  } catch (const std::bad_alloc&) {
    // It is refused all the same.
  }
}

void Acceptor::refuse_pending() noexcept {
  while (!pending_.empty()) {
    const auto first = pending_.front();
    first->refuse(RefusalCode::kClosing);
    pending_.remove(first);  // also when it had ended before
  }
}

void Acceptor::close() noexcept {
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  posted_ = shared_from_this();
  if (!loop_.post(*this)) posted_ = nullptr;
}

void Acceptor::run_errand() noexcept {
  const auto self = std::move(posted_);
  refuse_pending();
}

void Acceptor::drop_errand() noexcept { const auto self = std::move(posted_); }

}  // namespace tine::rpc

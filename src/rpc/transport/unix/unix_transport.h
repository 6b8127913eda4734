// The transport "unix:/path" and "unix:@name", and what others need that begin with a unix socket.
#pragma once

#include <memory>
#include <string>

#include "src/rpc/transport/stream/socket_channel.h"
#include "src/rpc/transport/transport.h"

namespace tine::rpc {

class UnixTransport final : public Transport {
 public:
  // Addresses begin with that scheme, which lives as long as the transport.
  UnixTransport(const Loop& loop, Identity identity, std::string_view scheme,
                SocketChannelMaker make_channel);
  std::string_view scheme() const noexcept override { return scheme_; }
  detail::Ref<Listener> listen(const std::string& address, ListenOptions options) override;
  Future<detail::Ref<Connection>> connect(const std::string& address, ConnectOptions options) override;
  std::string own_address(const std::string& meeting) const override;
  std::string reach(const std::string&) const override { return machine_; }

 private:
  [[nodiscard]] std::string path_of(const std::string& address) const;

  const Loop loop_;
  const Identity identity_;
  const std::string_view scheme_;
  const SocketChannelMaker make_channel_;
  const std::string machine_;
};

[[nodiscard]] std::shared_ptr<const TransportFactory> unix_transport();

}  // namespace tine::rpc

// SocketConnector: connects a stream socket to one of some addresses, tried one after the other.
#pragma once

#include <vector>

#include "src/rpc/transport/connector.h"
#include "src/rpc/transport/stream/socket.h"
#include "src/rpc/transport/stream/socket_channel.h"

namespace tine::rpc {

class SocketConnector final : public Connector {
 public:
  // `address` is what `targets` stand for, for messages.
  SocketConnector(const Loop& loop, const Identity& identity, std::string address,
                  std::vector<SocketAddress> targets, ConnectOptions options,
                  SocketChannelMaker make_channel = plain_sockets());
  ~SocketConnector() override;

 private:
  class Watcher;
  void try_once() override;
  void stop_trying() noexcept override;
  void try_target();
  void on_events(uint32_t events) noexcept;
  void target_connected(FileDescriptor socket);
  void target_failed(int error);

  const std::vector<SocketAddress> targets_;
  const SocketChannelMaker make_channel_;
  size_t next_ = 0;
  int error_ = 0;  // of this try
  FileDescriptor socket_;
  detail::Ref<Watcher> watcher_;  // while the socket connects
};

}  // namespace tine::rpc

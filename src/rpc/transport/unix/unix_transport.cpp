#include "src/rpc/transport/unix/unix_transport.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "src/rpc/transport/machine.h"
#include "src/rpc/transport/stream/socket_connector.h"
#include "src/rpc/transport/stream/socket_listener.h"
#include "src/rpc/transport/unix/unix_address.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

bool nobody_listens(const SocketAddress& target) {
  const FileDescriptor probe = make_socket(AF_UNIX);
  const bool refused = ::connect(probe.get(), target.get(), target.length) != 0 && errno == ECONNREFUSED;
  errno = EADDRINUSE;
  return refused;
}

class UnixFactory final : public TransportFactory {
 public:
  std::unique_ptr<Transport> make(const Loop& loop, Identity identity) const override {
    return std::make_unique<UnixTransport>(loop, std::move(identity), "unix", plain_sockets());
  }
};

}  // namespace

UnixTransport::UnixTransport(const Loop& loop, Identity identity, std::string_view scheme,
                             SocketChannelMaker make_channel)
    : loop_(loop),
      identity_(std::move(identity)),
      scheme_(scheme),
      make_channel_(std::move(make_channel)),
      machine_(machine_identity()) {}

detail::Ref<Listener> UnixTransport::listen(const std::string& address, ListenOptions options) {
  const SocketAddress target = parse_unix(address, scheme_);
  const std::string path = path_of(address);
  auto acceptor = std::make_shared<Acceptor>(loop_, identity_, std::move(options), address);
  FileDescriptor fd = make_socket(AF_UNIX);
  if (::bind(fd.get(), target.get(), target.length) != 0) {
    if (errno != EADDRINUSE || path.empty() || !nobody_listens(target)) {
      throw SystemError(errno_text("cannot listen on", address));
    }
    // Left behind by a process that died.
    ::unlink(path.c_str());
    if (::bind(fd.get(), target.get(), target.length) != 0)
      throw SystemError(errno_text("cannot listen on", address));
  }
  if (!path.empty()) ::chmod(path.c_str(), 0600);  // before anybody can connect
  if (::listen(fd.get(), kBacklog) != 0) throw SystemError(errno_text("cannot listen on", address));
  auto socket = detail::make_ref<AcceptSocket>(acceptor, std::move(fd), path, make_channel_);
  // First: once it has begun somebody has to close it.
  const auto listener = detail::make_ref<SocketListener>(std::move(acceptor), std::vector{socket});
  socket->begin();
  return listener;
}

Future<detail::Ref<Connection>> UnixTransport::connect(const std::string& address, ConnectOptions options) {
  return Connector::start(detail::make_ref<SocketConnector>(
      loop_, identity_, address, std::vector<SocketAddress>{parse_unix(address, scheme_)}, std::move(options),
      make_channel_));
}

std::string UnixTransport::own_address(const std::string&) const {
  return fmt::format("{}:@tine-{}{:016x}", scheme_, scheme_ == "unix" ? "" : fmt::format("{}-", scheme_),
                     identity_.incarnation);
}

std::string UnixTransport::path_of(const std::string& address) const {
  std::string path = address.substr(scheme_.size() + 1);
  if (path.starts_with("//")) path.erase(0, 2);
  return path.starts_with("@") ? std::string() : path;
}

std::shared_ptr<const TransportFactory> unix_transport() { return std::make_shared<UnixFactory>(); }

}  // namespace tine::rpc

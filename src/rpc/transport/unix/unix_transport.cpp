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

class UnixTransport final : public Transport {
 public:
  UnixTransport(const Loop& loop, Identity identity) : loop_(loop), identity_(std::move(identity)) {}
  std::string_view scheme() const noexcept override { return "unix"; }

  detail::Ref<Listener> listen(const std::string& address, ListenOptions options) override {
    const SocketAddress target = parse_unix(address);
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
    auto socket = detail::make_ref<AcceptSocket>(acceptor, std::move(fd), path);
    // First: once it has begun somebody has to close it.
    const auto listener = detail::make_ref<SocketListener>(std::move(acceptor), std::vector{socket});
    socket->begin();
    return listener;
  }

  Future<detail::Ref<Connection>> connect(const std::string& address, ConnectOptions options) override {
    return Connector::start(detail::make_ref<SocketConnector>(
        loop_, identity_, address, std::vector<SocketAddress>{parse_unix(address)}, std::move(options)));
  }

  std::string own_address(const std::string&) const override {
    return fmt::format("unix:@tine-{:016x}", identity_.incarnation);
  }
  std::string reach(const std::string&) const override { return machine_; }

 private:
  static std::string path_of(const std::string& address) {
    std::string path = address.substr(5);
    if (path.starts_with("//")) path.erase(0, 2);
    return path.starts_with("@") ? std::string() : path;
  }
  static bool nobody_listens(const SocketAddress& target) {
    const FileDescriptor probe = make_socket(AF_UNIX);
    const bool refused = ::connect(probe.get(), target.get(), target.length) != 0 && errno == ECONNREFUSED;
    errno = EADDRINUSE;
    return refused;
  }

  const Loop loop_;
  const Identity identity_;
  const std::string machine_ = machine_identity();
};

class UnixFactory final : public TransportFactory {
 public:
  std::unique_ptr<Transport> make(const Loop& loop, Identity identity) const override {
    return std::make_unique<UnixTransport>(loop, std::move(identity));
  }
};

}  // namespace

std::shared_ptr<const TransportFactory> unix_transport() { return std::make_shared<UnixFactory>(); }

}  // namespace tine::rpc

#include "src/rpc/transport/tcp/tcp_transport.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "src/rpc/transport/machine.h"
#include "src/rpc/transport/stream/socket_connector.h"
#include "src/rpc/transport/stream/socket_listener.h"
#include "src/rpc/transport/tcp/tcp_address.h"
#include "src/rpc/transport/tls/tls_channel.h"
#include "src/rpc/transport/tls/tls_context.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

class TcpTransport final : public Transport {
 public:
  TcpTransport(const Loop& loop, Identity identity, TcpOptions options)
      : loop_(loop),
        identity_(std::move(identity)),
        options_(std::move(options)),
        tls_(options_.tls.empty() ? nullptr
                                  : TlsContext::load(options_.tls, identity_.name, options_.clock)) {}
  std::string_view scheme() const noexcept override { return "tcp"; }

  detail::Ref<Listener> listen(const std::string& address, ListenOptions options) override {
    const TcpAddress parsed = parse_tcp(address, true);
    auto targets = resolve(parsed, address, true);
    std::vector<FileDescriptor> sockets;
    int last_error = 0;
    for (SocketAddress& target : targets) {
      check(target, address);
      FileDescriptor fd = make_socket(target.storage.ss_family);
      if (!fd) {
        last_error = EAFNOSUPPORT;
        continue;
      }
      const int one = 1;
      ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
      // All addresses of the host get the port that the first one was given.
      if (parsed.port == "0" && !sockets.empty()) set_port(target, local_address(sockets.front().get()));
      if (::bind(fd.get(), target.get(), target.length) != 0 || ::listen(fd.get(), kBacklog) != 0) {
        last_error = errno;
        if (last_error == EADDRNOTAVAIL || last_error == EAFNOSUPPORT) continue;
        throw SystemError(errno_text("cannot listen on", address));
      }
      sockets.push_back(std::move(fd));
    }
    if (sockets.empty()) {
      errno = last_error;
      throw SystemError(errno_text("cannot listen on", address));
    }
    const std::string real = parsed.port == "0" ? fmt::format("{}:{}", address.substr(0, address.rfind(':')),
                                                              port_of(local_address(sockets.front().get())))
                                                : address;
    auto acceptor = std::make_shared<Acceptor>(loop_, identity_, std::move(options), real);
    std::vector<detail::Ref<AcceptSocket>> accepting;
    for (FileDescriptor& fd : sockets) {
      accepting.push_back(detail::make_ref<AcceptSocket>(acceptor, std::move(fd), std::string(),
                                                         channels(TlsChannel::End::kServer)));
    }
    // First: when one of them cannot begin it closes the others.
    const auto listener = detail::make_ref<SocketListener>(std::move(acceptor), accepting);
    for (auto& socket : accepting) socket->begin();
    return listener;
  }

  Future<detail::Ref<Connection>> connect(const std::string& address, ConnectOptions options) override {
    auto targets = resolve(parse_tcp(address, false), address, false);
    for (const SocketAddress& target : targets) check(target, address);
    return Connector::start(detail::make_ref<SocketConnector>(loop_, identity_, address, std::move(targets),
                                                              std::move(options),
                                                              channels(TlsChannel::End::kClient)));
  }

  std::string own_address(const std::string& meeting) const override {
    const std::string& host = options_.host;
    if (host.empty()) {
      // Where neither address is allowed the user knows the meeting's.
      if (meeting.starts_with("tcp://")) {
        for (const SocketAddress& target : resolve(parse_tcp(meeting, true), meeting, false))
          check(target, meeting);
      }
      return fmt::format("tcp://{}:0", local_host_towards(meeting));
    }
    if (host.starts_with("0.0.0.0") || host.starts_with("[::]")) {
      throw ValueError(
          fmt::format("worker '{}' cannot listen at '{}': nobody can connect to the address that it would "
                      "publish; give a host name or address of this machine",
                      identity_.name, host));
    }
    const bool has_port = !host.ends_with(']') && host.rfind(':') != std::string::npos;
    return fmt::format("tcp://{}{}", host, has_port ? "" : ":0");
  }
  std::string reach(const std::string& address) const override {
    const bool loopback = address.starts_with("tcp://127.") || address.starts_with("tcp://[::1]");
    return loopback ? machine_ : std::string();
  }

 private:
  [[nodiscard]] SocketChannelMaker channels(TlsChannel::End end) const {
    if (!tls_) return plain_sockets();
    return [tls = tls_, end](FileDescriptor socket) {
      return std::make_unique<TlsChannel>(tls, end, std::make_unique<SocketChannel>(std::move(socket)));
    };
  }
  void check(const SocketAddress& target, const std::string& address) const {
    if (tls_ || options_.plaintext_beyond_loopback || target.is_loopback()) return;
    const std::string real = target.text();
    throw AuthError(fmt::format(
        "{}{} is not a loopback address, and without TLS others on the network could read and change "
        "the calls: encrypt them with certificates (`tine keys` makes some; TINE_TLS_CERT, TINE_TLS_KEY and "
        "TINE_TLS_CA, or the option tls, name them), use a loopback address or, if the network is trusted, "
        "allow "
        "plain text with TINE_PLAINTEXT=1 in the environment (Python) or with plaintext_beyond_loopback "
        "of rpc::JoinOptions or rpc::RawNodeOptions (C++)",
        address, real == address ? "" : fmt::format(" ({})", real)));
  }
  static std::string port_of(const SocketAddress& address) {
    const std::string text = address.text();
    return text.substr(text.rfind(':') + 1);
  }
  // sin_port and sin6_port lie at the same place.
  static void set_port(SocketAddress& to, const SocketAddress& from) {
    std::memcpy(reinterpret_cast<std::byte*>(&to.storage) + 2,
                reinterpret_cast<const std::byte*>(&from.storage) + 2, 2);
  }

  const Loop loop_;
  const Identity identity_;
  const TcpOptions options_;
  const std::shared_ptr<const TlsContext> tls_;  // null: plain text
  const std::string machine_ = machine_identity();
};

class TcpFactory final : public TransportFactory {
 public:
  explicit TcpFactory(TcpOptions options) : options_(std::move(options)) {}
  std::unique_ptr<Transport> make(const Loop& loop, Identity identity) const override {
    return std::make_unique<TcpTransport>(loop, std::move(identity), options_);
  }

 private:
  const TcpOptions options_;
};

}  // namespace

std::shared_ptr<const TransportFactory> tcp_transport(TcpOptions options) {
  return std::make_shared<TcpFactory>(std::move(options));
}

}  // namespace tine::rpc

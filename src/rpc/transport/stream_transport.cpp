#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "src/base/mutex.h"
#include "src/rpc/transport/endpoint.h"
#include "src/rpc/transport/listener.h"
#include "src/rpc/transport/pending_handshake.h"
#include "src/rpc/transport/transport.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr std::chrono::seconds kDefaultConnectTime{30};
constexpr std::chrono::milliseconds kFirstPause{5}, kLongestPause{250};
constexpr int kBacklog = 512;

// Tries the addresses one after the other, all again while nobody listens, then proves itself.
class Connector final : public Pollable {
 public:
  Connector(const Loop& loop, const Identity& identity, std::string address,
            std::vector<SocketAddress> targets, ConnectOptions options)
      : loop_(loop),
        identity_(identity),
        address_(std::move(address)),
        targets_(std::move(targets)),
        options_(std::move(options)) {
    if (options_.deadline == kNoDeadline) options_.deadline = Clock::now() + kDefaultConnectTime;
  }
  Future<detail::Ref<Connection>> future() { return promise_.future(); }

  void begin() {
    const auto self = detail::Ref<Connector>::share(this);
    timer_ = loop_.schedule_at(options_.deadline, [self] { self->give_up(); });
    try_next();
  }
  void refuse(std::exception_ptr error) noexcept { fail(std::move(error)); }
  // A socket that is connected already (in-process).
  void begin_with(FileDescriptor fd) {
    fd_ = std::move(fd);
    connected();
  }

  void on_events(uint32_t events) noexcept override {
    if (finished_) return;
    if (events == 0) {
      unwatch();
      return fail(
          make_error(ErrorKind::kCancelled,
                     fmt::format("connecting to {} was given up: this worker is shutting down", address_)));
    }
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    unwatch();
    if (error != 0) return failed_attempt(error);
    connected();
  }

 private:
  void unwatch() noexcept {
    if (std::exchange(watched_, false)) loop_.forget(fd_.get(), *this);
  }

  void try_next() noexcept {
    if (finished_) return;
    try {
      const SocketAddress& target = targets_[next_];
      fd_ = make_socket(target.storage.ss_family);
      if (!fd_) return failed_attempt(EAFNOSUPPORT);
      if (::connect(fd_.get(), target.get(), target.length) == 0) return connected();
      if (errno != EINPROGRESS) return failed_attempt(errno);
      loop_.watch(fd_.get(), *this, EPOLLOUT);
      watched_ = true;
    } catch (const std::exception&) {
      fail(std::current_exception());
    }
  }

  void failed_attempt(int error) noexcept {
    fd_ = FileDescriptor();
    // A family that this machine does not speak says nothing about who listens on the others.
    const bool unspoken = error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
    if (!unspoken || last_error_ == 0) last_error_ = error;
    if (++next_ < targets_.size()) return try_next();
    next_ = 0;
    error = last_error_;
    // A full backlog is somebody who listens; the others mean that nobody does yet.
    const bool again = error == EAGAIN || (options_.retry && (error == ECONNREFUSED || error == ENOENT ||
                                                              error == ETIMEDOUT || error == EHOSTUNREACH ||
                                                              error == ENETUNREACH || error == ECONNRESET));
    if (!again || Clock::now() + pause_ >= options_.deadline) {
      if (again) return;  // the timer says so when it is time
      return fail(std::make_exception_ptr(
          ConnectError(fmt::format("cannot connect to {}: {}", address_, std::strerror(error)), error)));
    }
    pause();
  }

  void pause() noexcept {
    const auto self = detail::Ref<Connector>::share(this);
    loop_.schedule_at(Clock::now() + pause_, [self] { self->try_next(); });
    pause_ = std::min(2 * pause_, kLongestPause);
  }

  void connected() noexcept {
    try {
      Handshake::Config config = handshake_config(identity_, Handshake::Role::kInitiator, address_);
      config.expected_name = options_.expected_name;
      const auto self = detail::Ref<Connector>::share(this);
      auto pending = detail::make_ref<PendingHandshake>(
          loop_, std::move(fd_), std::move(config), options_.connection, nullptr,
          [self](PendingHandshake&, detail::Ref<Connection> connection, std::exception_ptr error) {
            self->proven(std::move(connection), std::move(error));
          });
      pending->begin(options_.deadline);
    } catch (const std::exception&) {
      fail(std::current_exception());
    }
  }

  void proven(detail::Ref<Connection> connection, std::exception_ptr error) noexcept {
    if (finished_) return;
    if (error) {
      if (options_.retry && kind_of(error) == ErrorKind::kPeerDied &&
          Clock::now() + pause_ < options_.deadline && !targets_.empty()) {
        next_ = 0;
        return pause();
      }
      return fail(std::move(error));
    }
    finished_ = true;
    loop_.cancel(timer_);
    if (!promise_.set_value(connection)) connection->close(nullptr);
  }

  static ErrorKind kind_of(const std::exception_ptr& error) noexcept {
    try {
      std::rethrow_exception(error);
    } catch (const Error& e) {
      return e.kind();
    } catch (...) {
      return ErrorKind::kRuntime;
    }
  }

  void give_up() noexcept {
    unwatch();
    fail(make_error(ErrorKind::kDeadlineExceeded,
                    fmt::format("could not connect to {} in time{}{}", address_, last_error_ ? ": " : "",
                                last_error_ ? std::strerror(last_error_) : "")));
  }

  void fail(std::exception_ptr error) noexcept {
    if (std::exchange(finished_, true)) return;
    loop_.cancel(timer_);
    fd_ = FileDescriptor();
    promise_.set_error(std::move(error));
  }

  Loop loop_;
  const Identity identity_;
  const std::string address_;
  const std::vector<SocketAddress> targets_;
  ConnectOptions options_;
  Promise<detail::Ref<Connection>> promise_;
  FileDescriptor fd_;
  size_t next_ = 0;
  std::chrono::milliseconds pause_ = kFirstPause;
  TimerId timer_;
  int last_error_ = 0;
  bool watched_ = false;
  bool finished_ = false;
};

Future<detail::Ref<Connection>> stopped(const std::string& address) {
  return make_failed<detail::Ref<Connection>>(make_error(
      ErrorKind::kCancelled, fmt::format("cannot connect to {}: this worker has shut down", address)));
}

Future<detail::Ref<Connection>> connect_to(Loop& loop, const Identity& identity, const std::string& address,
                                           std::vector<SocketAddress> targets, ConnectOptions options) {
  auto connector =
      detail::make_ref<Connector>(loop, identity, address, std::move(targets), std::move(options));
  auto future = connector->future();
  if (!loop.post([connector] { connector->begin(); })) return stopped(address);
  return future;
}

std::string errno_text(std::string_view what, std::string_view address) {
  return fmt::format("{} {}: {}", what, address, std::strerror(errno));
}

// --- TCP

class TcpTransport final : public Transport {
 public:
  TcpTransport(IoLoop& loop, Identity identity, TransportOptions options)
      : loop_(loop), identity_(std::move(identity)), options_(options) {}
  std::string_view scheme() const noexcept override { return "tcp"; }

  detail::Ref<Listener> listen(const std::string& address, ListenOptions options) override {
    const TcpEndpoint endpoint = parse_tcp(address, true);
    auto targets = resolve(endpoint, address, true);
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
      if (endpoint.port == "0" && !sockets.empty()) set_port(target, local_address(sockets.front().get()));
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
    const std::string real = endpoint.port == "0"
                                 ? fmt::format("{}:{}", address.substr(0, address.rfind(':')),
                                               port_of(local_address(sockets.front().get())))
                                 : address;
    auto core = std::make_shared<AcceptCore>(loop_, identity_, std::move(options), real);
    std::vector<detail::Ref<AcceptSocket>> accepting;
    for (FileDescriptor& fd : sockets) {
      accepting.push_back(detail::make_ref<AcceptSocket>(core, std::move(fd), std::string()));
    }
    for (auto& socket : accepting) socket->begin();
    return detail::make_ref<StreamListener>(std::move(core), std::move(accepting));
  }

  Future<detail::Ref<Connection>> connect(const std::string& address, ConnectOptions options) override {
    auto targets = resolve(parse_tcp(address, false), address, false);
    for (const SocketAddress& target : targets) check(target, address);
    return connect_to(loop_, identity_, address, std::move(targets), std::move(options));
  }

 private:
  void check(const SocketAddress& target, const std::string& address) const {
    if (options_.plaintext_beyond_loopback || target.is_loopback()) return;
    const std::string real = target.text();
    throw AuthError(fmt::format(
        "{}{} is not a loopback address, and without TLS others on the network could read and change "
        "the calls: use a loopback address or, if the network is trusted, allow plain "
        "text with TINE_PLAINTEXT=1 in the environment (Python) or with plaintext_beyond_loopback "
        "of AgentOptions or RawNodeOptions (C++)",
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

  IoLoop& loop_;
  const Identity identity_;
  const TransportOptions options_;
};

// --- unix

class UnixTransport final : public Transport {
 public:
  UnixTransport(IoLoop& loop, Identity identity) : loop_(loop), identity_(std::move(identity)) {}
  std::string_view scheme() const noexcept override { return "unix"; }

  detail::Ref<Listener> listen(const std::string& address, ListenOptions options) override {
    const SocketAddress target = parse_unix(address);
    const std::string path = path_of(address);
    auto core = std::make_shared<AcceptCore>(loop_, identity_, std::move(options), address);
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
    auto socket = detail::make_ref<AcceptSocket>(core, std::move(fd), path);
    socket->begin();
    std::vector<detail::Ref<AcceptSocket>> sockets;
    sockets.push_back(std::move(socket));
    return detail::make_ref<StreamListener>(std::move(core), std::move(sockets));
  }

  Future<detail::Ref<Connection>> connect(const std::string& address, ConnectOptions options) override {
    return connect_to(loop_, identity_, address, {parse_unix(address)}, std::move(options));
  }

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

  IoLoop& loop_;
  const Identity identity_;
};

}  // namespace

// --- in-process

class InProcessHub {
 public:
  void add(const std::string& address, const std::shared_ptr<AcceptCore>& core) {
    MutexLock lock(mutex_);
    auto& place = listeners_[address];
    if (!place.expired())
      throw SystemError(fmt::format("cannot listen on {}: Address already in use", address));
    place = core;
  }
  void remove(const std::string& address) noexcept {
    MutexLock lock(mutex_);
    listeners_.erase(address);
  }
  [[nodiscard]] std::shared_ptr<AcceptCore> find(const std::string& address) {
    MutexLock lock(mutex_);
    auto found = listeners_.find(address);
    return found == listeners_.end() ? nullptr : found->second.lock();
  }

 private:
  Mutex mutex_;
  std::map<std::string, std::weak_ptr<AcceptCore>> listeners_ TINE_GUARDED_BY(mutex_);
};

namespace {

class InProcessListener final : public Listener {
 public:
  InProcessListener(std::shared_ptr<InProcessHub> hub, std::shared_ptr<AcceptCore> core)
      : hub_(std::move(hub)), core_(std::move(core)) {}
  ~InProcessListener() override { close(); }
  const std::string& address() const noexcept override { return core_->address(); }
  void close() noexcept override {
    if (closed_.exchange(true)) return;
    hub_->remove(core_->address());
    core_->close();
  }

 private:
  std::shared_ptr<InProcessHub> hub_;
  std::shared_ptr<AcceptCore> core_;
  std::atomic<bool> closed_{false};
};

class InProcessTransport final : public Transport {
 public:
  InProcessTransport(IoLoop& loop, Identity identity, std::shared_ptr<InProcessHub> hub)
      : loop_(loop), identity_(std::move(identity)), hub_(std::move(hub)) {
    if (!hub_) throw ValueError("make_in_process_transport: expected a hub, got null");
  }
  std::string_view scheme() const noexcept override { return "inproc"; }

  detail::Ref<Listener> listen(const std::string& address, ListenOptions options) override {
    check(address);
    auto core = std::make_shared<AcceptCore>(loop_, identity_, std::move(options), address);
    hub_->add(address, core);
    return detail::make_ref<InProcessListener>(hub_, std::move(core));
  }

  Future<detail::Ref<Connection>> connect(const std::string& address, ConnectOptions options) override {
    check(address);
    auto attempt = detail::make_ref<Attempt>(loop_, identity_, hub_, address, std::move(options));
    auto future = attempt->connector->future();
    if (!loop_.post([attempt] { attempt->go(); })) return stopped(address);
    return future;
  }

 private:
  // Nobody may listen yet: looks again until the deadline when it was told to.
  struct Attempt final : detail::RefCounted {
    Attempt(const Loop& loop, const Identity& identity, std::shared_ptr<InProcessHub> hub,
            std::string address, ConnectOptions options)
        : loop(loop), hub(std::move(hub)), address(std::move(address)), retry(options.retry) {
      if (options.deadline == kNoDeadline) options.deadline = Clock::now() + kDefaultConnectTime;
      deadline = options.deadline;
      connector = detail::make_ref<Connector>(loop, identity, this->address, std::vector<SocketAddress>(),
                                              std::move(options));
    }
    void go() {
      auto core = hub->find(address);
      if (!core) {
        if (!retry || Clock::now() >= deadline) {
          ConnectError refused(fmt::format("cannot connect to {}: Connection refused", address),
                               ECONNREFUSED);
          connector->refuse(retry ? make_error(ErrorKind::kDeadlineExceeded, refused.message())
                                  : std::make_exception_ptr(std::move(refused)));
          return;
        }
        const auto self = detail::Ref<Attempt>::share(this);
        loop.schedule_at(std::min(deadline, Clock::now() + kFirstPause), [self] { self->go(); });
        return;
      }
      auto [ours, theirs] = FileDescriptor::socket_pair();
      if (!ours) {
        connector->refuse(std::make_exception_ptr(SystemError(errno_text("cannot connect to", address))));
        return;
      }
      prepare_accepted(ours.get(), AF_UNIX);
      prepare_accepted(theirs.get(), AF_UNIX);
      const auto given = std::make_shared<FileDescriptor>(std::move(theirs));
      core->loop().post([core, given] { core->accepted(std::move(*given), core->address()); });
      connector->begin_with(std::move(ours));
    }
    Loop loop;
    std::shared_ptr<InProcessHub> hub;
    std::string address;
    bool retry;
    TimePoint deadline;
    detail::Ref<Connector> connector;
  };

  static void check(const std::string& address) {
    if (!address.starts_with("inproc:") || address.size() == 7) {
      throw ValueError(fmt::format("'{}' is not an in-process address: expected inproc:name", address));
    }
  }

  IoLoop& loop_;
  const Identity identity_;
  const std::shared_ptr<InProcessHub> hub_;
};

}  // namespace

std::unique_ptr<Transport> make_tcp_transport(IoLoop& loop, Identity identity, TransportOptions options) {
  return std::make_unique<TcpTransport>(loop, std::move(identity), options);
}
std::unique_ptr<Transport> make_unix_transport(IoLoop& loop, Identity identity) {
  return std::make_unique<UnixTransport>(loop, std::move(identity));
}
std::shared_ptr<InProcessHub> make_in_process_hub() { return std::make_shared<InProcessHub>(); }
std::unique_ptr<Transport> make_in_process_transport(IoLoop& loop, Identity identity,
                                                     std::shared_ptr<InProcessHub> hub) {
  return std::make_unique<InProcessTransport>(loop, std::move(identity), std::move(hub));
}

}  // namespace tine::rpc

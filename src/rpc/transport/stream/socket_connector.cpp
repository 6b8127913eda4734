#include "src/rpc/transport/stream/socket_connector.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "tine/error.h"

namespace tine::rpc {

class SocketConnector::Watcher final : public Pollable {
 public:
  explicit Watcher(detail::Ref<SocketConnector> connector) : connector_(std::move(connector)) {}
  void on_events(uint32_t events) noexcept override {
    if (const auto connector = connector_) connector->on_events(events);
  }
  void drop() noexcept { connector_ = nullptr; }

 private:
  detail::Ref<SocketConnector> connector_;
};

SocketConnector::SocketConnector(const Loop& loop, const Identity& identity, std::string address,
                                 std::vector<SocketAddress> targets, ConnectOptions options,
                                 SocketChannelMaker make_channel)
    : Connector(loop, identity, std::move(address), std::move(options)),
      targets_(std::move(targets)),
      make_channel_(std::move(make_channel)) {}
SocketConnector::~SocketConnector() = default;

void SocketConnector::try_once() {
  next_ = 0;
  error_ = 0;
  try_target();
}

void SocketConnector::stop_trying() noexcept {
  if (watcher_) {
    loop().forget(socket_.get(), *watcher_);
    watcher_->drop();
    watcher_ = nullptr;
  }
  socket_.reset();
}

void SocketConnector::try_target() {
  const SocketAddress& target = targets_[next_];
  socket_ = make_socket(target.storage.ss_family);
  if (!socket_) return target_failed(EAFNOSUPPORT);
  if (::connect(socket_.get(), target.get(), target.length) == 0) return target_connected(std::move(socket_));
  if (errno != EINPROGRESS) return target_failed(errno);
  watcher_ = detail::make_ref<Watcher>(detail::Ref<SocketConnector>::share(this));
  loop().watch(socket_.get(), *watcher_, EPOLLOUT);
}

void SocketConnector::on_events(uint32_t events) noexcept {
  if (finished()) return;
  if (events == 0) return loop_ends();
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  FileDescriptor socket = std::move(socket_);
  loop().forget(socket.get(), *watcher_);
  watcher_->drop();
  watcher_ = nullptr;
  try {
    if (error != 0) return target_failed(error);
    target_connected(std::move(socket));
  } catch (const std::exception&) {
    give_up(std::current_exception());
  }
}

void SocketConnector::target_connected(FileDescriptor socket) {
  if (const std::string bad = objection_to_user_of(socket.get()); !bad.empty()) {
    return give_up(make_error(ErrorKind::kAuth,
                              fmt::format("refused the process that listens on {}: {}", address(), bad)));
  }
  connected(make_channel_(std::move(socket)));
}

void SocketConnector::target_failed(int error) {
  socket_.reset();
  // A family that this machine does not speak says nothing about who listens on the others.
  const bool unspoken = error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
  if (!unspoken || error_ == 0) error_ = error;
  if (++next_ < targets_.size()) return try_target();
  failed(error_);
}

}  // namespace tine::rpc

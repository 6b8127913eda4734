#include "src/rpc/transport/in_process/in_process_transport.h"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <utility>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/rpc/auth/secret.h"
#include "src/rpc/transport/acceptor.h"
#include "src/rpc/transport/connector.h"
#include "src/rpc/transport/in_process/pipe_channel.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr std::string_view kScheme = "inproc:";

// The acceptors that listen, by address.
class Switchboard {
 public:
  void add(const std::string& address, const std::shared_ptr<Acceptor>& acceptor) {
    const MutexLock lock(mutex_);
    auto& place = acceptors_[address];
    if (!place.expired())
      throw SystemError(fmt::format("cannot listen on {}: Address already in use", address));
    place = acceptor;
  }
  void remove(const std::string& address) noexcept {
    const MutexLock lock(mutex_);
    acceptors_.erase(address);
  }
  [[nodiscard]] std::shared_ptr<Acceptor> find(const std::string& address) {
    const MutexLock lock(mutex_);
    const auto found = acceptors_.find(address);
    return found == acceptors_.end() ? nullptr : found->second.lock();
  }
  // Nobody else's.
  [[nodiscard]] std::string name() const { return fmt::format("{:016x}", number_); }

 private:
  const uint64_t number_ = random_incarnation();
  Mutex mutex_;
  std::map<std::string, std::weak_ptr<Acceptor>> acceptors_ TINE_GUARDED_BY(mutex_);
};

class InProcessListener final : public Listener {
 public:
  InProcessListener(std::shared_ptr<Switchboard> board, std::shared_ptr<Acceptor> acceptor)
      : board_(std::move(board)), acceptor_(std::move(acceptor)) {}
  ~InProcessListener() override { close(); }
  const std::string& address() const noexcept override { return acceptor_->address(); }
  void close() noexcept override {
    if (closed_.exchange(true) || birth_.inherited())
      return;  // in a child the locks are as fork(2) found them
    board_->remove(acceptor_->address());
    acceptor_->close();
  }

 private:
  const Birth birth_;
  const std::shared_ptr<Switchboard> board_;
  const std::shared_ptr<Acceptor> acceptor_;
  std::atomic<bool> closed_{false};
};

class InProcessConnector final : public Connector {
 public:
  InProcessConnector(const Loop& loop, const Identity& identity, std::shared_ptr<Switchboard> board,
                     std::string address, ConnectOptions options)
      : Connector(loop, identity, std::move(address), std::move(options)), board_(std::move(board)) {}

 private:
  void try_once() override {
    const auto acceptor = board_->find(address());
    if (!acceptor) return failed(ECONNREFUSED);
    auto [ours, theirs] = make_pipe();
    // A std::function is copied.
    const auto given = std::make_shared<std::unique_ptr<Channel>>(std::move(theirs));
    const auto accept = [acceptor, given] { acceptor->accepted(std::move(*given), acceptor->address()); };
    if (!acceptor->loop().post(accept)) return failed(ECONNREFUSED);
    connected(std::move(ours));
  }
  void stop_trying() noexcept override {}

  const std::shared_ptr<Switchboard> board_;
};

class InProcessTransport final : public Transport {
 public:
  InProcessTransport(const Loop& loop, Identity identity, std::shared_ptr<Switchboard> board)
      : loop_(loop), identity_(std::move(identity)), board_(std::move(board)) {}
  std::string_view scheme() const noexcept override { return "inproc"; }

  detail::Ref<Listener> listen(const std::string& address, ListenOptions options) override {
    check(address);
    auto acceptor = std::make_shared<Acceptor>(loop_, identity_, std::move(options), address);
    board_->add(address, acceptor);
    return detail::make_ref<InProcessListener>(board_, std::move(acceptor));
  }
  Future<detail::Ref<Connection>> connect(const std::string& address, ConnectOptions options) override {
    check(address);
    return Connector::start(
        detail::make_ref<InProcessConnector>(loop_, identity_, board_, address, std::move(options)));
  }
  std::string own_address(const std::string&) const override {
    return fmt::format("{}tine-{:016x}", kScheme, identity_.incarnation);
  }
  std::string reach(const std::string&) const override { return board_->name(); }

 private:
  static void check(const std::string& address) {
    if (!address.starts_with(kScheme) || address.size() == kScheme.size()) {
      throw ValueError(fmt::format("'{}' is not an in-process address: expected inproc:name", address));
    }
  }

  const Loop loop_;
  const Identity identity_;
  const std::shared_ptr<Switchboard> board_;
};

class InProcessFactory final : public TransportFactory {
 public:
  std::unique_ptr<Transport> make(const Loop& loop, Identity identity) const override {
    return std::make_unique<InProcessTransport>(loop, std::move(identity), board_);
  }

 private:
  const std::shared_ptr<Switchboard> board_ = std::make_shared<Switchboard>();
};

}  // namespace

std::shared_ptr<const TransportFactory> in_process_transport() {
  return std::make_shared<InProcessFactory>();
}

}  // namespace tine::rpc

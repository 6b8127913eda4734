// For tests: two loops, a server and a client over any transport, and handlers that write down what they get.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "src/base/testing/eventually.h"
#include "src/rpc/transport/in_process/in_process_transport.h"
#include "src/rpc/transport/shm/shm_transport.h"
#include "src/rpc/transport/tcp/tcp_transport.h"
#include "src/rpc/transport/tls/test_keys.h"
#include "src/rpc/transport/unix/unix_transport.h"

namespace tine::rpc {

struct Owner final : detail::RefCounted {
  std::vector<std::byte> data;
};
inline Segment owned(std::vector<std::byte> data) {
  auto owner = detail::make_ref<Owner>();
  owner->data = std::move(data);
  return {owner->data, owner};
}

inline OutFrame request(uint64_t id, const std::string& text) {
  OutFrame f(FrameKind::kRequest, id);
  f.body.str(text);
  return f;
}

struct Received {
  FrameHeader header;
  std::string text;
  std::vector<detail::Ref<Buffer>> segments;
};

class Recorder final : public FrameHandler {
 public:
  void on_frame(Connection& c, Frame& f) noexcept override {
    {
      std::lock_guard lock(mutex);
      if (closes != 0) ADD_FAILURE() << "a frame after on_close";
      ++seen;
      last_thread = std::this_thread::get_id();
      if (keep) {
        BodyReader in(f.body);
        frames.push_back({f.header, std::string(in.str()), f.segments});
      }
    }
    changed.notify_all();
    if (on) on(c, f);
  }
  void on_close(Connection& c, const CloseInfo& info) noexcept override {
    EXPECT_TRUE(c.closed());
    {
      std::lock_guard lock(mutex);
      ++closes;
      why = info.why;
      reason = info.reason;
      error = describe(info.error);
    }
    changed.notify_all();
  }

  size_t count() {
    std::lock_guard lock(mutex);
    return seen;
  }
  void clear() {
    std::lock_guard lock(mutex);
    seen = 0;
    frames.clear();
  }
  void wait_for(size_t n) {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return seen >= n; }))
        << seen << " of " << n << " frames came";
  }
  void wait_closed() {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return closes > 0; }))
        << "on_close did not come";
  }

  std::function<void(Connection&, Frame&)> on;
  bool keep = true;
  std::mutex mutex;
  std::condition_variable changed;
  size_t seen = 0;
  std::vector<Received> frames;
  std::thread::id last_thread;
  int closes = 0;
  CloseInfo::Why why{};
  GoodbyeReason reason{};
  std::string error;
};

// A handler that does not return before it is told to. It ends after those who are inside.
struct Stuck {
  ~Stuck() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return waiting == 0; });
  }
  void wait() {
    std::unique_lock lock(mutex);
    inside = true;
    ++waiting;
    changed.notify_all();
    changed.wait(lock, [this] { return released; });
    --waiting;
    changed.notify_all();
  }
  bool is_inside() {
    const std::lock_guard lock(mutex);
    return inside;
  }
  void wait_until_inside() {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [this] { return inside; }));
  }
  void release() {
    const std::lock_guard lock(mutex);
    released = true;
    changed.notify_all();
  }
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  bool inside = false, released = false;
};

class Conformance : public testing::TestWithParam<const char*> {
 protected:
  ~Conformance() override {
    if (client_loop) client_loop->stop();
    if (server_loop) server_loop->stop();
  }

  static std::string error_of(const Future<detail::Ref<Connection>>& f) {
    if (!f.wait_for(std::chrono::seconds(60))) return "did not end";
    return describe(f.error());
  }
  std::unique_ptr<Transport> make(IoLoop& loop, const char* name, uint64_t incarnation,
                                  const std::string& secret) {
    Identity id{name, incarnation, std::make_shared<const Secret>(secret)};
    return factory->make(loop, id);
  }
  static std::shared_ptr<const TransportFactory> factory_of(const std::string& kind) {
    if (kind.starts_with("tcp")) return tcp_transport();
    if (kind.starts_with("shm"))
      return shm_transport({.budget_bytes = kind == "shm_without" ? 0 : ShmOptions().budget_bytes});
    if (kind == "tls") return tcp_transport({.tls = TestKeys::shared().any()});
    return kind == "inproc" ? in_process_transport() : unix_transport();
  }
  std::string fresh(const char* suffix = "") {
    const std::string kind = GetParam();
    const std::string unique =
        std::to_string(::getpid()) + "_" + std::to_string(reinterpret_cast<uintptr_t>(this)) + suffix;
    if (kind == "tcp" || kind == "tls") return "tcp://127.0.0.1:0";
    if (kind == "tcp6") return "tcp://[::1]:0";
    if (kind == "unix") return "unix:" + testing::TempDir() + "/tine_" + unique;
    if (kind == "abstract") return "unix:@tine_" + unique;
    if (kind.starts_with("shm")) return "shm:@tine_" + unique;
    return "inproc:" + unique;
  }
  std::string nobody() {
    const std::string kind = GetParam();
    if (kind == "tcp" || kind == "tls") return "tcp://127.0.0.1:1";
    if (kind == "tcp6") return "tcp://[::1]:1";
    if (kind == "unix") {
      // A socket file without a listener: no file at all would be another error.
      const std::string a = fresh("_dead");
      if (dead.empty()) {
        dead = a.substr(5);
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un un{};
        un.sun_family = AF_UNIX;
        dead.copy(un.sun_path, sizeof un.sun_path - 1);
        static_cast<void>(::bind(fd, reinterpret_cast<sockaddr*>(&un), sizeof un));
        ::close(fd);
      }
      return a;
    }
    return fresh("_nobody");
  }

  void start_loops() {
    server_loop = std::make_unique<IoLoop>();
    client_loop = std::make_unique<IoLoop>();
    server_transport = make(*server_loop, "server", 22, "the shared secret");
    client_transport = make(*client_loop, "client", 11, client_secret);
  }
  void start_listening() {
    start_loops();
    ListenOptions lo;
    lo.connection = options;
    lo.max_pending_handshakes = max_pending;
    lo.handshake_timeout = handshake_timeout;
    lo.on_refused = [this](const std::exception_ptr& e, const std::string&) {
      std::lock_guard lock(mutex);
      refused.push_back(describe(e));
    };
    lo.on_connection = [this](detail::Ref<Connection> c) { accepted.set_value(std::move(c)); };
    listener = server_transport->listen(fresh(), std::move(lo));
    address = listener->address();
  }
  Future<detail::Ref<Connection>> begin_connect() {
    ConnectOptions co;
    co.connection = client_options.value_or(options);
    co.expected_name = expected_name;
    return client_transport->connect(address, co);
  }
  void connect(bool start_server = true) {
    start_listening();
    client = begin_connect().get();
    server = accepted_future.get();
    if (start_server) server->start(at_server);
    client->start(at_client);
  }
  std::string connect_error() {
    start_listening();
    return error_of(begin_connect());
  }

  ConnectionOptions options;
  std::optional<ConnectionOptions> client_options;  // when they are others
  std::string client_secret = "the shared secret";
  std::string expected_name;
  size_t max_pending = 64;
  std::chrono::milliseconds handshake_timeout{5000};
  const std::shared_ptr<const TransportFactory> factory = factory_of(GetParam());
  std::string address, dead;
  std::mutex mutex;
  std::vector<std::string> refused;
  Promise<detail::Ref<Connection>> accepted;
  Future<detail::Ref<Connection>> accepted_future = accepted.future();
  detail::Ref<Recorder> at_server = detail::make_ref<Recorder>(), at_client = detail::make_ref<Recorder>();
  std::unique_ptr<IoLoop> server_loop, client_loop;
  std::unique_ptr<Transport> server_transport, client_transport;
  detail::Ref<Listener> listener;
  detail::Ref<Connection> client, server;
};

}  // namespace tine::rpc

// More connections in shared memory than a loop looks at: the others wake it by their bells, and all that is sent arrives.
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "src/base/testing/eventually.h"
#include "src/rpc/transport/shm/shm_transport.h"
#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

constexpr size_t kConnections = 12;
constexpr uint64_t kFrames = 300;

class ManyRings : public testing::Test {
 protected:
  ManyRings() {
    const auto secret = std::make_shared<const Secret>("the shared secret");
    server_transport = shm_transport({})->make(server_loop, {"server", 22, secret});
    client_transport = shm_transport({})->make(client_loop, {"client", 11, secret});
    ListenOptions listen;
    listen.on_connection = [this](detail::Ref<Connection> c) {
      c->start(at_server);
      const std::lock_guard lock(mutex);
      servers.push_back(std::move(c));
    };
    at_server->keep = false;
    at_server->on = [](Connection& c, Frame& f) {
      static_cast<void>(c.send(OutFrame(FrameKind::kReply, f.header.call_id)));
    };
    listener = server_transport->listen("shm:@tine_many_" + std::to_string(::getpid()), std::move(listen));
    for (size_t i = 0; i < kConnections; ++i) {
      clients.push_back(client_transport->connect(listener->address(), {}).get());
      at_clients.push_back(detail::make_ref<Recorder>());
      at_clients.back()->keep = false;
      clients.back()->start(at_clients.back());
    }
  }
  ~ManyRings() override {
    client_loop.stop();
    server_loop.stop();
  }

  IoLoop server_loop, client_loop;
  std::unique_ptr<Transport> server_transport, client_transport;
  detail::Ref<Listener> listener;
  std::mutex mutex;
  const detail::Ref<Recorder> at_server = detail::make_ref<Recorder>();
  std::vector<detail::Ref<Connection>> servers, clients;
  std::vector<detail::Ref<Recorder>> at_clients;
};

TEST_F(ManyRings, AllAtOnceBringEverythingThereAndBack) {
  for (uint64_t id = 1; id <= kFrames; ++id) {
    for (const auto& client : clients) ASSERT_EQ(client->send(request(id, "x")), nullptr);
  }
  for (const auto& got : at_clients) got->wait_for(kFrames);
}

// The loop looks at those that were heard last, and sleeps between: then each of them has to ring.
TEST_F(ManyRings, OneAfterTheOtherAreHeardWhicheverTheLoopLooksAt) {
  for (uint64_t id = 1; id <= 20; ++id) {
    for (size_t i = 0; i < clients.size(); ++i) {
      ASSERT_EQ(clients[i]->send(request(id, "x")), nullptr);
      at_clients[i]->wait_for(id);
    }
  }
}

// Eight are kept hot by threads that wait for answers; the ninth is alone with the loop.
TEST_F(ManyRings, OneBesideEightThatNeverRestIsHeard) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  for (size_t i = 0; i < 8; ++i) {
    busy.emplace_back([this, i, &stop] {
      for (uint64_t id = 1; !stop; ++id) {
        if (clients[i]->send(request(id, "x"))) return;
        auto done = [&] { return at_clients[i]->count() >= id; };
        if (!clients[i]->try_poll(Clock::now() + std::chrono::seconds(10), done)) at_clients[i]->wait_for(id);
      }
    });
  }
  for (uint64_t id = 1; id <= 30; ++id) {
    ASSERT_EQ(clients.back()->send(request(id, "x")), nullptr);
    at_clients.back()->wait_for(id);
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
}

}  // namespace
}  // namespace tine::rpc

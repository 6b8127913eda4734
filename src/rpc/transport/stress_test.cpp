// Connections under load and at their ends: floods, forks, memory that is not there.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;

class Stress : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Over, Stress, testing::Values("tcp", "unix", "shm", "inproc"),
                         [](const auto& info) { return std::string(info.param); });

// A copy that was made for being sent, and how many bytes of such copies there are at the moment, and were at most.
struct Live {
  std::atomic<size_t> now{0}, most{0};
};
struct Copy final : detail::RefCounted {
  Copy(Live& l, size_t bytes) : live(l), data(bytes) {
    const size_t now = live.now.fetch_add(bytes) + bytes;
    size_t most = live.most.load();
    while (now > most && !live.most.compare_exchange_weak(most, now)) continue;
  }
  ~Copy() override { live.now.fetch_sub(data.size()); }
  Live& live;
  std::vector<std::byte> data;
};

// Sends `count` frames with a copied segment each, waiting for room as a caller does.
void flood(Connection& connection, Live& live, uint64_t count, size_t bytes) {
  for (uint64_t id = 1; id <= count; ++id) {
    while (!connection.has_room()) ASSERT_TRUE(connection.room().wait_for(60s)) << "no progress";
    const auto copy = detail::make_ref<Copy>(live, bytes);
    OutFrame f = request(id, "flood");
    f.body.segment({copy->data, copy, true});
    ASSERT_EQ(connection.send(std::move(f)), nullptr);
  }
}

TEST_P(Stress, TwoThatFloodEachOtherGoOnInBoundedMemory) {
  constexpr uint64_t kFrames = 512;
  constexpr size_t kBytes = size_t{4} << 20;  // 2 GB each way
  options.max_copied_bytes = size_t{32} << 20;
  std::atomic<uint64_t> answers{0};
  for (const auto& at : {at_server, at_client}) {
    at->keep = false;
    at->on = [&](Connection& c, Frame& f) {
      if (f.header.kind == FrameKind::kReply) {
        answers.fetch_add(1);
        return;
      }
      OutFrame reply(FrameKind::kReply, f.header.call_id);
      reply.body.str(std::string(1000, 'r'));
      EXPECT_EQ(c.send(std::move(reply)), nullptr);
    };
  }
  connect();
  Live live[2];
  std::thread other([&] { flood(*server, live[1], kFrames, kBytes); });
  flood(*client, live[0], kFrames, kBytes);
  other.join();
  EXPECT_TRUE(eventually([&] { return answers == 2 * kFrames; })) << answers;
  for (const Live& l : live) {
    EXPECT_EQ(l.now, 0u);
    EXPECT_LE(l.most, options.max_copied_bytes +
                          2 * kBytes);  // the bound, the frame that passes it, and the next in hand
  }
  EXPECT_FALSE(client->closed());
  EXPECT_FALSE(server->closed());
}

TEST_P(Stress, ManyWhoWaitForRoomAllGetIt) {
  options.max_copied_bytes = size_t{1} << 20;
  at_server->keep = false;
  connect();
  Live live;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) threads.emplace_back([&] { flood(*client, live, 200, 100'000); });
  for (auto& t : threads) t.join();
  at_server->wait_for(1600);
  EXPECT_LE(live.most, options.max_copied_bytes + 16 * size_t{100'000});
  // What frames held is let go of elsewhere, and counts itself out in `live`.
  EXPECT_TRUE(eventually([&] { return live.now == 0; }));
}

TEST_P(Stress, PingsAndSmallCallsAreAnsweredWhileLargeBodiesGoBothWays) {
  options.heartbeat_interval = 50ms;
  options.heartbeat_timeout = 2000ms;
  std::atomic<uint64_t> answers{0};
  for (const auto& at : {at_server, at_client}) {
    at->keep = false;
    at->on = [&](Connection& c, Frame& f) {
      if (f.header.kind == FrameKind::kReply) answers.fetch_add(1);
      if (f.header.kind != FrameKind::kRequest || !f.segments.empty()) return;
      EXPECT_EQ(c.send(OutFrame(FrameKind::kReply, f.header.call_id)), nullptr);
    };
  }
  connect();
  const std::vector<std::byte> data(200 << 20);
  for (uint64_t id = 1; id <= 3; ++id) {
    for (auto* side : {&client, &server}) {
      OutFrame f = request(id, "large");
      f.body.segment({data, nullptr});
      ASSERT_EQ((*side)->send(std::move(f)), nullptr);
    }
  }
  for (uint64_t id = 101; id <= 400; ++id) {
    ASSERT_EQ(client->send(request(id, "small")), nullptr);
    auto done = [&] { return answers == id - 100; };
    ASSERT_TRUE(client->try_poll(Clock::now() + 60s, done) || eventually(done));
  }
  at_server->wait_for(303);
  at_client->wait_for(303);
  EXPECT_FALSE(client->closed());
  EXPECT_FALSE(server->closed());
}

TEST_P(Stress, APeerWhoseWordsLieUnreadHereIsNotSilent) {
  constexpr uint64_t kUnread = uint64_t{1} << 40;
  options.heartbeat_interval = 0ms;
  client_options.emplace();
  client_options->heartbeat_interval = 50ms;
  client_options->heartbeat_timeout = 2000ms;
  connect();
  // Our own reader is busy for longer than that, and no ping is answered: nobody's fault but ours.
  Stuck stuck;
  std::atomic<std::thread::id> waiting{};
  std::atomic<bool> unread_is_read{false};
  at_client->keep = false;
  at_client->on = [&](Connection&, Frame& f) {
    if (f.header.call_id == kUnread) {
      unread_is_read = true;
    } else if (std::this_thread::get_id() == waiting && !stuck.is_inside()) {
      stuck.wait();
    }
  };
  auto inside = [&] { return stuck.is_inside(); };
  std::thread waits([&] {
    waiting = std::this_thread::get_id();
    while (!inside() && !client->closed()) static_cast<void>(client->try_poll(Clock::now() + 10ms, inside));
  });
  // Until that thread is faster than the loop's.
  for (uint64_t id = 1; !inside(); ++id) {
    ASSERT_EQ(server->send(request(id, "x")), nullptr);
    ASSERT_TRUE(eventually([&] { return inside() || at_client->count() >= id; }));
  }
  ASSERT_EQ(server->send(request(kUnread, "unread")), nullptr);
  std::this_thread::sleep_for(3000ms);
  EXPECT_FALSE(client->closed());
  stuck.release();
  waits.join();
  EXPECT_TRUE(eventually([&] { return unread_is_read.load(); }));  // nobody is in the handler any more
  EXPECT_FALSE(client->closed());
}

size_t open_sockets() {
  size_t count = 0;
  for (int fd = 3; fd < 1024; ++fd) {
    int type = 0;
    socklen_t length = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0) ++count;
  }
  return count;
}

TEST_P(Stress, AForkedChildClosesItsSocketsWhateverTheParentsThreadsWereDoing) {
  if (GetParam() == std::string_view("inproc")) GTEST_SKIP() << "there are no sockets within a process";
  connect();
  std::atomic<bool> going{true};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      // The loop's lock is held by somebody most of the time.
      while (going) {
        client_loop->cancel(client_loop->schedule_at(Clock::now() + 1h, [] {}));
        server_loop->post([] {});
      }
    });
  }
  const size_t here = open_sockets();
  EXPECT_GE(here, 3u);  // both ends and the listener
  for (int i = 0; i < 30; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(30);  // a lock that was held at the fork stays so
      ::_exit(open_sockets() == 0 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  going = false;
  for (auto& t : threads) t.join();
  ASSERT_EQ(client->send(request(2, "from the parent")), nullptr);
  at_server->wait_for(1);
}

TEST_P(Stress, ThreadsAndDescriptorsOfLoopsAndConnectionsGoWithThem) {
  const auto descriptors = [] {
    size_t count = 0;
    DIR* dir = ::opendir("/proc/self/fd");
    while (::readdir(dir)) ++count;
    ::closedir(dir);
    return count;
  };
  size_t before = 0;
  std::vector<detail::Ref<Connection>> kept;  // by somebody who does not know that it is over
  for (int cycle = 0; cycle < 20; ++cycle) {
    accepted = Promise<detail::Ref<Connection>>();
    accepted_future = accepted.future();
    at_server = detail::make_ref<Recorder>();
    at_client = detail::make_ref<Recorder>();
    connect();
    ASSERT_EQ(client->send(request(1, "x")), nullptr);
    at_server->wait_for(1);
    kept.push_back(client);
    EXPECT_TRUE(client_loop->stop());
    EXPECT_TRUE(server_loop->stop());
    listener = nullptr;
    client = nullptr;
    server = nullptr;
    client_transport.reset();
    server_transport.reset();
    client_loop.reset();
    server_loop.reset();
    if (cycle == 0) before = descriptors();
  }
  EXPECT_EQ(descriptors(), before);
}

}  // namespace
}  // namespace tine::rpc

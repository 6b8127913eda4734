// Threads that read a connection between other things: who lingers, who says that it will wait, and what of that others notice.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;

class Lingers : public Conformance {
 protected:
  // Takes each request whose text is "work".
  class Worker final : public Lingerer {
   public:
    explicit Worker(bool is_short) : short_(is_short) {}
    bool has_work() const noexcept override { return has_work_; }
    bool has_enough() noexcept override { return false; }
    bool is_short() const noexcept override { return short_; }
    void run() noexcept override {
      has_work_ = false;
      ++ran;
      if (during) during();
    }
    void take() {
      EXPECT_FALSE(has_work_) << "it is asked after each frame";
      has_work_ = true;
    }
    std::function<void()> during;
    std::atomic<int> ran{0};

   private:
    const bool short_;
    bool has_work_ = false;
  };

  void connect_to(Worker& worker) {
    // Received frames are read by the thread that lingers, or by the loop.
    at_server->on = [this, &worker](Connection&, Frame& f) {
      BodyReader in(f.body);
      if (in.str() == "work" && std::this_thread::get_id() == lingers.load()) worker.take();
    };
    connect();
  }
  // A thread that lingers again and again, until it is told to stop.
  std::thread lingering(Worker& worker) {
    return std::thread([this, &worker] {
      lingers = std::this_thread::get_id();
      while (!stop) server->linger(worker);
    });
  }

  std::atomic<std::thread::id> lingers{};
  std::atomic<bool> stop{false};
  bool in_child = false;
};
INSTANTIATE_TEST_SUITE_P(Over, Lingers, testing::Values("tcp", "unix", "shm", "inproc"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Lingers, WhoLingersRunsWhatIsLeftWithIt) {
  Worker worker(true);
  connect_to(worker);
  std::thread thread = lingering(worker);
  for (uint64_t id = 1; worker.ran < 100; ++id) {
    ASSERT_EQ(client->send(request(id, "work")), nullptr);
    at_server->wait_for(id);
  }
  stop = true;
  thread.join();
}

// What is said to be short and is not costs the others little.
TEST_P(Lingers, WhileItRunsSomethingEverythingElseArrives) {
  for (const bool is_short : {true, false}) {
    Worker worker(is_short);
    stop = false;
    if (!client) {
      connect();
    }
    at_server->on = [this, &worker](Connection&, Frame& f) {
      BodyReader in(f.body);
      if (in.str() == "work" && std::this_thread::get_id() == lingers.load()) worker.take();
    };
    at_server->clear();
    std::atomic<bool> arrived{false};
    worker.during = [&] {
      if (worker.ran != 3) return;
      // Several at once: the first of them may be in the reader's buffer by now.
      const size_t before = at_server->count();
      for (uint64_t id = 1; id <= 5; ++id) EXPECT_EQ(client->send(request(id, "else")), nullptr);
      arrived = eventually([&] { return at_server->count() >= before + 5; });
    };
    std::thread thread = lingering(worker);
    for (uint64_t id = 1; worker.ran < 3; ++id) {
      ASSERT_EQ(client->send(request(id, "work")), nullptr);
      std::this_thread::yield();
    }
    EXPECT_TRUE(eventually([&] { return arrived.load(); }));
    stop = true;
    thread.join();
    at_server->on = nullptr;
  }
}

TEST_P(Lingers, WhoSaysThatItWillWaitAndDoesNotDelaysNothingForLong) {
  connect();
  for (uint64_t id = 1; id <= 20; ++id) {
    server->expect_wait();
    ASSERT_EQ(client->send(request(id, "x")), nullptr);
    at_server->wait_for(id);
  }
}

TEST_P(Lingers, WhoSaysThatItWillWaitGetsItsAnswerWhileItPolls) {
  connect();
  for (uint64_t id = 1; id <= 1000; ++id) {
    client->expect_wait();
    ASSERT_EQ(server->send(request(id, "answer")), nullptr);
    auto done = [&] { return at_client->count() >= id; };
    if (!client->try_poll(Clock::now() + 10s, done)) at_client->wait_for(id);
  }
}

TEST_P(Lingers, ALentRoleDoesNotKeepAConnectionFromItsEnd) {
  Worker worker(true);
  connect_to(worker);
  worker.during = [&] {
    client->close(nullptr);
    EXPECT_TRUE(eventually([&] { return server->closed(); }));
  };
  std::thread thread = lingering(worker);
  for (uint64_t id = 1; worker.ran == 0 && !client->closed(); ++id) {
    static_cast<void>(client->send(request(id, "work")));
    std::this_thread::yield();
  }
  at_server->wait_closed();
  stop = true;
  thread.join();
}

TEST_P(Lingers, AChildThatIsForkedMeanwhileReadsNothingOfItsParents) {
  for (const bool is_short : {true, false}) {
    Worker worker(is_short);
    if (!client) connect();
    at_server->on = [this, &worker](Connection&, Frame& f) {
      BodyReader in(f.body);
      if (in.str() == "work" && std::this_thread::get_id() == lingers.load()) worker.take();
    };
    std::atomic<int> ended{-1};
    worker.during = [&] {
      if (ended >= 0) return;
      const pid_t child = ::fork();
      if (child == 0) {
        in_child = true;
        return;
      }
      int status = 1;
      EXPECT_EQ(::waitpid(child, &status, 0), child);
      ended = status;
    };
    stop = false;
    std::thread thread([this, &worker] {
      lingers = std::this_thread::get_id();
      while (!stop) {
        server->linger(worker);
        if (in_child) ::_exit(0);
      }
    });
    for (uint64_t id = 1; ended < 0; ++id) {
      ASSERT_EQ(client->send(request(id, "work")), nullptr);
      std::this_thread::yield();
    }
    EXPECT_EQ(ended, 0);
    stop = true;
    thread.join();
    at_server->on = nullptr;
  }
}

TEST_P(Lingers, ALoopThatStopsLetsGoOfWhoItLooksAfter) {
  connect();
  server->expect_wait();
  server_loop->stop();
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kLoopEnd);
}

}  // namespace
}  // namespace tine::rpc

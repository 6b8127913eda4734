// Two processes, one frame there and one back: what a remote call costs below names, values and futures.
//
// An iteration is a batch of a fixed number; its time is the batch's median, p99_us its 99th percentile, so rows compare medians. The
// baselines are bare sockets in the same run: `sleeping` blocks in recv, `polling` spins with sched_yield.
// Two-process rows pin one process to each of the first two processors; the eight-process rows pin nothing.
#include <benchmark/benchmark.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "src/rpc/transport/tcp/tcp_transport.h"
#include "src/rpc/transport/unix/unix_transport.h"

namespace {

using namespace tine;
using namespace tine::rpc;

constexpr int kBatch = 1000;
constexpr size_t kSmall = 64;

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu % static_cast<int>(std::thread::hardware_concurrency()), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}
struct PinHere {
  cpu_set_t before;
  explicit PinHere(bool on) {
    ::sched_getaffinity(0, sizeof before, &before);
    if (on) pin(0);
  }
  ~PinHere() { ::sched_setaffinity(0, sizeof before, &before); }
};

// A child process that ends when this object does, and with its parent.
class Child {
 public:
  explicit Child(const std::function<void()>& body) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    ::_exit(0);
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

// --- bare sockets

bool read_all(int fd, void* to, size_t bytes, bool poll) {
  auto* p = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t n = ::recv(fd, p, bytes, poll ? MSG_DONTWAIT : 0);
    if (n == 0) return false;
    if (n < 0) {
      if (poll) ::sched_yield();
      continue;
    }
    p += n;
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

struct RawPair {
  explicit RawPair(bool poll, bool pinned, size_t bytes) {
    static_cast<void>(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    const int theirs = fds[1], ours = fds[0];
    child = std::make_unique<Child>([=] {
      ::close(ours);
      if (pinned) pin(1);
      std::vector<char> data(bytes);
      while (read_all(theirs, data.data(), bytes, poll)) {
        for (size_t at = 0; at < bytes;) {
          const ssize_t n = ::send(theirs, data.data() + at, bytes - at, MSG_NOSIGNAL);
          if (n < 0) return;
          at += static_cast<size_t>(n);
        }
      }
    });
    ::close(theirs);
  }
  ~RawPair() {
    ::close(fds[0]);
    child.reset();
  }
  int fds[2];
  std::unique_ptr<Child> child;
};

// --- frames

Identity identity(const char* name) {
  return {name, random_incarnation(), std::make_shared<const Secret>("bench secret")};
}

struct Echo final : FrameHandler {
  void on_frame(Connection& c, Frame& f) noexcept override {
    OutFrame reply(FrameKind::kReply, f.header.call_id);
    BodyReader in(f.body);
    const std::string_view text = in.str();
    if (text == "one way") return;
    reply.body.str(text);
    for (auto& s : f.segments) reply.body.segment({s->bytes(), s});
    static_cast<void>(c.send(std::move(reply)));
  }
  void on_close(Connection&, const CloseInfo&) noexcept override {}
};

struct Replies final : FrameHandler {
  void on_frame(Connection&, Frame&) noexcept override {
    got.fetch_add(1, std::memory_order_release);
    if (!sleeping.load()) return;
    { std::lock_guard lock(mutex); }
    changed.notify_one();
  }
  void on_close(Connection&, const CloseInfo&) noexcept override {
    if (!ending) std::abort();
  }
  std::atomic<bool> ending{false};
  void wait_for(Connection& c, uint64_t n) {
    auto done = [&] { return got.load(std::memory_order_acquire) >= n; };
    if (c.try_poll(kNoDeadline, done)) return;
    sleeping.store(true);
    std::unique_lock lock(mutex);
    changed.wait(lock, done);
    sleeping.store(false);
  }
  std::atomic<uint64_t> got{0};
  std::atomic<bool> sleeping{false};
  std::mutex mutex;
  std::condition_variable changed;
};

std::unique_ptr<Transport> make(const char* scheme, IoLoop& loop, const char* name) {
  if (std::strcmp(scheme, "tcp") == 0) return tcp_transport()->make(loop, identity(name));
  return unix_transport()->make(loop, identity(name));
}

struct FramePair {
  FramePair(const char* scheme, std::chrono::microseconds budget, bool pinned) {
    int told[2];
    static_cast<void>(::socketpair(AF_UNIX, SOCK_STREAM, 0, told));
    const std::string address =
        std::strcmp(scheme, "tcp") == 0
            ? "tcp://127.0.0.1:0"
            : "unix:@tine_bench_" + std::to_string(::getpid()) + "_" + std::to_string(told[0]);
    child = std::make_unique<Child>([=] {
      if (pinned) pin(1);
      IoLoop loop(IoLoop::Options{.poll_budget = budget});
      auto transport = make(scheme, loop, "server");
      ListenOptions options;
      options.on_connection = [](detail::Ref<Connection> c) { c->start(detail::make_ref<Echo>()); };
      auto listener = transport->listen(address, options);
      std::string real = listener->address();
      real.resize(100, ' ');
      static_cast<void>(!::write(told[1], real.data(), real.size()));
      for (;;) ::pause();
    });
    std::string real(100, ' ');
    static_cast<void>(!::read(told[0], real.data(), real.size()));
    real.resize(real.find(' '));
    ::close(told[0]);
    ::close(told[1]);
    loop = std::make_unique<IoLoop>(IoLoop::Options{.poll_budget = budget});
    transport = make(scheme, *loop, "client");
    connection = transport->connect(real, {}).get();
    connection->start(replies);
  }
  ~FramePair() {
    replies->ending = true;
    child.reset();
  }
  void round_trip(std::string_view text, const std::vector<std::byte>* tensor = nullptr) {
    OutFrame f(FrameKind::kRequest, ++sent);
    f.body.str(text);
    if (tensor) f.body.segment({*tensor, replies});
    if (connection->send(std::move(f))) std::abort();
  }

  std::unique_ptr<Child> child;
  std::unique_ptr<IoLoop> loop;
  std::unique_ptr<Transport> transport;
  detail::Ref<Connection> connection;
  detail::Ref<Replies> replies = detail::make_ref<Replies>();
  uint64_t sent = 0;
};

// --- rows

template <class F>
void measure(benchmark::State& state, F round_trip, int batch = kBatch) {
  std::vector<double> times(static_cast<size_t>(batch)), all;
  for (int i = 0; i < batch; ++i) round_trip();
  for (auto _ : state) {
    for (double& t : times) {
      const auto start = Clock::now();
      round_trip();
      t = std::chrono::duration<double>(Clock::now() - start).count();
    }
    std::ranges::sort(times);
    state.SetIterationTime(times[times.size() / 2]);
    all.insert(all.end(), times.begin(), times.end());
  }
  std::ranges::sort(all);
  if (!all.empty()) state.counters["p99_us"] = 1e6 * all[all.size() * 99 / 100];
}

void raw(benchmark::State& state, bool poll, size_t bytes = kSmall, int batch = kBatch) {
  RawPair pair(poll, true, bytes);
  PinHere here(true);
  std::vector<char> data(bytes);
  measure(
      state,
      [&] {
        // A message larger than the socket's buffer comes back while it still goes out.
        std::thread writer;
        if (bytes > 100'000) {
          writer =
              std::thread([&] { static_cast<void>(::send(pair.fds[0], data.data(), bytes, MSG_NOSIGNAL)); });
          std::vector<char> back(bytes);
          read_all(pair.fds[0], back.data(), bytes, poll);
          writer.join();
        } else {
          static_cast<void>(::send(pair.fds[0], data.data(), bytes, MSG_NOSIGNAL));
          read_all(pair.fds[0], data.data(), bytes, poll);
        }
      },
      batch);
}

void frames(benchmark::State& state, const char* scheme, int budget_us) {
  PinHere here(true);
  FramePair pair(scheme, std::chrono::microseconds(budget_us), true);
  measure(state, [&] {
    pair.round_trip(std::string_view("0123456789012345678901"));
    pair.replies->wait_for(*pair.connection, pair.sent);
  });
}

// As many at a time: the time is that of one call.
void in_flight(benchmark::State& state, const char* scheme) {
  PinHere here(true);
  FramePair pair(scheme, std::chrono::microseconds(50), true);
  const auto window = static_cast<uint64_t>(state.range(0));
  for (auto _ : state) {
    const auto start = Clock::now();
    for (int i = 0; i < 20'000; ++i) {
      pair.round_trip("0123456789012345678901");
      if (pair.sent > window) pair.replies->wait_for(*pair.connection, pair.sent - window);
    }
    pair.replies->wait_for(*pair.connection, pair.sent);
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count() / 20'000);
  }
}

void tensor(benchmark::State& state, const char* scheme) {
  PinHere here(true);
  FramePair pair(scheme, std::chrono::microseconds(50), true);
  const std::vector<std::byte> data(16 << 20, std::byte{1});
  measure(
      state,
      [&] {
        pair.round_trip("t", &data);
        pair.replies->wait_for(*pair.connection, pair.sent);
      },
      20);
}

// Beside tensors of 64 MB on the same connection, of which some are always on their way there.
void frames_beside_tensors(benchmark::State& state, const char* scheme) {
  PinHere here(true);
  FramePair pair(scheme, std::chrono::microseconds(50), true);
  const std::vector<std::byte> data(64 << 20, std::byte{1});
  struct InFlight final : detail::RefCounted {
    explicit InFlight(std::atomic<int>& n) : count(n) { ++count; }
    ~InFlight() override { --count; }
    std::atomic<int>& count;
  };
  static std::atomic<int> in_flight{0};
  measure(state, [&] {
    while (in_flight < 3) {
      OutFrame f(FrameKind::kRequest, 1);
      f.body.str("one way");
      f.body.segment({data, detail::make_ref<InFlight>(in_flight)});
      if (pair.connection->send(std::move(f))) std::abort();
    }
    pair.round_trip(std::string_view("0123456789012345678901"));
    pair.replies->wait_for(*pair.connection, pair.sent);
  });
  pair.replies->ending = true;
  pair.connection->close(nullptr);
}

// Four pairs on however many processors there are; the time is that of the pair that is measured.
template <class Pair, class Trip>
void crowd(benchmark::State& state, const std::function<std::unique_ptr<Pair>()>& make_pair, Trip trip) {
  std::vector<std::unique_ptr<Child>> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(std::make_unique<Child>([&] {
      auto pair = make_pair();
      for (;;) trip(*pair);
    }));
  }
  auto pair = make_pair();
  measure(state, [&] { trip(*pair); });
}

void raw_crowd(benchmark::State& state) {
  crowd<RawPair>(
      state, [] { return std::make_unique<RawPair>(false, false, kSmall); },
      [](RawPair& p) {
        char data[kSmall] = {};
        static_cast<void>(::send(p.fds[0], data, kSmall, MSG_NOSIGNAL));
        read_all(p.fds[0], data, kSmall, false);
      });
}
void frame_crowd(benchmark::State& state, int budget_us) {
  crowd<FramePair>(
      state, [=] { return std::make_unique<FramePair>("unix", std::chrono::microseconds(budget_us), false); },
      [](FramePair& p) {
        p.round_trip("0123456789012345678901");
        p.replies->wait_for(*p.connection, p.sent);
      });
}

}  // namespace

BENCHMARK_CAPTURE(raw, sleeping, false)
    ->Name("baseline_raw_unix_socket_sleeping")
    ->UseManualTime()
    ->Iterations(5);
BENCHMARK_CAPTURE(raw, polling, true)
    ->Name("baseline_raw_unix_socket_polling")
    ->UseManualTime()
    ->Iterations(5);
BENCHMARK_CAPTURE(frames, unix, "unix", 50)
    ->Name("frame_there_and_back_unix")
    ->UseManualTime()
    ->Iterations(5);
BENCHMARK_CAPTURE(frames, tcp, "tcp", 50)->Name("frame_there_and_back_tcp")->UseManualTime()->Iterations(5);
BENCHMARK_CAPTURE(frames, sleeping, "unix", 0)
    ->Name("frame_there_and_back_unix_never_polling")
    ->UseManualTime()
    ->Iterations(5);
BENCHMARK_CAPTURE(in_flight, unix, "unix")
    ->Name("frame_there_and_back_256_in_flight")
    ->Arg(256)
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(frames_beside_tensors, unix, "unix")
    ->Name("frame_there_and_back_beside_tensors_unix")
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(frames_beside_tensors, tcp, "tcp")
    ->Name("frame_there_and_back_beside_tensors_tcp")
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(raw, large, false, size_t{16} << 20, 20)
    ->Name("baseline_raw_16_MB_there_and_back")
    ->UseManualTime()
    ->Iterations(2);
BENCHMARK_CAPTURE(tensor, unix, "unix")
    ->Name("tensor_16_MB_there_and_back_unix")
    ->UseManualTime()
    ->Iterations(2);
BENCHMARK_CAPTURE(tensor, tcp, "tcp")
    ->Name("tensor_16_MB_there_and_back_tcp")
    ->UseManualTime()
    ->Iterations(2);
BENCHMARK(raw_crowd)->Name("baseline_raw_8_processes_sleeping")->UseManualTime()->Iterations(5);
BENCHMARK_CAPTURE(frame_crowd, adaptive, 50)->Name("frame_8_processes")->UseManualTime()->Iterations(5);
BENCHMARK_CAPTURE(frame_crowd, sleeping, 0)
    ->Name("frame_8_processes_never_polling")
    ->UseManualTime()
    ->Iterations(5);

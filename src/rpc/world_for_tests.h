// World: several agents in one process, with operators and handlers, for tests and benchmarks.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "src/base/testing/eventually.h"
#include "src/rpc/agent.h"
#include "src/rpc/transport/in_process/in_process_transport.h"
#include "src/rpc/transport/named_transports.h"
#include "src/rpc/transport/unix/unix_transport.h"
#include "src/value/cost.h"
#include "src/value/op_context.h"
#include "tine/operators.h"

namespace tine::rpc::testing {

// A fixed number of threads; what is posted waits for one.
class Threads final : public Executor {
 public:
  explicit Threads(int n) {
    for (int i = 0; i < n; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Threads() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_) t.join();
  }
  void post(Task& task) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(&task);
    }
    wake_.notify_one();
  }
  [[nodiscard]] bool has_waiting() const noexcept override {
    const std::lock_guard lock(mutex_);
    return stop_ || !tasks_.empty();
  }
  [[nodiscard]] bool has(std::thread::id id) const {
    return std::any_of(threads_.begin(), threads_.end(),
                       [id](const std::thread& t) { return t.get_id() == id; });
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      Task* const task = tasks_.front();
      tasks_.pop_front();
      lock.unlock();
      task->run();
      lock.lock();
    }
  }
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::deque<Task*> tasks_;
  std::vector<std::thread> threads_;
};

inline Tensor floats(std::vector<float> v) {
  const int64_t n = static_cast<int64_t>(v.size());
  Tensor t = Tensor::empty(std::array<int64_t, 1>{n}, DType::kFloat32);
  std::copy(v.begin(), v.end(), t.data_as<float>());
  return t;
}
inline std::vector<float> numbers(const Value& value) {
  const Tensor& t = value.to_tensor();
  return {t.data_as<float>(), t.data_as<float>() + t.numel()};
}

inline Value add_kernel(OpContext&, const Value* a) {
  const Tensor &x = a[0].as_tensor(), &y = a[1].as_tensor();
  if (x.numel() != y.numel())
    throw ShapeError("the shapes [" + std::to_string(x.numel()) + "] and [" + std::to_string(y.numel()) +
                     "] do not fit");
  Tensor out = Tensor::empty(x.sizes(), DType::kFloat32);
  for (int64_t i = 0; i < x.numel(); ++i)
    out.data_as<float>()[i] = x.data_as<float>()[i] + y.data_as<float>()[i];
  return out;
}

inline void add_operators(OpTable& table) {
  table.add("test::add(Tensor a, Tensor b) -> Tensor", add_kernel, {.cost = cost::kEach});
  table.add("test::same(Tensor a) -> Tensor", [](OpContext&, const Value* a) { return a[0]; },
            {.cost = cost::kFixed});
  table.add("test::any(Any a) -> Any", [](OpContext&, const Value* a) { return a[0]; },
            {.cost = cost::kFixed});
  table.add("test::plus(int a, int b=1) -> int",
            [](OpContext&, const Value* a) { return Value(a[0].as_int() + a[1].as_int()); },
            {.cost = cost::kFixed});
  table.add("test::long(int a) -> int", [](OpContext&, const Value* a) { return a[0]; },
            {.cost = cost::kNoBound});
  table.add("test::fail(str kind) -> int",
            [](OpContext&, const Value* a) -> Value {
              ErrorKind kind;
              if (!kind_named(a[0].as_string(), &kind)) throw Error("no such kind");
              std::rethrow_exception(make_error(kind, "as asked"));
            },
            {.cost = cost::kFixed});
}

// By the name of the call.
class Handlers final : public Handler {
 public:
  std::map<std::string, std::function<void(IncomingCall)>> on;
  void handle(IncomingCall call) override {
    const auto at = on.find(call.name());
    if (at == on.end()) throw NameError("no handler for " + call.name());
    at->second(std::move(call));
  }
};

// An address of this machine that nobody listens at. As long as this is there the system gives its port to nobody who does
// not ask for it by number.
class FreeAddress {
 public:
  FreeAddress() {
    const int one = 1;
    (void)::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &one,
                       sizeof one);  // whoever listens there does the same
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = sizeof(a);
    (void)::bind(fd_, reinterpret_cast<sockaddr*>(&a), sizeof(a));
    (void)::getsockname(fd_, reinterpret_cast<sockaddr*>(&a), &n);
    text_ = "tcp://127.0.0.1:" + std::to_string(ntohs(a.sin_port));
  }
  ~FreeAddress() { ::close(fd_); }
  FreeAddress(const FreeAddress&) = delete;
  FreeAddress& operator=(const FreeAddress&) = delete;
  operator const std::string&() const { return text_; }  // NOLINT: meant to convert
  [[nodiscard]] const std::string& text() const { return text_; }
  // Now somebody listens there.
  void listen() const { (void)::listen(fd_, 1); }

 private:
  const int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string text_;
};

// What the workers of a test talk by.
enum class Over : uint8_t { kShm, kUnix, kTcp, kInProcess };
inline std::string name_of(Over over) {
  switch (over) {
    case Over::kShm: return "shm";
    case Over::kUnix: return "unix";
    case Over::kTcp: return "tcp";
    case Over::kInProcess: break;
  }
  return "inproc";
}
inline TransportList transports_over(Over over) {
  static const auto in_process = in_process_transport();
  switch (over) {
    case Over::kShm: return transports_named(default_transports(), {});
    case Over::kUnix: return {unix_transport(), tcp_transport()};
    case Over::kTcp: return {tcp_transport()};
    case Over::kInProcess: break;
  }
  return {in_process};
}
inline void talk(AgentOptions& o, Over over) {
  o.transports = transports_over(over);
  constexpr std::string_view kScheme = "inproc:";
  if (o.address.starts_with(kScheme)) o.address.erase(0, kScheme.size());
  if (over == Over::kInProcess) o.address.insert(0, kScheme);
}

inline std::shared_ptr<const Secret> test_secret() {
  return std::make_shared<const Secret>("a secret for tests");
}

// The parts that one worker needs besides its agent.
struct Worker {
  explicit Worker(int threads = 2) : pool(1), blocking(threads) { add_operators(ops); }
  OpTable ops;
  Handlers handlers;
  Threads pool;
  Threads blocking;
  std::unique_ptr<Agent> agent;

  AgentOptions options(int rank, int world_size, const std::string& address) {
    AgentOptions o;
    o.name = "w" + std::to_string(rank);
    o.rank = rank;
    o.world_size = world_size;
    o.address = address;
    o.secret = test_secret();
    o.transports = transports_over(Over::kShm);
    o.init_timeout = Seconds(60);
    o.rpc_timeout = Seconds(60);
    o.ops = &ops;
    o.handler = &handlers;
    o.executor = &pool;
    o.blocking = &blocking;
    return o;
  }
};

// Its workers talk within the process unless `change` says otherwise.
class World {
 public:
  using Change = std::function<void(int rank, AgentOptions&)>;
  explicit World(int size, const Change& change = {}, int threads = 2) {
    const FreeAddress address;
    for (int rank = 0; rank < size; ++rank) workers.push_back(std::make_unique<Worker>(threads));
    std::vector<std::thread> starting;
    std::vector<std::exception_ptr> errors(static_cast<size_t>(size));
    for (int rank = 0; rank < size; ++rank) {
      starting.emplace_back([&, rank] {
        try {
          AgentOptions o = workers[static_cast<size_t>(rank)]->options(rank, size, address);
          talk(o, Over::kInProcess);
          if (change) change(rank, o);
          workers[static_cast<size_t>(rank)]->agent = Agent::start(std::move(o));
        } catch (...) {
          errors[static_cast<size_t>(rank)] = std::current_exception();
        }
      });
    }
    for (auto& t : starting) t.join();
    for (auto& e : errors) {
      if (e) std::rethrow_exception(e);
    }
  }
  // All at the same time, as the barrier wants it.
  std::vector<std::exception_ptr> shutdown(Seconds timeout = Seconds(20)) {
    std::vector<std::exception_ptr> errors(workers.size());
    std::vector<std::thread> stopping;
    for (size_t i = 0; i < workers.size(); ++i) {
      stopping.emplace_back([&, i] {
        try {
          workers[i]->agent->shutdown(true, timeout);
        } catch (...) {
          errors[i] = std::current_exception();
        }
      });
    }
    for (auto& t : stopping) t.join();
    return errors;
  }
  Agent& operator[](int rank) { return *workers[static_cast<size_t>(rank)]->agent; }
  Handlers& handlers(int rank) { return workers[static_cast<size_t>(rank)]->handlers; }

  std::vector<std::unique_ptr<Worker>> workers;
};

inline CallRequest add(std::vector<float> a, std::vector<float> b) {
  return CallRequest::builtin("test::add", {floats(std::move(a)), floats(std::move(b))});
}
inline CallRequest foreign(const std::string& name, std::vector<Value> leaves = {}) {
  return CallRequest::foreign(
      name, detail::make_ref<ForeignPayload>(std::vector<std::byte>(3, std::byte{7}), std::move(leaves)));
}

}  // namespace tine::rpc::testing

// Agent: torch.distributed.rpc over tine. Everything above it (Python functions, RRef, distributed autograd, RPC in
// TorchScript, the profiler) is PyTorch's own.
//
// An agent is made, then meets its peers (connect(), expect(), known()), then is started by PyTorch, then shut down for
// good. Any thread may call any member. PyTorch's callbacks and handlers run on threads of the agent's own Runtime, never
// on a reader. Members that wait release the interpreter's lock if the caller holds it.
//
// A call's count drops after its callbacks have run, so join() sees the calls that those callbacks begin. Calls in
// progress keep the agent alive. PyTorch keeps the first agent that served a call for ever, so shutdown(), not the
// destructor, gives threads and connections back. Members throw std::runtime_error and c10::Error; an error of a call is
// in its future, in the words that PyTorch uses. docs/pytorch.md has the costs.
#pragma once

#include <torch/csrc/distributed/rpc/rpc_agent.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "codec.h"
#include "join.h"
#include "tine/raw.h"
#include "tine/runtime.h"

namespace tine::pytorch {

namespace trpc = torch::distributed::rpc;

struct AgentOptions {
  std::string name;
  int id = 0;
  std::optional<int> world_size;  // none: workers come and go
  int num_worker_threads = 16;
  double rpc_timeout = 60;  // seconds
  rpc::RawNodeOptions node;
};

// What a call that has timed out fails with.
[[nodiscard]] std::string timeout_words(std::chrono::milliseconds timeout, const std::string& call);

// How many calls there are, for join(), shutdown() and the metrics.
class Counts {
 public:
  enum Which { kClient, kServer, kServerAsync, kKinds };
  void begin(Which which);
  void end(Which which);
  [[nodiscard]] int64_t of(Which which) const { return counts_[which].load(std::memory_order_relaxed); }
  // Waits until there are no more than this many. Returns false if the time is up.
  bool wait_for(Which which, int64_t most, TimePoint deadline);

 private:
  std::atomic<int64_t> counts_[kKinds]{};
  std::atomic<int> waiting_{0};
  std::mutex mutex_;
  std::condition_variable ended_;
};

class Agent : public trpc::RpcAgent, public std::enable_shared_from_this<Agent> {
 public:
  // Told of each worker that is gone, on a thread of callbacks.
  using OnGone = std::function<void(const std::string& name, const std::string& why, bool left)>;

  Agent(AgentOptions options, std::unique_ptr<trpc::RequestCallback> callback, OnGone on_gone);
  ~Agent() override;
  // In a child of fork(2) the agent is leaked: its threads, and the locks that they wait for, belong to the parent.
  template <class Kind, class... Args>
  [[nodiscard]] static std::shared_ptr<Kind> make(Args&&... args) {
    const auto give_up = [process = ::getpid()](Kind* agent) {
      if (::getpid() == process) delete agent;
    };
    return {new Kind(std::forward<Args>(args)...), give_up};
  }

  // ---- the world
  // Called once, before everything else. REQUIRES: a shared_ptr holds the agent.
  void listen();
  [[nodiscard]] const std::string& card() const { return node_->card(); }
  [[nodiscard]] static rpc::RawWorker owner_of(const std::string& card) {
    return rpc::RawNode::owner_of(card);
  }
  void connect(const std::string& card, double seconds, const std::function<bool()>& interrupted);
  [[nodiscard]] bool lives(const std::string& card, double seconds, const std::function<bool()>& interrupted);
  // Why that worker is gone; empty while it is there.
  [[nodiscard]] std::string death_of(int id) const { return node_->death_of(id); }
  void expect(const std::string& name, int id, double seconds, const std::function<bool()>& interrupted);
  // Names that getWorkerInfo() knows from now on; of a static world all at once, this one among them.
  void known(const std::vector<rpc::RawWorker>& workers);
  // A worker of a dynamic world has left.
  void forget(const std::string& name);
  [[nodiscard]] bool is_static() const { return options_.world_size.has_value(); }
  [[nodiscard]] int num_worker_threads() const { return options_.num_worker_threads; }

  // ---- RpcAgent
  c10::intrusive_ptr<trpc::JitFuture> send(const trpc::WorkerInfo& to, c10::intrusive_ptr<Message> message,
                                           float rpcTimeoutSeconds = trpc::kUnsetRpcTimeout,
                                           const trpc::DeviceMap& deviceMap = {}) override;
  void join(bool shutdown = false, float timeout = 0) override;
  // As in PyTorch's own agent, sends are never held back, so there is nothing to wait for.
  void sync() override {}
  void startImpl() override;
  void shutdownImpl() override;
  // RpcAgent::shutdown(), which is for one thread; others wait for it. Handlers that run get a second to answer.
  void shutdown_once();
  const trpc::WorkerInfo& getWorkerInfo(const std::string& name) const override;
  const trpc::WorkerInfo& getWorkerInfo(trpc::worker_id_t id) const override;
  std::vector<trpc::WorkerInfo> getWorkerInfos() const override;
  std::unordered_map<std::string, std::string> getMetrics() override;
  using trpc::RpcAgent::getWorkerInfo;

 protected:
  // The faulty agent's hook: before a reply of that type is sent.
  virtual void before_reply(trpc::MessageType type) const { (void)type; }
  // As PyTorch gives it: kUnsetRpcTimeout is the agent's own, 0 none. c10::ValueError.
  [[nodiscard]] std::chrono::milliseconds timeout_of(float seconds) const;

 private:
  class Door;
  class Reply;
  class Answer;
  struct Asked;

  void addGilWaitTime(std::chrono::microseconds time) override;
  // Waits until a call to that worker finds room, the deadline comes or the agent closes. Throws what the handler of a signal
  // raises.
  void wait_for_room(int to, TimePoint deadline);
  // While the agent ends, keeps a call that comes now: its caller learns of the end. Returns false if the call is to be served.
  [[nodiscard]] bool keep_late(rpc::RawCall& call);
  void drop_late();
  void serve(rpc::RawCall call);
  void answer(rpc::RawCall& call, trpc::JitFuture& future) const;
  [[nodiscard]] std::string list_known() const;
  void gone(const rpc::RawWorker& worker, const std::string& why, bool left);
  void end_threads();
  [[nodiscard]] std::variant<rpc::RawMessage, rpc::RawFailure> ask_keeper(rpc::RawMessage message,
                                                                          TimePoint deadline);
  [[nodiscard]] uint64_t come_to(uint64_t round, uint64_t active_calls, TimePoint deadline, float timeout);

  const AgentOptions options_;
  const OnGone on_gone_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();

  mutable std::shared_mutex workers_mutex_;
  // References to these are handed out, so they never move, and those of workers that left stay.
  std::vector<std::unique_ptr<trpc::WorkerInfo>> infos_;
  std::unordered_map<std::string, const trpc::WorkerInfo*> by_name_;
  std::unordered_map<int, const trpc::WorkerInfo*> by_id_;

  std::mutex join_mutex_;
  std::shared_ptr<Join> join_;                  // of this worker, if it keeps the barrier
  std::vector<std::string> gone_before_known_;  // why
  std::atomic<uint64_t> round_{0};
  std::atomic<int> keeper_{0};  // the id of the worker that keeps it

  std::atomic<bool> ending_{false};
  std::mutex late_mutex_;
  std::vector<rpc::RawCall> late_;

  std::mutex gil_mutex_;
  uint64_t gil_waits_ = 0;
  uint64_t gil_microseconds_ = 0;

  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<rpc::RawNode> node_;
  std::once_flag closed_;
  std::once_flag shut_down_;
};

}  // namespace tine::pytorch

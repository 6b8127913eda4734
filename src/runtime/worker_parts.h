// Worker::Parts: a Runtime's worker: one agent at a time, and what it runs for others: operators, scripts, served functions,
// another language. For src/runtime alone.
//
// It has not joined, has joined, or has left; it may join again. agent() throws Error while there is none, and says which of
// the two it is. All members may be called from any thread; join and leave by one at a time.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/agent.h"
#include "src/runtime/rpc.h"
#include "src/value/op_context.h"
#include "tine/runtime.h"

namespace tine {

// Scripts as RPC needs them.
class ScriptRunner {
 public:
  // Starts the function that is called, and answers by its result; never blocks: it runs until it waits, or for a time slice,
  // then goes on in the pool. It ends with the call.
  virtual void run(rpc::IncomingCall call) = 0;
  // The code of a function known here; null when there is none of that name.
  virtual std::shared_ptr<const rpc::ScriptCode> exported_code(const std::string& name) = 0;

 protected:
  ~ScriptRunner() = default;
};

// rpc::room, rpc::rpc_async, rpc::remote, and the methods of RRef.
void add_rpc_operators(OpTable& table);

}  // namespace tine

namespace tine::rpc {

class Worker::Parts final : private Handler, public RemoteCaller {
 public:
  explicit Parts(Runtime& runtime) noexcept : runtime_(runtime) {}
  ~Parts() { leave(false, Seconds(0), {}); }

  void join(JoinOptions options);
  void leave(bool graceful, Seconds timeout, std::string_view failure);
  [[nodiscard]] std::shared_ptr<Agent> agent() const;
  [[nodiscard]] bool joined() const noexcept;
  void set_script_runner(ScriptRunner* runner) noexcept { scripts_ = runner; }
  // In the child after fork(2), before it returns there: no lock, nobody's code. True when the parent was a worker.
  bool leave_in_child() noexcept;
  // The default Runtime of such a child: its errors say so. Before it is shared.
  void set_in_child() noexcept { is_in_child_ = true; }

  [[nodiscard]] Destination destination(const Value& to, Seconds timeout) const;
  // A call of this thread's own is to go there. That to itself needs no room.
  void wait_for_room(const Destination& to) const;
  [[nodiscard]] CallRequest request_for(const std::string& callee, std::vector<Value> args,
                                        std::vector<std::pair<std::string, Value>> kwargs) const;
  [[nodiscard]] CallRequest checked_request_for(Call call) const;
  void check(const CallRequest& request) const;

  void serve(std::string name, Served f);
  void serve_calls(std::string name, std::function<void(IncomingCall)> run);
  void stop_serving(std::string_view name) noexcept;

  Future<Value> rpc_async(const RemoteCall& call) override;
  Value remote(const RemoteCall& call) override;
  Future<Value> to_here(const Value& rref, double timeout) override;
  Future<Value> room(const Value& to) override;

 private:
  // One of the two.
  struct Serving {
    Served served;
    std::function<void(IncomingCall)> run;
  };
  using Function = std::shared_ptr<const Serving>;
  void serve(std::string name, Function function);
  [[nodiscard]] CallRequest request_for(const RemoteCall& call) const;
  void handle(IncomingCall call) override;
  void run_foreign(IncomingCall call);
  void run_script(IncomingCall call);
  void run_served(IncomingCall call);
  [[nodiscard]] std::string known_to() const;

  Runtime& runtime_;
  ScriptRunner* scripts_ = nullptr;
  mutable Mutex mutex_;
  std::function<bool()> interrupted_ TINE_GUARDED_BY(mutex_);
  std::shared_ptr<Agent> agent_ TINE_GUARDED_BY(mutex_);
  std::shared_ptr<const Language> language_ TINE_GUARDED_BY(mutex_);  // kept by each call that it runs
  bool has_left_ TINE_GUARDED_BY(mutex_) = false;
  Allow allow_ TINE_GUARDED_BY(mutex_) = Allow::kAll;
  std::map<std::string, Function, std::less<>> served_ TINE_GUARDED_BY(mutex_);
  std::atomic<Agent*> seen_by_child_{nullptr};  // agent_'s, without the lock
  bool is_in_child_ = false;
};

}  // namespace tine::rpc

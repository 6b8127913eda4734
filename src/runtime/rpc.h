// RpcService: the Runtime's RPC: one agent at a time, and what it calls: operators, scripts, another language.
//
// State      Not initialised, initialised, shut down; it may be initialised again.
// Threads    Every member from any thread; start and stop one at a time.
// Ordering   As Agent.
// Ownership  Owns the agent until stop().
// Errors     agent() throws Error while RPC is not initialised, saying which of the two it is.
// Cost       agent(): one shared pointer.
// Source     docs/spec/agent.md; torch.distributed.rpc.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/rpc/agent.h"
#include "src/rpc/transport/named_transports.h"
#include "src/value/op_context.h"
#include "tine/runtime.h"

namespace tine {

// Scripts as RPC needs them.
class ScriptRunner {
 public:
  // Starts the function; never blocks: it runs until it waits, or for a time slice, then goes on in the pool.
  // `code` is empty when the function is known here by its name.
  virtual Future<Value> run(const std::string& name, const rpc::ScriptCode& code, std::vector<Value> args,
                            std::vector<std::pair<std::string, Value>> kwargs) = 0;
  // The code of a function known here; null when there is none of that name.
  virtual std::shared_ptr<const rpc::ScriptCode> code_of(const std::string& name) = 0;

 protected:
  ~ScriptRunner() = default;
};

// What a binding brings to start(); both must outlive the agent.
struct ForeignSide {
  rpc::ForeignCodec* codec = nullptr;
  // kForeign calls; runs on a blocking thread.
  std::function<void(rpc::IncomingCall)> handle;
};

// Where a call goes and by when. Every call of Python, of a script and of C++ is made through one, with a request of
// RpcService::request_for() or of a binding.
struct Destination {
  std::shared_ptr<rpc::Agent> agent;
  int rank;
  TimePoint deadline;

  [[nodiscard]] bool is_self() const noexcept { return agent->self().id == rank; }
  [[nodiscard]] Future<Value> call(rpc::CallRequest request) const {
    return agent->call(rank, std::move(request), deadline);
  }
  [[nodiscard]] detail::Ref<rpc::RRef> remote(rpc::CallRequest request) const {
    return agent->remote(rank, std::move(request), deadline);
  }
};

class TINE_API RpcService final : private rpc::Handler, public RemoteCaller {
 public:
  explicit RpcService(Runtime& runtime);
  ~RpcService();

  // Fills in what the Runtime provides. Throws what Agent::start throws; Error when it is initialised already.
  void start(rpc::AgentOptions options, ForeignSide foreign = {});
  // As Agent::shutdown; afterwards agent() throws. Nothing happens when it is not initialised.
  void stop(bool graceful, rpc::Seconds timeout, std::string_view failure = {});
  [[nodiscard]] std::shared_ptr<rpc::Agent> agent() const;
  [[nodiscard]] bool initialised() const noexcept;
  void set_script_runner(ScriptRunner* runner) noexcept { scripts_ = runner; }
  [[nodiscard]] ScriptRunner* script_runner() const noexcept { return scripts_; }
  // In the child after fork(2), before it returns there: no lock, nobody's code.
  void leave_in_child() noexcept;

  // `to`: a name, a rank, or a tuple that begins with one of them, as a WorkerInfo does; `timeout`: seconds, as a user gave
  // them. ValueError or TypeError for others.
  [[nodiscard]] Destination destination(const Value& to, double timeout) const;
  // Of what begins now. ValueError for a NaN.
  [[nodiscard]] static TimePoint deadline_after(const rpc::Agent& agent, double timeout);
  // A script function or an operator, by its name.
  [[nodiscard]] rpc::CallRequest request_for(const std::string& callee, std::vector<Value> args,
                                             std::vector<std::pair<std::string, Value>> kwargs = {}) const;
  // Arguments that do not fit, or cannot travel, are an error of the call itself, as in PyTorch. For a caller whose compiler
  // has not seen to that.
  void check(const rpc::CallRequest& request) const;

  Future<Value> rpc_async(const Value& to, const std::string& callee, const Value& args,
                          double timeout) override;
  Value remote(const Value& to, const std::string& callee, const Value& args, double timeout) override;
  Future<Value> to_here(const Value& rref, double timeout) override;
  Future<Value> room(const Value& to) override;

 private:
  void handle(rpc::IncomingCall call) override;

  Runtime& runtime_;
  ScriptRunner* scripts_ = nullptr;
  ForeignSide foreign_;
  mutable std::mutex mutex_;
  std::shared_ptr<rpc::Agent> agent_;
  std::atomic<rpc::Agent*> seen_by_child_{nullptr};  // agent_'s, without the lock
  bool was_stopped_ = false;
};

// The Runtime's, for bindings and the command.
[[nodiscard]] TINE_API RpcService& rpc_service(Runtime& runtime) noexcept;

// rpc::room, rpc::rpc_async, rpc::remote, and the methods of RRef.
void add_rpc_operators(OpTable& table);

}  // namespace tine

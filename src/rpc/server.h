// Server: runs the calls that other workers make here, and calls to oneself (docs/spec/agent.md, src/rpc/placement.h).
//
// If so asked, it holds calls for the handler until open(). ready() comes before any call; everything else may be called
// from any thread. Calls that run share the server. A call that cannot be read, resolved or run is answered with the
// reason. A short operator allocates nothing but its values; any other call allocates once.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/incoming.h"
#include "src/rpc/world.h"
#include "src/value/op_context.h"

namespace tine::rpc {

// Serves control calls; what it throws is the answer.
class ControlHandler {
 public:
  virtual void serve_control(const detail::Ref<IncomingState>& call) = 0;

 protected:
  ~ControlHandler() = default;
};

class Server final : private CallServices {
 public:
  struct Options {
    const OpTable* ops = nullptr;
    std::function<OpContext()> op_context;
    Handler* handler = nullptr;
    ForeignCodec* codec = nullptr;
    Executor* executor = nullptr;
    Executor* blocking = nullptr;
    Executor* callbacks = nullptr;
    bool hold = false;
    Allow allow = Allow::kAll;
  };
  Server(World& world, RRefTable& references, Options options);

  // The world is filled. `owner` keeps the server alive.
  void ready(std::weak_ptr<void> owner, ControlHandler& control);
  void serve(Peer& from, Frame& frame, At at) noexcept;
  // A call of this worker to itself; `creates` may be null.
  void serve_local(detail::Ref<CallState> state, CallRequest request, detail::Ref<OwnerEntry> creates);
  void cancel(Peer& caller, uint64_t id) noexcept { caller.incoming->cancel(id); }
  void worker_died(Peer& caller) noexcept { caller.incoming->cancel_all(); }

  void open() noexcept;
  void close() noexcept;

  // Calls that run here for callers that live, and calls that ever began; control calls not counted.
  [[nodiscard]] size_t running() const;
  [[nodiscard]] uint64_t begun() const noexcept { return begun_.load(std::memory_order_relaxed); }

 private:
  void place(detail::Ref<IncomingState> call, At at) noexcept override;
  [[nodiscard]] bool hold(const detail::Ref<IncomingState>& call);
  [[nodiscard]] const Op& resolve(const std::string& name, const std::vector<Value>& args,
                                  const std::vector<std::pair<std::string, Value>>& kwargs,
                                  std::vector<Value>* bound) const;
  [[nodiscard]] detail::Ref<IncomingState> incoming(Peer& from, uint64_t id, Target target,
                                                    TimePoint deadline);
  // AuthError: a call of another worker that this one does not run for others.
  void check_allowed(const Request& request) const;
  void serve_or_answer(Peer& from, Frame& frame, At at);
  void begin(Peer& from, Frame& frame, Request& request, At at);

  World& world_;
  const OpTable* const ops_;
  const Allow allow_;
  std::weak_ptr<void> owner_;
  ControlHandler* control_ = nullptr;
  std::atomic<uint64_t> begun_{0};
  std::atomic<bool> holding_;
  Mutex mutex_;
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  std::vector<detail::Ref<IncomingState>> held_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::rpc

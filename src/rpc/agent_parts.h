// AgentParts: what an Agent consists of. Each part is given what it uses, and each frame finds its part here
// (docs/spec/agent.md). The interface is that of Agent (agent.h).
//
// The Agent, its references and the calls that run here share the parts. They are starting, open, closing, and then
// closed.
#pragma once

#include <atomic>
#include <memory>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/rpc/agent.h"
#include "src/rpc/barrier.h"
#include "src/rpc/calls.h"
#include "src/rpc/links.h"
#include "src/rpc/membership.h"
#include "src/rpc/rref_table.h"
#include "src/rpc/server.h"
#include "src/rpc/worker_hooks.h"
#include "src/rpc/world.h"

namespace tine::rpc {

class AgentParts final : public Peer::Events,
                         private ControlHandler,
                         public std::enable_shared_from_this<AgentParts> {
 public:
  explicit AgentParts(const AgentOptions& options, uint64_t incarnation);

  void start();
  void shutdown(bool graceful, Seconds timeout, std::string_view failed_by);
  void abandon_in_child() noexcept;
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  // This process is a child of fork(2): threads, connections and locks are the parent's.
  [[nodiscard]] bool of_parent() const noexcept { return birth_.inherited(); }

  void on_frame(Peer& from, Frame& frame, At at) noexcept override;
  void on_death(Peer& peer, const CloseInfo& info) noexcept override;
  std::shared_ptr<void> alive() override { return shared_from_this(); }

  World world;
  Links links;
  RRefTable references;
  Server server;
  Calls calls;
  Barrier barrier;        // of a fixed world
  Membership membership;  // of one that changes

 private:
  void serve(const std::vector<Member>& members, std::vector<detail::Ref<Connection>> connections);
  void take_in(const Member& member, detail::Ref<Connection> connection);
  [[nodiscard]] detail::Ref<Peer> new_peer(const Member& member);
  [[nodiscard]] detail::Ref<Peer> remains_of(Peer& peer, std::exception_ptr cause) noexcept;
  void serve_control(const detail::Ref<IncomingState>& call) override;
  // Asked while a graceful shutdown waits.
  [[nodiscard]] bool waits_no_longer() const {
    return leaves_now_.load() || (interrupted_ && interrupted_());
  }
  // True once this is the thread that shuts down.
  [[nodiscard]] bool takes_shutdown(TimePoint until) noexcept;
  void shut_down(bool graceful, TimePoint deadline, std::string_view failed_by);
  void close(const std::exception_ptr& cause, TimePoint deadline, std::string_view failed_by);
  // What words() says, unless there is no memory for it.
  template <class Words>
  void log(const Words& words) const noexcept {
    try {
      if (log_) log_(words());
    } catch (const std::bad_alloc&) {
      // The log does not fail what it tells of.
    }
  }

  const Birth birth_;
  const Peer::Options peers_;
  const std::function<void(const std::string&)> log_;
  const std::function<bool()> interrupted_;
  WorkerHooks hooks_;
  std::atomic<bool> closing_{false};
  std::atomic<bool> ending_{false};  // a graceful end has begun
  std::atomic<bool> closed_{false};
  std::atomic<bool> leaves_now_{false};  // a shutdown that is not graceful has come
  Mutex shutdown_mutex_;
  Condition shutdown_ended_;
  bool shuts_down_ TINE_GUARDED_BY(shutdown_mutex_) = false;  // one thread at a time
};

}  // namespace tine::rpc

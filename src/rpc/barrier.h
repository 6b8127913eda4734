// Barrier: how a world ends together (docs/spec/agent.md, "Shutdown"). Rank 0 waits until all workers have joined and no
// call is running anywhere. It keeps the joins of the others until it answers them, and asks each worker once in each
// round.
//
// The thread that shuts down calls wait() and let_go(); messages of the others may arrive on any thread. wait() throws
// DeadlineExceeded that names the workers that have not joined or still run calls, PeerDied that names the worker that
// died or whose program failed, or Cancelled if it was interrupted.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "src/base/mutex.h"
#include "src/rpc/calls.h"
#include "src/rpc/server.h"
#include "src/rpc/world.h"

namespace tine::rpc {

class Barrier final : public ControlHandler {
 public:
  // `interrupted` may be empty; else it is polled while wait() waits. So may `log`; else it is told who runs calls for long.
  Barrier(World& world, Calls& calls, Server& server, std::function<bool()> interrupted,
          std::function<void(const std::string&)> log);

  // This worker has come to its end. Returns when all have, and no call is running anywhere.
  void wait(TimePoint deadline);
  // On rank 0: answers those who have joined, and who join from now on, with `failure` unless it is null, and waits a moment
  // until they have left.
  void let_go(const std::exception_ptr& failure) noexcept;
  // The others have left, or the deadline has come.
  void wait_until_left(TimePoint deadline) noexcept;
  void close() noexcept;

  void serve_control(const detail::Ref<IncomingState>& call) override;

 private:
  // What all workers together were doing when asked.
  struct Round {
    size_t active = 0;                      // calls running or unanswered
    std::map<std::string, uint64_t> begun;  // calls ever begun, by the workers that were there
    std::string busy;                       // who has some
    void add(const std::string& name, size_t its_active, uint64_t its_begun, const std::string& pending);
    // The names of those that were there in that round and have begun calls since.
    [[nodiscard]] std::string begun_since(const Round& last) const;
  };
  using Joins = std::unordered_map<int, detail::Ref<IncomingState>>;

  void wait_for_all(TimePoint deadline);
  void wait_for_rank0(TimePoint deadline);
  // `names`: also what is called.
  Round ask_all(TimePoint deadline, bool names);
  [[nodiscard]] std::string absent();
  [[nodiscard]] Joins take_joins(std::exception_ptr reason);

  World& world_;
  Calls& calls_;
  Server& server_;
  const std::function<bool()> interrupted_;
  const std::function<void(const std::string&)> log_;
  Mutex mutex_;
  Joins joins_ TINE_GUARDED_BY(mutex_);
  std::exception_ptr ended_ TINE_GUARDED_BY(mutex_);  // why rank 0 takes no more joins
};

}  // namespace tine::rpc

// Calls: what this worker asks of others and of itself: calls, creations, fetches; their answers and deadlines
// (docs/spec/agent.md, "Calls").
//
// It is open, and then closed. share() comes before any call; everything else may be called from any thread. Pending
// calls are in the table of their peer. Order and errors are those of agent.h.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/rpc/deadlines.h"
#include "src/rpc/server.h"
#include "src/rpc/world.h"

namespace tine::rpc {

// Of the agents among themselves: the rendezvous, joining and leaving.
[[nodiscard]] CallRequest control_request(const char* name, std::vector<Value> args = {});

class Calls final : public Fetcher {
 public:
  // `timeout`: of calls that name none. `callbacks`: where users' callbacks go of calls whose deadline passes.
  Calls(World& world, RRefTable& references, Server& server, Seconds timeout, Executor& callbacks,
        std::function<Loop&()> loop);

  // `owner` keeps it alive.
  void share(std::weak_ptr<void> owner) { deadlines_.share(std::move(owner)); }

  // `to` is one of the world's.
  Future<Value> call(Peer& to, CallRequest request, TimePoint deadline);
  [[nodiscard]] detail::Ref<Reference> remote(Peer& to, CallRequest request, TimePoint deadline);
  Future<Value> fetch(const Reference& reference, TimePoint deadline) override;
  Future<Value> next_items(const Reference& stream, std::string what, int64_t taken,
                           TimePoint deadline) override;

  // `timeout` zero is none, negative the default. ValueError for a NaN.
  [[nodiscard]] TimePoint deadline_after(Seconds timeout) const override;
  [[nodiscard]] Seconds rpc_timeout() const noexcept {
    return Seconds(rpc_timeout_.load(std::memory_order_relaxed));
  }
  void set_rpc_timeout(Seconds timeout);

  // A reply or an error.
  void on_answer(Peer& from, Frame& frame) noexcept;

  void close() noexcept { closed_.store(true, std::memory_order_release); }
  // Without an answer, and ever begun; control calls not counted.
  [[nodiscard]] size_t pending() const noexcept;
  // What is called without an answer yet, where, and for how long: for people.
  [[nodiscard]] std::string pending_by_name() const;
  [[nodiscard]] uint64_t begun() const noexcept { return begun_.load(std::memory_order_relaxed); }

 private:
  // The value stays there under that id.
  struct Creation {
    RRefId id;
    detail::Ref<OwnerEntry> entry;    // here, when it is created on this worker
    detail::Ref<UserRRef> reference;  // else
    bool sent = false;                // out
  };
  detail::Ref<CallState> start(Peer& to, CallRequest request, TimePoint deadline,
                               Creation* creation = nullptr);
  void send(Peer& to, const detail::Ref<CallState>& state, const CallRequest& request, Creation* creation);
  void start_here(detail::Ref<CallState> state, CallRequest request, Creation* creation);
  TimePoint sweep(TimePoint now) noexcept;

  World& world_;
  RRefTable& references_;
  Server& server_;
  Executor& callbacks_;
  const Birth birth_;
  std::atomic<double> rpc_timeout_;  // seconds
  std::atomic<bool> closed_{false};
  std::atomic<uint64_t> begun_{0};
  Deadlines deadlines_;
};

}  // namespace tine::rpc

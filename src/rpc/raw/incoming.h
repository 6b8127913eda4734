// RawCall::State: a raw call that came in, from another worker or from this one, from its arrival to its answer.
//
// It waits, runs, and is answered once. `cancelled` may come at any time. Any thread may use it. The handler's RawCall and the
// executor's task hold it, and it keeps the node's parts and its caller. What cannot be sent is answered with the reason.
// docs/spec/agent.md, "Raw calls".
#pragma once

#include <atomic>
#include <memory>

#include "src/rpc/incoming_table.h"
#include "src/rpc/placement.h"
#include "src/rpc/raw/outgoing.h"
#include "tine/raw.h"

namespace tine::rpc {

class RawPeer;

class RawCall::State final : public detail::RefCounted, private Task {
 public:
  // Takes its place in the caller's table; false of `fresh`: a call of that id runs.
  State(std::shared_ptr<RawNode::Parts> node, detail::Ref<RawPeer> caller, uint64_t id, TimePoint deadline,
        RawMessage message, bool* fresh);
  ~State() override;

  // Has the handler run.
  void place(At at) noexcept;
  void reply(RawMessage message) noexcept;
  void fail(RawFailure::Kind kind, std::string_view text) noexcept;

  [[nodiscard]] bool counts() const noexcept { return true; }
  // Under the table's lock. There is nothing to cancel: the handler may ask.
  struct Nothing {
    explicit operator bool() const noexcept { return false; }
    void cancel() const noexcept {}
  };
  [[nodiscard]] Nothing mark_cancelled() noexcept {
    cancelled.store(true, std::memory_order_relaxed);
    return {};
  }

  const std::shared_ptr<RawNode::Parts> node;
  const detail::Ref<RawPeer> caller;
  const uint64_t id;
  const TimePoint deadline;
  RawMessage message;
  std::atomic<bool> cancelled{false};

 private:
  [[nodiscard]] bool claim() noexcept { return !answered_.exchange(true, std::memory_order_acq_rel); }
  [[nodiscard]] bool is_over() const noexcept;
  void handle() noexcept;
  void wait_for_room() noexcept;
  void leave() noexcept;

  void run() noexcept override;      // Task
  void abandon() noexcept override;  // Task
  void refuse(const std::exception_ptr& why) noexcept override;

  std::atomic<bool> answered_{false};
};

}  // namespace tine::rpc

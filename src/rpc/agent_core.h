// AgentCore: what an Agent, its peers, its references and the calls running here share.
//
// State      starting, open, closing, closed.
// Threads    Any; the loop's thread runs timers.
// Ordering   As in agent.h.
// Ownership  Shared by the Agent, RRefs and running calls; its destructor runs after close().
// Errors     As in agent.h.
// Cost       -
// Source     docs/spec/agent.md.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "src/rpc/agent.h"
#include "src/rpc/incoming.h"
#include "src/rpc/peer.h"
#include "src/rpc/rendezvous.h"
#include "src/rpc/rref_table.h"
#include "src/rpc/transport/io_loop.h"
#include "src/rpc/transport/transport.h"
#include "src/rpc/wire/value_codec.h"

namespace tine::rpc {

// Options of a request, by their number on the wire.
enum class RequestOption : uint8_t {
  kCodeHash = 1,
  kCodeText = 2,
  kCreates = 3,
  kAsyncExecution = 4,
  kAfter = 5
};

// The agent's part in writing and reading a frame's values: foreign payloads and references. What it exported is
// undone unless the frame was sent.
class WireHooks final : public ValueHooks {
 public:
  WireHooks(AgentCore& core, int peer) noexcept : core_(core), peer_(peer) {}
  ~WireHooks() { undo(); }
  WireHooks(const WireHooks&) = delete;
  WireHooks& operator=(const WireHooks&) = delete;

  void write(BodyWriter& out, const Value& value) override;
  Value read(ExtType type, std::span<const std::byte> bytes, detail::Ref<Buffer> segment) override;

  void sent() noexcept { exports_.clear(); }
  void undo() noexcept;
  // write() met a foreign object that only the codec can encode.
  [[nodiscard]] bool needs_codec() const noexcept { return needs_codec_; }

 private:
  AgentCore& core_;
  int peer_;
  bool needs_codec_ = false;
  std::vector<RRefTable::Export> exports_;
};

// A value in last position: a payload is followed by the values lifted out of it.
void write_last_value(BodyWriter& out, const Value& value, ValueHooks& hooks);
[[nodiscard]] Value read_last_value(BodyReader& in, ReceivedSegments& segments, ValueHooks& hooks);

[[nodiscard]] ErrorBody error_body_of(const std::exception_ptr& error);
[[nodiscard]] std::exception_ptr error_from(ErrorBody body, const WorkerInfo& worker);

class AgentCore : public std::enable_shared_from_this<AgentCore> {
 public:
  explicit AgentCore(AgentOptions options);
  ~AgentCore();

  void start();  // rendezvous and connections
  // `creates`: the value stays there under that id; here, when `to` is this worker, in `entry`.
  struct Creation {
    RRefId id;
    detail::Ref<OwnerEntry> entry;
    bool sent = false;  // out
  };
  Future<Value> call(int to, CallRequest request, TimePoint deadline, Creation* creation = nullptr);
  detail::Ref<RRef> remote(int to, CallRequest request, TimePoint deadline);
  Future<Value> fetch(const RRef& reference, TimePoint deadline);
  void shutdown(bool graceful, Seconds timeout, std::string_view failure = {});
  void close(const std::exception_ptr& cause, std::chrono::milliseconds patience,
             std::string_view failure = {});
  void abandon_in_child() noexcept;

  // While handler calls are held (AgentOptions::hold_calls, until open()): keeps this one, true.
  [[nodiscard]] bool hold(IncomingState& call);
  void open();

  // From the peers.
  void on_frame(Peer& peer, Frame& frame) noexcept;
  void on_death(Peer& peer, const CloseInfo& info) noexcept;

  [[nodiscard]] Op const* resolve(const std::string& name, const std::vector<Value>& args,
                                  const std::vector<std::pair<std::string, Value>>& kwargs,
                                  std::vector<Value>* bound);
  [[nodiscard]] Value run(const Op& op, const std::vector<Value>& bound);
  // An operator that the thread at hand may run: declared bounded, and not much data.
  [[nodiscard]] static bool is_short(const Op& op, const std::vector<Value>& bound) noexcept;

  [[nodiscard]] Executor& blocking() const noexcept {
    return options.blocking ? *options.blocking : *options.executor;
  }
  [[nodiscard]] Executor& callbacks() const noexcept {
    return options.callbacks ? *options.callbacks : blocking();
  }
  void log(const std::string& text) const {
    if (options.log) options.log(text);
  }
  // Calls that began (ours and others'): whether it stands still is how the end is found.
  void count_start(Target target) noexcept {
    if (target != Target::kControl) started_.fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] size_t pending() const noexcept;
  // This process is a child of fork(2): threads, connections and locks are the parent's.
  [[nodiscard]] bool of_parent() const noexcept { return generation_ != detail::fork_generation(); }
  [[nodiscard]] const WorkerInfo& self() const noexcept { return workers[static_cast<size_t>(options.rank)]; }
  [[nodiscard]] Peer& peer(int rank) const noexcept { return *peers[static_cast<size_t>(rank)]; }
  [[nodiscard]] bool is_dead(int rank) const noexcept { return peer(rank).dead(); }

  AgentOptions options;
  std::atomic<double> rpc_timeout;
  uint64_t incarnation;
  std::vector<WorkerInfo> workers;
  std::unordered_map<std::string, int> ranks;
  std::vector<detail::Ref<Peer>> peers;
  RRefTable rrefs;
  std::atomic<size_t> running{0};    // IncomingStates not answered, control calls not counted
  std::atomic<bool> leaving{false};  // in a graceful shutdown: others may say goodbye first
  std::atomic<bool> closing{false};
  std::atomic<bool> closed{false};

 private:
  struct Request;  // a request frame, read

  void connect_all(const std::vector<Member>& members, TimePoint deadline);
  void accept(detail::Ref<Connection> connection);

  void serve(Peer& peer, Frame& frame);
  void serve_control(const detail::Ref<IncomingState>& call);
  void dispatch(detail::Ref<IncomingState> call, std::optional<Value> after);
  void complete(Peer& peer, Frame& frame) noexcept;
  Future<Value> call_self(CallRequest request, detail::Ref<CallState> state, Creation* creation);
  void write_request(BodyWriter& out, const CallRequest& request, bool with_code, const Creation* creation,
                     WireHooks& hooks);
  IoLoop& ensure_loop();

  void watch_deadline(TimePoint deadline);
  void sweep() noexcept;

  // What all workers together were doing when asked.
  struct Round {
    int64_t active = 0;  // calls running or unanswered
    int64_t begun = 0;   // calls ever begun
    std::string busy;    // who has some
  };
  Round ask_all(TimePoint deadline);
  void wait_for_end(TimePoint deadline);                     // rank 0
  void wait_for_rank0(TimePoint deadline, Seconds timeout);  // the others
  void wait_until_left(TimePoint deadline);

  const uint8_t generation_ = detail::fork_generation();
  std::atomic<uint64_t> started_{0};
  std::atomic<bool> holding_;
  std::atomic<int64_t> next_sweep_{INT64_MAX};  // ticks of the clock

  std::mutex mutex_;  // what is below
  std::condition_variable changed_;
  std::vector<detail::Ref<Connection>> arrived_;  // connected to us, not yet matched to a worker
  std::unordered_map<int, detail::Ref<IncomingState>> joins_;
  std::vector<detail::Ref<IncomingState>> held_;
  std::string ended_;          // why rank 0 takes no more joins
  std::mutex shutdown_mutex_;  // one shutdown at a time

  std::shared_ptr<IoLoop> loop_;
  std::unique_ptr<Transport> tcp_, unix_;
  std::vector<detail::Ref<Listener>> listeners_;
};

}  // namespace tine::rpc

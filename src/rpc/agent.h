// Agent: this process as a worker among named workers: calls, replies, references (docs/spec/agent.md, docs/spec/wire.md,
// docs/spec/rref.md).
//
// start() returns when all workers are connected to each other; the agent is then open until shutdown. Any thread may
// call any member. The agent owns its thread, its connections and its pending calls. Futures, RRefs and what then() made
// of them may outlive it, and may be waited for. Its memory goes with the last RRef and the last running handler;
// received tensors keep their bytes.
//
// Nothing is ever sent twice. Calls to one worker arrive there in the order in which call() returned, except that small
// ones may overtake large ones (more than 256 KiB). A future fails with DeadlineExceeded (which names worker, call and
// time), PeerDied (worker and cause), or the callee's error with a hop that names the worker. call() itself throws for an
// unknown worker, for an argument that cannot travel, and after the agent has closed.
//
// A call costs its state, a slot and one system call. A thread that waits for an answer polls the connection.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/rpc/auth/secret.h"
#include "src/rpc/call.h"
#include "src/rpc/rref.h"
#include "src/rpc/transport/transport.h"
#include "tine/operators.h"
#include "tine/timer.h"

namespace tine::rpc {

class AgentParts;
class Peer;

// Ranks in a world that changes.
inline constexpr int kMostRanks = 65536;

struct AgentOptions {
  std::string name;  // 1 to 128 bytes, unique in the world
  // 0 to world_size - 1. In a world that changes: 0 for the one that keeps the register, else up to kMostRanks - 1, or -1: the
  // register chooses.
  int rank = 0;
  int world_size = 1;  // 0: workers come and go
  // Where the workers meet: an address of one of `transports`, where rank 0 listens (port 0 only with world_size 1), or
  // "file:///path", a file in which rank 0 says where it listens (src/rpc/meeting_file.h).
  std::string address;
  // The ways between workers, nearest first: src/rpc/transport/named_transports.h. Required with a world_size above 1.
  TransportList transports;
  std::shared_ptr<const Secret> secret;  // null: Secret::load()
  Seconds rpc_timeout{60};               // of calls that name none; 0: none
  Seconds init_timeout{60};
  // Bounds that callers wait at, for each worker: calls without an answer, and bytes that were copied to be sent. A
  // tensor is not copied, and does not count.
  size_t max_calls_in_flight = 65536;
  size_t max_send_buffer_bytes = size_t{64} << 20;
  // A worker that says nothing is asked for a sign of life after the first, and is dead after the second; 0: never asked.
  std::chrono::milliseconds heartbeat_interval{5000};
  std::chrono::milliseconds heartbeat_timeout{30000};
  // For how long a thread that waits for an answer looks for it before it sleeps, while that pays; 0: it sleeps at once.
  std::chrono::microseconds polling{50};

  const OpTable* ops = nullptr;           // borrowed; null: builtin calls are refused
  std::function<OpContext()> op_context;  // empty: OpContext{}
  bool hold_calls =
      false;  // calls for the handler wait until open(): who starts an agent can put it in its place first
  Allow allow = Allow::kAll;      // what others may call: with kRegistered Target::kServed alone
  Handler* handler = nullptr;     // borrowed; null: script and foreign calls are refused
  ForeignCodec* codec = nullptr;  // borrowed
  // What goes where: src/rpc/placement.h. The pool is required.
  Executor* executor = nullptr;
  Executor* blocking = nullptr;   // foreign calls; null: `executor`
  Executor* callbacks = nullptr;  // users' callbacks, the codec: never behind handlers; null: `blocking`
  Timer* timer =
      nullptr;  // deadlines, heartbeats; whose owner also trims received memory; null: one of its own
  // Polled at least every 100 ms while start() and shutdown() wait; true ends the wait with Cancelled.
  std::function<bool()> interrupted;
  // On threads of `callbacks`, one at a time, in order. Not told of those who were there when this worker came; not told of
  // the ends that its own end brings about. The cause says whether that worker left or died.
  std::function<void(const WorkerInfo&)> on_worker_joined;
  std::function<void(const WorkerInfo&, const std::exception_ptr& cause)> on_worker_lost;
  std::function<void(const std::string&)> log;  // refused handshakes, dead workers; empty: nobody is told
};

class Agent {
 public:
  [[nodiscard]] static std::unique_ptr<Agent> start(AgentOptions options);
  ~Agent();  // shutdown(false) if that has not been done
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  [[nodiscard]] const WorkerInfo& self() const noexcept;
  [[nodiscard]] std::vector<WorkerInfo> workers() const;  // by rank
  // ValueError that lists the known names.
  [[nodiscard]] WorkerInfo worker_info(std::string_view name) const;
  [[nodiscard]] WorkerInfo worker_info(int rank) const;
  [[nodiscard]] const WorkerInfo& worker_info(const Peer& worker) const;
  // One that calls may be made to: also one that has died, whose calls fail. ValueError as above. It stays that very worker
  // when another one gets its name or rank.
  [[nodiscard]] detail::Ref<Peer> find(std::string_view name) const;
  [[nodiscard]] detail::Ref<Peer> find(int64_t rank) const;

  // Whether it or this worker runs registered functions alone for the other: then one of them reads no pickle of the other.
  [[nodiscard]] bool is_restricted(const Peer& worker) const noexcept;

  // Lets the calls go that hold_calls kept. Once.
  void open();

  // The deadline of a call that begins now: `timeout` zero is none, negative the default. ValueError for a NaN.
  [[nodiscard]] TimePoint deadline_after(Seconds timeout) const;
  [[nodiscard]] Seconds rpc_timeout() const noexcept;
  void set_rpc_timeout(Seconds timeout);

  // Whether a call to that worker stays within the bounds. A caller that can wait should wait first: in wait_for_room(), or
  // without a thread for room(), which is done when there may be room. call() itself never waits and goes beyond the bounds.
  [[nodiscard]] bool has_room(const Peer& to) const noexcept;
  [[nodiscard]] bool has_room(int to) const;
  [[nodiscard]] Future<void> room(Peer& to);
  [[nodiscard]] Future<void> room(int to);
  // Until there is room or the deadline has come (then the call fails by it). Cancelled when `interrupted`.
  void wait_for_room(Peer& to, TimePoint deadline, const std::function<bool()>& interrupted = {});
  void wait_for_room(int to, TimePoint deadline, const std::function<bool()>& interrupted = {});

  // kNoDeadline: waits as long as both live.
  [[nodiscard]] Future<Value> call(Peer& to, CallRequest request, TimePoint deadline);
  [[nodiscard]] Future<Value> call(int to, CallRequest request, TimePoint deadline);
  [[nodiscard]] Future<Value> call(int to, CallRequest request) {
    return call(to, std::move(request), deadline_after(Seconds(-1)));
  }
  // The same, but the value stays there.
  [[nodiscard]] detail::Ref<Reference> remote(Peer& to, CallRequest request, TimePoint deadline);
  [[nodiscard]] detail::Ref<Reference> remote(int to, CallRequest request, TimePoint deadline);
  // A reference to a value of this process.
  [[nodiscard]] detail::Ref<Reference> own(Value value);

  // Graceful: waits until every worker has called it and no call is running anywhere, at most `timeout` (0: as long as
  // they live); an error then names the stragglers. Otherwise at once. One thread at a time: a second call waits for the first,
  // and one that is not graceful ends the wait of a graceful one, which throws Cancelled. A call that does not get its turn
  // within `timeout`, or is interrupted meanwhile, throws and leaves all as it is. Otherwise the agent is closed when it returns
  // or throws: pending futures have failed, the thread is joined. Once more: nothing happens.
  // `failure`, unless empty: by what the program failed; the others are told instead of "it is shutting down".
  void shutdown(bool graceful = true, Seconds timeout = Seconds(0), std::string_view failure = {});
  [[nodiscard]] bool closed() const noexcept;

  // In the child after fork(2), before it returns there: marks the agent as closed; no lock, nobody's code. The sockets
  // have been closed (src/base/forks.h), peers are dead there (Peer::dead), and what waited for them fails when somebody
  // looks (StateBase::fail_in_child). Then only the destructor may be called, which leaves what there is.
  void abandon_in_child() noexcept;

  struct Counts {
    size_t calls_pending = 0;      // ours, unanswered
    size_t calls_running = 0;      // others', here, of callers that live
    size_t references_owned = 0;   // entries that some worker has a lease on
    size_t references_pinned = 0;  // passed on, and kept until the owner knows
  };
  [[nodiscard]] Counts counts() const;

  // What a person asks who looks for what is stuck. It takes short locks, one after the other: the parts are of moments close
  // to each other.
  struct PeerReport {
    WorkerInfo worker;
    std::string address;  // of the connection: "unix:...", "tcp://..."; empty for this worker itself
    std::string death;    // why it is gone; empty while it lives
    std::vector<UnansweredCalls> calls;  // to it; the name with the oldest call first
    size_t calls_running = 0;            // of it, here
    size_t bytes_queued = 0;             // that were copied to be sent to it
    uint64_t frames_sent = 0, bytes_sent = 0, frames_received = 0, bytes_received = 0;
  };
  struct Report {
    size_t references_owned = 0;    // as in Counts
    size_t references_held = 0;     // here, to values of others
    size_t references_passed = 0;   // on to others, and not confirmed yet
    std::vector<PeerReport> peers;  // by rank
  };
  [[nodiscard]] Report report() const;
  // A reference that RRefTable::lend() has given.
  [[nodiscard]] detail::Ref<Reference> take(const PassedRRef& passed);

 private:
  explicit Agent(std::shared_ptr<AgentParts> parts) noexcept;
  std::shared_ptr<AgentParts> parts_;
};

}  // namespace tine::rpc

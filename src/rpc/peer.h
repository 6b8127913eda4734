// Peer: another worker (or this one, for calls to oneself) as the agent knows it: what it is called, the way to it, its end.
//
// A peer is made at the rendezvous, is connected, and is dead for good once its connection has closed. In a world that changes
// it has joined once it says so, and may say that it leaves: then it takes no more calls. Any thread may use it.
// Frames arrive in the order that src/rpc/inbox.h describes; on_death comes once, after all frames. The World owns its peers and
// pending calls share them. `events` lives as long as frames come. A call takes no lock here but the call table's.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/rpc/call_table.h"
#include "src/rpc/inbox.h"
#include "src/rpc/incoming_table.h"
#include "src/rpc/peer_codes.h"
#include "src/rpc/reply_helper.h"
#include "src/rpc/transport/connection.h"

namespace tine::rpc {

class IncomingState;

class Peer final : public Callee, private Inbox::Sink {
 public:
  // What the agent makes of what a peer sends.
  class Events {
   public:
    virtual void on_frame(Peer& from, Frame& frame, At at) noexcept = 0;
    virtual void on_death(Peer& peer, const CloseInfo& info) noexcept = 0;
    // Keeps the agent's parts alive.
    virtual std::shared_ptr<void> alive() = 0;

   protected:
    ~Events() = default;
  };
  struct Options {
    size_t max_calls = 0;
    Executor* pool = nullptr;       // reads large bodies
    Executor* callbacks = nullptr;  // where users' callbacks go
  };

  Peer(WorkerInfo who, uint64_t incarnation, bool is_self, const Options& options, Events& events);
  ~Peer() override;

  // Before the connection is started; never for oneself.
  void attach(detail::Ref<Connection> connection);
  // For the futures of calls; of oneself: the pool completes them.
  [[nodiscard]] detail::WaitHelper* helper() const noexcept {
    return helper_ ? helper_ : detail::task_helper();
  }
  // The end: waiting threads let go of the agent's parts. Calls of it must have failed.
  void detach() noexcept;
  [[nodiscard]] Connection* connection() const noexcept { return connection_.get(); }
  [[nodiscard]] bool connected() const noexcept { return connection_ && !dead(); }

  // In a child of fork(2) each is: its connection is the parent's.
  [[nodiscard]] bool dead() const noexcept { return dead_.load(std::memory_order_acquire) || of_parent(); }
  [[nodiscard]] std::exception_ptr death() const;  // null while it lives
  // It has joined: workers may find it by name and by rank. True the first time.
  bool set_joined() noexcept { return !joined_.exchange(true, std::memory_order_acq_rel); }
  [[nodiscard]] bool joined() const noexcept { return joined_.load(std::memory_order_acquire); }
  // It takes no more calls, and those made from now on fail with `why`. Those under way go on.
  void refuse_calls(std::exception_ptr why) noexcept;
  // What a call fails with that it does not take.
  [[nodiscard]] std::exception_ptr refusal() const;
  // Fails what is pending; the first cause stays.
  void die(std::exception_ptr cause) noexcept;

  // Null on success.
  [[nodiscard]] std::exception_ptr send(OutFrame&& frame);
  // For what nobody waits for: within the wire's limits it fails only with the connection, whose end undoes
  // on the other side what the frame was about.
  void tell(OutFrame frame) noexcept;
  // There is no memory for what it has to be told: the other side cannot know, and must not go on as if it did.
  void end_for_want_of_memory() noexcept;

  // Memory that was copied for it waits below its bound, and so do its calls: one who can wait makes no more
  // until it is so. True once it is dead: then calls fail at once.
  [[nodiscard]] bool has_room() const noexcept;
  // Done when there may be room.
  [[nodiscard]] Future<void> room();
  // The same for answers, which do not wait for calls to end: the other side's calls end by them.
  [[nodiscard]] bool has_room_for_answers() const noexcept;
  [[nodiscard]] Future<void> room_for_answers();

  void on_frame(Connection& connection, Frame& frame) override;
  void on_close(Connection& connection, const CloseInfo& info) noexcept override;

  [[nodiscard]] const std::string& callee() const noexcept override { return info.name; }
  void send_cancel(uint64_t id) noexcept override;

  // Of the frames that were handed to the connection and that came from it.
  struct Traffic {
    std::atomic<uint64_t> frames_sent{0}, bytes_sent{0}, frames_received{0}, bytes_received{0};
  };
  [[nodiscard]] const Traffic& traffic() const noexcept { return traffic_; }

  const WorkerInfo info;
  const uint64_t incarnation;
  const bool is_self;
  const std::unique_ptr<IncomingTable<IncomingState>> incoming;  // its calls that run here
  // References that this worker creates there: the last number.
  std::atomic<uint64_t> last_reference{0};
  PeerCodes codes;                // of scripts among the values that went there and came from there
  PeerCodes called_codes;         // of scripts that were called there: it keeps those elsewhere
  uint64_t number = 0;            // the world's: in the order in which its peers came, and then went
  std::atomic<bool> gone{false};  // nothing that came from it is under way any more
  // How it ended, set before it is dead.
  enum class End : uint8_t { kDied, kLeft, kFailed };
  std::atomic<End> end{End::kDied};

 private:
  void handle(Frame& frame, At at) noexcept override { events_.on_frame(*this, frame, at); }
  void handle_end(const CloseInfo& info) noexcept override { events_.on_death(*this, info); }
  std::shared_ptr<void> alive() override { return events_.alive(); }

  [[nodiscard]] bool of_parent() const noexcept { return birth_.inherited(); }

  Events& events_;
  const Birth birth_;
  const detail::Ref<Inbox> inbox_;
  detail::Ref<Connection> connection_;
  ReplyHelper* helper_ = nullptr;
  Traffic traffic_;
  mutable Mutex death_mutex_;
  std::exception_ptr death_;  // written once, under death_mutex_, before dead_ says so
  std::atomic<bool> dead_{false};
  std::atomic<bool> joined_{false};
  std::exception_ptr leaving_ TINE_GUARDED_BY(death_mutex_);
};

}  // namespace tine::rpc

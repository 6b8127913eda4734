// WriteQueue: frames on their way into a stream socket. Never blocks, never refuses because much is queued.
//
// State      Idle, or one thread writes; two lanes behind it: small frames, and large ones that leave in chunks; closed.
// Threads    Any. One thread at a time writes, without the lock: others queue behind it.
// Ordering   Each lane leaves in the order in which send() took its frames, a large frame's last chunk after the small ones
//            sent before it. Otherwise small ones go first: they wait for the rest of the chunk under way; but after
//            kChunkBytes of them a chunk goes. A cancel leaves behind its large request.
// Ownership  Owns the socket, and each frame (so the owners of its segments) until its last byte is written or
//            the queue is closed. Owners are dropped outside the lock, and by threads that may run a user's code.
//            While both are under way chunks are short and little lies in the socket: what a small frame waits for.
// Errors     send() says kClosed; a write that fails says kBroken and shuts the socket down, so that the
//            reader finds what the peer still said and then the end.
// Cost       Idle: a lock, one system call, no allocation. Busy: one node. Queued frames leave up to 64 pieces a call.
// Source     sendmsg(2); docs/spec/wire.md.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "src/base/mutex.h"
#include "src/rpc/transport/connection.h"

namespace tine::rpc {

class WriteQueue {
 public:
  enum class Result : uint8_t { kOk, kClosed, kBroken };
  class Owner {
   public:
    // With the queue's lock held: must be short.
    virtual void want_writable(bool want) noexcept = 0;
    // After await_room() said false: there is room again, or nothing will be sent any more. Without the lock.
    virtual void room_again() noexcept = 0;
    // Where this thread lets go of what frames held: a user's release may run then. Null: here.
    [[nodiscard]] virtual Executor* where_to_let_go() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  WriteQueue(int fd, size_t max_copied_bytes, Owner& owner) noexcept
      : fd_(fd), max_copied_(max_copied_bytes), owner_(owner) {}
  ~WriteQueue();
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  enum class How : uint8_t {
    kWrite,    // a thread that sends writes for others, too, but not for ever: then the loop goes on
    kBriefly,  // by a thread that reads: it has other things to do, and the loop goes on at once
    kHold,     // only queue it, flush() follows soon
    kLast,     // kBriefly, and nothing may follow; large frames that are not complete are dropped
  };
  // Takes a sealed frame.
  [[nodiscard]] Result send(OutFrame&& frame, How how);
  // By a thread that reads. Whatever becomes of it the reader learns by itself: a socket that broke ends for it, too.
  void flush() noexcept;

  [[nodiscard]] bool empty() const noexcept { return !queued_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool has_room() const noexcept { return copied_bytes() <= max_copied_; }
  [[nodiscard]] size_t copied_bytes() const noexcept { return copied_.load(std::memory_order_relaxed); }
  // False: room_again() follows once half of the bound is free.
  [[nodiscard]] bool await_room();
  [[nodiscard]] int broken_errno() const noexcept { return broken_.load(std::memory_order_relaxed); }
  // Counts writes that went on where the socket had been full: so often the peer has read.
  [[nodiscard]] uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

  // Drops what is queued; nothing is sent any more. Who reads the socket finds the end, and so does the peer. Unless the
  // socket is closed: then its number may be another file's.
  void close() noexcept;
  // Closes the socket as soon as nobody writes.
  void close_socket() noexcept;
  // In a forked child: the descriptor is closed by others, or not at all.
  // (Without the lock, which is as the fork found it: the one thread that is left calls this.)
  void leave_socket() noexcept TINE_NO_THREAD_SAFETY_ANALYSIS { socket_closed_ = true; }

 private:
  // A place in a frame: the end of the segment before `segment`.
  struct Walk {
    size_t segment = 0;
    uint64_t at = 0;
    void pass(std::span<const Segment> segments) noexcept;
    void skip_to(uint64_t from, const OutFrame& frame) noexcept;
  };
  struct Item {
    explicit Item(OutFrame&& f) noexcept
        : frame(std::move(f)), total(frame.wire_bytes()), copied(frame.copied_bytes()) {}
    OutFrame frame;
    const uint64_t total;
    const size_t copied;
    uint64_t number = 0;     // counts sends
    uint64_t cut = 0;        // of a large one: its bytes that have left in chunks
    std::list<Item> behind;  // goes when the last byte has: cancels
    Walk walk;               // past the segments that have left
  };
  using Items = std::list<Item>;
  // What leaves without anything between: a small frame, or a chunk.
  struct Unit {
    Items::iterator item;
    uint64_t from = 0, bytes = 0;  // of the item's frame
    uint64_t head = 0;             // the chunk's header, before them
    uint64_t written = 0;          // of head and bytes
    [[nodiscard]] bool is_chunk() const noexcept { return head != 0; }
    [[nodiscard]] uint64_t left() const noexcept { return head + bytes - written; }
  };
  // Items that are let go of at the end of a scope, where the lock is free again.
  struct Dropped {
    explicit Dropped(WriteQueue& q) noexcept : queue(q) {}
    ~Dropped() { let_go(); }
    void let_go() noexcept;
    Dropped(const Dropped&) = delete;
    Dropped& operator=(const Dropped&) = delete;
    WriteQueue& queue;
    Items items;
  };
  struct Pieces;
  struct Plan;
  enum class Wrote : uint8_t { kAll, kSome, kNothing, kError };

  Wrote write_out(Pieces& pieces, size_t* bytes) noexcept;
  [[nodiscard]] bool make_plan(Plan& plan) noexcept TINE_REQUIRES(mutex_);
  void account(Plan& plan, size_t bytes, Items& done) noexcept TINE_REQUIRES(mutex_);
  void finish(const Unit& unit, Items& done) noexcept TINE_REQUIRES(mutex_);
  // The lock goes through these: they open a gap in it, and the last one leaves it unlocked. The analysis cannot follow that.
  Result write_directly(MutexLock<>& lock, OutFrame&& frame, size_t rounds)
      TINE_REQUIRES(mutex_) TINE_NO_THREAD_SAFETY_ANALYSIS;
  Result flush_as_writer(MutexLock<>& lock, size_t rounds) noexcept
      TINE_REQUIRES(mutex_) TINE_NO_THREAD_SAFETY_ANALYSIS;
  void push(Items& node) TINE_REQUIRES(mutex_);
  void set_shared(bool shared) noexcept TINE_REQUIRES(mutex_);
  void drop_large(Items& dropped) noexcept TINE_REQUIRES(mutex_);
  void drop_all(Items& dropped) noexcept TINE_REQUIRES(mutex_);
  void tell_room(MutexLock<>& lock) noexcept TINE_REQUIRES(mutex_) TINE_NO_THREAD_SAFETY_ANALYSIS;
  Result end_writing(MutexLock<>& lock, Result result) noexcept
      TINE_REQUIRES(mutex_) TINE_NO_THREAD_SAFETY_ANALYSIS;
  Result break_off(MutexLock<>& lock) noexcept TINE_REQUIRES(mutex_) TINE_NO_THREAD_SAFETY_ANALYSIS;

  const int fd_;
  const size_t max_copied_;
  Owner& owner_;
  std::atomic<bool> queued_{false};
  std::atomic<size_t> copied_{0};
  std::atomic<int> broken_{0};
  std::atomic<uint64_t> taken_{0};

  Mutex mutex_;
  // The thread that writes reads the items of its plan without mutex_: no other thread changes or removes those.
  Items small_ TINE_GUARDED_BY(mutex_), large_ TINE_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, Items::iterator> requests_ TINE_GUARDED_BY(mutex_);  // large ones, by call id
  std::optional<Unit> under_way_ TINE_GUARDED_BY(mutex_);
  uint64_t last_number_ TINE_GUARDED_BY(mutex_) = 0;
  uint64_t small_bytes_ TINE_GUARDED_BY(mutex_) = 0;  // since the last chunk
  uint64_t large_bytes_ TINE_GUARDED_BY(mutex_) = 0;  // since a small frame came
  bool shared_ TINE_GUARDED_BY(mutex_) =
      false;  // large frames are under way, and small ones have come lately
  bool writing_ TINE_GUARDED_BY(mutex_) = false;
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  bool last_ TINE_GUARDED_BY(mutex_) = false;
  bool was_full_ TINE_GUARDED_BY(mutex_) = false;  // the socket
  bool room_awaited_ TINE_GUARDED_BY(mutex_) = false;
  bool wants_writable_ TINE_GUARDED_BY(mutex_) = false;
  bool close_socket_ TINE_GUARDED_BY(mutex_) = false;
  bool socket_closed_ TINE_GUARDED_BY(mutex_) = false;  // or somebody else's to close
};

}  // namespace tine::rpc

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
#include <mutex>
#include <optional>
#include <unordered_map>

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
  void leave_socket() noexcept { socket_closed_ = true; }

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
  [[nodiscard]] bool make_plan(Plan& plan) noexcept;
  void account(Plan& plan, size_t bytes, Items& done) noexcept;
  void finish(const Unit& unit, Items& done) noexcept;
  Result write_directly(std::unique_lock<std::mutex>& lock, OutFrame&& frame, size_t rounds);
  Result flush_as_writer(std::unique_lock<std::mutex>& lock, size_t rounds) noexcept;
  void push(Items& node);
  void set_shared(bool shared) noexcept;
  void drop_large(Items& dropped) noexcept;
  void drop_all(Items& dropped) noexcept;
  void tell_room(std::unique_lock<std::mutex>& lock) noexcept;
  Result end_writing(std::unique_lock<std::mutex>& lock, Result result) noexcept;
  Result break_off(std::unique_lock<std::mutex>& lock) noexcept;

  const int fd_;
  const size_t max_copied_;
  Owner& owner_;
  std::atomic<bool> queued_{false};
  std::atomic<size_t> copied_{0};
  std::atomic<int> broken_{0};
  std::atomic<uint64_t> taken_{0};

  std::mutex mutex_;
  // Everything that follows is guarded by mutex_, with one exception: the writing thread reads the items in its plan without
  // it, because no other thread changes or removes those.
  Items small_, large_;
  std::unordered_map<uint64_t, Items::iterator> requests_;  // large ones, by call id
  std::optional<Unit> under_way_;
  uint64_t last_number_ = 0;
  uint64_t small_bytes_ = 0;  // since the last chunk
  uint64_t large_bytes_ = 0;  // since a small frame came
  bool shared_ = false;       // large frames are under way, and small ones have come lately
  bool writing_ = false;
  bool closed_ = false;
  bool last_ = false;
  bool was_full_ = false;  // the socket
  bool room_awaited_ = false;
  bool wants_writable_ = false;
  bool close_socket_ = false;
  bool socket_closed_ = false;  // or somebody else's to close
};

}  // namespace tine::rpc

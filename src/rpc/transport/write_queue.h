// WriteQueue: frames on their way into a channel. It never blocks, and refuses nothing because much is queued.
//
// One thread at a time writes, without the lock; others queue. There are two lanes, small frames and large ones,
// which leave in chunks:
//   1. Each lane leaves in the order in which send() took its frames.
//   2. Small frames go first: they wait for the rest of the chunk under way. After kChunkBytes of them a chunk goes.
//   3. A large frame's last chunk leaves after the small frames that were sent before it.
//   4. A cancel leaves after its large request.
// While both lanes are in use chunks are short and little may lie unread in the channel, because a small frame waits for
// both.
//
// The queue owns each frame, and so the owners of its segments, until its last byte is written or the queue is closed.
// Owners are dropped outside the lock, by threads that may run code of a user. An idle queue sends a small frame with one lock
// and one write of the channel, without an allocation. Queued frames leave up to 64 pieces at a time.
//
// A write that fails breaks the channel off, so the reader finds what the peer still said and then the end.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "src/base/mutex.h"
#include "src/rpc/transport/channel.h"
#include "src/rpc/transport/frames.h"

namespace tine::rpc {

class WriteQueue {
 public:
  enum class Result : uint8_t { kOk, kClosed, kBroken };
  class Owner {
   public:
    // After await_room() said false: there is room again, or nothing will be sent any more. Without the lock.
    virtual void room_again() noexcept = 0;
    // Where this thread lets go of what frames held: a user's release may run then. Null: here.
    [[nodiscard]] virtual Executor* where_to_let_go() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  WriteQueue(Channel& channel, size_t max_copied_bytes, Owner& owner) noexcept
      : channel_(channel), max_copied_(max_copied_bytes), owner_(owner) {}
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
  // By a thread that reads. Whatever becomes of it the reader learns by itself: a channel that broke ends for it, too.
  void flush() noexcept;

  [[nodiscard]] bool empty() const noexcept { return !queued_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool has_room() const noexcept { return copied_bytes() <= max_copied_; }
  [[nodiscard]] size_t copied_bytes() const noexcept { return copied_.load(std::memory_order_relaxed); }
  // False: room_again() follows once half of the bound is free.
  [[nodiscard]] bool await_room();
  [[nodiscard]] int broken_errno() const noexcept { return broken_.load(std::memory_order_relaxed); }
  // Counts writes that went on where the channel had been full: so often the peer has read.
  [[nodiscard]] uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

  // Drops what is queued; nothing is sent any more. The reader of the channel finds the end, and so does the peer.
  void close() noexcept;
  // Closes the channel as soon as nobody writes.
  void close_channel() noexcept;

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
  // For a writer that has written all: nobody has queued or asked for anything meanwhile.
  [[nodiscard]] bool nothing_to_do() const noexcept TINE_REQUIRES(mutex_);
  void push(Items& node) TINE_REQUIRES(mutex_);
  void set_shared(bool shared) noexcept TINE_REQUIRES(mutex_);
  void drop_large(Items& dropped) noexcept TINE_REQUIRES(mutex_);
  void drop_all(Items& dropped) noexcept TINE_REQUIRES(mutex_);
  void tell_room(MutexLock<>& lock) noexcept TINE_REQUIRES(mutex_) TINE_NO_THREAD_SAFETY_ANALYSIS;
  Result end_writing(MutexLock<>& lock, Result result) noexcept
      TINE_REQUIRES(mutex_) TINE_NO_THREAD_SAFETY_ANALYSIS;
  Result break_off(MutexLock<>& lock) noexcept TINE_REQUIRES(mutex_) TINE_NO_THREAD_SAFETY_ANALYSIS;

  Channel& channel_;
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
  // Large frames are under way, and small ones have come lately.
  bool shared_ TINE_GUARDED_BY(mutex_) = false;
  bool writing_ TINE_GUARDED_BY(mutex_) = false;
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  bool last_ TINE_GUARDED_BY(mutex_) = false;
  bool was_full_ TINE_GUARDED_BY(mutex_) = false;  // the channel
  bool room_awaited_ TINE_GUARDED_BY(mutex_) = false;
  bool wants_writable_ TINE_GUARDED_BY(mutex_) = false;
  bool close_channel_ TINE_GUARDED_BY(mutex_) = false;
  bool channel_closed_ TINE_GUARDED_BY(mutex_) = false;
};

}  // namespace tine::rpc

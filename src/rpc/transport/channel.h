// Channel: what carries the bytes of one connection, and all that a transport has to bring for one. The handshake and the
// Connection above it know no file descriptor, no epoll and no kind of memory; below it there is no frame.
//
// A channel has five parts.
//
// 1. Progress. try_read() takes what has come. The loop's thread and a thread that polls call the same function. While the
//    channel is armed, whatever comes makes the loop call ChannelEvents::readable(). A thread that polls disarms it first,
//    so that nobody wakes the loop for what that thread is about to read. arm() answers whether something has come that no
//    event will tell of: then the caller reads again and does not sleep.
//       armed and unread bytes  =>  an event is on its way, or the last arm() returned true
// 2. Sink. try_write() takes as many bytes as there is room for now, and never blocks. want_writable() asks for one
//    ChannelEvents::writable() or more, until it is taken back. Order, bounds and who may write next are the WriteQueue's.
// 3. Segments. They are copied, as part of the stream, but for those that shared_memory() lends. FrameReader has asked for
//    their memory by then, so they are received into their final place.
// 4. Hints: who polls (disarm), and how much may lie unread at the other end (bound_unread).
// 5. Liveness. The end of the other side comes out of try_read(), after all that the other side had written before. Whether
//    the peer said something that lies unread is has_unread(): a reader that is busy must not take its peer for dead.
//
// There are three: a socket is its own bell and its own liveness (stream/); a ring in shared memory has the socket for both
// (shm/); a pipe within the process has an eventfd for its bell (in_process/).
//
// What is lent is received as a Buffer that holds the memory, so it may outlive the channel. A channel that moves whole messages
// takes the pieces of one try_write() as a message.
//
// Threads. watch(), unwatch() and the events run on the loop's thread, or before anybody else knows the channel. Of the
// readers' functions (try_read, arm, disarm) one runs at a time, of the writers' (try_write, end_output) as well; a reader
// and a writer may be at it at once. want_writable, bound_unread, has_unread and break_off may come from any thread. After
// close() or leave() nothing else may be called, but for unwatch().
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>

#include "src/rpc/transport/io_loop.h"

namespace tine::rpc {

// What a channel tells, on the loop's thread.
class ChannelEvents : public detail::RefCounted {
 public:
  // Something may be there to be read: bytes, or the end.
  virtual void readable() noexcept = 0;
  virtual void writable() noexcept = 0;
  // Of a channel that the loop looks at (Loop::keep_looking): the loop stops doing so. True: something has come meanwhile.
  [[nodiscard]] virtual bool loop_sleeps() noexcept { return false; }
  // The loop is being stopped; nothing else will come.
  virtual void loop_ends() noexcept = 0;
  // SharedMemory::next_to_forget() has something to say. On any thread, whatever locks it has.
  virtual void lent_is_gone() noexcept {}
};

class SharedMemory;  // src/rpc/transport/shared_memory.h
class Encryption;    // src/rpc/transport/encryption.h

class Channel {
 public:
  struct Outcome {
    size_t bytes = 0;
    enum class What : uint8_t { kMoved, kNothingNow, kEnded } what = What::kMoved;
    int error = 0;  // errno, with kEnded; 0: the other side ended it in good order
  };
  using What = Outcome::What;

  virtual ~Channel() = default;

  // --- the beginning
  enum class Side : uint8_t { kInitiator, kAcceptor };
  // Once the peer has proven itself, and before any frame: what the two ends have yet to agree on, such as memory that they
  // share. kMoved: they have, and `*instead`, unless it is empty, takes this channel's place, which is only destroyed then.
  // kNothingNow: to be called again upon an event. By the loop's thread.
  [[nodiscard]] virtual Outcome agree(Side side, std::unique_ptr<Channel>* instead) noexcept {
    static_cast<void>(side), static_cast<void>(instead);
    return {};
  }

  // --- progress
  // From here on `events` is told, and kept. The channel is armed. False: retire() has come first. Throws what Loop::watch
  // throws.
  [[nodiscard]] virtual bool watch(const Loop& loop, detail::Ref<ChannelEvents> events) = 0;
  // No event any more; lets go of `events`, once the one that runs has returned. It may be watched again.
  virtual void unwatch() noexcept = 0;
  // The same, for good.
  virtual void retire() noexcept = 0;
  // kMoved: `bytes` have come, at least one. kEnded: all that was written has been read.
  [[nodiscard]] virtual Outcome try_read(std::span<const iovec> pieces) noexcept = 0;
  // On the loop's thread it does nothing for a channel that the loop looks at.
  [[nodiscard]] virtual bool arm() noexcept = 0;
  virtual void disarm() noexcept = 0;

  // --- sink
  // kMoved: `bytes` have been taken, fewer than were offered when there is no more room. kEnded: nobody will read them.
  [[nodiscard]] virtual Outcome try_write(std::span<const iovec> pieces) noexcept = 0;
  virtual void want_writable(bool want) noexcept = 0;
  // Nothing follows: the other side reads what there is, then the end.
  virtual void end_output() noexcept = 0;

  // --- segments
  // Null where the two ends share none. It stays until the channel's end.
  [[nodiscard]] virtual SharedMemory* shared_memory() noexcept { return nullptr; }

  // --- hints
  // About so many bytes may lie there that the other side has not taken: what is written next waits for them. A channel
  // starts with kMostUnread.
  virtual void bound_unread(size_t bytes) noexcept = 0;
  // Whether has_unread() and try_read() cost no system call.
  [[nodiscard]] virtual bool reads_memory() const noexcept { return false; }
  // How often whoever polls looks before it gives way to another thread.
  [[nodiscard]] virtual int looks_in_a_row() const noexcept { return 1; }

  // --- liveness
  [[nodiscard]] virtual bool has_unread() const noexcept = 0;

  // --- who is there
  // Null where nothing encrypts the channel.
  [[nodiscard]] virtual const Encryption* encryption() const noexcept { return nullptr; }

  // --- the end
  // Both directions end: what the other side wrote before can still be read, on either side.
  virtual void break_off() noexcept = 0;
  // Gives up descriptors. Memory that another thread may still be in goes with the channel.
  virtual void close() noexcept = 0;
  // In a child of fork(2): descriptors are closed by others, and locks are as the fork found them.
  virtual void leave() noexcept = 0;
};

inline constexpr size_t kMostUnread = size_t{512} << 10;

}  // namespace tine::rpc

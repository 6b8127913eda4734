// RingOffer, RingChannel: a Channel whose bytes go through shared memory, and how it comes about (docs/spec/shm.md).
//
// A RingOffer is the socket's channel during the handshake. Its agree() hands the memory over and gives a RingChannel; without
// memory the offer stays what it is, a channel over the socket.
//
// A RingChannel's socket is the bell, edge-triggered: a byte says "look", the end says that the peer is gone. While the
// channel is attended (attendance.h: a thread polls it, or the loop looks at it) nobody rings for it.
#pragma once

#include <array>
#include <memory>

#include "src/base/mutex.h"
#include "src/rpc/transport/channel_watch.h"
#include "src/rpc/transport/shm/lent_segments.h"
#include "src/rpc/transport/shm/shared_rings.h"
#include "src/rpc/transport/stream/socket_channel.h"

namespace tine::rpc {

class RingOffer final : public SocketChannel {
 public:
  // `budget` is for rings, `mapped` for what the other side lends.
  RingOffer(FileDescriptor socket, std::shared_ptr<MemoryBudget> budget, std::shared_ptr<MemoryBudget> mapped,
            size_t ring_bytes) noexcept
      : SocketChannel(std::move(socket)),
        budget_(std::move(budget)),
        mapped_(std::move(mapped)),
        ring_bytes_(ring_bytes) {}

  Outcome agree(Side side, std::unique_ptr<Channel>* instead) noexcept override;

 private:
  static constexpr size_t kRecordBytes = 24;
  void offer() noexcept;
  // The other side's ring bytes, with memory_. False: it does not keep to the specification.
  [[nodiscard]] bool accept_offer(uint64_t ring_bytes) noexcept;
  [[nodiscard]] bool accept_answer(uint64_t ring_bytes) noexcept;
  [[nodiscard]] Outcome send_record() noexcept;
  [[nodiscard]] Outcome receive_record() noexcept;
  // Of the other side's record: whether it is one, and its ring bytes.
  [[nodiscard]] bool read_record(uint64_t* ring_bytes) const noexcept;
  void write_record(uint64_t ring_bytes) noexcept;

  const std::shared_ptr<MemoryBudget> budget_, mapped_;
  const size_t ring_bytes_;
  enum class Step : uint8_t { kBegin, kSend, kReceive } step_ = Step::kBegin;
  std::array<std::byte, kRecordBytes> record_{};
  size_t done_ = 0;        // bytes of record_
  FileDescriptor memory_;  // to be sent, or received
  std::shared_ptr<SharedRings> rings_;
};

class RingChannel final : public Channel {
 public:
  RingChannel(std::shared_ptr<SharedRings> rings, std::shared_ptr<LentSegments> lent);
  // Once, before anything else: the socket of the offer. What may fail has been done by then, so the socket is never closed
  // while the offer is watched.
  void own(FileDescriptor socket) noexcept;
  ~RingChannel() override;

  bool watch(const Loop& loop, detail::Ref<ChannelEvents> events) override;
  void unwatch() noexcept override { stop_watching(false); }
  void retire() noexcept override { stop_watching(true); }
  Outcome try_read(std::span<const iovec> pieces) noexcept override;
  bool arm() noexcept override;
  void disarm() noexcept override;
  Outcome try_write(std::span<const iovec> pieces) noexcept override;
  void want_writable(bool want) noexcept override;
  void end_output() noexcept override;
  SharedMemory* shared_memory() noexcept override;
  void bound_unread(size_t bytes) noexcept override;
  bool reads_memory() const noexcept override { return true; }
  int looks_in_a_row() const noexcept override;
  bool has_unread() const noexcept override;
  void break_off() noexcept override;
  void close() noexcept override;
  void leave() noexcept override;

 private:
  struct Shared;
  class Watcher;
  void stop_watching(bool for_good) noexcept;
  void ring_bell() noexcept;
  void make_loop_look() noexcept;

  FileDescriptor socket_;
  int fd_ = -1;
  // Shared with the watcher, which the loop may still be in when the channel is gone.
  const std::shared_ptr<Shared> shared_;

  Mutex mutex_;
  ChannelWatch<Watcher> watch_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::rpc

// SharedRings: the memory of one connection that two processes share, and the two rings in it (docs/spec/shm.md).
//
// make() is the initiator's, map() the acceptor's. The memory is mapped until the last object of this process that holds it
// goes; the descriptor is not kept. A child of fork(2) has no mapping: there the object must only be destroyed.
#pragma once

#include <cstddef>
#include <memory>

#include "src/base/forks.h"
#include "src/rpc/transport/shm/memory_budget.h"
#include "src/rpc/transport/shm/ring.h"
#include "src/rpc/transport/stream/socket.h"

namespace tine::rpc {

inline constexpr size_t kRingBytes = size_t{512} << 10;
inline constexpr size_t kLeastRingBytes = size_t{4} << 10, kMostRingBytes = size_t{64} << 20;

class SharedRings {
 public:
  enum class Side : uint8_t { kInitiator, kAcceptor };

  // Sealed memory of that size, allocated, and mapped here. Null when there is none, or not so much within the budget, with the
  // reason told once.
  [[nodiscard]] static std::shared_ptr<SharedRings> make(std::shared_ptr<MemoryBudget> budget,
                                                         size_t ring_bytes, FileDescriptor* memory);
  // What the other side made, if its rings have at most `most` bytes. Null with *error 0: not here, as above; else EBADMSG: it is not what the specification says.
  [[nodiscard]] static std::shared_ptr<SharedRings> map(std::shared_ptr<MemoryBudget> budget,
                                                        size_t ring_bytes, size_t most, FileDescriptor memory,
                                                        int* error);
  ~SharedRings();
  SharedRings(const SharedRings&) = delete;
  SharedRings& operator=(const SharedRings&) = delete;

  using Writer = RingWriter<StdAtomic>;
  using Reader = RingReader<StdAtomic>;
  [[nodiscard]] Writer& out() noexcept { return out_; }
  [[nodiscard]] Reader& in() noexcept { return in_; }
  [[nodiscard]] const Reader& in() const noexcept { return in_; }

 private:
  using Control = RingControl<StdAtomic>;
  SharedRings(std::shared_ptr<MemoryBudget> budget, void* memory, size_t ring_bytes, Side side);
  [[nodiscard]] static void* map_memory(int fd, size_t bytes) noexcept;
  // Null when there is no memory for the object: then nothing is mapped any more.
  [[nodiscard]] static std::shared_ptr<SharedRings> hold(std::shared_ptr<MemoryBudget> budget, void* memory,
                                                         size_t ring_bytes, Side side) noexcept;

  const Birth birth_;
  const std::shared_ptr<MemoryBudget> budget_;
  std::byte* const memory_;
  const size_t ring_bytes_;
  Writer out_;
  Reader in_;
};

}  // namespace tine::rpc

// SharedMemory: what a channel has whose two ends can map the same memory (docs/spec/shm.md, "Memory that is lent").
//
// lend() and next_to_forget() are for those who send, of any thread; the others for the holder of the reader role.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "src/rpc/transport/buffer.h"
#include "src/rpc/wire/frame.h"

namespace tine::rpc {

class SharedMemory {
 public:
  // So many segments may each side have lent that are not forgotten.
  static constexpr size_t kMostLent = 256;
  // Where the other side finds these bytes; empty: they are to be copied. They must stay until the frame that names them has
  // been written.
  [[nodiscard]] virtual std::optional<LentPlace> lend(std::span<const std::byte> bytes) noexcept = 0;
  // The number of memory that was lent and is gone, once; the other side is to be told. ChannelEvents::lent_is_gone() says that
  // there is one.
  [[nodiscard]] virtual std::optional<uint32_t> next_to_forget() noexcept = 0;

  // The memory that a frame names, or a copy of it. Null: *bad says what is wrong. Throws Error where this side lacks something.
  [[nodiscard]] virtual detail::Ref<Buffer> borrow(const LentPlace& place, uint64_t bytes, Recycler& recycler,
                                                   std::string* bad) = 0;
  // The other side does not name it any more. False: it has not lent that.
  [[nodiscard]] virtual bool forget(uint64_t memory) noexcept = 0;
  // The other side has done so. False: it was not to.
  [[nodiscard]] virtual bool forgotten(uint64_t memory) noexcept = 0;

 protected:
  ~SharedMemory() = default;
};

}  // namespace tine::rpc

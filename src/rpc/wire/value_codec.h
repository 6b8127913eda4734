// Values to and from a body: small tensors inline, large ones as segments that are not copied (docs/spec/wire.md, section
// 3).
//
// Any thread may write and read; a Value that is being written must not be changed meanwhile. A written segment shares
// the memory of the tensor, so do not write into a tensor that is being sent. A read segment borrows the receive buffer
// until the last view of the tensor is gone.
//
// write() throws TypeError for a value that cannot travel (for a Future in PyTorch's words) and ValueError beyond a
// limit. read() throws ValueError that names the offset. A small value is a few bytes in the body; a tensor above 512
// bytes is not copied. A view keeps its strides, and is copied only if most of the memory that they reach is not its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/rpc/wire/segments.h"
#include "tine/value.h"

namespace tine::rpc {

inline constexpr size_t kInlineTensorBytes = 512;
inline constexpr size_t kInlineTextBytes = 65'536;
inline constexpr int kMaxNesting = 64;

// How the values that only the agent or another language understands are written and read.
class ValueHooks {
 public:
  // Writes exactly one object (an ext of kForeign, kRRef or kCode). The default throws TypeError.
  virtual void write(BodyWriter& out, const Value& value);
  // `segment` is set for kForeignSegment and kCodeSegment, whose bytes it holds. The default throws ValueError.
  virtual Value read(ExtType type, std::span<const std::byte> bytes, detail::Ref<Buffer> segment);

 protected:
  ~ValueHooks() = default;
};

// Of values that need neither.
class PlainHooks final : public ValueHooks {};

void write_value(BodyWriter& out, const Value& value, ValueHooks& hooks);
[[nodiscard]] Value read_value(BodyReader& in, ReceivedSegments& segments, ValueHooks& hooks);

}  // namespace tine::rpc

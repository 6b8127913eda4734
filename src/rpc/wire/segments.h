// What travels beside a body: the segments that came with a frame, and the bytes of another language, which become one
// when they are many. docs/spec/wire.md, section 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "src/rpc/transport/buffer.h"
#include "src/rpc/wire/body.h"

namespace tine::rpc {

inline constexpr size_t kInlineForeignBytes = 4096;
// Of script code: SHA-256, as hexadecimal digits.
inline constexpr size_t kCodeHashBytes = 64;

enum class ExtType : int8_t {
  kTuple = 1,
  kTensor = 2,
  kTensorSegment = 3,
  kForeign = 4,
  kForeignSegment = 5,
  kRRef = 6,
  kCode = 7,
  kTextSegment = 8,
  kCodeSegment = 9,
  kNamedTuple = 10,
  kEnum = 11,
};

// The segments that a frame brought, and which of them have been handed out.
class ReceivedSegments {
 public:
  ReceivedSegments() = default;
  explicit ReceivedSegments(std::vector<detail::Ref<Buffer>> segments) : segments_(std::move(segments)) {}
  [[nodiscard]] size_t size() const noexcept { return segments_.size(); }
  // Throws ValueError when there is no such segment or it has been taken already.
  [[nodiscard]] detail::Ref<Buffer> take(uint32_t number);

 private:
  std::vector<detail::Ref<Buffer>> segments_;
};

// ext 4 or 5, by size: `language` is 1 for a Python pickle. With an owner large bytes are not copied.
void write_foreign(BodyWriter& out, uint8_t language, std::span<const std::byte> bytes,
                   detail::Ref<detail::RefCounted> owner);

}  // namespace tine::rpc

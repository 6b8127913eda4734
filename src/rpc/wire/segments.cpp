#include "src/rpc/wire/segments.h"

#include <fmt/format.h>

#include <cstring>

#include "tine/error.h"

namespace tine::rpc {

detail::Ref<Buffer> ReceivedSegments::take(uint32_t number) {
  if (number >= segments_.size()) {
    throw ValueError(
        fmt::format("the message's body names segment {}, but {} came with it", number, segments_.size()));
  }
  if (!segments_[number]) throw ValueError(fmt::format("the message's body names segment {} twice", number));
  return std::move(segments_[number]);
}

void write_foreign(BodyWriter& out, uint8_t language, std::span<const std::byte> bytes,
                   detail::Ref<detail::RefCounted> owner) {
  if (bytes.size() <= kInlineForeignBytes || !owner) {
    std::byte* p = out.ext(static_cast<int8_t>(ExtType::kForeign), 1 + bytes.size());
    p[0] = static_cast<std::byte>(language);
    if (!bytes.empty()) std::memcpy(p + 1, bytes.data(), bytes.size());
    return;
  }
  const uint32_t number = out.segment({bytes, std::move(owner), true});
  std::byte* p = out.ext(static_cast<int8_t>(ExtType::kForeignSegment), 5);
  p[0] = static_cast<std::byte>(language);
  put_le<uint32_t>(p + 1, number);
}

}  // namespace tine::rpc

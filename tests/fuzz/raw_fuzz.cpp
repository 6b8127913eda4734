// A node of raw calls is fed frames of any kind and content by a peer that knows the secret: it handles each, or ends the
// connection with words.
//
// The input is a row of frames: kind (an index), call id, numbers of body bytes (16 bits) and of segments, then for each
// segment its size, then the body. Kind 255 is a call of the node's own.
#include <cstdint>
#include <cstdlib>

#include "src/rpc/raw/frames_for_tests.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tine::rpc;
  static testing::FedNode node;
  constexpr FrameKind kKinds[] = {FrameKind::kRawRequest, FrameKind::kRawReply,     FrameKind::kRawFailure,
                                  FrameKind::kCancel,     FrameKind::kIntroduction, FrameKind::kRequest};
  size_t at = 0;
  const auto byte = [&]() -> uint8_t { return at < size ? data[at++] : 0; };
  if (byte() % 4 != 0 && node.workers() == 1 && !node.introduce()) std::abort();
  while (at < size) {
    const uint8_t kind = byte();
    if (kind == 255) {
      node.call();
      continue;
    }
    testing::RawFrame frame{kKinds[kind % std::size(kKinds)], byte() % 4u, {}, {}};
    const size_t wanted = byte() | size_t{byte()} << 8;
    for (size_t n = byte() % 8u; n > 0; --n) frame.segments.push_back(byte());
    const size_t body = std::min(wanted, size - at);
    const auto* const first = reinterpret_cast<const std::byte*>(data + at);
    frame.body.assign(first, first + body);
    at += body;
    std::string error;
    if (!node.give(frame, &error) && error.empty()) std::abort();
  }
  return 0;
}

// What an authenticated peer sends is still only bytes: any stream is cut into frames whose bodies are values, errors or
// a ValueError, however it is split; or it is refused with a reason. What was read as a value is written to the same bytes'
// meaning again.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "src/rpc/transport/frame_reader.h"
#include "src/rpc/wire/error_body.h"
#include "src/rpc/wire/value_codec.h"

namespace {

using namespace tine::rpc;

struct NoHooks final : ValueHooks {};

void read_body(const Frame& frame) {
  NoHooks hooks;
  try {
    BodyReader in(frame.body);
    ReceivedSegments segments(frame.segments);
    if (frame.header.kind == FrameKind::kError) {
      static_cast<void>(read_error(in, segments).to_exception());
    } else {
      const tine::Value value = read_value(in, segments, hooks);
      BodyWriter out;
      write_value(out, value, hooks);
    }
  } catch (const tine::ValueError&) {
  } catch (const tine::TypeError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t step = 1 + data[0];
  auto pool = tine::detail::make_ref<BufferPool>(size_t{1} << 20);
  FrameReader reader(pool, 8192, 1 << 20);
  for (size_t at = 1; at < size;) {
    iovec pieces[4];
    const size_t count = reader.prepare(pieces);
    size_t n = 0;
    for (size_t i = 0; i < count && n < step && at < size; ++i) {
      const size_t part = std::min({pieces[i].iov_len, step - n, size - at});
      std::memcpy(pieces[i].iov_base, data + at, part);
      at += part;
      n += part;
    }
    reader.received(n);
    Frame frame;
    for (;;) {
      const auto next = reader.next(&frame, tine::Clock::now());
      if (next == FrameReader::Next::kMalformed) {
        if (reader.error().empty()) std::abort();
        return 0;
      }
      if (next == FrameReader::Next::kNeedMore) break;
      read_body(frame);
    }
  }
  return 0;
}

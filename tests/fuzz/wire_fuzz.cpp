// What an authenticated peer sends is still only bytes: any stream is cut into frames whose bodies are values, raw messages,
// errors or a ValueError, however it is split and whether its frames come whole or in chunks; or it is refused with a reason. What was read as
// a value is written to the same bytes' meaning again.
//
// Large frames are only those above 256 KiB. So that the corpus stays small, the bytes `RUN!`, a count of 32 bits and a byte stand for
// that byte so many times.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/rpc/raw/message.h"
#include "src/rpc/transport/frame_reader.h"
#include "src/rpc/wire/error_body.h"
#include "src/rpc/wire/value_codec.h"

namespace {

using namespace tine::rpc;

// True for those of raw calls. What was read as a message is written to the same message again.
bool read_raw(Frame& frame) {
  switch (frame.header.kind) {
    case FrameKind::kIntroduction: static_cast<void>(read_introduction(frame)); return true;
    case FrameKind::kRawFailure: static_cast<void>(read_failure(frame)); return true;
    case FrameKind::kRawRequest:
    case FrameKind::kRawReply: break;
    default: return false;
  }
  const size_t segments = frame.segments.size();
  const RawMessage message = read_message(frame);
  if (message.segments.size() + 1 < segments) std::abort();
  tine::InlineExecutor here;
  OutFrame out(frame.header.kind, frame.header.call_id);
  write_message(out, message, here);
  Frame again;
  again.body = out.body.body();
  tine::Recycler& recycler = tine::Recycler::of_process();
  for (const Segment& s : out.body.segments()) {
    again.segments.push_back(Buffer::make(recycler, s.bytes.size()));
    std::memcpy(again.segments.back()->data(), s.bytes.data(), s.bytes.size());
  }
  const RawMessage same = read_message(again);
  if (same.tag != message.tag || same.body.text() != message.body.text() ||
      same.segments.size() != message.segments.size())
    std::abort();
  for (size_t i = 0; i < same.segments.size(); ++i) {
    if (same.segments[i].text() != message.segments[i].text()) std::abort();
  }
  return true;
}

void read_body(Frame& frame) {
  PlainHooks hooks;
  try {
    if (read_raw(frame)) return;
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

// Memory 0 has 8 KiB; there is no other.
struct Lent final : SharedMemory {
  std::optional<LentPlace> lend(std::span<const std::byte>) noexcept override { return {}; }
  std::optional<uint32_t> next_to_forget() noexcept override { return {}; }
  bool forget(uint64_t) noexcept override { return false; }
  bool forgotten(uint64_t) noexcept override { return false; }
  tine::detail::Ref<Buffer> borrow(const LentPlace& place, uint64_t size, tine::Recycler&,
                                   std::string* bad) override {
    if (place.memory == 0 && place.offset <= bytes.size() && size <= bytes.size() - place.offset)
      return Buffer::lent(std::span(bytes).subspan(place.offset, size), nullptr);
    *bad = "it is not there";
    return nullptr;
  }
  std::vector<std::byte> bytes = std::vector<std::byte>(8192, std::byte{1});
};

std::vector<std::byte> expanded(const uint8_t* data, size_t size) {
  constexpr size_t kMost = 1 << 20;
  std::vector<std::byte> all;
  for (size_t at = 0; at < size && all.size() < kMost;) {
    if (size - at >= 9 && std::memcmp(data + at, "RUN!", 4) == 0) {
      const auto count = get_le<uint32_t>(reinterpret_cast<const std::byte*>(data + at + 4));
      all.resize(all.size() + std::min<size_t>(count, kMost - all.size()),
                 static_cast<std::byte>(data[at + 8]));
      at += 9;
    } else {
      all.push_back(static_cast<std::byte>(data[at++]));
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // Small steps go through the states, large ones through much.
  const size_t step = data[0] < 128 ? 1 + data[0] : size_t{1} << (data[0] % 20);
  const std::vector<std::byte> bytes = expanded(data + 1, size - 1);
  tine::Recycler& recycler = tine::Recycler::of_process();
  Lent lent;
  FrameReader reader(recycler, 8192, 1 << 20, data[0] % 2 == 0 ? &lent : nullptr);
  for (size_t at = 0; at < bytes.size();) {
    iovec pieces[4];
    const size_t count = reader.prepare(pieces);
    size_t n = 0;
    for (size_t i = 0; i < count && n < step && at < bytes.size(); ++i) {
      const size_t part = std::min({pieces[i].iov_len, step - n, bytes.size() - at});
      std::memcpy(pieces[i].iov_base, bytes.data() + at, part);
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

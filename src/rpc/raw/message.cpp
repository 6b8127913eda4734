#include "src/rpc/raw/message.h"

#include <fmt/format.h>

#include <cstring>

#include "src/base/let_go.h"
#include "src/rpc/post.h"
#include "src/rpc/raw/card.h"
#include "src/rpc/wire/handshake.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr size_t kHead = 12;
constexpr uint32_t kBodyIsSegment = 1;
// The header's words for the wire's limits.
static_assert(kMaxRawSegments == kMaxSegments && kMaxRawMessageBytes == kDefaultMaxPayload &&
              kMaxRawNameBytes == kMaxNameBytes);

// What a frame's segments belong to.
class Keeper final : public detail::RefCounted {
 public:
  Keeper(RawMessage message, Executor& callbacks) : callbacks_(callbacks), message(std::move(message)) {}
  ~Keeper() override {
    // The last reference to a user's object is not for a thread that reads to drop.
    if (detail::is_gated()) post_to(callbacks_, [kept = std::move(message)] {});
  }

 private:
  Executor& callbacks_;

 public:
  RawMessage message;
};

// Those bytes of the buffer, which nobody else reads.
RawBytes received(detail::Ref<Buffer> buffer, std::span<std::byte> bytes) {
  return RawBytes::owned(bytes, std::make_shared<const detail::Ref<Buffer>>(std::move(buffer)));
}
RawBytes received(detail::Ref<Buffer> buffer) {
  const std::span<std::byte> all = buffer->bytes();
  return received(std::move(buffer), all);
}

RawBytes body_of(Frame& frame, std::span<const std::byte> body) {
  if (body.empty()) return {};
  // One that came in chunks has a buffer of its own; what others lie in has more than them.
  if (body.size() > kLargeRawBody && is_large(frame.header.payload_bytes) && frame.body_buffer) {
    std::byte* const first = frame.body_buffer->data() + (body.data() - frame.body_buffer->data());
    return received(std::move(frame.body_buffer), {first, body.size()});
  }
  return RawBytes::copy(body);
}

}  // namespace

RawBytes RawBytes::copy(std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  std::shared_ptr<std::byte[]> copied = std::make_shared_for_overwrite<std::byte[]>(bytes.size());
  std::memcpy(copied.get(), bytes.data(), bytes.size());
  const std::span<std::byte> view(copied.get(), bytes.size());
  return owned(view, std::move(copied));
}

std::span<std::byte> RawBytes::writable() {
  if (!own_ && !bytes_.empty()) {
    throw ValueError(
        fmt::format("these {} bytes are shared, others may read them: write to a RawBytes::copy() of them",
                    bytes_.size()));
  }
  return {own_, bytes_.size()};
}

RawBytes RawBytes::copy(std::string_view text) {
  return copy(std::as_bytes(std::span(text.data(), text.size())));
}

void write_message(OutFrame& frame, RawMessage message, Executor& callbacks) {
  const bool body_is_segment = message.body.size() > kLargeRawBody;
  uint32_t empty = 0;
  for (const RawBytes& s : message.segments) empty += s.size() == 0;
  const size_t count = message.segments.size() + size_t{body_is_segment};
  if (count > kMaxSegments) {
    throw ValueError(fmt::format("the message has {} segments{}, at most {} fit", message.segments.size(),
                                 body_is_segment ? " and a large body" : "", kMaxSegments));
  }
  const size_t body_bytes = body_is_segment ? 0 : message.body.size();
  std::byte* p = frame.body.raw(kHead + 4 * size_t{empty} + body_bytes);
  put_le<uint32_t>(p, message.tag);
  put_le<uint32_t>(p + 4, body_is_segment ? kBodyIsSegment : 0);
  put_le<uint32_t>(p + 8, empty);
  p += kHead;
  for (size_t i = 0; empty != 0 && i < message.segments.size(); ++i) {
    if (message.segments[i].size() != 0) continue;
    put_le<uint32_t>(p, static_cast<uint32_t>(i));
    p += 4;
  }
  if (body_bytes != 0) std::memcpy(p, message.body.bytes().data(), body_bytes);
  if (count == empty) return;
  const auto keeper = detail::make_ref<Keeper>(std::move(message), callbacks);
  if (body_is_segment) frame.body.segment({keeper->message.body.bytes(), keeper});
  for (const RawBytes& s : keeper->message.segments) {
    if (s.size() != 0) frame.body.segment({s.bytes(), keeper});
  }
}

RawMessage read_message(Frame& frame) {
  const std::span<const std::byte> in = frame.body;
  if (in.size() < kHead)
    throw ValueError(fmt::format("its body has {} bytes, expected {} at least", in.size(), kHead));
  RawMessage message;
  message.tag = get_le<uint32_t>(in.data());
  const uint32_t flags = get_le<uint32_t>(in.data() + 4);
  const uint32_t empty = get_le<uint32_t>(in.data() + 8);
  if ((flags & ~kBodyIsSegment) != 0)
    throw ValueError(fmt::format("its flags are {:#x}, expected 0 or 1", flags));
  const bool body_is_segment = flags != 0;
  if (body_is_segment && frame.segments.empty())
    throw ValueError("its flags say that the body is its first segment, but it has no segments");
  const size_t full = frame.segments.size() - size_t{body_is_segment};
  if (empty > kMaxSegments - full || in.size() - kHead < 4 * size_t{empty}) {
    throw ValueError(
        fmt::format("it has {} empty segments, {} others and {} bytes of body", empty, full, in.size()));
  }
  const auto rest = in.subspan(kHead + 4 * size_t{empty});
  if (body_is_segment && !rest.empty())
    throw ValueError(
        fmt::format("its body is its first segment but {} more bytes follow its head", rest.size()));
  const size_t count = full + empty;
  message.segments.reserve(count);
  size_t from = size_t{body_is_segment};
  uint32_t seen = 0;
  for (size_t i = 0; i < count; ++i) {
    if (seen < empty && get_le<uint32_t>(in.data() + kHead + 4 * size_t{seen}) == i) {
      message.segments.emplace_back();
      ++seen;
    } else if (from < frame.segments.size()) {
      message.segments.push_back(received(std::move(frame.segments[from++])));
    } else {
      break;
    }
  }
  if (message.segments.size() != count)
    throw ValueError("the numbers of its empty segments are not ascending or too large");
  message.body = body_is_segment ? received(std::move(frame.segments[0])) : body_of(frame, rest);
  return message;
}

void write_failure(OutFrame& frame, RawFailure::Kind kind, std::string_view text) {
  text = text.substr(0, kMaxRawFailureBytes);
  std::byte* const p = frame.body.raw(1 + text.size());
  p[0] = static_cast<std::byte>(kind);
  if (!text.empty()) std::memcpy(p + 1, text.data(), text.size());
}

RawFailure read_failure(const Frame& frame) {
  if (frame.body.empty() || !frame.segments.empty() || frame.body.size() > 1 + kMaxRawFailureBytes) {
    throw ValueError(fmt::format("its body has {} bytes and it has {} segments, expected a kind and a text",
                                 frame.body.size(), frame.segments.size()));
  }
  const auto kind = static_cast<RawFailure::Kind>(frame.body[0]);
  if (kind != RawFailure::Kind::kFailed && kind != RawFailure::Kind::kAbandoned &&
      kind != RawFailure::Kind::kRefused)
    throw ValueError(fmt::format("its kind is {}, expected 3 to 5", static_cast<int>(frame.body[0])));
  return {kind, std::string(reinterpret_cast<const char*>(frame.body.data()) + 1, frame.body.size() - 1)};
}

void write_introduction(OutFrame& frame, const Introduction& introduction) {
  frame.body.array(2);
  frame.body.integer(introduction.id);
  frame.body.str(introduction.protocol);
}

Introduction read_introduction(const Frame& frame) {
  if (frame.header.call_id != 0 || !frame.segments.empty())
    throw ValueError(fmt::format("it has call id {} and {} segments, expected none", frame.header.call_id,
                                 frame.segments.size()));
  BodyReader in(frame.body);
  size_t fields = in.array();
  if (fields < 2) throw ValueError(fmt::format("it has {} fields, expected [id, protocol]", fields));
  const int64_t id = in.integer();
  const std::string_view protocol = in.str();
  if (id < 0 || id > kMaxRawId)
    throw ValueError(fmt::format("its id is {}, expected 0 to {}", id, kMaxRawId));
  if (protocol.size() > kMaxRawProtocolBytes) {
    throw ValueError(fmt::format("its protocol has {} bytes, at most {} are allowed", protocol.size(),
                                 kMaxRawProtocolBytes));
  }
  for (; fields > 2; --fields) in.skip();
  in.expect_end();
  return {static_cast<int>(id), std::string(protocol)};
}

}  // namespace tine::rpc

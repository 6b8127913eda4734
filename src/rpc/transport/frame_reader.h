// FrameReader: a byte stream cut into frames; says where the next bytes should go.
//
// State      Between frames, inside a small frame (it lies in the buffer), or filling the buffers of a large one.
// Threads    One at a time: whoever holds the connection's reader role.
// Ordering   Frames come out as they came in.
// Ownership  Shares buffers with the frames it hands out; never writes into one that a frame still holds.
// Errors     next() returns kMalformed and error() says why; after that the reader is of no use. Throws
//            Error(kMemory) when there is no memory for a frame.
// Cost       Small frames: no copy, no allocation. Segments: what was already in the buffer (at most 64 KiB) is
//            copied, the rest is received in place.
// Source     docs/spec/wire.md, section 2.
#pragma once

#include <sys/uio.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "src/rpc/transport/connection.h"

namespace tine::rpc {

class FrameReader {
 public:
  enum class Next : uint8_t { kFrame, kNeedMore, kMalformed };

  FrameReader(detail::Ref<BufferPool> pool, size_t buffer_bytes, uint64_t max_payload);

  // Where to receive into: at least one piece, at least one byte. Returns the number of pieces used.
  [[nodiscard]] size_t prepare(std::span<iovec> pieces);
  void received(size_t bytes) noexcept;
  // `now` becomes the time at which the frame's header was read.
  [[nodiscard]] Next next(Frame* frame, TimePoint now);

  // Something lies in the buffer that may be another frame.
  [[nodiscard]] bool more_buffered() const noexcept {
    return stage_ == Stage::kStart && end_ - begin_ >= kHeaderBytes;
  }
  // The stream must not end here.
  [[nodiscard]] bool inside_frame() const noexcept { return stage_ != Stage::kStart || begin_ != end_; }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  enum class Stage : uint8_t { kStart, kBody, kSegments };
  struct Target {
    std::byte* at;
    size_t left;
  };

  [[nodiscard]] bool fill_from_buffer() noexcept;
  [[nodiscard]] bool begin_segments(std::span<const std::byte> table);
  Next malformed(std::string what);
  void make_room(size_t frame_bytes);

  detail::Ref<BufferPool> pool_;
  const size_t buffer_bytes_;
  const uint64_t max_payload_;
  detail::Ref<Buffer> buffer_;
  size_t begin_ = 0, end_ = 0;  // what is in buffer_ and not yet handed out
  size_t wanted_ = 0;           // the small frame that begins at begin_ has this many bytes, when known
  Stage stage_ = Stage::kStart;
  bool have_header_ = false;
  Frame frame_;  // the one being put together
  std::vector<Target> targets_;
  size_t target_ = 0;
  std::array<std::byte, kSegmentAlign> padding_;
  std::string error_;
};

}  // namespace tine::rpc

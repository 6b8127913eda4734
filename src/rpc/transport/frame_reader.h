// FrameReader: cuts a byte stream into frames, and says where the next bytes should go.
//
// It is between frames, or fills the buffers of a frame that does not lie in the buffer as a whole. Besides that at most one
// large frame's chunks are coming. Frames come out in the order of their last bytes. The reader shares buffers with the frames
// that it hands out, and never writes into one that a frame still holds. One thread at a time uses it: the holder of the
// connection's reader role.
//
// Small frames cost no copy and no allocation. Of segments, what was already in the buffer is copied (at most 64 KiB of a frame
// and 1 KiB of each further chunk); the rest is received in place. After kMalformed, which error() explains, the reader is of
// no use. It throws Error(kMemory) when there is no memory for a frame. docs/spec/wire.md, section 2.
#pragma once

#include <sys/uio.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "src/rpc/transport/connection.h"
#include "src/rpc/transport/shared_memory.h"

namespace tine::rpc {

class FrameReader {
 public:
  enum class Next : uint8_t { kFrame, kNeedMore, kMalformed };

  // With `shared` frames may name memory that the other side has lent. It stays as long as the reader.
  FrameReader(Recycler& recycler, size_t buffer_bytes, uint64_t max_payload, SharedMemory* shared = nullptr);

  // Where to receive into: at least one piece, at least one byte. Returns the number of pieces used.
  [[nodiscard]] size_t prepare(std::span<iovec> pieces);
  void received(size_t bytes) noexcept;
  // `now` becomes the time at which the frame's header was read.
  [[nodiscard]] Next next(Frame* frame, TimePoint now);

  // Something lies in the buffer that may be another frame.
  [[nodiscard]] bool more_buffered() const noexcept { return !filling_ && end_ - begin_ >= kHeaderBytes; }
  // The stream must not end here.
  [[nodiscard]] bool inside_frame() const noexcept {
    return filling_ || begin_ != end_ || large_.part != Part::kNone;
  }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  struct Target {
    std::byte* at;
    size_t left;
  };
  enum class Part : uint8_t { kNone, kHeader, kFront, kSegments, kWhole };
  // A frame that is put together in buffers of its own. Front: body and segment table.
  struct Assembly {
    Part part = Part::kNone;
    Frame frame;
    std::array<std::byte, kHeaderBytes> header;  // of one in chunks
    std::vector<Target> targets;
    size_t target = 0;
    struct Lent {
      uint32_t segment;
      uint64_t bytes;
    };
    std::vector<Lent> lent;  // segments that are to take the place of those that say where they are
  };

  [[nodiscard]] std::string begin_frame(Frame* whole, bool* is_whole);
  [[nodiscard]] std::string begin_chunk();
  [[nodiscard]] std::string fill(TimePoint now);
  [[nodiscard]] std::string next_part(Assembly& assembly, TimePoint now);
  [[nodiscard]] std::string begin_segments(Assembly& assembly, std::span<const std::byte> table);
  [[nodiscard]] std::string borrow_segments(Assembly& assembly);
  void make_room(size_t frame_bytes);

  Recycler& recycler_;
  SharedMemory* const shared_;
  const size_t buffer_bytes_;
  const uint64_t max_payload_;
  detail::Ref<Buffer> buffer_;
  size_t begin_ = 0, end_ = 0;  // what is in buffer_ and not yet handed out
  size_t wanted_ = 0;           // the frame that begins at begin_ has this many bytes in front, when known
  bool have_header_ = false;    // of that frame, in header_
  FrameHeader header_;
  TimePoint received_;

  Assembly small_, large_;
  Assembly* filling_ = nullptr;  // whose are the next left_ bytes of the stream
  uint64_t left_ = 0;
  bool last_chunk_ = false;
  std::array<std::byte, kSegmentAlign> padding_;
  std::string error_;
};

}  // namespace tine::rpc

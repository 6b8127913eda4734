// For tests: a channel whose other side is the test.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "src/rpc/transport/channel.h"
#include "src/rpc/transport/frames.h"
#include "src/rpc/transport/io_loop.h"

namespace tine::rpc {

// The other side as a test plays it: it sees each frame, and says what the test puts into its mouth.
class Played final : public Channel {
 public:
  bool watch(const Loop& loop, detail::Ref<ChannelEvents> events) override {
    loop_.emplace(loop);
    events_ = std::move(events);
    return true;
  }
  void unwatch() noexcept override { events_ = nullptr; }
  void retire() noexcept override {
    events_ = nullptr;
    ++retired;
  }
  Outcome try_read(std::span<const iovec> pieces) noexcept override {
    ++reads;
    if (before_read) before_read();
    if (unread.empty()) return {.what = What::kNothingNow};
    const size_t n = std::min(pieces[0].iov_len, unread.size());
    std::memcpy(pieces[0].iov_base, unread.data(), n);
    unread.erase(unread.begin(), unread.begin() + static_cast<ptrdiff_t>(n));
    return {.bytes = n};
  }
  bool arm() noexcept override { return false; }
  void disarm() noexcept override {}
  Outcome try_write(std::span<const iovec> pieces) noexcept override {
    std::vector<std::byte> bytes;
    for (const iovec& piece : pieces) {
      const auto* const from = static_cast<const std::byte*>(piece.iov_base);
      bytes.insert(bytes.end(), from, from + piece.iov_len);
    }
    FrameHeader header;
    EXPECT_EQ(decode_header(std::span<const std::byte, kHeaderBytes>(bytes.data(), kHeaderBytes),
                            kDefaultMaxPayload, &header),
              "");
    if (heard) heard(header);
    return {.bytes = bytes.size()};
  }
  void want_writable(bool) noexcept override {}
  void end_output() noexcept override {}
  void bound_unread(size_t) noexcept override {}
  // Asked at a beat before which nothing has moved.
  bool has_unread() const noexcept override {
    ++quiet_beats;
    return is_busy;
  }
  void break_off() noexcept override {}
  void close() noexcept override {
    EXPECT_EQ(retired, 1) << "nobody watches a channel that is closed";
    ++closed;
  }
  void leave() noexcept override {}

  // For the one that reads.
  void put(OutFrame frame) {
    EXPECT_EQ(frame.seal(), "");
    const auto head = frame.head();
    unread.insert(unread.end(), head.begin(), head.end());
  }
  // On the loop's thread, soon.
  void say(FrameKind kind, uint64_t number) {
    loop_->post([this, kind, number] {
      put(OutFrame(kind, number));
      if (events_) events_->readable();
    });
  }

  std::function<void()> before_read;              // by the thread that reads
  std::function<void(const FrameHeader&)> heard;  // on the loop's thread
  std::vector<std::byte> unread;
  int reads = 0;
  std::atomic<int> retired{0}, closed{0};
  bool is_busy = false;
  mutable std::atomic<int> quiet_beats{0};

 private:
  std::optional<Loop> loop_;
  detail::Ref<ChannelEvents> events_;
};

}  // namespace tine::rpc

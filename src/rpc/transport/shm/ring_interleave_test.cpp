// The ring, its bell and who attends it under every order of their operations: all bytes come out, in order, and nobody sleeps for
// ever.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "src/base/testing/interleave.h"
#include "src/rpc/transport/shm/attendance.h"
#include "src/rpc/transport/shm/ring.h"

namespace tine::rpc {
namespace {

using interleave::Explorer;
using interleave::Report;
using interleave::require;
using interleave::Scenario;

constexpr std::string_view kText = "abcdef";
constexpr size_t kCapacity = 2;

struct Connection {
  RingControl<interleave::Atomic> control;
  std::array<std::byte, kCapacity> bytes{};
  RingWriter<interleave::Atomic> writer{control, bytes.data(), kCapacity};
  RingReader<interleave::Atomic> reader{control, bytes.data(), kCapacity};
  bool reader_bell = false, writer_bell = false;
  std::string got;
};

void sleep_until(bool& bell) {
  Explorer::block_until([&bell] { return bell; });
  bell = false;
}

void write_all(Connection& c) {
  for (size_t at = 0; at < kText.size();) {
    const iovec piece{const_cast<char*>(kText.data() + at), std::min<size_t>(kText.size() - at, 3)};
    const RingMoved moved = c.writer.write({&piece, 1});
    require(!moved.broken, "the writer found the ring broken");
    if (moved.ring_bell) c.reader_bell = true;
    at += moved.bytes;
    if (moved.bytes == 0 && !c.writer.await_room()) sleep_until(c.writer_bell);
  }
}

void read_all(Connection& c) {
  while (c.got.size() < kText.size()) {
    std::array<char, 4> into{};
    const iovec piece{into.data(), into.size()};
    const RingMoved moved = c.reader.read({&piece, 1});
    require(!moved.broken, "the reader found the ring broken");
    if (moved.ring_bell) c.writer_bell = true;
    c.got.append(into.data(), moved.bytes);
    if (moved.bytes == 0 && !c.reader.await_bytes()) sleep_until(c.reader_bell);
  }
}

Scenario transfer() {
  const auto c = std::make_shared<Connection>();
  Scenario s;
  s.threads = {[c] { write_all(*c); }, [c] { read_all(*c); }};
  s.check = [c] { require(c->got == kText, "the bytes are others"); };
  return s;
}

// The reader looks first and says afterwards that it waits.
Scenario looks_too_early() {
  const auto c = std::make_shared<Connection>();
  Scenario s;
  s.threads = {[c] { write_all(*c); },
               [c] {
                 while (c->got.size() < kText.size()) {
                   std::array<char, 4> into{};
                   const iovec piece{into.data(), into.size()};
                   const RingMoved moved = c->reader.read({&piece, 1});
                   if (moved.ring_bell) c->writer_bell = true;
                   c->got.append(into.data(), moved.bytes);
                   if (moved.bytes != 0 || c->reader.has_bytes()) continue;
                   c->control.reader_waits.store(1);
                   sleep_until(c->reader_bell);
                 }
               }};
  s.check = [] {};
  return s;
}

// This side writes more than the ring holds. A thread polls, the loop looks and sleeps, and the peer reads. Each write is of a
// thread of its own, as those of WriteQueue are: it writes what there is room for, and says that it waits for room.
template <bool Looks>
struct Writing {
  static constexpr size_t kBytes = 4;
  RingControl<interleave::Atomic> control;
  std::array<std::byte, kCapacity> bytes{};
  RingWriter<interleave::Atomic> writer{control, bytes.data(), kCapacity};
  RingReader<interleave::Atomic> reader{control, bytes.data(), kCapacity};
  Attendance<interleave::Atomic> attendance{writer};
  size_t written = 0, got = 0;
  bool writing = false;              // the writer's role: no step inside
  bool bell = false, event = false;  // the loop's
  bool polled = false;

  void write() {
    if (std::exchange(writing, true)) return;
    while (written < kBytes) {
      const iovec piece{const_cast<char*>(kText.data() + written), kBytes - written};
      const RingMoved moved = writer.write({&piece, 1});
      written += moved.bytes;
      if (moved.bytes != 0) continue;
      writing = false;
      if (attendance.want_writable(true) && Looks) event = true;
      return;
    }
    if (attendance.want_writable(false)) event = true;
    writing = false;
  }
  void flush_if_there_is_room() {
    if (attendance.may_write()) write();
  }
  void poll() {
    attendance.poll();
    flush_if_there_is_room();
    if (attendance.stop_polling() && Looks) event = true;
    polled = true;
  }
  void read_as_the_peer() {
    while (got < kBytes) {
      std::array<char, 4> into{};
      const iovec piece{into.data(), into.size()};
      const RingMoved moved = reader.read({&piece, 1});
      if (moved.ring_bell) bell = true;
      got += moved.bytes;
      if (moved.bytes == 0) Explorer::block_until([this] { return reader.has_bytes(); });
    }
  }
  void loop() {
    while (written < kBytes) {
      Explorer::block_until([this] { return bell || event || written == kBytes; });
      bell = event = false;
      (void)attendance.look();
      flush_if_there_is_room();
      attendance.stop_looking();
      while (Looks && attendance.room_for_nobody()) {
        (void)attendance.look();
        flush_if_there_is_room();
        attendance.stop_looking();
      }
    }
  }
};

template <bool Looks>
Scenario writing() {
  const auto w = std::make_shared<Writing<Looks>>();
  Scenario s;
  s.threads = {[w] { w->write(); }, [w] { w->poll(); }, [w] { w->loop(); }, [w] { w->read_as_the_peer(); }};
  s.check = [w] { require(w->got == w->kBytes, "something was not written"); };
  return s;
}

TEST(AttendanceInterleavings, LetNobodyWaitForRoomThatIsThere) {
  const Report deep = Explorer::exhaustive(writing<true>, 60'000, 3);
  EXPECT_EQ(deep.failure, "");
  const Report wide = Explorer::random(writing<true>, 30'000, 20261129);
  interleave::tell("attendance", deep, wide);
  EXPECT_EQ(wide.failure, "");
}

TEST(AttendanceInterleavings, OfWhoTellsNobodyOfRoomAreCaught) {
  EXPECT_NE(Explorer::random(writing<false>, 100'000, 20261129).failure, "");
}

TEST(RingInterleavings, BringAllBytesInOrderAndLetNobodySleepForEver) {
  const Report deep = Explorer::exhaustive(transfer, 100'000, 4);
  EXPECT_EQ(deep.failure, "");
  const Report wide = Explorer::random(transfer, 50'000, 20261129);
  interleave::tell("ring", deep, wide);
  EXPECT_EQ(wide.failure, "");
}

TEST(RingInterleavings, OfAReaderThatLooksTooEarlyAreCaught) {
  EXPECT_NE(Explorer::exhaustive(looks_too_early, 100'000, 3).failure, "");
}

}  // namespace
}  // namespace tine::rpc

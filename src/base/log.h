// Log: lines for the operator, on stderr, that nobody waits for.
//
//   log_line("worker 'w1' died");                             // as it is, unless many of that kind come
//   log_once_for_all("nobody looked at ...", "PeerDied: w1"); // what may come by the thousand: one line for all
//
// State      A Log runs from its first line until finish(). The process has one, made on first use.
// Threads    Any. Lines are written by a thread of the log's own, "tine-log", with write(2).
// Ordering   Lines in the order in which they were given; a summary behind those that it sums up.
// Ownership  The process's log is ended by exit(): what it has is written, for at most 200 ms. A child of fork(2)
//            has a log of its own, and none of its parent's lines.
// Errors     None. A line that can't be written or kept (stderr full or closed, memory, no thread) is dropped; how many
//            were is told once there is room again.
// Cost       A short lock and a copy. No caller waits for stderr, for a disk or for the thread.
// Source     -
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "src/base/forks.h"
#include "src/base/thread.h"
#include "tine/log.h"

namespace tine {

struct LogOptions {
  int fd = 2;
  size_t max_lines = 1024;  // that wait to be written
  size_t max_bytes = size_t{1} << 18;
  size_t max_line_bytes = 8192;  // what is longer loses its end
  // Of each kind so many lines are written within a window; the others are counted and told in one line at its end.
  size_t lines_a_window = 10;
  std::chrono::milliseconds window{1000};
  // So long the first of those that are told once for all waits for others.
  std::chrono::milliseconds gather{100};
  size_t max_kinds = 256;  // that are told apart
};

class Log {
 public:
  explicit Log(LogOptions options = {});
  ~Log();  // finish() within 200 ms, unless somebody else fills stderr up under a write
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Lines are alike when their kinds (empty: their texts) differ in numbers only.
  void line(std::string_view text, std::string_view kind = {}) noexcept;
  // One line for all of that kind that come soon after the first: its text, and how many more. Kinds that differ in
  // numbers with a fraction only are one.
  void once_for_all(std::string_view text, std::string_view kind) noexcept;
  // Writes what there is, also what was to wait for others, and ends the thread; true when that was done in time. Lines
  // that come later are dropped.
  bool finish(TimePoint bound) noexcept;

  struct Counts {
    size_t written = 0;
    size_t summed_up = 0;  // not written themselves, but counted in another line
    size_t dropped = 0;
  };
  [[nodiscard]] Counts counts() const noexcept;

  // The process's.
  [[nodiscard]] static Log& process();

 private:
  struct Kind {
    bool once_for_all = false;
    TimePoint due;
    size_t written = 0;
    size_t more = 0;
    std::string text;  // of the first that was not written
  };

  void add(std::string_view text, std::string_view kind, bool once_for_all);  // may throw bad_alloc
  void push(std::string line);                                                // mutex_ held, as below
  void take_due(TimePoint now);
  [[nodiscard]] TimePoint next_due() const noexcept;
  void main() noexcept;
  void write_out(std::string_view bytes) noexcept;

  const LogOptions options_;
  const Birth birth_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> lines_;
  size_t bytes_ = 0;
  std::unordered_map<size_t, Kind> kinds_;
  Counts counts_;
  size_t dropped_untold_ = 0;
  bool started_ = false;
  bool ended_ = false;
  TimePoint give_up_ = kNoDeadline;  // while it ends
  Thread thread_;
};

// Control characters and bytes that are no UTF-8 as \xNN: what others wrote can't move the cursor or pass for a line of
// ours. A line break stays one, and what follows is indented.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace tine

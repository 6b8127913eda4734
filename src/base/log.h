// Log: lines for the operator, on stderr, for which no caller waits.
//
//   log_line("worker 'w1' died");                             // written as it is, unless many of its kind come
//   log_once_for_all("nobody looked at ...", "PeerDied: w1"); // what may come by the thousand: one line for all
//
// A line costs its caller a short lock and a copy. A thread of the log's own, "tine-log", writes them with write(2), in the
// order in which they were given, a summary after the lines that it sums up. A line that cannot be written or kept (stderr is
// full or closed, there is no memory or no thread) is dropped. The log says how many were dropped once there is room again.
//
// A Log runs from its first line until finish(). The process has one, made on first use. exit() finishes it: what it has is
// written, for at most 200 ms. A child of fork(2) has a log of its own and none of its parent's lines.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/base/thread.h"
#include "tine/log.h"

namespace tine {

struct LogOptions {
  int fd = 2;
  size_t max_lines = 1024;  // waiting to be written
  size_t max_bytes = size_t{1} << 18;
  size_t max_line_bytes = 8192;  // a longer line loses its end
  // So many lines of each kind are written within a window. The others are counted, and told in one line at its end.
  size_t lines_a_window = 10;
  std::chrono::milliseconds window{1000};
  // How long the first of the lines that are told once for all waits for the others.
  std::chrono::milliseconds gather{100};
  size_t max_kinds = 256;  // more than that are not told apart
};

class Log {
 public:
  explicit Log(LogOptions options = {});
  ~Log();  // finish() within 200 ms; it takes longer only if another process fills stderr up under a write
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Lines are of one kind if their `kind` (empty: their text) differs in numbers only.
  void line(std::string_view text, std::string_view kind = {}) noexcept;
  // Writes one line for all of that kind that come soon after the first: its text, and how many more there were. Here kinds are
  // one if they differ only in numbers with a fraction, as times and addresses do.
  void once_for_all(std::string_view text, std::string_view kind) noexcept;
  // Writes what there is, also lines that were to wait for others, and ends the thread. Lines that come later are dropped. True
  // if that was done by the bound.
  bool finish(TimePoint bound) noexcept;

  struct Counts {
    size_t written = 0;
    size_t summed_up = 0;  // counted in another line instead of being written
    size_t dropped = 0;
  };
  [[nodiscard]] Counts counts() const noexcept;

  // The one of the process.
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
  void push(std::string line) TINE_REQUIRES(mutex_);
  void take_due(TimePoint now) TINE_REQUIRES(mutex_);
  [[nodiscard]] TimePoint next_due() const noexcept TINE_REQUIRES(mutex_);
  void main() noexcept;
  void write_out(std::string_view bytes) noexcept TINE_EXCLUDES(mutex_);

  const LogOptions options_;
  const Birth birth_;
  mutable Mutex mutex_;
  Condition changed_;
  std::deque<std::string> lines_ TINE_GUARDED_BY(mutex_);
  size_t bytes_ TINE_GUARDED_BY(mutex_) = 0;
  std::unordered_map<size_t, Kind> kinds_ TINE_GUARDED_BY(mutex_);
  Counts counts_ TINE_GUARDED_BY(mutex_);
  size_t dropped_untold_ TINE_GUARDED_BY(mutex_) = 0;
  bool started_ TINE_GUARDED_BY(mutex_) = false;
  bool ended_ TINE_GUARDED_BY(mutex_) = false;
  std::string batch_;  // the thread's own; a member, so that a forked child still owns it
  TimePoint give_up_ TINE_GUARDED_BY(mutex_) = kNoDeadline;  // while it ends
  Thread thread_;  // written once, under mutex_, before ended_; joined after that
};

// The text with control characters, and bytes that are not UTF-8, as \xNN: so what others wrote cannot move the cursor or pass
// for a line of tine's. A line break stays, and what follows it is indented.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace tine

#include "src/base/log.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <vector>

namespace tine {
namespace {

using namespace std::chrono_literals;

constexpr auto kAtExit = 200ms;
constexpr auto kPoll = 20ms;
constexpr auto kGiveUpBefore =
    2 * kPoll;  // before the bound of finish(), so that its caller sees the thread end
constexpr size_t kLogStack = size_t{256} << 10;

// How many bytes the UTF-8 character at the beginning has; 0 if there is none, or one that moves the cursor (C0, C1).
size_t visible_character(std::string_view text) noexcept {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7f ? 1 : 0;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  const bool control = lead == 0xc2 && second < 0xa0;
  const bool too_long = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool no_character = (lead == 0xed && second >= 0xa0) || (lead == 0xf4 && second >= 0x90);
  return control || too_long || no_character ? 0 : length;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Drops the numbers from a text; with `fractions_only` only those around a point, as in times and addresses.
std::string without_numbers(std::string_view text, bool fractions_only) {
  std::string kind;
  kind.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_digit(text[end])) ++end;
    const bool fraction = (i > 0 && text[i - 1] == '.') || (end < text.size() && text[end] == '.');
    if (end == i) {
      kind += text[i++];
      continue;
    }
    if (fractions_only && !fraction) kind += text.substr(i, end - i);
    i = end;
  }
  return kind;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = visible_character(text);
    if (length) {
      out += text.substr(0, length);
    } else if (text.front() == '\n') {
      out += "\n  ";
    } else if (text.front() == '\t') {
      out += '\t';
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

Log::Log(LogOptions options) : options_(options) {}

Log::~Log() {
  if (!finish(Clock::now() + kAtExit)) thread_.join();
}

void Log::line(std::string_view text, std::string_view kind) noexcept try {
  add(text, kind, false);
} catch (const std::exception&) {
  const MutexLock lock(mutex_);
  ++counts_.dropped;
  ++dropped_untold_;
}

void Log::once_for_all(std::string_view text, std::string_view kind) noexcept try {
  add(text, kind, true);
} catch (const std::exception&) {
  const MutexLock lock(mutex_);
  ++counts_.dropped;
  ++dropped_untold_;
}

void Log::add(std::string_view text, std::string_view kind, bool once_for_all) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.size() > options_.max_line_bytes) text = text.substr(0, options_.max_line_bytes);
  const size_t key = std::hash<std::string>()(without_numbers(kind.empty() ? text : kind, once_for_all)) +
                     (once_for_all ? 1 : 0);
  const MutexLock lock(mutex_);
  if (ended_) {
    ++counts_.dropped;
    return;
  }
  if (!started_) {
    thread_ = Thread(
        "tine-log", [this] { main(); }, kLogStack);
    started_ = true;
  }
  // Only one who makes kinds up has them without end. Those beyond the bound are one kind.
  const bool known = kinds_.size() < options_.max_kinds || kinds_.contains(key);
  Kind& of = kinds_[known ? key : 0];
  const bool first = of.due == TimePoint{};
  if (first) {
    of.due = Clock::now() + (once_for_all ? options_.gather : options_.window);
    of.once_for_all = once_for_all;
  }
  if (!of.once_for_all && of.written < options_.lines_a_window) {
    ++of.written;
    push(printable(text));
  } else {
    if (of.more++ == 0) of.text = printable(text);
    if (!first) return;
  }
  changed_.notify_one();
}

void Log::push(std::string line) {
  line += '\n';
  if (lines_.size() >= options_.max_lines || bytes_ + line.size() > options_.max_bytes) {
    ++counts_.dropped;
    ++dropped_untold_;
    return;
  }
  bytes_ += line.size();
  lines_.push_back(std::move(line));
}

// Sums up the lines held back of kinds whose time has come, the oldest first. A kind of which no line came is forgotten.
void Log::take_due(TimePoint now) {
  std::vector<Kind*> due;
  for (auto at = kinds_.begin(); at != kinds_.end();) {
    Kind& kind = at->second;
    if (kind.due > now && !ended_) {
      ++at;
    } else if (kind.more == 0) {
      at = kinds_.erase(at);
    } else {
      due.push_back(&kind);
      ++at;
    }
  }
  std::sort(due.begin(), due.end(), [](const Kind* a, const Kind* b) { return a->due < b->due; });
  for (Kind* const kind : due) {
    const size_t others = kind->once_for_all ? kind->more - 1 : kind->more;
    if (!kind->once_for_all) {
      push(fmt::format("tine: and {} more like it: {}", others, kind->text));
    } else if (others) {
      push(fmt::format("{} (and {} more like it)", kind->text, others));
    } else {
      push(std::move(kind->text));
    }
    counts_.summed_up += others;
    kind->text.clear();
    kind->written = kind->more = 0;
    kind->due = now + options_.window;
  }
}

TimePoint Log::next_due() const noexcept {
  TimePoint next = kNoDeadline;
  for (const auto& [key, kind] : kinds_) next = std::min(next, kind.due);
  return next;
}

void Log::main() noexcept {
  MutexLock lock(mutex_);
  for (;;) {
    try {
      take_due(Clock::now());
      if (dropped_untold_ && lines_.empty())
        push(fmt::format("tine: {} lines were dropped: stderr did not take them in time",
                         std::exchange(dropped_untold_, 0)));
      batch_.clear();
      for (const std::string& line : lines_) batch_ += line;
    } catch (const std::exception&) {
      // Out of memory: what batch_ has of them is written.
    }
    counts_.written += lines_.size();
    lines_.clear();
    bytes_ = 0;
    if (!batch_.empty()) {
      lock.unlock();
      write_out(batch_);
      lock.lock();
    } else if (ended_) {
      return;
    } else {
      (void)changed_.wait_until(mutex_, next_due());
    }
  }
}

void Log::write_out(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    // 4,096 bytes at a time: a pipe that polls as writable takes that many without blocking.
    pollfd ready{options_.fd, POLLOUT, 0};
    const int polled = ::poll(&ready, 1, static_cast<int>(kPoll.count()));
    if (polled > 0 && (ready.revents & POLLOUT)) {
      const ssize_t n = ::write(options_.fd, bytes.data(), std::min<size_t>(bytes.size(), 4096));
      if (n > 0) {
        bytes.remove_prefix(static_cast<size_t>(n));
        continue;
      }
      if (errno != EAGAIN && errno != EINTR) break;
    } else if (polled > 0) {
      break;  // the descriptor is closed, or nobody reads
    }
    const MutexLock lock(mutex_);
    if (Clock::now() + kGiveUpBefore >= give_up_) break;
  }
  if (bytes.empty()) return;
  const auto lost = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  const MutexLock lock(mutex_);
  counts_.written -= lost;
  counts_.dropped += lost;
}

bool Log::finish(TimePoint bound) noexcept {
  // In a child of fork(2) the lock may be held by a thread that does not exist there.
  if (birth_.inherited()) return false;
  {
    const MutexLock lock(mutex_);
    ended_ = true;
    give_up_ = bound;
  }
  changed_.notify_one();
  return thread_.join_until(bound);
}

Log::Counts Log::counts() const noexcept {
  const MutexLock lock(mutex_);
  return counts_;
}

namespace {

constinit std::atomic<Log*> process_log{nullptr};

}  // namespace

Log& Log::process() {
  // Never destroyed, because threads may write lines until the very end. In a child the parent's is left alone.
  Log* known = process_log.load(std::memory_order_acquire);
  if (known && !known->birth_.inherited()) [[likely]]
    return *known;
  detail::watch_forks();
  [[maybe_unused]] static const int once = std::atexit([] {
    Log* const last = process_log.load(std::memory_order_acquire);
    if (last) (void)last->finish(Clock::now() + kAtExit);
  });
  auto* const made = new Log;
  while (!process_log.compare_exchange_strong(known, made, std::memory_order_acq_rel)) {
    if (known->birth_.inherited()) continue;
    delete made;
    return *known;
  }
  return *made;
}

void log_line(std::string_view text, std::string_view kind) noexcept try {
  Log::process().line(text, kind);
} catch (const std::exception&) {
  // Out of memory.
}

void log_once_for_all(std::string_view text, std::string_view kind) noexcept try {
  Log::process().once_for_all(text, kind);
} catch (const std::exception&) {
  // Out of memory.
}

}  // namespace tine

#include "src/cli/output.h"

#include <fmt/format.h>

namespace tine::cli {
namespace {
// Back to the line's start, and clear to its end.
constexpr std::string_view kClearLine = "\r\x1b[K";
}  // namespace

LineMerger::LineMerger(int first_rank, int count, bool terminal, int progress_rank)
    : first_rank_(first_rank),
      terminal_(terminal),
      progress_rank_(progress_rank),
      sources_(static_cast<std::size_t>(count) * 2) {}

LineMerger::Source& LineMerger::source(int index, Stream stream) {
  return sources_[static_cast<std::size_t>(index) * 2 + (stream == Stream::kErr ? 1 : 0)];
}

void LineMerger::feed(int index, Stream stream, std::string_view bytes) {
  Source& from = source(index, stream);
  bool changed = false;
  while (!bytes.empty()) {
    const std::size_t length = std::min(bytes.find_first_of("\r\n"), bytes.size());
    if (length > 0) {
      if (from.returned) from.line.clear();
      from.returned = false;
      changed = true;
      std::string_view text = bytes.substr(0, length);
      while (from.line.size() + text.size() > kLineLimit) {
        const std::size_t room = kLineLimit - from.line.size();
        from.line.append(text.substr(0, room));
        text.remove_prefix(room);
        emit(index, stream, from.line);
        from.line.clear();
      }
      from.line.append(text);
    }
    if (length == bytes.size()) break;
    if (bytes[length] == '\n') {
      emit(index, stream, from.line);
      from.line.clear();
      changed = false;
    } else {
      from.returned = true;
    }
    bytes.remove_prefix(length + 1);
  }
  if (changed && terminal_ && stream == Stream::kOut && first_rank_ + index == progress_rank_) {
    show_progress(index);
  }
}

void LineMerger::finish(int index, Stream stream) {
  Source& from = source(index, stream);
  if (!from.line.empty()) emit(index, stream, from.line);
  from.line.clear();
}

void LineMerger::emit(int index, Stream stream, std::string_view line) {
  const bool own_progress =
      stream == Stream::kOut && first_rank_ + index == progress_rank_ && !shown_.empty();
  const std::string progress = own_progress ? std::string() : shown_;
  hide_progress();
  std::string& into = stream == Stream::kOut ? out_ : err_;
  fmt::format_to(std::back_inserter(into), "[{}] {}\n", first_rank_ + index, line);
  if (!progress.empty()) {
    // The caller writes out() before err(). A line for the other stream therefore comes after the pending bytes of this one,
    // and the progress line is drawn again only with its next change.
    if (stream == Stream::kOut) {
      out_ += progress;
      shown_ = progress;
    }
  }
}

void LineMerger::show_progress(int index) {
  std::string line = fmt::format("[{}] {}", first_rank_ + index, source(index, Stream::kOut).line);
  if (line == shown_) return;
  if (!shown_.empty()) out_ += kClearLine;
  out_ += line;
  shown_ = std::move(line);
}

void LineMerger::hide_progress() {
  if (shown_.empty()) return;
  out_ += kClearLine;
  shown_.clear();
}

}  // namespace tine::cli

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tine::cli {

// Which of a process's two streams a piece of output came from.
enum class Stream { kOut, kErr };

// Merges the output of several processes into two streams of whole lines, each with `[rank] ` in
// front.
//
// A carriage return starts the line anew, as on a terminal: of `10 %\r20 %\n` only `20 %` is kept.
// On a terminal the unfinished line of `progress_rank` is shown while it changes; other lines push
// it down.
//
// One thread uses it. An unfinished line holds at most kLineLimit bytes; a longer one is cut into several lines.
class LineMerger {
 public:
  static constexpr std::size_t kLineLimit = 64 * 1024;

  LineMerger(int first_rank, int count, bool terminal, int progress_rank);

  // Takes what process `index` wrote; whole lines are appended to out() or err().
  void feed(int index, Stream stream, std::string_view bytes);

  // The process closed the stream: its last line needs no newline.
  void finish(int index, Stream stream);

  // What is ready to be written. The caller removes what it wrote.
  std::string& out() { return out_; }
  std::string& err() { return err_; }

 private:
  struct Source {
    std::string line;
    // A carriage return came last: the next character starts the line anew.
    bool returned = false;
  };

  Source& source(int index, Stream stream);
  void emit(int index, Stream stream, std::string_view line);
  void show_progress(int index);
  void hide_progress();

  int first_rank_;
  bool terminal_;
  int progress_rank_;
  // The progress line as it stands on the terminal, empty while there is none.
  std::string shown_;
  std::vector<Source> sources_;
  std::string out_;
  std::string err_;
};

}  // namespace tine::cli

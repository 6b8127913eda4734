#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/cli/process.h"

namespace tine::cli {

// Where a process says by what it fails, before its peers can fail because of it: they often end first. A datagram
// "LOCAL_RANK words" to the abstract socket address(). Everybody on the machine can see that name and send there, so
// the kernel is asked who did: what another user sent is dropped.
//
// Threads: one.
class Notes {
 public:
  Notes();

  [[nodiscard]] const std::string& address() const { return address_; }  // "@name"
  [[nodiscard]] int fd() const { return socket_.get(); }

  struct Note {
    int index;          // LOCAL_RANK
    std::string words;  // fit to be printed
  };
  // The next note of a process 0 to count - 1 of this user; none when nothing more has come. Never waits.
  [[nodiscard]] std::optional<Note> next(int count);

 private:
  Fd socket_;
  std::string address_;
};

// 64 hexadecimal digits from the system's random numbers.
[[nodiscard]] std::string random_key();

// The same text with each control character written as \xNN, so that it cannot move a terminal's cursor.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace tine::cli

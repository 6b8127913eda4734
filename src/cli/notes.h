#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/cli/process.h"

namespace tine::cli {

// Notes: a failing process says here what its error is, because its peers, which fail as a consequence, often end first. A
// note is a datagram "LOCAL_RANK words" to the abstract socket address(). Every user of the machine can see that name and
// send to it, so the kernel is asked for the sender, and notes of other users are dropped. One thread uses it.
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

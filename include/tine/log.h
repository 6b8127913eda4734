// The log: lines on stderr for whoever operates the program.
//
//   tine::log_line("worker 'w1' died");
//
// tine writes its own notes here, and a program may write beside them. Lines appear in the order in which they were given.
// A thread of the log's own writes them, so that no caller ever waits for a terminal, a pipe or a disk. What cannot be
// written is dropped, and how many lines were is told once there is room again. At exit the log has 200 ms to write what it
// has. A child of fork(2) has a log of its own.
#pragma once

#include <string_view>

#include "tine/detail/export.h"

namespace tine {

// One line. Where many of one kind come, ten are written in a second and the others are counted and told in one line. Lines
// are alike when their kinds differ in numbers only; without a kind the text is it. From any thread; takes a short lock and
// copies the text. A line for which there is no memory is dropped.
TINE_API void log_line(std::string_view text, std::string_view kind = {}) noexcept;

// For what may come by the thousand: one line for all of that kind that come within 100 ms of the first, with the text of
// the first and how many more there were.
TINE_API void log_once_for_all(std::string_view text, std::string_view kind) noexcept;

}  // namespace tine

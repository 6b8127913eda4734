// Errors that nobody looked at.
//
//   set_unobserved_error_hook([](const std::exception_ptr& error, const std::source_location& where) noexcept {
//     log(describe(error), where.file_name(), where.line());
//   });
//
// A future that failed, and goes without anybody having looked at its error, reports it to the hook of the process: once, on
// the thread that drops the last Future. The default hook writes a line to stderr. Looking is: get(), error(), a callback that
// ran, a combinator, co_await. Cancelled is not reported, because somebody asked for it.
//
// The hook is a plain function. It must not throw, and must stay callable until the process ends.
#pragma once

#include <exception>
#include <source_location>
#include <string>

#include "tine/detail/export.h"

namespace tine {

// `where` is the place where the future was made; its line() is 0 when that is not known.
using UnobservedErrorHook = void (*)(const std::exception_ptr& error,
                                     const std::source_location& where) noexcept;

// Returns the hook before it. Null sets the default. May be called from any thread.
TINE_API UnobservedErrorHook set_unobserved_error_hook(UnobservedErrorHook hook) noexcept;

namespace detail {
TINE_API void report_unobserved(const std::exception_ptr& error, const std::source_location& where) noexcept;

// The place where the future of that error was made: `where`, or, for a fork inside a script, the script's line, which is in
// the error's trail. `line` is 0 when neither is known.
struct MadeAt {
  std::string file;
  unsigned line = 0;
  std::string function;
};
[[nodiscard]] TINE_API MadeAt made_at(const std::exception_ptr& error, const std::source_location& where);
}  // namespace detail

}  // namespace tine

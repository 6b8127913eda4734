// Errors that nobody looked at.
//
// State      One hook a process: the default writes a line to stderr.
// Threads    Any. The hook runs on the thread that drops the last Future.
// Ordering   Each error once, when its future goes.
// Ownership  The hook is a plain function: it must stay callable to the end of the process.
// Errors     The hook must not throw. Looking is: get(), error(), a callback that ran, a combinator, co_await.
//            Cancelled is not reported: somebody asked for it.
// Cost       None on success; the place is one pointer in each future.
// Source     Python's "Future exception was never retrieved".
#pragma once

#include <exception>
#include <source_location>
#include <string>

#include "tine/detail/export.h"

namespace tine {

// `where`: where the future was made; line() is 0 when that is not known.
using UnobservedErrorHook = void (*)(const std::exception_ptr& error,
                                     const std::source_location& where) noexcept;

// Returns the one before; null sets the default.
TINE_API UnobservedErrorHook set_unobserved_error_hook(UnobservedErrorHook hook) noexcept;

namespace detail {
TINE_API void report_unobserved(const std::exception_ptr& error, const std::source_location& where) noexcept;

// Where the future of that error was made: `where`, or, of a fork inside a script, the script's line, which the error's
// trail tells. `line` is 0 when neither is known.
struct MadeAt {
  std::string file;
  unsigned line = 0;
  std::string function;
};
[[nodiscard]] TINE_API MadeAt made_at(const std::exception_ptr& error, const std::source_location& where);
}  // namespace detail

}  // namespace tine

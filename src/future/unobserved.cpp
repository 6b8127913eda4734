#include "tine/unobserved.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "src/base/log.h"
#include "tine/error.h"

namespace tine {
namespace {

void log_report(const std::exception_ptr& error, const std::source_location& where) noexcept try {
  std::string what = describe(error);
  what.resize(std::min(what.size(), what.find('\n')));
  const detail::MadeAt made = detail::made_at(error, where);
  const std::string place = made.line == 0 ? std::string("an unknown place")
                                           : fmt::format("{}:{} ({})", made.file, made.line, made.function);
  log_once_for_all(
      fmt::format("tine: nobody looked at the error of a future made at {}: {}; call get() or error() "
                  "on it, or handle the error in a callback",
                  place, what),
      what);
} catch (const std::exception&) {
  // Out of memory: there is nothing to write it with.
}

// One for the process: a future is dropped on any thread, and knows of no Runtime.
constinit std::atomic<UnobservedErrorHook> current_hook{&log_report};

bool was_cancelled(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const Cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

UnobservedErrorHook set_unobserved_error_hook(UnobservedErrorHook hook) noexcept {
  return current_hook.exchange(hook ? hook : &log_report);
}

detail::MadeAt detail::made_at(const std::exception_ptr& error, const std::source_location& where) {
  if (where.line() != 0) return {where.file_name(), where.line(), where.function_name()};
  try {
    std::rethrow_exception(error);
  } catch (const Error& told) {
    // The last fork in the trail is the one whose future nobody looked at.
    const auto& trail = told.trail();
    for (auto hop = trail.rbegin(); hop != trail.rend(); ++hop) {
      if (hop->kind == Hop::Kind::kFork && hop->line > 0)
        return {hop->file, static_cast<unsigned>(hop->line), hop->what};
    }
  } catch (...) {
    // It has no trail.
  }
  return {};
}

void detail::report_unobserved(const std::exception_ptr& error, const std::source_location& where) noexcept {
  if (!was_cancelled(error)) current_hook.load()(error, where);
}

}  // namespace tine

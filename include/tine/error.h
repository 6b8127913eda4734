// Errors: one family for C++, scripts, Python and remote workers.
//
//   throw ShapeError("matmul: expected a matrix, got sizes [3]");
//   try { future.get(); } catch (const Error& e) { std::cerr << e.story(); }
//
// An Error is a message, a kind, perhaps a cause, and a trail: the script lines, forks and workers that it came through,
// innermost first. Each kind corresponds to a class of Python (docs/differences.md) and travels under the name of that class.
//
// Copies share their data, and a const Error may be read from several threads. In a future an error travels as a
// std::exception_ptr. So an exception of any type passes through a future unchanged, but only tine's own have a trail.
//
// Making an Error is one allocation and may throw std::bad_alloc; copying one is a reference count.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tine/detail/export.h"

namespace tine {

// What went wrong, in the words of the class a Python programmer would catch.
enum class ErrorKind : unsigned char {
  kRuntime,           // RuntimeError
  kType,              // TypeError
  kValue,             // ValueError
  kIndex,             // IndexError
  kKey,               // KeyError
  kAttribute,         // AttributeError
  kName,              // NameError
  kAssertion,         // AssertionError
  kZeroDivision,      // ZeroDivisionError
  kOverflow,          // OverflowError
  kMemory,            // MemoryError
  kNotImplemented,    // NotImplementedError
  kShape,             // tine.ShapeError(RuntimeError, ValueError)
  kSyntax,            // tine.SyntaxError(RuntimeError, builtins.SyntaxError): scripts and IR text
  kCancelled,         // tine.Cancelled(RuntimeError)
  kDeadlineExceeded,  // tine.DeadlineExceeded(RuntimeError, TimeoutError)
  kAbandoned,         // tine.Abandoned(RuntimeError)
  kPeerDied,          // tine.PeerDied(RuntimeError, ConnectionError)
  kRemote,            // tine.RemoteError(RuntimeError): a remote error whose type is unknown here
  kAuth,              // tine.AuthError(RuntimeError, PermissionError)
  kSystem,            // OSError
};
inline constexpr int kErrorKinds = static_cast<int>(ErrorKind::kSystem) + 1;

// "TypeError", "ShapeError", ...: the name under which the kind travels and is raised in a script.
TINE_API std::string_view name_of(ErrorKind kind) noexcept;
// Sets the kind of that name ("Exception" is kRuntime). False, and kRuntime, when no kind has that name.
TINE_API bool kind_named(std::string_view name, ErrorKind* kind) noexcept;

// A step of an error's way: a script line, the place of a fork, the worker it came from, a note.
struct Hop {
  enum class Kind : unsigned char { kScript, kFork, kWorker, kNote };
  Kind kind = Kind::kNote;
  std::string what;  // function, worker name or free text
  std::string file;  // empty when there is no place
  int line = 0;      // from 1; 0 when there is none
  // Of a worker: what was called there, when, counted from the beginning of the first call of the trail, and how long the
  // caller waited. Each worker measures by its own clock, so what a request spends on its way to a worker counts for the hop
  // itself and not for those beyond it. Negative: not known.
  std::string call{};
  std::chrono::microseconds began{-1};
  std::chrono::microseconds took{-1};
};

// The base of every error that tine itself raises.
class TINE_API Error : public std::exception {
 public:
  explicit Error(std::string message, ErrorKind kind = ErrorKind::kRuntime);
  ~Error() override;
  Error(const Error&) noexcept = default;
  Error& operator=(const Error&) noexcept = default;

  const char* what() const noexcept override;  // the message alone
  const std::string& message() const noexcept;
  ErrorKind kind() const noexcept;
  const std::vector<Hop>& trail() const noexcept;
  const std::exception_ptr& cause() const noexcept;
  // The message, then a line for each hop, then the cause: for a log or a terminal.
  [[nodiscard]] std::string story() const;

  // These change this object only, not its copies. Not for an error that other threads can see.
  Error& add_hop(Hop hop);
  Error& set_cause(std::exception_ptr cause);

  // A copy of this error, of the same dynamic type, as a future carries it.
  [[nodiscard]] virtual std::exception_ptr to_exception_ptr() const;

 private:
  struct TINE_LOCAL Data;
  std::shared_ptr<const Data> data_;
};

// The class of each kind. All derive from Error directly.
template <ErrorKind K>
class TINE_API ErrorOf final : public Error {
 public:
  explicit ErrorOf(std::string message) : Error(std::move(message), K) {}
  [[nodiscard]] std::exception_ptr to_exception_ptr() const override {
    return std::make_exception_ptr(*this);
  }
};

using TypeError = ErrorOf<ErrorKind::kType>;
using ValueError = ErrorOf<ErrorKind::kValue>;
using IndexError = ErrorOf<ErrorKind::kIndex>;
using KeyError = ErrorOf<ErrorKind::kKey>;
using AttributeError = ErrorOf<ErrorKind::kAttribute>;
using NameError = ErrorOf<ErrorKind::kName>;
using AssertionError = ErrorOf<ErrorKind::kAssertion>;
using ZeroDivisionError = ErrorOf<ErrorKind::kZeroDivision>;
using OverflowError = ErrorOf<ErrorKind::kOverflow>;
using NotImplementedError = ErrorOf<ErrorKind::kNotImplemented>;
using ShapeError = ErrorOf<ErrorKind::kShape>;
using SyntaxError = ErrorOf<ErrorKind::kSyntax>;
using Cancelled = ErrorOf<ErrorKind::kCancelled>;
using DeadlineExceeded = ErrorOf<ErrorKind::kDeadlineExceeded>;
using Abandoned = ErrorOf<ErrorKind::kAbandoned>;
using PeerDied = ErrorOf<ErrorKind::kPeerDied>;
using RemoteError = ErrorOf<ErrorKind::kRemote>;
using AuthError = ErrorOf<ErrorKind::kAuth>;
using SystemError = ErrorOf<ErrorKind::kSystem>;

// An error of the class above that belongs to that kind.
[[nodiscard]] TINE_API std::exception_ptr make_error(ErrorKind kind, std::string message);
// One of tine's errors: a copy of it with one more hop. Any other exception: the same pointer.
[[nodiscard]] TINE_API std::exception_ptr with_hop(const std::exception_ptr& error, Hop hop);
// The message of one of tine's errors, alone; of any other exception describe(). Throws nothing but std::bad_alloc.
[[nodiscard]] TINE_API std::string message_of(const std::exception_ptr& error);
// "TypeError: message", of any exception. Throws nothing but std::bad_alloc.
[[nodiscard]] TINE_API std::string describe(const std::exception_ptr& error);

}  // namespace tine

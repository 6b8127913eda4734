// Errors: one family for C++, scripts, Python and remote workers.
//
// State      An Error is an immutable message plus a cause and a trail of hops. Copies share the
//            same data; adding a hop copies it first, so an error held by several futures is safe.
// Threads    Any; a const Error may be read from several threads at once.
// Ordering   The trail is in the order in which the error travelled: innermost place first.
// Ownership  An Error owns its data. In futures an error travels as std::exception_ptr, so any
//            exception type passes through unchanged; only tine's own types carry a trail.
// Errors     Construction may throw std::bad_alloc, nothing else.
// Cost       One allocation to construct, one reference count to copy.
// Source     DESIGN "Errors"; the Python classes that each kind maps to are in docs/differences.md.
#pragma once

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

// "TypeError", "ShapeError", ...; the name under which the kind travels and is raised in a script.
TINE_API std::string_view name_of(ErrorKind kind) noexcept;
// The kind whose name this is; kRuntime and false when there is none ("Exception" is kRuntime).
TINE_API bool kind_named(std::string_view name, ErrorKind* kind) noexcept;

// One step of an error's way: a script line, the place of a fork, a worker it came from.
struct Hop {
  enum class Kind : unsigned char { kScript, kFork, kWorker, kNote };
  Kind kind = Kind::kNote;
  std::string what;  // function, worker name or free text
  std::string file;  // empty when there is no place
  int line = 0;      // from 1; 0 when there is none
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
  // Message, then one line a hop, then the cause: what a log or a terminal shows.
  [[nodiscard]] std::string story() const;

  // Only before the error is thrown or shared: they replace this object's data.
  Error& add_hop(Hop hop);
  Error& set_cause(std::exception_ptr cause);

  // This very error, same dynamic type, as a pointer that can travel.
  [[nodiscard]] virtual std::exception_ptr to_exception_ptr() const;

 private:
  struct Data;
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

// An error of that kind, of the class above that belongs to it.
[[nodiscard]] TINE_API std::exception_ptr make_error(ErrorKind kind, std::string message);
// The same error with one more hop when it is one of tine's, otherwise the error as it is.
[[nodiscard]] TINE_API std::exception_ptr with_hop(const std::exception_ptr& error, Hop hop);
// "TypeError: message" of any exception; never throws past bad_alloc.
[[nodiscard]] TINE_API std::string describe(const std::exception_ptr& error);

}  // namespace tine

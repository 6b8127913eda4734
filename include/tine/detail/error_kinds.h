// The kinds of errors, each in one row: what base, the wire and Python read. And what an error's way is told with.
#pragma once

#include <span>
#include <string>

#include "tine/error.h"

// kind; the name under which it travels and is raised in a script; the builtin class of Python that its Python class
// derives from beside RuntimeError ("": none; the same name: it is Python's exception of that name); what Python's help()
// says of it ("": of those, the same of all).
#define TINE_ERROR_KINDS(ROW)                                                                          \
  ROW(kRuntime, "RuntimeError", "RuntimeError", "")                                                    \
  ROW(kType, "TypeError", "TypeError", "")                                                             \
  ROW(kValue, "ValueError", "ValueError", "")                                                          \
  ROW(kIndex, "IndexError", "IndexError", "")                                                          \
  ROW(kKey, "KeyError", "KeyError", "")                                                                \
  ROW(kAttribute, "AttributeError", "AttributeError", "")                                              \
  ROW(kName, "NameError", "NameError", "")                                                             \
  ROW(kAssertion, "AssertionError", "AssertionError", "")                                              \
  ROW(kZeroDivision, "ZeroDivisionError", "ZeroDivisionError", "")                                     \
  ROW(kOverflow, "OverflowError", "OverflowError", "")                                                 \
  ROW(kMemory, "MemoryError", "MemoryError", "")                                                       \
  ROW(kNotImplemented, "NotImplementedError", "NotImplementedError", "")                               \
  ROW(kShape, "ShapeError", "ValueError", "Sizes that do not go together; names all of them.")         \
  ROW(kSyntax, "SyntaxError", "SyntaxError",                                                           \
      "A script or an IR text that cannot be compiled: file, line, the source line with a marker.")    \
  ROW(kCancelled, "Cancelled", "", "The future was cancelled before it had a result.")                 \
  ROW(kDeadlineExceeded, "DeadlineExceeded", "TimeoutError",                                           \
      "A future's deadline passed before it had a result.")                                            \
  ROW(kAbandoned, "Abandoned", "",                                                                     \
      "Nobody is left who could complete the future: its producer was dropped.")                       \
  ROW(kPeerDied, "PeerDied", "ConnectionError",                                                        \
      "The worker that was to answer is gone; names it and says why.")                                 \
  ROW(kRemote, "RemoteError", "",                                                                      \
      "A remote error whose type is unknown on this side; the message names it.")                      \
  ROW(kAuth, "AuthError", "PermissionError", "The other side did not prove that it knows the secret.") \
  ROW(kSystem, "OSError", "OSError", "")

namespace tine::detail {

// An error of that kind, of its class.
[[nodiscard]] TINE_API std::exception_ptr make_error(ErrorKind kind, std::string message,
                                                     std::span<const Hop> trail, std::exception_ptr cause);

// "in script f (a.py:3)", "on worker w1", or the note alone.
[[nodiscard]] TINE_API std::string text_of(const Hop& hop);

}  // namespace tine::detail

// ErrorBody: an error on its way to another process, with its type, its trail (innermost first) and, for Python, the
// object itself (docs/spec/wire.md, section 5). It owns everything. Texts above 64 KiB are cut, with a mark. read()
// throws ValueError that names the offset.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "src/rpc/wire/value_codec.h"
#include "tine/detail/export.h"
#include "tine/error.h"

namespace tine::rpc {

struct TINE_API ErrorBody {
  std::string kind;  // name_of(ErrorKind)
  std::string message;
  std::vector<Hop> trail;
  std::string module, qualname;  // of a Python class
  std::string traceback;
  std::vector<std::byte> pickled;  // the exception object, or empty
  std::unique_ptr<ErrorBody> cause;

  // Of any exception: kind, message, trail and causes of tine's own, what() of others.
  [[nodiscard]] static ErrorBody of(const std::exception_ptr& error);
  // An error of the class that `kind` names, trail and cause included; RemoteError for an unknown kind,
  // with the class named in the message. What Python needs (module, pickled, ...) is left to the caller.
  [[nodiscard]] std::exception_ptr to_exception() const;
};

void write_error(BodyWriter& out, const ErrorBody& error);
[[nodiscard]] ErrorBody read_error(BodyReader& in, ReceivedSegments& segments);

}  // namespace tine::rpc

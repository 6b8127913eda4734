#include "tine/error.h"

#include <fmt/format.h>

#include <array>
#include <new>
#include <utility>

namespace tine {
namespace {

constexpr std::array<std::string_view, kErrorKinds> kNames = {
    "RuntimeError",     "TypeError",           "ValueError",     "IndexError",        "KeyError",
    "AttributeError",   "NameError",           "AssertionError", "ZeroDivisionError", "OverflowError",
    "MemoryError",      "NotImplementedError", "ShapeError",     "SyntaxError",       "Cancelled",
    "DeadlineExceeded", "Abandoned",           "PeerDied",       "RemoteError",       "AuthError",
    "OSError",
};

std::string_view word_of(Hop::Kind kind) {
  switch (kind) {
    case Hop::Kind::kScript: return "in script";
    case Hop::Kind::kFork: return "forked from";
    case Hop::Kind::kWorker: return "on worker";
    case Hop::Kind::kNote: return "note:";
  }
  return "";
}

template <ErrorKind K>
std::exception_ptr make(std::string message) {
  return std::make_exception_ptr(ErrorOf<K>(std::move(message)));
}

}  // namespace

struct Error::Data {
  std::string message;
  ErrorKind kind;
  std::vector<Hop> trail;
  std::exception_ptr cause;
};

std::string_view name_of(ErrorKind kind) noexcept { return kNames[static_cast<size_t>(kind)]; }

bool kind_named(std::string_view name, ErrorKind* kind) noexcept {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      *kind = static_cast<ErrorKind>(i);
      return true;
    }
  }
  *kind = ErrorKind::kRuntime;
  return name == "Exception";
}

Error::Error(std::string message, ErrorKind kind)
    : data_(std::make_shared<const Data>(Data{std::move(message), kind, {}, nullptr})) {}
Error::~Error() = default;

const char* Error::what() const noexcept { return data_->message.c_str(); }
const std::string& Error::message() const noexcept { return data_->message; }
ErrorKind Error::kind() const noexcept { return data_->kind; }
const std::vector<Hop>& Error::trail() const noexcept { return data_->trail; }
const std::exception_ptr& Error::cause() const noexcept { return data_->cause; }

std::string Error::story() const {
  std::string out = fmt::format("{}: {}", name_of(kind()), message());
  for (const Hop& hop : trail()) {
    out += fmt::format("\n  {} {}", word_of(hop.kind), hop.what);
    if (!hop.file.empty()) out += fmt::format(" ({}:{})", hop.file, hop.line);
  }
  if (cause()) out += "\n  caused by " + describe(cause());
  return out;
}

Error& Error::add_hop(Hop hop) {
  Data data = *data_;
  data.trail.push_back(std::move(hop));
  data_ = std::make_shared<const Data>(std::move(data));
  return *this;
}

Error& Error::set_cause(std::exception_ptr cause) {
  Data data = *data_;
  data.cause = std::move(cause);
  data_ = std::make_shared<const Data>(std::move(data));
  return *this;
}

std::exception_ptr Error::to_exception_ptr() const { return std::make_exception_ptr(*this); }

std::exception_ptr make_error(ErrorKind kind, std::string message) {
  switch (kind) {
    case ErrorKind::kRuntime: return std::make_exception_ptr(Error(std::move(message)));
    case ErrorKind::kType: return make<ErrorKind::kType>(std::move(message));
    case ErrorKind::kValue: return make<ErrorKind::kValue>(std::move(message));
    case ErrorKind::kIndex: return make<ErrorKind::kIndex>(std::move(message));
    case ErrorKind::kKey: return make<ErrorKind::kKey>(std::move(message));
    case ErrorKind::kAttribute: return make<ErrorKind::kAttribute>(std::move(message));
    case ErrorKind::kName: return make<ErrorKind::kName>(std::move(message));
    case ErrorKind::kAssertion: return make<ErrorKind::kAssertion>(std::move(message));
    case ErrorKind::kZeroDivision: return make<ErrorKind::kZeroDivision>(std::move(message));
    case ErrorKind::kOverflow: return make<ErrorKind::kOverflow>(std::move(message));
    case ErrorKind::kMemory: return make<ErrorKind::kMemory>(std::move(message));
    case ErrorKind::kNotImplemented: return make<ErrorKind::kNotImplemented>(std::move(message));
    case ErrorKind::kShape: return make<ErrorKind::kShape>(std::move(message));
    case ErrorKind::kSyntax: return make<ErrorKind::kSyntax>(std::move(message));
    case ErrorKind::kCancelled: return make<ErrorKind::kCancelled>(std::move(message));
    case ErrorKind::kDeadlineExceeded: return make<ErrorKind::kDeadlineExceeded>(std::move(message));
    case ErrorKind::kAbandoned: return make<ErrorKind::kAbandoned>(std::move(message));
    case ErrorKind::kPeerDied: return make<ErrorKind::kPeerDied>(std::move(message));
    case ErrorKind::kRemote: return make<ErrorKind::kRemote>(std::move(message));
    case ErrorKind::kAuth: return make<ErrorKind::kAuth>(std::move(message));
    case ErrorKind::kSystem: return make<ErrorKind::kSystem>(std::move(message));
  }
  return std::make_exception_ptr(Error(std::move(message)));
}

std::exception_ptr with_hop(const std::exception_ptr& error, Hop hop) {
  try {
    std::rethrow_exception(error);
  } catch (Error& e) {
    // Error's data is shared and immutable: the clone gets the hop, other holders do not.
    const std::exception_ptr clone = e.to_exception_ptr();
    try {
      std::rethrow_exception(clone);
    } catch (Error& fresh) {
      fresh.add_hop(std::move(hop));
    }
    return clone;
  } catch (...) {
    return error;
  }
}

std::string describe(const std::exception_ptr& error) {
  if (!error) return "no error";
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return e.story();
  } catch (const std::bad_alloc&) {
    return "MemoryError: out of memory";
  } catch (const std::exception& e) {
    return fmt::format("C++ exception: {}", e.what());
  } catch (...) {
    return "C++ exception of a type that is not derived from std::exception";
  }
}

// The type information has to be one object in the process, so that a catch in another module works.
template class ErrorOf<ErrorKind::kType>;
template class ErrorOf<ErrorKind::kValue>;
template class ErrorOf<ErrorKind::kIndex>;
template class ErrorOf<ErrorKind::kKey>;
template class ErrorOf<ErrorKind::kAttribute>;
template class ErrorOf<ErrorKind::kName>;
template class ErrorOf<ErrorKind::kAssertion>;
template class ErrorOf<ErrorKind::kZeroDivision>;
template class ErrorOf<ErrorKind::kOverflow>;
template class ErrorOf<ErrorKind::kMemory>;
template class ErrorOf<ErrorKind::kNotImplemented>;
template class ErrorOf<ErrorKind::kShape>;
template class ErrorOf<ErrorKind::kSyntax>;
template class ErrorOf<ErrorKind::kCancelled>;
template class ErrorOf<ErrorKind::kDeadlineExceeded>;
template class ErrorOf<ErrorKind::kAbandoned>;
template class ErrorOf<ErrorKind::kPeerDied>;
template class ErrorOf<ErrorKind::kRemote>;
template class ErrorOf<ErrorKind::kAuth>;
template class ErrorOf<ErrorKind::kSystem>;

}  // namespace tine

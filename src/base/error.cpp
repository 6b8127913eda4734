#include "tine/error.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <new>
#include <utility>

#include "tine/detail/error_kinds.h"

namespace tine {
namespace {

#define TINE_NAME(kind, name, ...) name,
constexpr std::array<std::string_view, kErrorKinds> kNames = {TINE_ERROR_KINDS(TINE_NAME)};
#undef TINE_NAME

#define TINE_KIND(kind, ...) ErrorKind::kind,
constexpr ErrorKind kKinds[] = {TINE_ERROR_KINDS(TINE_KIND)};
#undef TINE_KIND
static_assert(
    std::size(kKinds) == kErrorKinds &&
        [] {
          for (int k = 0; k < kErrorKinds; ++k) {
            if (kKinds[k] != static_cast<ErrorKind>(k)) return false;
          }
          return true;
        }(),
    "TINE_ERROR_KINDS has a row for each ErrorKind, in its order");

template <ErrorKind K>
struct ClassOf {
  using Type = ErrorOf<K>;
};
template <>
struct ClassOf<ErrorKind::kRuntime> {
  using Type = Error;
};

template <class E>
std::exception_ptr finished(E error, std::span<const Hop> trail, std::exception_ptr cause) {
  for (const Hop& hop : trail) error.add_hop(hop);
  if (cause) error.set_cause(std::move(cause));
  return std::make_exception_ptr(std::move(error));
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
  for (const Hop& hop : trail()) out += "\n  " + detail::text_of(hop);
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

std::exception_ptr detail::make_error(ErrorKind kind, std::string message, std::span<const Hop> trail,
                                      std::exception_ptr cause) {
  switch (kind) {
#define TINE_CASE(kind, ...) \
  case ErrorKind::kind:      \
    return finished(ClassOf<ErrorKind::kind>::Type(std::move(message)), trail, std::move(cause));
    TINE_ERROR_KINDS(TINE_CASE)
#undef TINE_CASE
  }
  return finished(Error(std::move(message)), trail, std::move(cause));
}

std::exception_ptr make_error(ErrorKind kind, std::string message) {
  return detail::make_error(kind, std::move(message), {}, nullptr);
}

namespace {
std::string text_of(std::chrono::microseconds time) {
  const double ms = static_cast<double>(time.count()) / 1000;
  return ms < 1000 ? fmt::format("{:.2f} ms", ms) : fmt::format("{:.2f} s", ms / 1000);
}
}  // namespace

std::string detail::text_of(const Hop& hop) {
  std::string text;
  switch (hop.kind) {
    case Hop::Kind::kScript: text = "in script "; break;
    case Hop::Kind::kFork: text = "forked from "; break;
    case Hop::Kind::kWorker: text = "on worker "; break;
    case Hop::Kind::kNote: break;
  }
  text += hop.what;
  if (!hop.file.empty()) text += fmt::format(" ({}:{})", hop.file, hop.line);
  if (!hop.call.empty()) text += ", in " + hop.call;
  if (hop.began.count() >= 0 && hop.took.count() >= 0)
    text += fmt::format(" (began at {}, took {})", tine::text_of(hop.began), tine::text_of(hop.took));
  return text;
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

std::string message_of(const std::exception_ptr& error) {
  if (!error) return describe(error);
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return e.message();
  } catch (...) {
    return describe(error);
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

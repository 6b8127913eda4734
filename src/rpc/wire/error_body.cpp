#include "src/rpc/wire/error_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "tine/detail/error_kinds.h"

namespace tine::rpc {
namespace {

constexpr size_t kMaxText = size_t{64} << 10;
constexpr size_t kMaxTrail = 256;
constexpr int kMaxCauses = 16;

void write_text(BodyWriter& out, const std::string& text) {
  if (text.size() <= kMaxText) return out.str(text);
  // Not in the middle of a character.
  size_t cut = kMaxText;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  out.str(text.substr(0, cut) + "... (cut)");
}

void write_one(BodyWriter& out, const ErrorBody& error, int depth) {
  out.array(8);
  out.str(error.kind);
  write_text(out, error.message);
  // A trail that is too long loses its middle: where it began and where it ended say most.
  const size_t hops = std::min(error.trail.size(), kMaxTrail);
  out.array(hops);
  for (size_t i = 0; i < hops; ++i) {
    const Hop& hop = error.trail[i < hops / 2 ? i : error.trail.size() - hops + i];
    const bool is_call = hop.kind == Hop::Kind::kWorker && !hop.call.empty();
    out.array(is_call ? 7 : 4);
    out.uinteger(static_cast<uint64_t>(hop.kind));
    write_text(out, hop.what);
    write_text(out, hop.file);
    out.integer(hop.line);
    if (!is_call) continue;
    write_text(out, hop.call);
    out.integer(hop.began.count());
    out.integer(hop.took.count());
  }
  write_text(out, error.module);
  write_text(out, error.qualname);
  write_text(out, error.traceback);
  if (error.pickled.empty()) {
    out.nil();
  } else {
    write_foreign(out, 1, error.pickled, nullptr);
  }
  if (error.cause && depth < kMaxCauses) {
    write_one(out, *error.cause, depth + 1);
  } else {
    out.nil();
  }
}

std::vector<std::byte> read_pickled(BodyReader& in, ReceivedSegments& segments) {
  if (in.peek() == BodyReader::Type::kNil) {
    in.nil();
    return {};
  }
  const size_t at = in.offset();
  const auto ext = in.ext();
  const auto type = static_cast<ExtType>(ext.type);
  if (type == ExtType::kForeign && !ext.bytes.empty()) {
    return {ext.bytes.begin() + 1, ext.bytes.end()};
  }
  if (type == ExtType::kForeignSegment && ext.bytes.size() == 5) {
    auto segment = segments.take(get_le<uint32_t>(ext.bytes.data() + 1));
    return {segment->data(), segment->data() + segment->size()};
  }
  throw ValueError(
      fmt::format("the error at byte {} has ext type {} where its pickled object should be", at, ext.type));
}

// A century at most: sums of them do not overflow.
std::chrono::microseconds read_time(BodyReader& in) {
  return std::chrono::microseconds(std::clamp<int64_t>(in.integer(), -1, 3'000'000'000'000'000));
}

ErrorBody read_one(BodyReader& in, ReceivedSegments& segments, int depth) {
  const size_t at = in.offset();
  size_t fields = in.array();
  if (fields < 8) throw ValueError(fmt::format("the error at byte {} has {} fields, expected 8", at, fields));
  ErrorBody e;
  e.kind = in.str();
  e.message = in.str();
  const size_t hops = in.array();
  if (hops > kMaxTrail)
    throw ValueError(fmt::format("the error at byte {} has {} hops, at most {}", at, hops, kMaxTrail));
  e.trail.reserve(hops);
  for (size_t i = 0; i < hops; ++i) {
    const size_t hop_at = in.offset();
    size_t parts = in.array();
    if (parts < 4)
      throw ValueError(fmt::format("the hop at byte {} has {} fields, expected 4", hop_at, parts));
    Hop hop;
    hop.kind =
        // A kind of a later version reads as a note.
        static_cast<Hop::Kind>(std::min<uint64_t>(in.uinteger(), static_cast<uint64_t>(Hop::Kind::kNote)));
    hop.what = in.str();
    hop.file = in.str();
    hop.line = static_cast<int>(std::clamp<int64_t>(in.integer(), 0, INT32_MAX));
    if (parts >= 7) {
      hop.call = in.str();
      hop.began = read_time(in);
      hop.took = read_time(in);
      parts -= 3;
    }
    for (; parts > 4; --parts) in.skip();
    e.trail.push_back(std::move(hop));
  }
  e.module = in.str();
  e.qualname = in.str();
  e.traceback = in.str();
  e.pickled = read_pickled(in, segments);
  if (in.peek() == BodyReader::Type::kNil) {
    in.nil();
  } else if (depth == kMaxCauses) {
    // The sender may be another program. What it nests deeper is read over, not refused.
    in.skip();
  } else {
    e.cause = std::make_unique<ErrorBody>(read_one(in, segments, depth + 1));
  }
  for (; fields > 8; --fields) in.skip();
  return e;
}

std::exception_ptr cause_of_standard(const std::exception& error) {
  if (auto* nested = dynamic_cast<const std::nested_exception*>(&error)) return nested->nested_ptr();
  return nullptr;
}

ErrorBody make_body(const std::exception_ptr& error, int depth) {
  ErrorBody body;
  std::exception_ptr cause;
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    body.kind = name_of(e.kind());
    body.message = e.message();
    body.trail = e.trail();
    cause = e.cause();
  } catch (const std::bad_alloc&) {
    body.kind = name_of(ErrorKind::kMemory);
    body.message = "out of memory";
  } catch (const std::exception& e) {
    body.kind = name_of(ErrorKind::kRuntime);
    body.message = e.what();
    cause = cause_of_standard(e);
  } catch (...) {
    body.kind = name_of(ErrorKind::kRuntime);
    body.message = "an exception of a type unknown to C++";
  }
  if (cause && depth < kMaxCauses) body.cause = std::make_unique<ErrorBody>(make_body(cause, depth + 1));
  return body;
}

}  // namespace

ErrorBody ErrorBody::of(const std::exception_ptr& error) {
  if (!error) return {};
  return make_body(error, 0);
}

std::exception_ptr ErrorBody::to_exception() const {
  const std::exception_ptr cause_error = cause ? cause->to_exception() : nullptr;
  ErrorKind known = ErrorKind::kRuntime;
  std::string text = message;
  if (!kind_named(kind, &known)) {
    known = ErrorKind::kRemote;
    text = fmt::format("{}: {}",
                       qualname.empty() ? kind
                       : module.empty() ? qualname
                                        : module + "." + qualname,
                       message);
  }
  return detail::make_error(known, std::move(text), trail, cause_error);
}

void write_error(BodyWriter& out, const ErrorBody& error) { write_one(out, error, 0); }

ErrorBody read_error(BodyReader& in, ReceivedSegments& segments) {
  ErrorBody body = read_one(in, segments, 0);
  in.expect_end();
  return body;
}

}  // namespace tine::rpc

#include "src/rpc/payload.h"

#include <fmt/format.h>

#include <cstring>
#include <tuple>

#include "tine/type.h"

namespace tine::rpc {
namespace {

void make_plain(ErrorBody& body) {
  for (ErrorBody* b = &body; b; b = b->cause.get()) {
    b->pickled.clear();
    const bool known = b->qualname == b->kind;  // there is a class of tine's for it
    if (!known && b->module == "builtins" && b->qualname.find('.') == std::string::npos) continue;
    if (!known && !b->qualname.empty()) {
      b->message =
          fmt::format("{}{}{}: {}", b->module, b->module.empty() ? "" : ".", b->qualname, b->message);
    }
    b->module.clear();
    b->qualname.clear();
  }
}

// Of a foreign payload's head: reading it gives a bytes object, or the plain value beside it.
bool runs_nothing(std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return false;
  const auto language = static_cast<uint8_t>(bytes[0]);
  return language == ForeignPayload::kPythonBytes || language == ForeignPayload::kPythonValue;
}

std::string_view text_in(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void WireHooks::write(BodyWriter& out, const Value& value) {
  if (value.is(Tag::kRRef)) {
    auto rref = Reference::from(value);
    exports_.push_back(references_.write(out, *rref, peer_));
    carried_.push_back(std::move(rref));
    return;
  }
  if (const ForeignPayload* payload = ForeignPayload::in(value)) {
    if (!payload->leaves().empty()) {
      needs_codec_ = true;  // who can unpickle it sends it as a part of a new pickle
      throw TypeError(
          fmt::format("a {} with tensors or RRefs in it cannot travel inside a list, tuple or dict",
                      payload->type_name()));
    }
    write_foreign(out, payload->language(), payload->bytes(),
                  detail::Ref<detail::RefCounted>::share(&value.as_foreign()));
    return;
  }
  if (const CodeValue* code = CodeValue::in(value)) return write_code(out, *code);
  if (value.is(Tag::kObject)) {
    const auto& type = *value.as_object().type;
    if (type.is_class()) {
      throw TypeError(fmt::format(
          "an object of a class of scripts ({}) cannot be sent to another worker; send its attributes",
          type.name));
    }
    throw TypeError(
        fmt::format("a scripted module ({}) can be sent by Python alone: as an argument of rpc_sync, "
                    "rpc_async and remote, or as a result of a Python function",
                    type.name));
  }
  if (value.is(Tag::kForeign)) {
    needs_codec_ = true;
    throw TypeError(
        fmt::format("a {} can only be sent to a Python function that is passed itself, not by its name",
                    value.as_foreign().type_name()));
  }
  if (value.is_future()) throw_future_cannot_travel("a value to be sent");
  ValueHooks::write(out, value);
}

Value WireHooks::read(ExtType type, std::span<const std::byte> bytes, detail::Ref<Buffer> segment) {
  if ((type == ExtType::kForeign || type == ExtType::kForeignSegment) && !runs_nothing(bytes))
    has_foreign_ = true;
  switch (type) {
    case ExtType::kRRef: return read_reference(bytes);
    case ExtType::kForeign: {
      if (bytes.empty()) throw ValueError("a foreign payload without a language");
      std::vector<std::byte> copy(bytes.begin() + 1, bytes.end());
      return detail::Ref<Foreign>(detail::make_ref<ForeignPayload>(std::move(copy), std::vector<Value>(),
                                                                   static_cast<uint8_t>(bytes[0])));
    }
    case ExtType::kForeignSegment: {
      if (bytes.empty() || !segment) throw ValueError("a foreign payload without its segment");
      const std::span<const std::byte> view = segment->bytes();
      return detail::Ref<Foreign>(detail::make_ref<ForeignPayload>(
          view, std::move(segment), std::vector<Value>(), static_cast<uint8_t>(bytes[0])));
    }
    case ExtType::kCode:
    case ExtType::kCodeSegment: {
      has_foreign_ = true;  // whoever looks at it may run it
      const std::string_view all = text_in(bytes);
      if (all.size() < kCodeHashBytes)
        throw ValueError(fmt::format("script code of {} bytes, without a hash", all.size()));
      return read_code(all.substr(0, kCodeHashBytes),
                       segment ? text_in(segment->bytes()) : all.substr(kCodeHashBytes));
    }
    default: return ValueHooks::read(type, bytes, std::move(segment));
  }
}

Value WireHooks::read_reference(std::span<const std::byte> bytes) {
  try {
    return detail::Ref<RRefObject>(references_.read(bytes, peer_));
  } catch (const ValueError&) {
    if (!unknown_) unknown_ = std::current_exception();
    return {};  // must_refuse() says so
  }
}

// A text that is not little is sent from where it lies.
void WireHooks::write_code(BodyWriter& out, const CodeValue& value) {
  const auto& [hash, text] = *value.code();
  const bool sends = !text.empty() && (!codes_ || codes_->needs_text(hash));
  const bool beside = sends && text.size() > kInlineForeignBytes;
  const size_t more = beside ? 4 : sends ? text.size() : 0;
  uint32_t segment = 0;
  if (beside)
    segment = out.segment({std::as_bytes(std::span(text)),
                           detail::Ref<detail::RefCounted>::share(const_cast<CodeValue*>(&value))});
  std::byte* p =
      out.ext(static_cast<int8_t>(beside ? ExtType::kCodeSegment : ExtType::kCode), kCodeHashBytes + more);
  std::memcpy(p, hash.data(), kCodeHashBytes);
  if (beside) {
    put_le<uint32_t>(p + kCodeHashBytes, segment);
  } else if (sends) {
    std::memcpy(p + kCodeHashBytes, text.data(), text.size());
  }
}

Value WireHooks::read_code(std::string_view hash, std::string_view text) {
  std::shared_ptr<const ScriptCode> code;
  bool tells = false;
  // A worker that takes none remembers none.
  if (codes_ && references_.workers().takes_foreign()) {
    std::tie(code, tells) = codes_->came(hash, text);
  } else {
    code = std::make_shared<const ScriptCode>(ScriptCode{std::string(hash), std::string(text)});
  }
  if (tells && told_) {
    OutFrame known(FrameKind::kCodeKnown);
    known.body.str(hash);
    told_->tell(std::move(known));
  }
  return detail::Ref<Foreign>(detail::make_ref<CodeValue>(std::move(code)));
}

bool on_code_known(Peer& from, const Frame& frame) noexcept {
  try {
    BodyReader in(frame.body);
    const std::string hash(in.str());
    in.expect_end();
    from.codes.set_there(hash);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

std::exception_ptr WireHooks::refusal_of(std::string_view what) const {
  if (unknown_)
    return make_error(ErrorKind::kValue, fmt::format("{} cannot be read: {}", what, message_of(unknown_)));
  return make_error(
      ErrorKind::kAuth,
      fmt::format(
          "{} is or holds a pickle, and this worker reads none of others: it was started with "
          "allow=\"registered\". Numbers, str, None, tensors, RRefs, and lists, tuples and dicts of these "
          "travel without",
          what));
}

void WireHooks::hand_over(OutFrame& frame) {
  for (auto& rref : carried_) frame.keep(std::move(rref));
  carried_.clear();
}

void WireHooks::undo() noexcept {
  for (const auto& done : exports_) references_.undo(done);
  exports_.clear();
}

ForeignBytes bytes_of(const ForeignPayload& payload) {
  return {payload.language(), payload.bytes(),
          detail::Ref<detail::RefCounted>::share(const_cast<ForeignPayload*>(&payload))};
}

void write_last_value(BodyWriter& out, const Value& value, ValueHooks& hooks) {
  const ForeignPayload* payload = ForeignPayload::in(value);
  if (!payload) return write_value(out, value, hooks);
  write_foreign(out, payload->language(), payload->bytes(),
                detail::Ref<detail::RefCounted>::share(&value.as_foreign()));
  for (const Value& leaf : payload->leaves()) write_value(out, leaf, hooks);
}

Value read_last_value(BodyReader& in, ReceivedSegments& segments, ValueHooks& hooks) {
  Value value = read_value(in, segments, hooks);
  if (const ForeignPayload* payload = ForeignPayload::in(value); payload && !in.at_end()) {
    std::vector<Value> leaves;
    while (!in.at_end()) leaves.push_back(read_value(in, segments, hooks));
    return ForeignPayload::with_leaves(value, std::move(leaves));
  }
  in.expect_end();
  return value;
}

void tell_error(Peer& caller, uint64_t call, const ErrorBody& error) noexcept {
  std::string why;
  try {
    OutFrame frame(FrameKind::kError, call);
    write_error(frame.body, error);
    const auto failed = caller.send(std::move(frame));
    if (!failed || caller.dead()) return;  // its death tells
    why = describe(failed);
  } catch (const std::exception& e) {
    why = e.what();
  }
  try {
    ErrorBody less;
    less.kind = error.kind;
    less.message =
        fmt::format("{} (the rest could not be sent: {})", error.message.substr(0, 200), why.substr(0, 200));
    OutFrame frame(FrameKind::kError, call);
    write_error(frame.body, less);
    caller.tell(std::move(frame));
  } catch (const std::bad_alloc&) {
    caller.end_for_want_of_memory();
  }
}

ErrorBody error_body_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const RemoteException& e) {
    // On its way through: the foreign object is passed on unread.
    ErrorBody body;
    const ErrorBody& from = e.body();
    body.kind = from.kind;
    body.message = from.message;
    body.trail = e.trail();
    body.module = from.module;
    body.qualname = from.qualname;
    body.traceback = from.traceback;
    body.pickled = from.pickled;
    if (e.cause()) body.cause = std::make_unique<ErrorBody>(ErrorBody::of(e.cause()));
    return body;
  } catch (...) {
    return ErrorBody::of(error);
  }
}

std::exception_ptr error_from(ErrorBody body, const CallState& call, TimePoint now, bool takes_foreign) {
  if (!takes_foreign) make_plain(body);
  Hop hop = call.hop(now);
  for (Hop& inner : body.trail) {
    if (inner.kind == Hop::Kind::kWorker && inner.began.count() >= 0) inner.began += hop.began;
  }
  if (body.qualname.empty() && body.pickled.empty()) return with_hop(body.to_exception(), std::move(hop));
  body.trail.push_back(std::move(hop));
  return RemoteException(std::make_shared<const ErrorBody>(std::move(body))).to_exception_ptr();
}

}  // namespace tine::rpc

#include "src/rpc/call.h"

#include <fmt/format.h>

#include <algorithm>

namespace tine::rpc {

ForeignPayload::ForeignPayload(std::vector<std::byte> bytes, std::vector<Value> leaves, uint8_t language)
    : kept_(std::move(bytes)), bytes_(kept_), leaves_(std::move(leaves)), language_(language) {}

ForeignPayload::ForeignPayload(std::span<const std::byte> bytes, detail::Ref<detail::RefCounted> owner,
                               std::vector<Value> leaves, uint8_t language)
    : bytes_(bytes), owner_(std::move(owner)), leaves_(std::move(leaves)), language_(language) {}

std::string ForeignPayload::type_name() const {
  switch (language_) {
    case kPythonPickle: return "pickled Python object";
    case kPythonBytes: return "Python bytes object";
    case kPythonValue: return "Python result";
    default: return fmt::format("payload of language {}", language_);
  }
}

std::string ForeignPayload::repr() const {
  return fmt::format("<{}, {} bytes, {} values beside>", type_name(), bytes_.size(), leaves_.size());
}

ForeignPayload* ForeignPayload::in(const Value& value) noexcept {
  return value.is(Tag::kForeign) ? dynamic_cast<ForeignPayload*>(&value.as_foreign()) : nullptr;
}

Value ForeignPayload::with_leaves(const Value& payload, std::vector<Value> leaves) {
  const ForeignPayload& from = *in(payload);
  return detail::Ref<Foreign>(detail::make_ref<ForeignPayload>(
      from.bytes_, detail::Ref<detail::RefCounted>::share(&payload.as_foreign()), std::move(leaves),
      from.language_));
}

std::string CodeValue::type_name() const { return "script code"; }
std::string CodeValue::repr() const {
  return fmt::format("<script code {}, {} bytes>", code_->hash, code_->text.size());
}
const CodeValue* CodeValue::in(const Value& value) noexcept {
  return value.is(Tag::kForeign) ? dynamic_cast<const CodeValue*>(&value.as_foreign()) : nullptr;
}

namespace {

ErrorKind kind_of(const ErrorBody& body) {
  ErrorKind kind;
  return kind_named(body.kind, &kind) ? kind : ErrorKind::kRemote;
}

std::exception_ptr cause_of(const ErrorBody& body) {
  if (!body.cause) return nullptr;
  return body.cause->to_exception();
}

}  // namespace

RemoteException::RemoteException(std::shared_ptr<const ErrorBody> body)
    : Error(body->message, kind_of(*body)), body_(std::move(body)) {
  for (const Hop& hop : body_->trail) add_hop(hop);
  if (auto cause = cause_of(*body_)) set_cause(std::move(cause));
}

RemoteException::~RemoteException() = default;

std::exception_ptr RemoteException::to_exception_ptr() const { return std::make_exception_ptr(*this); }

CallRequest CallRequest::builtin(std::string name, std::vector<Value> args,
                                 std::vector<std::pair<std::string, Value>> kwargs) {
  CallRequest request;
  request.target = Target::kBuiltin;
  request.name = std::move(name);
  request.args = std::move(args);
  request.kwargs = std::move(kwargs);
  return request;
}

CallRequest CallRequest::script(std::string name, std::shared_ptr<const ScriptCode> code,
                                std::vector<Value> args, std::vector<std::pair<std::string, Value>> kwargs) {
  CallRequest request = builtin(std::move(name), std::move(args), std::move(kwargs));
  request.target = Target::kScript;
  request.code = std::move(code);
  return request;
}

CallRequest CallRequest::foreign(std::string name, detail::Ref<ForeignPayload> payload,
                                 bool async_execution) {
  CallRequest request;
  request.target = Target::kForeign;
  request.name = std::move(name);
  request.args.emplace_back(detail::Ref<Foreign>(std::move(payload)));
  request.async_execution = async_execution;
  return request;
}

CallRequest CallRequest::served(std::string name, std::vector<Value> args,
                                std::vector<std::pair<std::string, Value>> kwargs) {
  CallRequest request = builtin(std::move(name), std::move(args), std::move(kwargs));
  request.target = Target::kServed;
  return request;
}

void throw_future_cannot_travel(std::string_view where) {
  throw TypeError(
      fmt::format("Can not pickle torch.futures.Future: {} holds a Future, which exists in its own process "
                  "only; wait for it and send its value, or return it from an @async_execution function",
                  where));
}

namespace {

// Lists may hold themselves: past the depth that can travel there is nothing to find.
bool holds_future(const Value& value, int depth) {
  const auto any = [depth](std::span<const Value> items) {
    return std::any_of(items.begin(), items.end(),
                       [depth](const Value& v) { return holds_future(v, depth + 1); });
  };
  if (depth > kMaxNesting) return false;
  switch (value.tag()) {
    case Tag::kFuture: return true;
    case Tag::kList: return any(value.as_list().items);
    case Tag::kTuple: return any(value.as_tuple().items);
    case Tag::kDict: {
      const auto& items = value.as_dict().items();
      return std::any_of(items.begin(), items.end(),
                         [depth](const auto& item) { return holds_future(item.second, depth + 1); });
    }
    case Tag::kObject: return any(value.as_object().slots);
    case Tag::kForeign: {
      const ForeignPayload* payload = ForeignPayload::in(value);
      return payload && any(payload->leaves());
    }
    default: return false;
  }
}

}  // namespace

bool holds_future(const Value& value) { return holds_future(value, 0); }

void refuse_futures(const CallRequest& request) {
  for (size_t i = 0; i < request.args.size(); ++i) {
    if (holds_future(request.args[i]))
      throw_future_cannot_travel(fmt::format("argument {} of {}", i + 1, request.name));
  }
  for (const auto& [key, value] : request.kwargs) {
    if (holds_future(value))
      throw_future_cannot_travel(fmt::format("argument '{}' of {}", key, request.name));
  }
}

}  // namespace tine::rpc

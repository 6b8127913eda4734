#include "src/rpc/wire/request.h"

#include <fmt/format.h>

#include "tine/error.h"

namespace tine::rpc {

void write_request(BodyWriter& out, const RequestView& request, ValueHooks& hooks) {
  out.array(5);
  out.integer(static_cast<int64_t>(request.target));
  out.str(request.name);
  out.array(size_t{request.foreign != nullptr} + request.args.size());
  if (const ForeignBytes* f = request.foreign) write_foreign(out, f->language, f->bytes, f->owner);
  for (const Value& v : request.args) write_value(out, v, hooks);
  out.map(request.kwargs.size());
  for (const auto& [key, value] : request.kwargs) {
    out.str(key);
    write_value(out, value, hooks);
  }
  out.map(size_t{!request.code_hash.empty()} + size_t{!request.code_text.empty()} +
          size_t{request.creates != nullptr} + size_t{request.async_execution} +
          size_t{request.after != nullptr} + size_t{request.stream_credit > 0});
  const auto option = [&out](RequestOption o) { out.integer(static_cast<int64_t>(o)); };
  if (!request.code_hash.empty()) {
    option(RequestOption::kCodeHash);
    out.str(request.code_hash);
  }
  if (!request.code_text.empty()) {
    option(RequestOption::kCodeText);
    out.str(request.code_text);
  }
  if (request.creates) {
    option(RequestOption::kCreates);
    write_rref_id(out, *request.creates);
  }
  if (request.async_execution) {
    option(RequestOption::kAsyncExecution);
    out.boolean(true);
  }
  if (request.after) {
    option(RequestOption::kAfter);
    write_value(out, *request.after, hooks);
  }
  if (request.stream_credit) {
    option(RequestOption::kStream);
    out.integer(static_cast<int64_t>(request.stream_credit));
  }
}

void Request::read(std::span<const std::byte> body, ReceivedSegments& segments, ValueHooks& hooks) {
  BodyReader in(body);
  const size_t fields = in.array();
  if (fields < 5)
    throw ValueError(
        fmt::format("a request of {} fields, expected [target, name, args, kwargs, options]", fields));
  const int64_t number = in.integer();
  if (number < 0 || number > static_cast<int64_t>(Target::kNext)) {
    throw ValueError(fmt::format("a request with target {}, which this worker does not know", number));
  }
  target = static_cast<Target>(number);
  name = in.str();
  size_t count = in.array();
  args.reserve(count);
  for (; count > 0; --count) args.push_back(read_value(in, segments, hooks));
  count = in.map();
  for (; count > 0; --count) {
    std::string key(in.str());
    kwargs.emplace_back(std::move(key), read_value(in, segments, hooks));
  }
  for (count = in.map(); count > 0; --count) {
    switch (static_cast<RequestOption>(in.integer())) {
      case RequestOption::kCodeHash: code_hash = in.str(); break;
      case RequestOption::kCodeText: code_text = in.str(); break;
      case RequestOption::kAsyncExecution: async_execution = in.boolean(); break;
      case RequestOption::kAfter: after = read_value(in, segments, hooks); break;
      case RequestOption::kStream: {
        const int64_t credit = in.integer();
        if (credit < 1 || credit > static_cast<int64_t>(kMaxStreamCredit))
          throw ValueError(fmt::format("a request for a stream with a credit of {}", credit));
        stream_credit = static_cast<size_t>(credit);
        break;
      }
      case RequestOption::kCreates: creates = parse_rref_id(in.bin()); break;
      default: in.skip();
    }
  }
  for (size_t i = 5; i < fields; ++i) in.skip();
  in.expect_end();
}

std::optional<RRefId> Request::creates_of(std::span<const std::byte> body) noexcept try {
  BodyReader in(body);
  if (in.array() < 5) return {};
  for (int field = 0; field < 4; ++field) in.skip();
  for (size_t count = in.map(); count > 0; --count) {
    if (static_cast<RequestOption>(in.integer()) == RequestOption::kCreates) return parse_rref_id(in.bin());
    in.skip();
  }
  return {};
} catch (const std::exception&) {
  return {};
}

}  // namespace tine::rpc

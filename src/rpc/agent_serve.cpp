// Frames that come in: calls of others, answers to ours, messages about references.

#include <fmt/format.h>

#include "src/rpc/agent_core.h"

namespace tine::rpc {
const Op* AgentCore::resolve(const std::string& name, const std::vector<Value>& args,
                             const std::vector<std::pair<std::string, Value>>& kwargs,
                             std::vector<Value>* bound) {
  if (!options.ops)
    throw TypeError(fmt::format("worker '{}' has no operators: it cannot run {}", self().name, name));
  std::vector<Keyword> keywords;
  keywords.reserve(kwargs.size());
  for (const auto& [key, value] : kwargs) keywords.emplace_back(key, value);
  return &options.ops->resolve(name, args, keywords, Boundary::kPython, bound);
}

Value AgentCore::run(const Op& op, const std::vector<Value>& bound) {
  OpContext context = options.op_context ? options.op_context() : OpContext{};
  return tine::call(op, context, bound.data());
}

bool AgentCore::is_short(const Op& op, const std::vector<Value>& bound) noexcept {
  return nanoseconds(op, bound.data()) <= kShort;
}

struct AgentCore::Request {
  Target target = Target::kBuiltin;
  std::string name;
  std::vector<Value> args;
  std::vector<std::pair<std::string, Value>> kwargs;
  std::string code_hash, code_text;
  std::optional<RRefId> creates;
  bool async_execution = false;
  std::optional<Value> after;

  void read(Frame& frame, ValueHooks& hooks) {
    BodyReader in(frame.body);
    ReceivedSegments segments(std::move(frame.segments));
    const size_t fields = in.array();
    if (fields < 5)
      throw ValueError(
          fmt::format("a request of {} fields, expected [target, name, args, kwargs, options]", fields));
    const int64_t number = in.integer();
    if (number < 0 || number > static_cast<int64_t>(Target::kControl)) {
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
        case RequestOption::kCreates: {
          const auto bytes = in.bin();
          if (bytes.size() != kRRefIdBytes)
            throw ValueError(fmt::format("a reference's id of {} bytes", bytes.size()));
          creates = get_rref_id(bytes.data());
          break;
        }
        default: in.skip();
      }
    }
    for (size_t i = 5; i < fields; ++i) in.skip();
    in.expect_end();
    if (target != Target::kForeign) return;
    if (args.empty() || !ForeignPayload::in(args[0])) throw ValueError("a foreign call without its payload");
    if (args.size() > 1) {
      std::vector<Value> leaves(std::make_move_iterator(args.begin() + 1),
                                std::make_move_iterator(args.end()));
      args[0] = ForeignPayload::with_leaves(args[0], std::move(leaves));
      args.resize(1);
    }
  }
};

void AgentCore::on_frame(Peer& peer, Frame& frame) noexcept {
  switch (frame.header.kind) {
    case FrameKind::kRequest: try { serve(peer, frame);
      } catch (...) {
        peer.send_error(frame.header.call_id, error_body_of(std::current_exception()));
      }
      return;
    case FrameKind::kReply:
    case FrameKind::kError: return complete(peer, frame);
    case FrameKind::kCancel: return peer.cancel_incoming(frame.header.call_id);
    default:
      if (!rrefs.on_frame(peer.info.id, frame)) {
        log(fmt::format("worker '{}' sent a malformed {}", peer.info.name, name_of(frame.header.kind)));
      }
  }
}

bool AgentCore::hold(IncomingState& call) {
  if (!holding_.load(std::memory_order_acquire)) return false;
  const std::lock_guard lock(mutex_);
  if (!holding_.load(std::memory_order_relaxed)) return false;
  held_.push_back(detail::Ref<IncomingState>::share(&call));
  return true;
}

void AgentCore::open() {
  std::vector<detail::Ref<IncomingState>> held;
  {
    const std::lock_guard lock(mutex_);
    holding_.store(false, std::memory_order_release);
    held.swap(held_);
  }
  for (const auto& call : held)
    call->run_handler(call->target == Target::kForeign ? &blocking() : options.executor);
}

void AgentCore::complete(Peer& peer, Frame& frame) noexcept {
  const detail::Ref<CallState> call = peer.calls.take(frame.header.call_id);
  try {
    BodyReader in(frame.body);
    if (frame.header.kind == FrameKind::kError) {
      ReceivedSegments segments(std::move(frame.segments));
      if (call) call->fail(error_from(read_error(in, segments), peer.info));
      return;
    }
    // Also when nobody waits any more: the references in it were counted when they were sent.
    WireHooks hooks(*this, peer.info.id);
    ReceivedSegments segments(std::move(frame.segments));
    Value value = read_last_value(in, segments, hooks);
    if (call) call->emplace(std::move(value));
  } catch (...) {
    if (call) {
      call->fail(make_error(ErrorKind::kValue,
                            fmt::format("the answer of worker '{}' to {} cannot be read: {}", peer.info.name,
                                        call->what, describe(std::current_exception()))));
    }
  }
}

void AgentCore::serve(Peer& peer, Frame& frame) {
  const uint64_t id = frame.header.call_id;
  const TimePoint deadline = frame.deadline();
  Request request;
  {
    WireHooks hooks(*this, peer.info.id);
    request.read(frame, hooks);
  }
  count_start(request.target);
  if (request.target == Target::kBuiltin && !request.creates) {
    std::vector<Value> bound;
    const Op* const op = resolve(request.name, request.args, request.kwargs, &bound);
    if (is_short(*op, bound)) {
      const Value result = run(*op, bound);
      WireHooks hooks(*this, peer.info.id);
      OutFrame reply(FrameKind::kReply, id);
      write_last_value(reply.body, result, hooks);
      if (auto error = peer.send(std::move(reply))) std::rethrow_exception(error);
      hooks.sent();
      return;
    }
  }
  auto call = detail::make_ref<IncomingState>(shared_from_this(), detail::Ref<Peer>::share(&peer), id,
                                              request.target, deadline);
  call->name = std::move(request.name);
  call->args = std::move(request.args);
  call->kwargs = std::move(request.kwargs);
  call->code_hash = std::move(request.code_hash);
  call->code_text = std::move(request.code_text);
  call->async_execution = request.async_execution;
  if (request.creates) {
    if (request.creates->owner != options.rank || request.creates->owner_incarnation != incarnation) {
      return call->answer_error(
          make_error(ErrorKind::kValue, "a reference's creation that is meant for another worker"));
    }
    call->creates = rrefs.create(*request.creates, peer.info.id);
  }
  dispatch(std::move(call), std::move(request.after));
}

void AgentCore::dispatch(detail::Ref<IncomingState> call, std::optional<Value> after) {
  try {
    std::optional<Future<Value>> first;
    if (after) first = RRef::from(*after)->local_value();
    switch (call->target) {
      case Target::kBuiltin: {
        std::vector<Value> bound;
        const Op* const op = resolve(call->name, call->args, call->kwargs, &bound);
        if (is_short(*op, bound)) return call->answer(run(*op, bound));
        return call->run_operator(*op, std::move(bound));
      }
      case Target::kScript:
      case Target::kForeign: {
        const bool script = call->target == Target::kScript;
        // On a reader scripts run in place; the caller's own thread is none.
        Executor* const executor = !script ? &blocking() : call->local ? options.executor : nullptr;
        if (first && !first->ready())
          return call->run_handler_after(*first, script ? options.executor : executor);
        if (first && first->error()) return call->answer_error(first->error());
        return call->run_handler(executor);
      }
      case Target::kFetch: {
        if (call->args.size() != 1) throw ValueError("a fetch without its reference");
        return call->answer_with(RRef::from(call->args[0])->local_value(), false);
      }
      case Target::kControl: return serve_control(call);
    }
  } catch (...) {
    call->answer_error(std::current_exception());
  }
}

}  // namespace tine::rpc

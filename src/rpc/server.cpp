#include "src/rpc/server.h"

#include <fmt/format.h>

#include "src/rpc/payload.h"
#include "src/rpc/served_stream.h"
#include "src/value/cost.h"

namespace tine::rpc {
namespace {

Place place_of(const Op& op, const std::vector<Value>& bound, At at) noexcept {
  Work work{Work::Kind::kOperator};
  work.nanoseconds = nanoseconds(op, bound.data());
  return place_for(work, at);
}

Place place_of(const IncomingState& call, At at) noexcept {
  Work work{call.target == Target::kScript ? Work::Kind::kScript : Work::Kind::kHandler};
  work.brings_code = !call.code_text.empty();
  return place_for(work, at);
}

}  // namespace

Server::Server(World& world, RRefTable& table, Options options)
    : world_(world), ops_(options.ops), allow_(options.allow), holding_(options.hold) {
  handler = options.handler;
  codec = options.codec;
  executor = options.executor;
  blocking = options.blocking;
  callbacks = options.callbacks;
  op_context = std::move(options.op_context);
  worker = world.name();
  references = &table;
}

void Server::ready(std::weak_ptr<void> owner, ControlHandler& control) {
  owner_ = std::move(owner);
  control_ = &control;
}

const Op& Server::resolve(const std::string& name, const std::vector<Value>& args,
                          const std::vector<std::pair<std::string, Value>>& kwargs,
                          std::vector<Value>* bound) const {
  if (!ops_) throw TypeError(fmt::format("worker '{}' has no operators: it cannot run {}", worker, name));
  std::vector<Keyword> keywords;
  keywords.reserve(kwargs.size());
  for (const auto& [key, value] : kwargs) keywords.emplace_back(key, value);
  return ops_->resolve(name, args, keywords, Boundary::kPython, bound);
}

detail::Ref<IncomingState> Server::incoming(Peer& from, uint64_t id, Target target, TimePoint deadline) {
  return detail::make_ref<IncomingState>(std::shared_ptr<CallServices>(owner_.lock(), this), *from.incoming,
                                         detail::Ref<Peer>::share(&from), id, target, deadline);
}

void Server::serve(Peer& from, Frame& frame, At at) noexcept {
  try {
    serve_or_answer(from, frame, at);
  } catch (const std::bad_alloc&) {
    // There is no memory to say why: the end of the connection fails the call, and what it was to create.
    from.end_for_want_of_memory();
  }
}

void Server::check_allowed(const Request& request) const {
  if (allow_ == Allow::kAll) return;
  std::string_view what;
  switch (request.target) {
    case Target::kServed:
    case Target::kFetch:
    case Target::kNext:
    case Target::kControl: return;
    case Target::kBuiltin: what = "the operator"; break;
    case Target::kScript: what = "the script function"; break;
    default: what = "the function"; break;
  }
  throw AuthError(fmt::format(
      "worker '{}' does not run {} {} for others: it was started with allow=\"registered\", so they "
      "call functions that it has registered (in Python @rpc.register, in C++ Worker::serve), by "
      "their names",
      worker, what, request.name));
}

void Server::serve_or_answer(Peer& from, Frame& frame, At at) {
  Request request;
  bool is_read = false;
  try {
    WireHooks hooks(*references, from);
    ReceivedSegments segments(std::move(frame.segments));
    request.read(frame.body, segments, hooks);
    is_read = true;
    check_allowed(request);
    if (hooks.must_refuse())
      std::rethrow_exception(hooks.refusal_of(fmt::format("an argument of {}", request.name)));
    if (request.target == Target::kForeign) {
      std::vector<Value>& args = request.args;
      const bool has_payload = !args.empty() && ForeignPayload::in(args[0]);
      if (!has_payload && (args.empty() || !(args[0].is_int() || args[0].is(Tag::kRRef))))
        throw ValueError("a foreign call without its payload, and without what names a function");
      if (has_payload && args.size() > 1) {
        std::vector<Value> leaves(std::make_move_iterator(args.begin() + 1),
                                  std::make_move_iterator(args.end()));
        args[0] = ForeignPayload::with_leaves(args[0], std::move(leaves));
        args.resize(1);
      }
    }
    begin(from, frame, request, at);
  } catch (...) {
    std::exception_ptr error = std::current_exception();
    if (!is_read) {
      // A call that is refused anyway may have had arguments that are, too: what is wrong with the call comes first.
      try {
        check_allowed(request);
      } catch (const AuthError&) {
        error = std::current_exception();
      }
    }
    // It has not become a call yet. Others may know of what it was to create.
    const auto id = request.creates ? request.creates : Request::creates_of(frame.body);
    if (id && id->owner == world_.rank() && id->owner_incarnation == world_.incarnation())
      references->create(*id, from.info.id)->fail(error);
    tell_error(from, frame.header.call_id, error_body_of(error));
  }
}

// Throws only as long as there is no IncomingState, which answers for itself.
void Server::begin(Peer& from, Frame& frame, Request& request, At at) {
  if (request.target != Target::kControl) begun_.fetch_add(1, std::memory_order_relaxed);
  const Op* op = nullptr;
  std::vector<Value> bound;
  Place where = Place::kPool;
  if (request.target == Target::kBuiltin && !request.creates && !request.after) {
    op = &resolve(request.name, request.args, request.kwargs, &bound);
    where = place_of(*op, bound, at);
    if (where == Place::kHere) {
      const Value result = run(*op, bound.data());
      WireHooks hooks(*references, from);
      OutFrame reply(FrameKind::kReply, frame.header.call_id);
      write_last_value(reply.body, result, hooks);
      hooks.hand_over(reply);
      if (auto error = from.send(std::move(reply))) std::rethrow_exception(error);
      hooks.sent();
      return;
    }
  }
  const auto call = incoming(from, frame.header.call_id, request.target, frame.deadline());
  call->origin = frame.received;
  try {
    call->name = std::move(request.name);
    call->args = std::move(request.args);
    call->kwargs = std::move(request.kwargs);
    call->code_hash = std::move(request.code_hash);
    call->code_text = std::move(request.code_text);
    call->async_execution = request.async_execution;
    call->after = std::move(request.after);
    call->stream_credit = request.stream_credit;
    if (request.creates) {
      if (request.creates->owner != world_.rank() ||
          request.creates->owner_incarnation != world_.incarnation())
        throw ValueError("a reference's creation that is meant for another worker");
      call->creates = references->create(*request.creates, from.info.id);
    }
    if (op) return call->run_operator(*op, std::move(bound), where);
  } catch (...) {
    return call->answer_error(std::current_exception());
  }
  place(call, at);
}

void Server::serve_local(detail::Ref<CallState> state, CallRequest request, detail::Ref<OwnerEntry> creates) {
  begun_.fetch_add(1, std::memory_order_relaxed);
  auto call = incoming(*world_.own(), state->id, request.target, state->deadline);
  call->origin = state->origin;
  call->local = std::move(state);
  call->name = std::move(request.name);
  call->args = std::move(request.args);
  call->kwargs = std::move(request.kwargs);
  call->async_execution = request.async_execution;
  call->stream_credit = request.stream_credit;
  if (request.code) {
    call->code_hash = request.code->hash;
    call->code_text = request.code->text;
  }
  if (request.after) call->after = Value(std::move(request.after));
  call->creates = std::move(creates);
  place(std::move(call), At::kElsewhere);
}

void Server::place(detail::Ref<IncomingState> call, At at) noexcept {
  try {
    if (call->after) {
      const Future<Value> first = Reference::from(*std::exchange(call->after, std::nullopt))->local_value();
      if (!first.ready()) return call->place_after(first);
      if (first.error()) return call->answer_error(first.error());
    }
    switch (call->target) {
      case Target::kBuiltin: {
        std::vector<Value> bound;
        const Op& op = resolve(call->name, call->args, call->kwargs, &bound);
        return call->run_operator(op, std::move(bound), place_of(op, bound, at));
      }
      case Target::kScript:
      case Target::kForeign:
      case Target::kServed:
        if (!hold(call)) call->run_handler(place_of(*call, at));
        return;
      case Target::kFetch:
        if (call->args.size() != 1) throw ValueError("a fetch without its reference");
        return call->answer_with(Reference::from(call->args[0])->local_value(), false);
      case Target::kNext: {
        if (call->args.size() != 2 || !call->args[1].is_int())
          throw ValueError("a request for the next items without the stream and a number");
        const Future<Value> stream = Reference::from(call->args[0])->local_value();
        const int64_t taken = call->args[1].as_int();
        if (!stream.ready()) {
          // No code of a user's: it hands the request to the stream.
          return call->answer_with(
              stream.and_then([taken](const Value& value) { return next_items(value, taken); }), true);
        }
        return call->answer_with(next_items(stream.get(), taken), true);
      }
      case Target::kControl: return control_->serve_control(call);
    }
  } catch (...) {
    call->answer_error(std::current_exception());
  }
}

bool Server::hold(const detail::Ref<IncomingState>& call) {
  if (!holding_.load(std::memory_order_acquire)) return false;
  {
    const MutexLock lock(mutex_);
    if (!holding_.load(std::memory_order_relaxed)) return false;
    if (!closed_) {
      held_.push_back(call);
      return true;
    }
  }
  throw Abandoned(fmt::format("worker '{}' ended before it was ready to run {}", worker, call->name));
}

void Server::open() noexcept {
  std::vector<detail::Ref<IncomingState>> held;
  {
    const MutexLock lock(mutex_);
    holding_.store(false, std::memory_order_release);
    held.swap(held_);
  }
  for (const auto& call : held) place(call, At::kElsewhere);
}

void Server::close() noexcept {
  std::vector<detail::Ref<IncomingState>> held;  // dropped outside of the lock: they answer
  const MutexLock lock(mutex_);
  closed_ = true;
  held.swap(held_);
}

size_t Server::running() const {
  size_t n = 0;
  for (const auto& p : world_.peers()) n += p->incoming->running();
  return n;
}

}  // namespace tine::rpc

#include "src/rpc/calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "src/base/error_or_want.h"
#include "src/future/origin.h"
#include "src/rpc/payload.h"
#include "tine/context.h"

namespace tine::rpc {
namespace {

constexpr std::chrono::milliseconds kSameTime{1};
constexpr std::chrono::milliseconds kOutOfMemory{100};  // until it is tried again

uint64_t remaining_us(TimePoint deadline) {
  if (deadline == kNoDeadline) return kNoTimeLimit;
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - Clock::now()).count();
  return static_cast<uint64_t>(std::max<int64_t>(left, 0));
}

// Hands the failure of a creation on to what depends on it: the value, or a fetch of it that waits.
class OnFailure final : private detail::Node {
 public:
  // A creation here, by this worker itself.
  static void of(const Future<Value>& creation, detail::Ref<OwnerEntry> entry, detail::Ref<Peer> self) {
    creation.state()->subscribe(new OnFailure(std::move(entry), std::move(self), {}));
  }
  static void of(const Future<Value>& creation, detail::Ref<CallState> fetch) {
    creation.state()->subscribe(new OnFailure({}, {}, std::move(fetch)));
  }

 private:
  OnFailure(detail::Ref<OwnerEntry> entry, detail::Ref<Peer> self, detail::Ref<CallState> fetch) noexcept
      : Node(&kOps), entry_(std::move(entry)), self_(std::move(self)), fetch_(std::move(fetch)) {}
  static void run(detail::Node* node, detail::StateBase& creation) noexcept {
    const std::unique_ptr<OnFailure> self(static_cast<OnFailure*>(node));
    if (creation.outcome() == detail::Outcome::kValue) return;
    if (self->entry_) {
      // The creation was given up by this worker's own shutdown, which is not reported.
      if (self->self_->dead()) self->entry_->value->observe();
      self->entry_->fail(creation.error());
    }
    if (self->fetch_) self->fetch_->give_up(creation.error());
  }
  static constexpr detail::NodeOps kOps{&OnFailure::run, false};

  const detail::Ref<OwnerEntry> entry_;
  const detail::Ref<Peer> self_;
  const detail::Ref<CallState> fetch_;
};

}  // namespace

CallRequest control_request(const char* name, std::vector<Value> args) {
  CallRequest request;
  request.target = Target::kControl;
  request.name = name;
  request.args = std::move(args);
  return request;
}

Calls::Calls(World& world, RRefTable& references, Server& server, Seconds timeout, Executor& callbacks,
             std::function<Loop&()> loop)
    : world_(world),
      references_(references),
      server_(server),
      callbacks_(callbacks),
      rpc_timeout_(timeout.count()),
      deadlines_(std::move(loop), [this](TimePoint now) { return sweep(now); }) {}

TimePoint Calls::deadline_after(Seconds timeout) const {
  double seconds = timeout.count();
  if (std::isnan(seconds)) throw ValueError("timeout: expected seconds (0 for none), got nan");
  if (seconds < 0) seconds = rpc_timeout().count();
  if (seconds <= 0 || seconds > kForEver.count()) return kNoDeadline;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
}

void Calls::set_rpc_timeout(Seconds timeout) {
  if (!(timeout.count() >= 0))
    throw ValueError(fmt::format("rpc_timeout is {} s: expected 0 (none) or more", timeout.count()));
  rpc_timeout_.store(timeout.count(), std::memory_order_relaxed);
}

Future<Value> Calls::call(Peer& to, CallRequest request, TimePoint deadline) {
  return Future<Value>(detail::Ref<detail::State<Value>>(start(to, std::move(request), deadline)));
}

detail::Ref<CallState> Calls::start(Peer& to, CallRequest request, TimePoint deadline, Creation* creation) {
  if (birth_.inherited()) {
    throw Error(fmt::format(
        "{} cannot be called: this process is a fork of worker '{}', whose connections are its "
        "parent's; call init_rpc here (in C++: rpc::Worker::join, of a Runtime made here) to make "
        "it a worker of its own",
        request.name, world_.name()));
  }
  if (closed_.load(std::memory_order_acquire)) {
    throw Error(fmt::format("RPC has been shut down on worker '{}': {} cannot be called", world_.name(),
                            request.name));
  }
  // The agent's own calls belong to no context, whoever happens to make them.
  detail::ContextData* const context =
      request.target == Target::kControl ? nullptr : detail::current_context();
  if (context) [[unlikely]]
    deadline = std::min(deadline, Context::current().deadline());
  auto state = detail::make_ref<CallState>(detail::Ref<Callee>::share(&to), to.helper(), request.name,
                                           request.target, deadline);
  if (context) [[unlikely]]
    state->origin = std::min(state->started, detail::origin_of(*context));
  if (context && Context::current().stopped()) [[unlikely]] {
    detail::join_context(*state, *context);
    if (state->done()) return state;  // else its deadline has passed: the sweep ends the call
  }
  // It waited for room until now. An answer could come before the next look at deadlines.
  if (state->started >= deadline) [[unlikely]] {
    state->fail(state->deadline_error(state->started));
    return state;
  }
  // In the table before it is sent, because its answer may come at once.
  if (!to.calls.add(state)) {
    state->fail(state->with_own_hop(to.refusal()));
    return state;
  }
  if (request.target != Target::kControl) begun_.fetch_add(1, std::memory_order_relaxed);
  try {
    deadlines_.watch(deadline);
    if (to.is_self) {
      start_here(state, std::move(request), creation);
    } else {
      send(to, state, request, creation);
    }
  } catch (...) {
    // The caller gets the exception. No answer, death or deadline may complete the call as well.
    (void)to.calls.take(state->id);
    throw;
  }
  // Only now: a cancellation must not overtake the request.
  if (context && !state->done()) [[unlikely]]
    detail::join_context(*state, *context);
  return state;
}

void Calls::send(Peer& to, const detail::Ref<CallState>& state, const CallRequest& request,
                 Creation* creation) {
  RequestView view;
  view.target = request.target;
  view.name = request.name;
  view.args = request.args;
  view.kwargs = request.kwargs;
  view.async_execution = request.async_execution;
  view.stream_credit = request.stream_credit;
  ForeignBytes foreign;
  const ForeignPayload* payload = request.args.empty() ? nullptr : ForeignPayload::in(request.args[0]);
  if (request.target == Target::kForeign && payload) {
    foreign = bytes_of(*payload);
    view.foreign = &foreign;
    view.args = payload->leaves();
  }
  if (request.code) {
    view.code_hash = request.code->hash;
    if (to.called_codes.needs_text(request.code->hash)) {
      view.code_text = request.code->text;
      // Remembered as known there once the answer shows that the text has arrived.
      state->code = request.code;
    }
  }
  if (creation) view.creates = &creation->id;
  Value after;
  if (request.after) {
    after = Value(request.after);
    view.after = &after;
  }
  WireHooks hooks(references_, to);
  OutFrame frame(FrameKind::kRequest, state->id, remaining_us(state->deadline));
  try {
    write_request(frame.body, view, hooks);
  } catch (const Error& e) {
    if (!hooks.needs_codec()) throw;
    throw TypeError(
        fmt::format("cannot call {} on worker '{}': {}", request.name, to.info.name, e.message()));
  }
  hooks.hand_over(frame);
  if (creation) frame.keep(creation->reference);
  // Its own node comes before any that a user adds.
  state->watch_cancellation();
  if (request.awaited && to.connected()) to.connection()->expect_wait();
  if (auto error = to.send(std::move(frame))) {
    hooks.undo();
    if (to.calls.take(state->id)) state->fail(state->with_own_hop(to.dead() ? to.death() : error));
    return;
  }
  hooks.sent();
  if (creation) creation->sent = true;
}

void Calls::start_here(detail::Ref<CallState> state, CallRequest request, Creation* creation) {
  refuse_futures(request);
  state->watch_cancellation();
  server_.serve_local(std::move(state), std::move(request),
                      creation ? creation->entry : detail::Ref<OwnerEntry>());
}

detail::Ref<Reference> Calls::remote(Peer& to, CallRequest request, TimePoint deadline) {
  Creation creation{
      {to.info.id, to.incarnation, world_.incarnation(), to.last_reference.fetch_add(1) + 1}, {}, {}};
  if (to.is_self) {
    creation.entry = detail::make_ref<OwnerEntry>(creation.id);
    const Future<Value> confirmed{
        detail::Ref<detail::State<Value>>(start(to, std::move(request), deadline, &creation))};
    // A deadline is the creator's to see: nobody else is told.
    OnFailure::of(confirmed, creation.entry, detail::Ref<Peer>::share(&to));
    return references_.own(creation.entry);
  }
  creation.reference = references_.created(creation.id, to.info);
  try {
    auto confirmed = start(to, std::move(request), deadline, &creation);
    if (!creation.sent) creation.reference->forget_lease();
    creation.reference->set_confirmed(std::move(confirmed));
  } catch (...) {
    creation.reference->forget_lease();
    throw;
  }
  return creation.reference;
}

Future<Value> Calls::fetch(const Reference& reference, TimePoint deadline) {
  const Future<Value> created = reference.is_owner() ? Future<Value>() : reference.confirmed();
  // The owner may never have heard of a creation that failed, and a fetch would wait for it in vain.
  if (created.valid() && created.ready() && created.error()) {
    // A future of its own: who asks for the value looks at this error, or is reported, whoever looked at the creation's.
    const std::exception_ptr* const error = created.state()->peek_error();
    return error ? make_failed<Value>(*error) : created;
  }
  CallRequest request;
  request.target = Target::kFetch;
  request.name = fmt::format("{}.to_here()", reference.repr());
  request.args.emplace_back(detail::Ref<RRefObject>::share(const_cast<Reference*>(&reference)));
  const RRefId& id = reference.id();
  const auto owner = world_.peer(id.owner, id.owner_incarnation);
  if (!owner) return make_failed<Value>(world_.end_of(reference.owner(), id.owner_incarnation));
  const auto fetch = start(*owner, std::move(request), deadline);
  if (created.valid() && !created.ready()) OnFailure::of(created, fetch);
  return Future<Value>(detail::Ref<detail::State<Value>>(fetch));
}

Future<Value> Calls::next_items(const Reference& stream, std::string what, int64_t taken,
                                TimePoint deadline) {
  CallRequest request;
  request.target = Target::kNext;
  request.name = std::move(what);
  request.args.emplace_back(detail::Ref<RRefObject>::share(const_cast<Reference*>(&stream)));
  request.args.emplace_back(taken);
  const RRefId& id = stream.id();
  try {
    const auto owner = world_.peer(id.owner, id.owner_incarnation);
    if (!owner) std::rethrow_exception(world_.end_of(stream.owner(), id.owner_incarnation));
    return call(*owner, std::move(request), deadline);
  } catch (...) {
    Future<Value> refused = make_failed<Value>(std::current_exception());
    // Given up by this worker's own shutdown, which is not reported.
    if (closed_.load(std::memory_order_acquire)) refused.state()->observe();
    return refused;
  }
}

void Calls::on_answer(Peer& from, Frame& frame) noexcept {
  const detail::Ref<CallState> call = from.calls.take(frame.header.call_id);
  if (call) call->answered.store(true, std::memory_order_release);
  try {
    BodyReader in(frame.body);
    ReceivedSegments segments(std::move(frame.segments));
    if (frame.header.kind == FrameKind::kError) {
      if (!call) return;
      ErrorBody error = read_error(in, segments);
      const TimePoint now = Clock::now();
      // The callee may be the first to notice that the time of this call is over, and ends its work by that.
      const bool is_over =
          call->deadline <= now + kSameTime && error.kind == name_of(ErrorKind::kDeadlineExceeded);
      call->fail(is_over ? call->deadline_error(now)
                         : error_from(std::move(error), *call, now, world_.takes_foreign()));
      return;
    }
    if (call && call->code) [[unlikely]]
      from.called_codes.set_there(call->code->hash);
    // Also when nobody waits any more: the references in it were counted when they were sent.
    WireHooks hooks(references_, from);
    Value value = read_last_value(in, segments, hooks);
    if (!call) return;
    if (hooks.must_refuse()) [[unlikely]] {
      call->fail(
          hooks.refusal_of(fmt::format("the answer of worker '{}' to {}", from.info.name, call->what)));
    } else {
      call->emplace(std::move(value));
    }
  } catch (const std::bad_alloc&) {
    if (!call) return;
    call->fail(error_or_want([&] {
      return make_error(ErrorKind::kMemory, fmt::format("no memory for the answer of worker '{}' to {}",
                                                        from.info.name, call->what));
    }));
  } catch (...) {
    if (!call) return;
    call->fail(error_or_want([&] {
      return make_error(ErrorKind::kValue,
                        fmt::format("the answer of worker '{}' to {} cannot be read: {}", from.info.name,
                                    call->what, describe(std::current_exception())));
    }));
  }
}

size_t Calls::pending() const noexcept {
  size_t n = 0;
  for (const auto& p : world_.peers()) n += p->calls.pending();
  return n;
}

std::string Calls::pending_by_name() const {
  constexpr size_t kMost = 8;  // a person reads no more
  std::string list;
  size_t names = 0;
  for (const auto& p : world_.peers()) {
    for (const UnansweredCalls& of : by_name(p->calls)) {
      if (++names > kMost) continue;
      const double age = std::chrono::duration<double>(of.oldest).count();
      list += list.empty() ? "" : ", ";
      list += of.count == 1 ? fmt::format("'{}' on '{}' (for {:.1f} s)", of.name, p->info.name, age)
                            : fmt::format("{} calls of '{}' on '{}' (the oldest for {:.1f} s)", of.count,
                                          of.name, p->info.name, age);
    }
  }
  return names > kMost ? fmt::format("{} and {} more", list, names - kMost) : list;
}

TimePoint Calls::sweep(TimePoint now) noexcept {
  TimePoint next = kNoDeadline;
  std::vector<detail::Ref<CallState>> expired;
  for (const auto& p : world_.peers()) {
    try {
      p->calls.take_expired(now, &expired, &next);
    } catch (const std::bad_alloc&) {
      next = std::min(next, now + kOutOfMemory);
    }
  }
  // The loop's thread runs this, and must not run callbacks of users.
  const detail::CallbackGate gate(callbacks_);
  for (const auto& call : expired) {
    call->fail(error_or_want([&] { return call->deadline_error(now); }));
    call->to->send_cancel(call->id);
  }
  return next;
}

}  // namespace tine::rpc

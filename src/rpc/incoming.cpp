#include "src/rpc/incoming.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/mutex.h"
#include "src/future/origin.h"
#include "src/rpc/payload.h"
#include "src/rpc/served_stream.h"

namespace tine::rpc {

bool takes_at_most(const Value& value, int64_t* budget) noexcept {
  const auto all = [budget](const std::vector<Value>& items) {
    return std::all_of(items.begin(), items.end(),
                       [budget](const Value& v) { return takes_at_most(v, budget); });
  };
  *budget -= 16;
  if (*budget < 0) return false;
  switch (value.tag()) {
    case Tag::kString: {  // longer ones are not copied either
      const size_t size = value.as_string().size();
      return (*budget -= size > kInlineTextBytes ? 64 : static_cast<int64_t>(size)) >= 0;
    }
    case Tag::kTensor: return (*budget -= 64) >= 0;  // larger ones are not copied
    case Tag::kList: return all(value.as_list().items);
    case Tag::kTuple: return all(value.as_tuple().items);
    case Tag::kObject: return all(value.as_object().slots);
    case Tag::kDict: {
      const auto& items = value.as_dict().items();
      return std::all_of(items.begin(), items.end(), [budget](const auto& item) {
        return takes_at_most(item.first, budget) && takes_at_most(item.second, budget);
      });
    }
    default: return true;
  }
}

namespace {

// Where it is encoded.
Place place_of(const Value& value) noexcept {
  int64_t budget = kWriteHere;
  const bool small = takes_at_most(value, &budget);
  return place_for({Work::Kind::kWrite, small ? 0 : kWriteHere + 1}, At::kElsewhere);
}

// It copies what is not little, or has been copied for being sent.
bool needs_room(const Value& value) noexcept {
  const ForeignPayload* const payload = ForeignPayload::in(value);
  return payload ? payload->bytes().size() > kInlineForeignBytes : place_of(value) != Place::kHere;
}

}  // namespace

Value CallServices::run(const Op& op, const Value* bound) const {
  OpContext context = op_context ? op_context() : OpContext{};
  return tine::call(op, context, bound);
}

IncomingState::IncomingState(std::shared_ptr<CallServices> s, IncomingTable<IncomingState>& t,
                             detail::Ref<Peer> from, uint64_t number, Target what, TimePoint until)
    : Node(&kSourceDone),
      services(std::move(s)),
      table(t),
      caller(std::move(from)),
      id(number),
      target(what),
      deadline(until) {
  (void)table.add(*this);
}

IncomingState::~IncomingState() {
  answer_error(make_error(
      ErrorKind::kAbandoned,
      fmt::format("the handler of worker '{}' dropped {} without an answer", services->worker, name)));
}

bool IncomingState::claim() noexcept { return !answered_.exchange(true, std::memory_order_acq_rel); }

void IncomingState::post(Step step, Executor& executor) noexcept {
  step_ = step;
  retain();
  executor.post(*this);
}

void IncomingState::run() noexcept {
  auto self = detail::Ref<IncomingState>::adopt(this);
  switch (step_) {
    case Step::kOperator:
      if (!is_over()) run_here(*op_, args);
      return;
    case Step::kHandle: {
      if (local || target == Target::kScript) return call_handler();
      const auto from = caller;
      const auto alive = services;
      const size_t hash = Lingering::hash_of(*this);
      (void)Lingering::run(std::move(self), hash, alive->durations);
      if (Connection* const connection = from->connection())
        Lingering::at(*connection, alive->durations, *alive->blocking);
      return;
    }
    case Step::kSend: return deliver(std::exchange(result_, Value()));
    case Step::kEncode:
      try {
        Value encoded = detail::Ref<Foreign>(services->codec->encode(std::exchange(result_, Value())));
        local ? deliver(std::move(encoded)) : send_value(std::move(encoded));
      } catch (...) {
        deliver_error(std::current_exception());
      }
      return;
    case Step::kEncodeError: try { send_error(services->codec->encode_error(failure_));
      } catch (...) {
        send_error(ErrorBody::of(std::current_exception()));
      }
      failure_ = nullptr;
  }
}

void IncomingState::abandon() noexcept {
  const auto self = detail::Ref<IncomingState>::adopt(this);
  not_run(make_error(ErrorKind::kAbandoned,
                     fmt::format("worker '{}' did not run {}: it is ending", services->worker, name)));
}

void IncomingState::refuse(const std::exception_ptr& why) noexcept {
  const auto self = detail::Ref<IncomingState>::adopt(this);
  not_run(make_error(ErrorKind::kRuntime, fmt::format("worker '{}' did not run {}: it has {}",
                                                      services->worker, name, message_of(why))));
}

// By the executor; what was to be encoded or sent has been claimed as the answer.
void IncomingState::not_run(const std::exception_ptr& error) noexcept {
  if (step_ == Step::kHandle || step_ == Step::kOperator) return answer_error(error);
  if (!local) return send_error(error_body_of(error));
  if (caller->calls.take(local->id)) local->fail(error);
  table.remove(*this);
}

void IncomingState::run_here(const Op& op, const std::vector<Value>& bound) noexcept {
  try {
    answer(services->run(op, bound.data()));
  } catch (...) {
    answer_error(std::current_exception());
  }
}

void IncomingState::run_operator(const Op& op, std::vector<Value> bound, Place place) {
  if (place == Place::kHere) return run_here(op, bound);
  op_ = &op;
  args = std::move(bound);
  post(Step::kOperator, services->executor_at(place));
}

void IncomingState::run_handler(Place place) {
  if (place == Place::kHereForASlice) return call_handler();
  if (place == Place::kHandler && Lingering::take(*this)) return;
  post(Step::kHandle, services->executor_at(place));
}

void IncomingState::place_after(Future<Value> value) { wait_for(Source::kTarget, *value.state()); }

void IncomingState::wait_for(Source source, detail::StateBase& state) noexcept {
  waits_for_ = source;
  retain();
  state.subscribe(this);
}

// What has not begun when its time is over is not done. Nobody waits for it any more: its caller has a clock of its
// own, and the words.
bool IncomingState::is_over() noexcept {
  if (!cancelled.load(std::memory_order_relaxed) && deadline > Clock::now()) return false;
  if (!claim()) return true;
  if (creates || local) {
    const bool died = !caller->is_self && caller->dead();
    const auto error = make_error(
        died ? ErrorKind::kPeerDied : ErrorKind::kDeadlineExceeded,
        died ? fmt::format("worker '{}' had not begun {} when worker '{}', which asked for it, died or left",
                           services->worker, name, caller->info.name)
             : fmt::format(
                   "RPC ran for more than its timeout: worker '{}' had not begun {} when the time was up",
                   services->worker, name));
    if (creates) creates->fail(error);
    if (local) local->give_up(error);
  }
  table.remove(*this);
  return true;
}

void IncomingState::call_handler() noexcept {
  if (is_over()) return;
  try {
    if (!services->handler) {
      throw TypeError(
          fmt::format("worker '{}' runs builtin operators only; it cannot run {}", services->worker, name));
    }
    services->handler->handle(IncomingCall(detail::Ref<IncomingState>::share(this)));
  } catch (...) {
    answer_error(std::current_exception());
  }
}

void IncomingState::answer(Value value) noexcept {
  if (claim()) deliver(std::move(value));
}

void IncomingState::answer_error(std::exception_ptr error) noexcept {
  if (claim()) deliver_error(std::move(error));
}

void IncomingState::deliver(Value value) noexcept {
  if (stream_credit) [[unlikely]] {
    try {
      value = serve_stream(value, stream_credit, *services->blocking, *services->callbacks, name);
    } catch (...) {
      return deliver_error(std::current_exception());
    }
  }
  if (creates || local) {
    if (holds_future(value)) {
      try {
        throw_future_cannot_travel("the result of " + name);
      } catch (...) {
        return deliver_error(std::current_exception());
      }
    }
    // The value stays here, and the answer is None.
    if (creates) creates->complete(std::exchange(value, Value()));
    if (local) {
      // A call to oneself answers as any other worker would: what cannot travel is refused here, too. What an
      // RRef holds is the very object on its owner.
      if (target != Target::kFetch && value.is(Tag::kForeign) && services->codec &&
          !ForeignPayload::in(value)) {
        result_ = std::move(value);
        return post(Step::kEncode, services->executor_at(place_for({Work::Kind::kEncode}, At::kElsewhere)));
      }
      if (caller->calls.take(local->id)) local->emplace(std::move(value));
      return table.remove(*this);
    }
  }
  if (!caller->has_room_for_answers() && needs_room(value)) [[unlikely]] {
    result_ = std::move(value);
    return wait_for(Source::kRoom, *caller->room_for_answers().state());
  }
  const Place place = place_of(value);
  // kSend: it was posted for this once already.
  if (place == Place::kHere || step_ == Step::kSend) return send_value(std::move(value));
  result_ = std::move(value);
  post(Step::kSend, services->executor_at(place));
}

void IncomingState::deliver_error(std::exception_ptr error) noexcept {
  if (creates) creates->fail(error);
  if (local) {
    if (caller->calls.take(local->id)) local->fail(std::move(error));
    return table.remove(*this);
  }
  send_failure(error);
}

void IncomingState::send_value(Value value) noexcept {
  WireHooks hooks(*services->references, caller->info.id);
  try {
    OutFrame frame(FrameKind::kReply, id);
    write_last_value(frame.body, value, hooks);
    hooks.hand_over(frame);
    if (auto error = caller->send(std::move(frame))) {
      hooks.undo();
      return send_failure(error);
    }
    hooks.sent();
  } catch (...) {
    hooks.undo();
    // It holds an object of another language. The codec makes bytes of it on a thread that may wait for that
    // language's lock, and then it is sent again.
    if (hooks.needs_codec() && services->codec && !ForeignPayload::in(value)) {
      result_ = std::move(value);
      return post(Step::kEncode, services->executor_at(place_for({Work::Kind::kEncode}, At::kElsewhere)));
    }
    return send_failure(std::current_exception());
  }
  table.remove(*this);
}

void IncomingState::send_failure(const std::exception_ptr& error) noexcept {
  if (services->codec && services->codec->owns(error)) {
    failure_ = error;
    return post(Step::kEncodeError, services->executor_at(place_for({Work::Kind::kEncode}, At::kElsewhere)));
  }
  send_error(error_body_of(error));
}

void IncomingState::send_error(const ErrorBody& body) noexcept {
  tell_error(*caller, id, body);
  table.remove(*this);
}

void IncomingState::answer_with(Future<Value> future, bool may_cancel) noexcept {
  if (!claim()) return;
  {
    const MutexLock lock(table.mutex_);
    source_ = detail::Ref<detail::State<Value>>::share(future.state());
    may_cancel_source_ = may_cancel;
  }
  // Either cancel() saw the source or this sees its mark.
  if (cancelled.load(std::memory_order_seq_cst) && may_cancel) future.cancel();
  wait_for(Source::kAnswer, *future.state());
}

void IncomingState::source_done(detail::Node* node, detail::StateBase& done) noexcept {
  const auto self = detail::Ref<IncomingState>::adopt(static_cast<IncomingState*>(node));
  switch (std::exchange(self->waits_for_, Source::kNone)) {
    case Source::kTarget:
      if (done.outcome() != detail::Outcome::kValue) return self->answer_error(done.error());
      return self->services->place(self, At::kElsewhere);
    case Source::kRoom: return self->post(Step::kSend, *self->services->executor);
    case Source::kNone:
    case Source::kAnswer: break;
  }
  detail::Ref<detail::State<Value>> source;  // dropped outside of the lock
  {
    const MutexLock lock(self->table.mutex_);
    source = std::move(self->source_);
  }
  if (done.outcome() == detail::Outcome::kValue) {
    self->deliver(static_cast<detail::State<Value>&>(done).value());
  } else {
    self->deliver_error(done.error());
  }
}

void IncomingState::wait_for_room(const Value& answer) {
  if (creates || local || !needs_room(answer)) return;
  while (!cancelled.load(std::memory_order_relaxed) && !caller->has_room_for_answers()) {
    if (Clock::now() >= deadline) return;
    // Also so that a cancellation is seen.
    (void)caller->room_for_answers().wait_until(
        std::min(deadline, Clock::now() + std::chrono::milliseconds(100)));
  }
}

Context IncomingState::context(Timer& timer) {
  CancelSource source;
  {
    const MutexLock lock(table.mutex_);
    if (!work_) work_ = source;
    source = *work_;
  }
  // Either mark_cancelled() saw the source or this sees its mark.
  if (cancelled.load(std::memory_order_seq_cst)) source.cancel();
  return detail::context_of_call(source.token(), timer, deadline, origin);
}

IncomingState::Stop IncomingState::mark_cancelled() noexcept {
  cancelled.store(true, std::memory_order_seq_cst);
  return {work_, may_cancel_source_ ? source_ : nullptr};
}

// The work first, so that it does not see its own end as the cancellation of a future.
void IncomingState::Stop::cancel() const noexcept {
  if (work) work->cancel();
  if (source) source->cancel();
}

IncomingCall::IncomingCall(detail::Ref<IncomingState> state) noexcept : state_(std::move(state)) {}
IncomingCall::IncomingCall(IncomingCall&&) noexcept = default;
IncomingCall& IncomingCall::operator=(IncomingCall&&) noexcept = default;
IncomingCall::~IncomingCall() = default;

Target IncomingCall::target() const noexcept { return state_->target; }
const std::string& IncomingCall::name() const noexcept { return state_->name; }
std::vector<Value>& IncomingCall::args() const noexcept { return state_->args; }
std::vector<std::pair<std::string, Value>>& IncomingCall::kwargs() const noexcept { return state_->kwargs; }
const std::string& IncomingCall::code_hash() const noexcept { return state_->code_hash; }
const std::string& IncomingCall::code_text() const noexcept { return state_->code_text; }
bool IncomingCall::async_execution() const noexcept { return state_->async_execution; }
bool IncomingCall::keeps_result() const noexcept { return static_cast<bool>(state_->creates); }
bool IncomingCall::wants_stream() const noexcept { return state_->stream_credit > 0; }
const WorkerInfo& IncomingCall::caller() const noexcept { return state_->caller->info; }
TimePoint IncomingCall::deadline() const noexcept { return state_->deadline; }
bool IncomingCall::cancelled() const noexcept { return state_->cancelled.load(std::memory_order_relaxed); }
Context IncomingCall::context(Timer& timer) const { return state_->context(timer); }
void IncomingCall::wait_for_room(const Value& answer) { state_->wait_for_room(answer); }
void IncomingCall::reply(Value value) { state_->answer(std::move(value)); }
void IncomingCall::fail(std::exception_ptr error) { state_->answer_error(std::move(error)); }
void IncomingCall::reply_with(Future<Value> future) { state_->answer_with(std::move(future), true); }

}  // namespace tine::rpc

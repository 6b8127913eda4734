#include "src/rpc/incoming.h"

#include <fmt/format.h>

#include "src/rpc/agent_core.h"

namespace tine::rpc {

IncomingState::IncomingState(std::shared_ptr<AgentCore> c, detail::Ref<Peer> from, uint64_t number,
                             Target what, TimePoint until)
    : Node(&kSourceDone),
      core(std::move(c)),
      caller(std::move(from)),
      id(number),
      target(what),
      deadline(until) {
  if (target != Target::kControl) core->running.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(caller->incoming_mutex);
  caller->incoming.insert_or_assign(id, this);
}

IncomingState::~IncomingState() {
  answer_error(make_error(
      ErrorKind::kAbandoned,
      fmt::format("the handler of worker '{}' dropped {} without an answer", core->self().name, name)));
}

void IncomingState::unregister() noexcept {
  if (target != Target::kControl) core->running.fetch_sub(1, std::memory_order_relaxed);
  const std::lock_guard lock(caller->incoming_mutex);
  const auto at = caller->incoming.find(id);
  if (at != caller->incoming.end() && at->second == this) caller->incoming.erase(at);
}

bool IncomingState::claim() noexcept { return !answered_.exchange(true, std::memory_order_acq_rel); }

void IncomingState::post(Step step, Executor* executor) noexcept {
  step_ = step;
  retain();
  executor->post(*this);
}

void IncomingState::run() noexcept {
  const auto self = detail::Ref<IncomingState>::adopt(this);
  switch (step_) {
    case Step::kOperator: try { answer(core->run(*op_, args));
      } catch (...) {
        answer_error(std::current_exception());
      }
      return;
    case Step::kHandle: return call_handler();
    case Step::kEncode:
      try {
        Value encoded = detail::Ref<Foreign>(core->options.codec->encode(result_));
        local ? deliver(std::move(encoded)) : send_value(encoded);
      } catch (...) {
        deliver_error(std::current_exception());
      }
      result_ = Value();
      return;
    case Step::kEncodeError: try { caller->send_error(id, core->options.codec->encode_error(failure_));
      } catch (...) {
        caller->send_error(id, ErrorBody::of(std::current_exception()));
      }
      failure_ = nullptr;
      return unregister();
  }
}

void IncomingState::abandon() noexcept {
  const auto self = detail::Ref<IncomingState>::adopt(this);
  const auto error = make_error(ErrorKind::kAbandoned, fmt::format("worker '{}' did not run {}: it is ending",
                                                                   core->self().name, name));
  if (step_ == Step::kEncode || step_ == Step::kEncodeError) {
    send_failure(error);
  } else {
    answer_error(error);
  }
}

void IncomingState::refuse(const std::exception_ptr& why) noexcept {
  const auto self = detail::Ref<IncomingState>::adopt(this);
  std::string reason = describe(why);
  try {
    std::rethrow_exception(why);
  } catch (const Error& e) {
    reason = e.message();
  } catch (...) {
  }
  answer_error(make_error(ErrorKind::kRuntime, fmt::format("worker '{}' did not run {}: it has {}",
                                                           core->self().name, name, reason)));
}

void IncomingState::run_operator(const Op& op, std::vector<Value> bound) {
  op_ = &op;
  args = std::move(bound);
  post(Step::kOperator, core->options.executor);
}

void IncomingState::run_handler(Executor* executor) {
  if (executor) {
    post(Step::kHandle, executor);
  } else {
    call_handler();
  }
}

void IncomingState::run_handler_after(Future<Value> value, Executor* executor) {
  waits_for_target_ = true;
  handler_executor_ = executor;
  retain();
  value.state()->subscribe(this);
}

void IncomingState::call_handler() noexcept {
  if (core->hold(*this)) return;
  if (cancelled.load(std::memory_order_relaxed) || deadline <= Clock::now()) {
    // Nobody waits for it any more; what has not begun is not done.
    answer_error(
        make_error(ErrorKind::kDeadlineExceeded,
                   fmt::format("{} was not begun: its caller had given up or its time was over", name)));
    return;
  }
  Handler* const handler = core->options.handler;
  try {
    if (!handler) {
      throw TypeError(
          fmt::format("worker '{}' runs builtin operators only; it cannot run {}", core->self().name, name));
    }
    handler->handle(IncomingCall(detail::Ref<IncomingState>::share(this)));
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
  if (creates || local) {
    if (holds_future(value)) {
      try {
        throw_future_cannot_travel("the result of " + name);
      } catch (...) {
        return deliver_error(std::current_exception());
      }
    }
    if (creates) {
      creates->complete(std::exchange(value, Value()));
    }
    if (local) {
      // A call to oneself answers as any other worker would: what cannot travel is refused here, too. What an
      // RRef holds is the very object on its owner.
      if (target != Target::kFetch && value.is(Tag::kForeign) && core->options.codec &&
          !ForeignPayload::in(value)) {
        result_ = std::move(value);
        return post(Step::kEncode, &core->callbacks());
      }
      if (caller->calls.take(local->id)) local->emplace(std::move(value));
      return unregister();
    }
  }
  send_value(value);
}

void IncomingState::deliver_error(std::exception_ptr error) noexcept {
  if (creates) creates->fail(error);
  if (local) {
    if (caller->calls.take(local->id)) local->fail(std::move(error));
    return unregister();
  }
  send_failure(error);
}

void IncomingState::send_value(const Value& value) noexcept {
  WireHooks hooks(*core, caller->info.id);
  try {
    OutFrame frame(FrameKind::kReply, id);
    write_last_value(frame.body, value, hooks);
    if (auto error = caller->send(std::move(frame))) {
      hooks.undo();
      return send_failure(error);
    }
    hooks.sent();
  } catch (...) {
    hooks.undo();
    if (hooks.needs_codec() && core->options.codec && !ForeignPayload::in(value)) {
      result_ = value;
      post(Step::kEncode, &core->callbacks());
      return;
    }
    return send_failure(std::current_exception());
  }
  unregister();
}

void IncomingState::send_failure(const std::exception_ptr& error) noexcept {
  if (step_ != Step::kEncodeError && core->options.codec && core->options.codec->owns(error)) {
    failure_ = error;
    return post(Step::kEncodeError, &core->callbacks());
  }
  caller->send_error(id, error_body_of(error));
  unregister();
}

void IncomingState::answer_with(Future<Value> future, bool may_cancel) noexcept {
  if (answered_.load(std::memory_order_acquire)) return;
  {
    const std::lock_guard lock(caller->incoming_mutex);
    source_ = detail::Ref<detail::State<Value>>::share(future.state());
    may_cancel_source_ = may_cancel;
  }
  // Either cancel() saw the source or this sees its mark.
  if (cancelled.load(std::memory_order_seq_cst) && may_cancel) future.cancel();
  retain();
  future.state()->subscribe(this);
}

void IncomingState::source_done(detail::Node* node, detail::StateBase& done) noexcept {
  const auto self = detail::Ref<IncomingState>::adopt(static_cast<IncomingState*>(node));
  auto& state = static_cast<detail::State<Value>&>(done);
  if (std::exchange(self->waits_for_target_, false)) {
    if (state.outcome() != detail::Outcome::kValue) return self->answer_error(state.error());
    return self->run_handler(self->handler_executor_);
  }
  detail::Ref<detail::State<Value>> source;  // dropped outside of the lock
  {
    const std::lock_guard lock(self->caller->incoming_mutex);
    source = std::move(self->source_);
  }
  if (state.outcome() == detail::Outcome::kValue) {
    self->answer(state.value());
  } else {
    self->answer_error(state.error());
  }
}

detail::Ref<detail::State<Value>> IncomingState::mark_cancelled() noexcept {
  cancelled.store(true, std::memory_order_seq_cst);
  return may_cancel_source_ ? source_ : nullptr;
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
const WorkerInfo& IncomingCall::caller() const noexcept { return state_->caller->info; }
TimePoint IncomingCall::deadline() const noexcept { return state_->deadline; }
bool IncomingCall::cancelled() const noexcept { return state_->cancelled.load(std::memory_order_relaxed); }
void IncomingCall::reply(Value value) { state_->answer(std::move(value)); }
void IncomingCall::fail(std::exception_ptr error) { state_->answer_error(std::move(error)); }
void IncomingCall::reply_with(Future<Value> future) { state_->answer_with(std::move(future), true); }

}  // namespace tine::rpc

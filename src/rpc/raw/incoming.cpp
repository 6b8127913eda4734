#include "src/rpc/raw/incoming.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/let_go.h"
#include "src/rpc/post.h"
#include "src/rpc/raw/node.h"

namespace tine::rpc {

RawCall::State::State(std::shared_ptr<RawNode::Parts> parts, detail::Ref<RawPeer> from, uint64_t number,
                      TimePoint until, RawMessage what, bool* fresh)
    : node(std::move(parts)), caller(std::move(from)), id(number), deadline(until), message(std::move(what)) {
  *fresh = caller->incoming.add(*this);
}

RawCall::State::~State() {
  if (!answered_.load(std::memory_order_acquire)) {
    fail(RawFailure::Kind::kAbandoned,
         fmt::format("the handler of {} dropped the call unanswered", describe(node->members.self())));
  }
}

void RawCall::State::place(At at) noexcept {
  if (at == At::kReader && node->handlers.enter()) {
    const bool here = node->options.handler->inline_ok(message);
    if (here) {
      const Activity::Inside inside(node->handlers);
      handle();
    }
    node->handlers.end();
    if (here) return;
  }
  retain();
  node->means.handlers.post(*this);
}

void RawCall::State::run() noexcept {
  const auto self = detail::Ref<State>::adopt(this);
  if (!node->handlers.enter()) {
    return fail(RawFailure::Kind::kAbandoned,
                fmt::format("{} was closed before it began the call", describe(node->members.self())));
  }
  {
    const Activity::Inside inside(node->handlers);
    handle();
  }
  node->handlers.end();
}

void RawCall::State::abandon() noexcept {
  const auto self = detail::Ref<State>::adopt(this);
  fail(RawFailure::Kind::kAbandoned,
       fmt::format("{} did not begin the call: it is ending", describe(node->members.self())));
}

void RawCall::State::refuse(const std::exception_ptr& why) noexcept {
  const auto self = detail::Ref<State>::adopt(this);
  fail(RawFailure::Kind::kAbandoned,
       fmt::format("{} did not begin the call: it has {}", describe(node->members.self()), message_of(why)));
}

// Nobody waits for it any more.
bool RawCall::State::is_over() const noexcept {
  return cancelled.load(std::memory_order_relaxed) || deadline <= Clock::now();
}

void RawCall::State::handle() noexcept {
  if (is_over() && !node->options.handler->late_ok(message)) {
    if (claim()) leave();
    return;
  }
  node->options.handler->handle(RawCall(detail::Ref<State>::share(this)));
}

void RawCall::State::wait_for_room() noexcept {
  if (detail::is_gated()) return;  // a thread that reads waits for nobody
  while (!cancelled.load(std::memory_order_relaxed) && !caller->dead() && !caller->connection().has_room()) {
    const TimePoint now = Clock::now();
    if (now >= deadline) return;
    // In slices, so that a cancellation is seen.
    (void)caller->connection().room().wait_until(std::min(deadline, now + std::chrono::milliseconds(100)));
  }
}

void RawCall::State::leave() noexcept { caller->incoming.remove(*this); }

void RawCall::State::reply(RawMessage answer) noexcept {
  if (node->of_parent() || !claim()) return;
  if (caller->is_self()) {
    leave();
    if (const auto call = caller->calls.take(id)) call->end(std::move(answer));
    return;
  }
  wait_for_room();
  std::string refused;
  try {
    OutFrame frame(FrameKind::kRawReply, id);
    write_message(frame, std::move(answer), node->means.callbacks);
    // A connection that has ended takes the caller with it.
    if (const auto error = caller->connection().send(std::move(frame));
        error && !caller->connection().closed())
      refused = message_of(error);
  } catch (const std::exception& e) {
    refused = e.what();
  }
  leave();
  if (!refused.empty()) {
    caller->send_failure(
        id, RawFailure::Kind::kRefused,
        fmt::format("the answer of {} cannot be sent: {}", describe(node->members.self()), refused));
  }
}

void RawCall::State::fail(RawFailure::Kind kind, std::string_view text) noexcept {
  if (node->of_parent() || !claim()) return;
  leave();
  if (!caller->is_self()) return caller->send_failure(id, kind, text);
  if (const auto call = caller->calls.take(id))
    call->end(failure_of(kind, node->members.self(), [&] { return text; }));
}

RawCall::RawCall(detail::Ref<State> state) noexcept : state_(std::move(state)) {}
RawCall::RawCall(RawCall&&) noexcept = default;
RawCall& RawCall::operator=(RawCall&&) noexcept = default;
RawCall::~RawCall() {
  // In a child of fork(2) what it holds, and the locks of that, are the parent's.
  if (state_ && state_->node->of_parent()) [[maybe_unused]]
    auto* const left = new detail::Ref<State>(std::move(state_));
}

const RawWorker& RawCall::caller() const noexcept { return state_->caller->who; }
RawMessage& RawCall::message() const noexcept { return state_->message; }
TimePoint RawCall::deadline() const noexcept { return state_->deadline; }
bool RawCall::cancelled() const noexcept { return state_->cancelled.load(std::memory_order_relaxed); }
void RawCall::reply(RawMessage message) noexcept { state_->reply(std::move(message)); }
void RawCall::fail(std::string text) noexcept { state_->fail(RawFailure::Kind::kFailed, text); }

}  // namespace tine::rpc

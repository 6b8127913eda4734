#include "src/rpc/raw/outgoing.h"

namespace tine::rpc {

OutgoingCall::OutgoingCall(std::shared_ptr<Endings> endings, std::shared_ptr<RawSink> sink,
                           TimePoint until) noexcept
    : deadline(until), endings_(std::move(endings)), sink_(std::move(sink)) {
  endings_->sinks.begin();
}

void OutgoingCall::end(RawMessage reply) noexcept {
  how_ = std::move(reply);
  post();
}

void OutgoingCall::end(RawFailure failure, detail::Ref<detail::RefCounted> behind) noexcept {
  how_ = std::move(failure);
  behind_ = std::move(behind);
  post();
}

void OutgoingCall::post() noexcept {
  retain();
  endings_->callbacks.post(*this);
}

void OutgoingCall::run() noexcept {
  const auto self = detail::Ref<OutgoingCall>::adopt(this);
  {
    const Activity::Inside inside(endings_->sinks);
    const auto sink = std::exchange(sink_, nullptr);
    if (auto* const reply = std::get_if<RawMessage>(&how_)) {
      sink->done(std::move(*reply));
    } else {
      sink->failed(std::move(std::get<RawFailure>(how_)));
    }
    how_ = std::monostate();
    behind_ = nullptr;
  }
  endings_->sinks.end();
}

}  // namespace tine::rpc

#include "faulty.h"

#include <torch/csrc/distributed/rpc/utils.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "python_lock.h"
#include "seconds.h"

namespace tine::pytorch {
namespace {

trpc::MessageType type_named(const std::string& name) {
  for (const auto& [known, type] : kMessageTypes) {
    if (known == name) return type;
  }
  throw std::invalid_argument("No such message type: \"" + name +
                              "\"; names are PyTorch's, PYTHON_CALL for one");
}

}  // namespace

FaultyAgent::FaultyAgent(AgentOptions options, const Faults& faults,
                         std::unique_ptr<trpc::RequestCallback> callback, OnGone on_gone)
    : Agent(std::move(options), std::move(callback), std::move(on_gone)),
      num_fail_sends_(faults.num_fail_sends) {
  for (const std::string& name : faults.messages_to_fail) failing_.push_back(type_named(name));
  for (const auto& [name, seconds] : faults.messages_to_delay)
    delays_[type_named(name)] = milliseconds_of(seconds, name);
}

c10::intrusive_ptr<trpc::JitFuture> FaultyAgent::send(const trpc::WorkerInfo& to,
                                                      c10::intrusive_ptr<Message> message,
                                                      float rpcTimeoutSeconds,
                                                      const trpc::DeviceMap& deviceMap) {
  if (std::find(failing_.begin(), failing_.end(), message->type()) != failing_.end()) {
    const std::string payload(message->payload().begin(), message->payload().end());
    const std::lock_guard lock(mutex_);
    if (int& failed = failed_[payload]; failed < num_fail_sends_) {
      ++failed;
      auto future = c10::make_intrusive<trpc::JitFuture>(at::AnyClassType::get());
      future->setError(std::make_exception_ptr(std::runtime_error(
          trpc::makeRPCError("Send attempt failed intentionally for " + name_of(message->type()),
                             trpc::RPCErrorType::INTENTIONAL_FAILURE))));
      return future;
    }
  }
  const trpc::MessageType type = message->type();
  const std::chrono::milliseconds timeout = timeout_of(rpcTimeoutSeconds);
  const std::chrono::milliseconds held = hold(type);
  if (held.count() == 0) return Agent::send(to, std::move(message), rpcTimeoutSeconds, deviceMap);
  if (timeout.count() == 0) return Agent::send(to, std::move(message), 0, deviceMap);
  if (timeout > held) {
    const float left = std::chrono::duration<float>(timeout - held).count();
    return Agent::send(to, std::move(message), left, deviceMap);
  }
  (void)Agent::send(to, std::move(message), 0, deviceMap);
  auto future = c10::make_intrusive<trpc::JitFuture>(at::AnyClassType::get());
  future->setError(
      std::make_exception_ptr(std::runtime_error(timeout_words(timeout, name_of(type) + " to " + to.name_))));
  return future;
}

std::chrono::milliseconds FaultyAgent::hold(trpc::MessageType type) const {
  const auto delay = delays_.find(type);
  if (delay == delays_.end()) return {};
  const LockReleased released;
  std::this_thread::sleep_for(delay->second);
  return delay->second;
}

void FaultyAgent::before_reply(trpc::MessageType type) const { (void)hold(type); }

}  // namespace tine::pytorch

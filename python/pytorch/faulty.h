// FaultyAgent: drops and delays messages by their type, for tests of what is above it.
//
// As PyTorch's FaultyTensorPipeAgent: a message of a type to fail fails at the sender the first `num_fail_sends` times it
// is sent (a retry has the same payload); one of a type to delay, request or reply, is held so long before it is sent,
// with its timeout running. A request that has timed out by then is sent all the same.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent.h"
#include "message_types.h"

namespace tine::pytorch {

struct Faults {
  std::vector<std::string> messages_to_fail;
  std::unordered_map<std::string, float> messages_to_delay;  // seconds
  int num_fail_sends = 0;
};

class FaultyAgent final : public Agent {
 public:
  FaultyAgent(AgentOptions options, const Faults& faults, std::unique_ptr<trpc::RequestCallback> callback,
              OnGone on_gone);
  c10::intrusive_ptr<trpc::JitFuture> send(const trpc::WorkerInfo& to, c10::intrusive_ptr<Message> message,
                                           float rpcTimeoutSeconds = trpc::kUnsetRpcTimeout,
                                           const trpc::DeviceMap& deviceMap = {}) override;

 private:
  void before_reply(trpc::MessageType type) const override;
  // Waits as long as messages of that type have to.
  std::chrono::milliseconds hold(trpc::MessageType type) const;

  std::unordered_map<int, std::chrono::milliseconds> delays_;
  std::vector<trpc::MessageType> failing_;
  const int num_fail_sends_;
  std::mutex mutex_;
  std::unordered_map<std::string, int> failed_;  // by payload
};

}  // namespace tine::pytorch

// Join: the barrier of a world whose members are known, kept by the worker with the lowest id.
//
// State      Rounds, numbered alike by all; one is open until all members have come to it. Closed for good when a member
//            is gone.
// Threads    Every member from any thread. Calls are answered on the thread that brings the last one, or the bad news.
// Ownership  Holds the calls of those who wait.
// Errors     A call that came, or comes, to a world with a member gone fails with its name and why.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tine/raw.h"

namespace tine::pytorch {

class Join {
 public:
  static constexpr uint32_t kTag = 0x10000;     // PyTorch's are below
  static constexpr uint32_t kWhoTag = 0x10001;  // who has not come to a round

  Join(int self, std::vector<rpc::RawWorker> members) : self_(self), members_(std::move(members)) {}

  // What a member says and hears.
  [[nodiscard]] static rpc::RawMessage come(uint64_t round, uint64_t active_calls);
  [[nodiscard]] static rpc::RawMessage who(uint64_t round);
  [[nodiscard]] static uint64_t active_calls_in(const rpc::RawMessage& reply);

  void came(rpc::RawCall call);
  void asked(rpc::RawCall call);
  // A member is; `why` names it.
  void gone(const std::string& why);

 private:
  struct Waiting {
    rpc::RawCall call;
    uint64_t active_calls;
  };
  struct Round {
    std::vector<Waiting> waiting;
  };
  const int self_;
  const std::vector<rpc::RawWorker> members_;
  std::mutex mutex_;
  std::map<uint64_t, Round> rounds_;
  std::string gone_;  // who and why; empty while all are there
};

}  // namespace tine::pytorch

// Join: the barrier of a world whose members are known. The worker with the lowest id keeps it.
//
// All workers number the rounds alike, and one round is open until all members have come to it. The barrier is closed for
// good when a member is gone: a call that came, or comes, to it then fails with that member's name and the reason. Any
// thread may call any member. The Join holds the calls of the members that wait; they are answered on the thread that
// brings the last call, or the bad news.
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

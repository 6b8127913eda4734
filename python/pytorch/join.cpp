#include "join.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace tine::pytorch {
namespace {

using Numbers = std::array<uint64_t, 2>;

rpc::RawMessage message(uint32_t tag, Numbers numbers) {
  return {.tag = tag, .body = rpc::RawBytes::copy(std::as_bytes(std::span(numbers))), .segments = {}};
}

Numbers numbers_in(const rpc::RawMessage& message) {
  Numbers numbers{};
  if (message.body.size() == sizeof numbers)
    std::memcpy(numbers.data(), message.body.bytes().data(), sizeof numbers);
  return numbers;
}

}  // namespace

rpc::RawMessage Join::come(uint64_t round, uint64_t active_calls) {
  return message(kTag, {round, active_calls});
}
rpc::RawMessage Join::who(uint64_t round) { return message(kWhoTag, {round, 0}); }
uint64_t Join::active_calls_in(const rpc::RawMessage& reply) { return numbers_in(reply)[1]; }

void Join::came(rpc::RawCall call) {
  const auto [number, active_calls] = numbers_in(call.message());
  Round full;
  {
    std::unique_lock lock(mutex_);
    if (!gone_.empty()) {
      const std::string why = gone_;
      lock.unlock();
      return call.fail(why);
    }
    Round& round = rounds_[number];
    // A worker that gave up may come again.
    std::erase_if(round.waiting, [](const Waiting& w) { return w.call.cancelled(); });
    round.waiting.push_back({std::move(call), active_calls});
    if (round.waiting.size() < members_.size()) return;
    full = std::move(round);
    rounds_.erase(number);
  }
  uint64_t sum = 0;
  for (const Waiting& waiting : full.waiting) sum += waiting.active_calls;
  // This worker is answered last: it may be about to close, and answers that are queued before that are still sent.
  std::stable_partition(full.waiting.begin(), full.waiting.end(),
                        [&](const Waiting& w) { return w.call.caller().id != self_; });
  for (Waiting& waiting : full.waiting) waiting.call.reply(message(kTag, {number, sum}));
}

void Join::asked(rpc::RawCall call) {
  const uint64_t number = numbers_in(call.message())[0];
  std::string missing;
  {
    const std::lock_guard lock(mutex_);
    const auto round = rounds_.find(number);
    for (const rpc::RawWorker& member : members_) {
      // The asker has come, and given up.
      const bool here =
          member.id == call.caller().id ||
          (round != rounds_.end() &&
           std::any_of(round->second.waiting.begin(), round->second.waiting.end(), [&](const Waiting& w) {
             return w.call.caller().id == member.id && !w.call.cancelled();
           }));
      if (!here) missing += (missing.empty() ? "\"" : ", \"") + member.name + "\"";
    }
  }
  call.reply({.tag = kWhoTag, .body = rpc::RawBytes::copy(missing), .segments = {}});
}

void Join::gone(const std::string& why) {
  std::map<uint64_t, Round> rounds;
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    if (gone_.empty()) gone_ = why;
    text = gone_;
    rounds.swap(rounds_);
  }
  for (auto& [number, round] : rounds) {
    for (Waiting& waiting : round.waiting) waiting.call.fail(text);
  }
}

}  // namespace tine::pytorch

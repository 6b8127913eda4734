#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "src/rpc/agent.h"
#include "src/rpc/register.h"

namespace tine::rpc {

OpenRegister::OpenRegister(Options options) : options_(std::move(options)) {
  const MutexLock lock(mutex_);
  members_.emplace(0, options_.self);
}

std::string OpenRegister::reason_against_form(const Member& m, int world_size) const {
  if (!ended_.empty()) return ended_;
  if (world_size != 0) {
    return fmt::format(
        "worker {} says that the world has {} workers, rank 0 gave no world size: its world changes, and "
        "whoever joins it gives none",
        who(m), world_size);
  }
  if (m.rank < -1 || m.rank >= kMostRanks)
    return fmt::format("worker {}: ranks go from 0 to {}", who(m), kMostRanks - 1);
  return {};
}

void OpenRegister::refuse(const Waiting& waiting, const std::string& why) {
  if (options_.log) options_.log("refused: " + why);
  send_failure(*waiting.connection, waiting.call, make_error(ErrorKind::kValue, why));
}

void OpenRegister::enter(Member member, Connection* connection, uint64_t call, int world_size) {
  Waiting waiting{std::move(member), detail::Ref<Connection>::share(connection), call,
                  Clock::now() + kPatience};
  const MutexLock lock(mutex_);
  std::string why = reason_against_form(waiting.member, world_size);
  // Rank 0 itself keeps the register: no other can come in its place.
  if (why.empty()) why = clash_of(waiting.member, options_.self);
  if (!why.empty()) return refuse(waiting, why);
  queue_.push_back(std::move(waiting));
  advance();
}

void OpenRegister::open() {
  const MutexLock lock(mutex_);
  is_open_ = true;
  advance();
}

void OpenRegister::advance() {
  if (!is_open_) return;
  for (auto at = queue_.begin(); turn_.empty() && at != queue_.end();) {
    std::string why;
    for (const auto& [rank, member] : members_) {
      if (why.empty()) why = clash_of(at->member, member);
    }
    // A worker that was started anew may be faster than the news of its end.
    if (!why.empty() && Clock::now() < at->patience) {
      advance_at((at++)->patience);
      continue;
    }
    Waiting next = std::move(*at);
    at = queue_.erase(at);
    why.empty() ? begin_turn(std::move(next)) : refuse(next, why);
  }
}

void OpenRegister::advance_at(TimePoint when) {
  options_.schedule(when, [self = detail::Ref<OpenRegister>::share(this)] {
    const MutexLock lock(self->mutex_);
    self->advance();
  });
}

void OpenRegister::begin_turn(Waiting next) {
  if (next.member.rank < 0) {
    const auto is_taken = [&](int rank) TINE_REQUIRES(mutex_) {
      return members_.contains(rank) || std::any_of(queue_.begin(), queue_.end(), [rank](const Waiting& w) {
               return w.member.rank == rank;
             });
    };
    next.member.rank = 1;
    while (is_taken(next.member.rank)) ++next.member.rank;
    if (next.member.rank >= kMostRanks)
      return refuse(next, fmt::format("worker '{}': all {} ranks are taken", next.member.name, kMostRanks));
  }
  std::vector<Member> all;
  for (const auto& [rank, member] : members_) all.push_back(member);
  all.push_back(next.member);
  options_.expect(next.member);
  send_value(*next.connection, std::exchange(next.call, 0), to_value(all));
  turn_.push_back(std::move(next));
  const uint64_t number = ++turns_;
  options_.schedule(Clock::now() + options_.turn,
                    [self = detail::Ref<OpenRegister>::share(this), number] { self->turn_is_over(number); });
}

void OpenRegister::turn_is_over(uint64_t number) {
  const MutexLock lock(mutex_);
  if (turn_.empty() || turns_ != number) return;
  if (queue_.empty()) {
    return options_.schedule(
        Clock::now() + options_.turn / 10,
        [self = detail::Ref<OpenRegister>::share(this), number] { self->turn_is_over(number); });
  }
  const std::string why =
      fmt::format("worker {} did not connect to all others within {} ms, and others wait for their turn",
                  who(turn_.front().member), options_.turn.count());
  if (options_.log) options_.log("refused: " + why);
  turn_.front().connection->shutdown(GoodbyeReason::kRefused, why, Clock::now() + std::chrono::seconds(1));
  end_turn();
  advance();
}

void OpenRegister::end_turn() noexcept {
  options_.forget(turn_.front().member.incarnation);
  turn_.clear();
}

void OpenRegister::ready(Connection* connection, uint64_t call) {
  if (!connection) return;
  const MutexLock lock(mutex_);
  if (turn_.empty() || turn_.front().connection.get() != connection)
    throw Error("the rendezvous has failed: rank 0 has lost this worker, or waited for it in vain");
  Member member = std::move(turn_.front().member);
  turn_.clear();
  const int rank = member.rank;
  members_.insert_or_assign(rank, std::move(member));
  send_value(*connection, call, Value());
  advance();
}

bool OpenRegister::has(uint64_t incarnation) {
  const MutexLock lock(mutex_);
  return std::any_of(members_.begin(), members_.end(),
                     [&](const auto& m) { return m.second.incarnation == incarnation; });
}

void OpenRegister::left(Connection& connection, const CloseInfo&) noexcept {
  const MutexLock lock(mutex_);
  one_has_left();
  std::erase_if(queue_, [&](const Waiting& w) { return w.connection.get() == &connection; });
  if (turn_.empty() || turn_.front().connection.get() != &connection) return;
  try {
    end_turn();
    advance();
  } catch (const std::bad_alloc&) {
    // The next one who comes, or goes, sets it going again.
  }
}

void OpenRegister::lost(uint64_t incarnation) noexcept {
  const MutexLock lock(mutex_);
  std::erase_if(members_, [&](const auto& m) { return m.second.incarnation == incarnation && m.first != 0; });
  try {
    if (!turn_.empty() && turn_.front().member.incarnation == incarnation) end_turn();
    advance();
  } catch (const std::bad_alloc&) {
    // As above.
  }
}

bool OpenRegister::end_if_alone() {
  const MutexLock lock(mutex_);
  if (members_.size() > 1 || !queue_.empty() || !turn_.empty()) return false;
  ended_ = fmt::format("rank 0 ('{}') has ended this world", options_.self.name);
  return true;
}

std::string OpenRegister::others() {
  const MutexLock lock(mutex_);
  std::string names;
  const auto add = [&names](const Member& m, const char* doing) {
    names += fmt::format("{}'{}' ({}{})", names.empty() ? "" : ", ", m.name,
                         m.rank < 0 ? "any rank" : fmt::format("rank {}", m.rank), doing);
  };
  for (const auto& [rank, member] : members_) {
    if (rank != 0) add(member, "");
  }
  for (const Waiting& w : turn_) add(w.member, ", which is joining");
  for (const Waiting& w : queue_) add(w.member, ", which is joining");
  return names;
}

void OpenRegister::fail(const std::string& reason) noexcept {
  const MutexLock lock(mutex_);
  try {
    if (ended_.empty()) ended_ = "rank 0 has left this world: " + reason;
    const std::exception_ptr error = make_error(ErrorKind::kRuntime, ended_);
    for (const Waiting& w : queue_) send_failure(*w.connection, w.call, error);
  } catch (const std::bad_alloc&) {
    // The ends of their connections tell them.
  }
  queue_.clear();
}

}  // namespace tine::rpc

#include "src/rpc/raw/members.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/rpc/raw/card.h"

namespace tine::rpc {

bool RawMembers::add_stranger(const detail::Ref<RawPeer>& peer) {
  const MutexLock lock(mutex_);
  if (closed_) return false;
  connected_.emplace(peer.get(), peer);
  return true;
}

std::optional<RawMembers::Refusal> RawMembers::reason_against(const RawPeer& peer, const RawWorker& who,
                                                              const std::string& protocol) const {
  const auto refused = [](std::string why) {
    return Refusal{GoodbyeReason::kRefused, std::move(why), false};
  };
  if (closed_) return Refusal{GoodbyeReason::kShutdown, "", false};
  if (protocol != protocol_) {
    return refused(fmt::format("{} speaks '{}', {} speaks '{}': both must speak the same", describe(who),
                               protocol, describe(self_), protocol_));
  }
  if (peer.we_connected() && who.id != peer.who.id) {
    return refused(fmt::format("the card of worker '{}' has the id {}, but the worker says that its id is {}",
                               who.name, peer.who.id, who.id));
  }
  const bool same_process = peer.incarnation() == incarnation_;
  if (who.name == self_.name || who.id == self_.id || same_process) {
    return refused(fmt::format("{} wants to be connected to {}: names and ids must be unique", describe(who),
                               describe(self_)));
  }
  for (const auto& [id, other] : living_) {
    if (other->incarnation() == peer.incarnation()) return Refusal{GoodbyeReason::kReplaced, "", false};
    if (id == who.id || other->who.name == who.name) {
      auto taken = refused(
          fmt::format("{} cannot be connected to {}, which is connected to {}: names and ids must be unique",
                      describe(who), describe(self_), describe(other->who)));
      taken.may_pass = true;
      return taken;
    }
  }
  // Both connect to each other: one of the two connections stays.
  if (!peer.we_connected() && attempts_.contains(peer.incarnation()) && self_.id < who.id)
    return Refusal{GoodbyeReason::kReplaced, "", false};
  return {};
}

std::optional<RawMembers::Refusal> RawMembers::take_in(const detail::Ref<RawPeer>& peer,
                                                       const Introduction& introduction) {
  const RawWorker who{peer->connection().peer().name, introduction.id};
  const MutexLock lock(mutex_);
  if (auto refusal = reason_against(*peer, who, introduction.protocol)) return refusal;
  peer->who = who;
  living_.emplace(who.id, peer);
  ends_.erase(who.id);
  peer->taken_in();
  if (!peer->we_connected()) peer->introduce(protocol_, self_.id);
  changed();
  return {};
}

bool RawMembers::remove(RawPeer& peer, const std::string& why) noexcept {
  detail::Ref<RawPeer> removed;  // dropped outside of the lock
  const MutexLock lock(mutex_);
  const auto at = living_.find(peer.who.id);
  if (at == living_.end() || at->second.get() != &peer) return false;
  removed = std::move(at->second);
  living_.erase(at);
  try {
    ends_.insert_or_assign(peer.who.id, End{peer.who.name, why});
  } catch (const std::bad_alloc&) {
    // Its end counts, and the words for it are lost.
  }
  changed();
  return true;
}

void RawMembers::closed(RawPeer& peer) noexcept {
  detail::Ref<RawPeer> removed;
  const MutexLock lock(mutex_);
  const auto at = connected_.find(&peer);
  if (at != connected_.end()) {
    removed = std::move(at->second);
    connected_.erase(at);
  }
  changed();
}

detail::Ref<RawPeer> RawMembers::find(int id) const {
  if (id == self_.id) return own_;
  const MutexLock lock(mutex_);
  const auto at = living_.find(id);
  return at == living_.end() ? detail::Ref<RawPeer>() : at->second;
}

bool RawMembers::has_name(std::string_view name) const {
  if (name == self_.name) return true;
  const MutexLock lock(mutex_);
  return std::any_of(living_.begin(), living_.end(),
                     [&](const auto& m) { return m.second->who.name == name; });
}

bool RawMembers::has_incarnation(uint64_t incarnation) const {
  const MutexLock lock(mutex_);
  return std::any_of(living_.begin(), living_.end(),
                     [&](const auto& m) { return m.second->incarnation() == incarnation; });
}

bool RawMembers::has_another(const RawWorker& who, uint64_t incarnation) const {
  const MutexLock lock(mutex_);
  return std::any_of(living_.begin(), living_.end(), [&](const auto& m) {
    return m.second->incarnation() != incarnation && (m.first == who.id || m.second->who.name == who.name);
  });
}

std::vector<RawWorker> RawMembers::workers() const {
  std::vector<RawWorker> all{self_};
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, peer] : living_) all.push_back(peer->who);
  }
  std::sort(all.begin(), all.end(), [](const RawWorker& a, const RawWorker& b) { return a.id < b.id; });
  return all;
}

std::vector<detail::Ref<RawPeer>> RawMembers::peers() const {
  std::vector<detail::Ref<RawPeer>> all{own_};
  const MutexLock lock(mutex_);
  for (const auto& [id, peer] : living_) all.push_back(peer);
  return all;
}

std::optional<std::string> RawMembers::end_of(int id) const {
  const MutexLock lock(mutex_);
  const auto at = ends_.find(id);
  return at == ends_.end() ? std::optional<std::string>() : at->second.why;
}

RawFailure RawMembers::failure_for_absent(int id) const noexcept {
  RawFailure failure = failure_of(RawFailure::Kind::kDied, {{}, id}, [&] { return words_for_absent(id); });
  try {
    const MutexLock lock(mutex_);
    if (const auto at = ends_.find(id); at != ends_.end()) failure.worker.name = at->second.name;
  } catch (const std::bad_alloc&) {
    return failure;  // its id names it
  }
  return failure;
}

std::string RawMembers::words_for_absent(int id) const {
  if (auto end = end_of(id)) return *end;
  constexpr size_t kListed = 16;
  std::string known;
  const std::vector<RawWorker> all = workers();
  for (size_t i = 0; i < std::min(all.size(), kListed); ++i) {
    known += fmt::format("{}'{}' (id {})", i == 0 ? "" : ", ", all[i].name, all[i].id);
  }
  if (all.size() > kListed) known += fmt::format(" and {} more", all.size() - kListed);
  return fmt::format("no worker with id {} is connected to {}; here are {}", id, describe(self_), known);
}

void RawMembers::note_refusal(const std::string& claimed, const std::exception_ptr& why) noexcept {
  constexpr size_t kKept = 64;
  try {
    std::rethrow_exception(why);
  } catch (const AuthError&) {
    // A wrong secret is worth remembering: a node that waits for this worker is told of it.
  } catch (...) {
    return;  // it was slow, or gave up
  }
  try {
    const MutexLock lock(mutex_);
    if (refusals_.size() == kKept) refusals_.pop_front();
    refusals_.emplace_back(claimed, why);
    changed();
  } catch (const std::bad_alloc&) {
    // Then who waits for it does so in vain.
  }
}

std::exception_ptr RawMembers::take_refusal(std::string_view name) {
  const MutexLock lock(mutex_);
  const auto at =
      std::find_if(refusals_.begin(), refusals_.end(), [&](const auto& r) { return r.first == name; });
  if (at == refusals_.end()) return nullptr;
  const std::exception_ptr why = std::move(at->second);
  refusals_.erase(at);
  return why;
}

bool RawMembers::begin_attempt(uint64_t incarnation) {
  const MutexLock lock(mutex_);
  return attempts_.insert(incarnation).second;
}

void RawMembers::end_attempt(uint64_t incarnation) {
  const MutexLock lock(mutex_);
  attempts_.erase(incarnation);
  changed();
}

std::vector<detail::Ref<RawPeer>> RawMembers::close() {
  std::vector<detail::Ref<RawPeer>> all;
  const MutexLock lock(mutex_);
  closed_ = true;
  for (const auto& [peer, shared] : connected_) all.push_back(shared);
  living_.clear();
  changed();
  return all;
}

bool RawMembers::all_closed() const {
  const MutexLock lock(mutex_);
  return connected_.empty();
}

}  // namespace tine::rpc

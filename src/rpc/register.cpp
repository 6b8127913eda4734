#include "src/rpc/register.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "src/rpc/wire/error_body.h"
#include "src/rpc/wire/request.h"

namespace tine::rpc {
namespace {

Value list_of(std::vector<Value> items) { return detail::make_ref<List>(std::move(items)); }

void tell(Connection& connection, OutFrame frame) { static_cast<void>(connection.send(std::move(frame))); }

}  // namespace

Value to_value(const std::vector<Address>& addresses) {
  std::vector<Value> items;
  for (const Address& a : addresses) items.push_back(list_of({a.text, a.reach}));
  return list_of(std::move(items));
}

std::vector<Address> to_addresses(const Value& value) {
  std::vector<Address> addresses;
  for (const Value& item : value.to_list().items) {
    const auto& f = item.to_list().items;
    if (f.size() != 2) throw ValueError(fmt::format("an address has {} fields, expected 2", f.size()));
    addresses.push_back({f[0].to_string(), f[1].to_string()});
  }
  return addresses;
}

Value to_value(const std::vector<Member>& members) {
  std::vector<Value> items;
  for (const Member& m : members)
    items.push_back(list_of({m.name, m.rank, static_cast<int64_t>(m.incarnation), to_value(m.addresses)}));
  return list_of(std::move(items));
}

std::vector<Member> to_members(const Value& value) {
  std::vector<Member> members;
  for (const Value& item : value.to_list().items) {
    const auto& f = item.to_list().items;
    if (f.size() != 4)
      throw ValueError(fmt::format("the list of workers has entries of {} fields, expected 4", f.size()));
    members.push_back({f[0].to_string(), static_cast<int>(f[1].to_int()),
                       static_cast<uint64_t>(f[2].to_int()), to_addresses(f[3])});
  }
  return members;
}

std::string who(const Member& m) {
  return fmt::format("'{}' ({}, {})", m.name, m.rank < 0 ? "any rank" : fmt::format("rank {}", m.rank),
                     text_of(m.addresses));
}

void send_value(Connection& connection, uint64_t id, const Value& value) {
  PlainHooks hooks;
  OutFrame frame(FrameKind::kReply, id);
  write_value(frame.body, value, hooks);
  tell(connection, std::move(frame));
}

void send_failure(Connection& connection, uint64_t id, const std::exception_ptr& error) {
  OutFrame frame(FrameKind::kError, id);
  write_error(frame.body, ErrorBody::of(error));
  tell(connection, std::move(frame));
}

void Register::opened() {
  const MutexLock lock(mutex_);
  ++open_;
}

void Register::one_has_left() noexcept {
  --open_;
  closed_.notify_all();
}

void Register::wait_until_left(TimePoint deadline) {
  const MutexLock lock(mutex_);
  while (open_ > 0) {
    if (!closed_.wait_until(mutex_, deadline)) return;
  }
}

std::string Register::clash_of(const Member& m, const Member& other) {
  if (other.name == m.name)
    return fmt::format("the worker name '{}' is not unique: {} has it, {} wants it", m.name, who(other),
                       who(m));
  if (m.rank >= 0 && other.rank == m.rank)
    return fmt::format("rank {} is not unique: {} has it, {} wants it", m.rank, who(other), who(m));
  return {};
}

FixedRegister::FixedRegister(int world_size, std::string address)
    : world_size_(world_size), address_(std::move(address)) {
  // A failure is reported by the code that waits, in words of its own.
  all_listed_.state()->observe();
  all_ready_.state()->observe();
}

void FixedRegister::enter(Member member, Connection* connection, uint64_t call, int world_size) {
  const MutexLock lock(mutex_);
  bool taken = false;
  std::string refusal = failure_;
  if (ended_ && refusal.empty()) refusal = "the rendezvous has failed: rank 0 had no memory";
  if (refusal.empty()) refusal = reason_against(member, world_size, &taken);
  if (!refusal.empty()) {
    if (!connection) throw ValueError(refusal);
    if (!ended_) refused_.push_back(refusal);
    send_failure(*connection, call, make_error(ErrorKind::kValue, refusal));
    // The world that everybody waits for cannot come together any more.
    if (taken) fail_locked(refusal, ErrorKind::kValue);
    return;
  }
  const int rank = member.rank;
  entries_.emplace(rank, Entry{std::move(member), detail::Ref<Connection>::share(connection), call, false});
  if (static_cast<int>(entries_.size()) < world_size_) return;
  std::vector<Member> members;
  for (const auto& [r, entry] : entries_) members.push_back(entry.member);
  const Value list = to_value(members);
  for (auto& [r, entry] : entries_) {
    if (entry.connection) send_value(*entry.connection, std::exchange(entry.call, 0), list);
  }
  listed_.set_value(std::move(members));
}

void FixedRegister::ready(Connection* connection, uint64_t call) {
  const MutexLock lock(mutex_);
  const auto at = std::find_if(entries_.begin(), entries_.end(),
                               [&](const auto& e) { return e.second.connection.get() == connection; });
  if (at == entries_.end() || ended_) return;
  at->second.call = call;
  at->second.ready = true;
  for (const auto& [r, entry] : entries_) {
    if (!entry.ready) return;
  }
  for (auto& [r, entry] : entries_) {
    if (entry.connection) send_value(*entry.connection, std::exchange(entry.call, 0), Value());
  }
  went_ = true;
  go_.set_value();
}

void FixedRegister::left(Connection& connection, const CloseInfo& info) noexcept {
  const MutexLock lock(mutex_);
  one_has_left();
  try {
    for (const auto& [rank, entry] : entries_) {
      if (entry.connection.get() != &connection || went_) continue;
      fail_locked(fmt::format("worker {} left before all were connected: {}", who(entry.member),
                              describe(info.error)));
    }
  } catch (const std::bad_alloc&) {
    end_locked(std::current_exception());
  }
}

void FixedRegister::refused(std::string why) {
  const MutexLock lock(mutex_);
  stranger_ = std::move(why);
}

void FixedRegister::fail(const std::string& reason) noexcept {
  const MutexLock lock(mutex_);
  fail_locked(reason);
}

std::string FixedRegister::missing() {
  const MutexLock lock(mutex_);
  std::string absent, present;
  for (int rank = 0; rank < world_size_; ++rank) {
    const auto at = entries_.find(rank);
    if (at == entries_.end()) {
      absent += fmt::format("{}{}", absent.empty() ? "" : ", ", rank);
    } else {
      present += fmt::format("{}{}", present.empty() ? "" : ", ", who(at->second.member));
    }
  }
  std::string text = absent.empty()
                         ? "all have registered but not all are connected to each other"
                         : fmt::format("rank {} of {} did not connect to {}", absent, world_size_, address_);
  text += fmt::format("; here are {}", present);
  for (const std::string& refusal : refused_) text += "; refused: " + refusal;
  if (!stranger_.empty()) text += "; the last connection that was refused: " + stranger_;
  return text;
}

// For want of memory the error is that, and those who wait elsewhere see rank 0 leave.
void FixedRegister::fail_locked(const std::string& reason, ErrorKind kind) noexcept {
  if (went_ || ended_) return;
  try {
    failure_ = reason;
    const std::exception_ptr error = make_error(kind, "rendezvous failed: " + reason);
    for (auto& [rank, entry] : entries_) {
      if (entry.connection && entry.call)
        send_failure(*entry.connection, std::exchange(entry.call, 0), error);
    }
    end_locked(error);
  } catch (const std::bad_alloc&) {
    end_locked(std::current_exception());
  }
}
void FixedRegister::end_locked(const std::exception_ptr& error) noexcept {
  if (went_ || std::exchange(ended_, true)) return;
  // Once all have entered, listed_ has its value.
  if (static_cast<int>(entries_.size()) < world_size_) listed_.set_error(error);
  go_.set_error(error);
}

std::string FixedRegister::reason_against(const Member& m, int world_size, bool* taken) const {
  if (world_size == 0) {
    return fmt::format(
        "worker {} gives no world size, so it takes the world for one that changes; rank 0 says that it "
        "has {} workers",
        who(m), world_size_);
  }
  if (world_size != world_size_) {
    return fmt::format("worker {} says that the world has {} workers, rank 0 says {}", who(m), world_size,
                       world_size_);
  }
  if (m.rank < 0 || m.rank >= world_size_) {
    return fmt::format("worker {}: ranks go from 0 to {}", who(m), world_size_ - 1);
  }
  for (const auto& [rank, entry] : entries_) {
    std::string clash = clash_of(m, entry.member);
    if (*taken = !clash.empty(); *taken) return clash;
  }
  return {};
}

}  // namespace tine::rpc

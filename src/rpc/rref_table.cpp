#include "src/rpc/rref_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "src/rpc/call_table.h"

namespace tine::rpc {
namespace {

std::exception_ptr gone(const RRefId& id, std::string_view creator) {
  return make_error(ErrorKind::kPeerDied,
                    fmt::format("the value of RRef {}, made by {}, is gone: the worker that passed the "
                                "reference on died before its receiver was known here",
                                id.str(), creator));
}

}  // namespace

std::string Reference::repr() const {
  return fmt::format("{}RRef(owner='{}', id={})", is_owner() ? "Owner" : "User", owner_.name, id_.str());
}

detail::Ref<Reference> Reference::from(const Value& value) {
  if (value.is(Tag::kRRef)) {
    if (auto* const rref = dynamic_cast<Reference*>(&value.as_rref()))
      return detail::Ref<Reference>::share(rref);
  }
  throw TypeError(fmt::format("expected an RRef, got {}", tine::name_of(value.tag())));
}

void OwnerEntry::complete(Value v) noexcept {
  if (value->claim()) value->emplace(std::move(v));
}

void OwnerEntry::fail(std::exception_ptr error) noexcept {
  if (value->claim()) value->fail(std::move(error));
}

OwnerRRef::OwnerRRef(std::shared_ptr<RRefTable> table, detail::Ref<OwnerEntry> entry, WorkerInfo self)
    : Reference(entry->id, std::move(self)), table_(std::move(table)), entry_(std::move(entry)) {}
OwnerRRef::~OwnerRRef() = default;
PassedRRef OwnerRRef::lend() const { return table_->lend(*this); }
Future<Value> OwnerRRef::to_here(TimePoint deadline) const { return table_->fetch(*this, deadline); }
Future<Value> OwnerRRef::next_items(std::string what, int64_t taken, TimePoint deadline) const {
  return table_->next_items(*this, std::move(what), taken, deadline);
}

TimePoint OwnerRRef::deadline_after(Seconds timeout) const { return table_->deadline_after(timeout); }

UserRRef::UserRRef(std::shared_ptr<RRefTable> table, RRefId id, WorkerInfo owner)
    : Reference(id, std::move(owner)), table_(std::move(table)), confirmed_(make_ready(Value())) {
  table_->count_held(1);
}
UserRRef::~UserRRef() {
  table_->count_held(-1);
  if (leased_) table_->release(id_);
}
Future<Value> UserRRef::to_here(TimePoint deadline) const { return table_->fetch(*this, deadline); }
Future<Value> UserRRef::next_items(std::string what, int64_t taken, TimePoint deadline) const {
  return table_->next_items(*this, std::move(what), taken, deadline);
}
TimePoint UserRRef::deadline_after(Seconds timeout) const { return table_->deadline_after(timeout); }
PassedRRef UserRRef::lend() const { return table_->lend(*this); }

void UserRRef::set_confirmed(detail::Ref<CallState> creation) noexcept {
  creation_ = creation.get();
  confirmed_ = Future<Value>(detail::Ref<detail::State<Value>>(std::move(creation)));
}

bool UserRRef::confirmed_by_owner() const noexcept {
  return !creation_ || creation_->answered.load(std::memory_order_acquire);
}

Future<Value> UserRRef::local_value() const {
  const Workers& workers = table_->workers();
  throw Error(fmt::format(
      "Cannot call localValue() on a non-local reference. Call it on {}. The value of {} lives on "
      "worker '{}'; here (worker '{}') use to_here()",
      owner_.name, repr(), owner_.name, workers.self().name));
}

std::shared_ptr<RRefTable> RRefTable::shared() { return {owner_.lock(), this}; }

void RRefTable::share(std::weak_ptr<void> owner, Fetcher& fetcher) {
  owner_ = std::move(owner);
  fetcher_ = &fetcher;
}

uint64_t RRefTable::next_fork() noexcept {
  if (!next_fork_) ++next_fork_;  // 0 is none
  return next_fork_++;
}

void RRefTable::Numbers::add(uint64_t number) {
  auto behind = runs_.upper_bound(number);
  if (behind != runs_.begin()) {
    const auto before = std::prev(behind);
    if (before->second >= number) return;
    if (before->second + 1 == number) {
      before->second = number;
      if (behind != runs_.end() && behind->first == number + 1) {
        before->second = behind->second;
        runs_.erase(behind);
      }
      return;
    }
  }
  uint64_t last = number;
  if (behind != runs_.end() && behind->first == number + 1) {
    last = behind->second;
    runs_.erase(behind);
  }
  runs_.emplace(number, last);
}

bool RRefTable::Numbers::contains(uint64_t number) const noexcept {
  const auto behind = runs_.upper_bound(number);
  return behind != runs_.begin() && std::prev(behind)->second >= number;
}

detail::Ref<Reference> RRefTable::own(detail::Ref<OwnerEntry> entry) {
  return detail::make_ref<OwnerRRef>(shared(), std::move(entry), workers_.self());
}

detail::Ref<UserRRef> RRefTable::created(const RRefId& id, WorkerInfo owner) {
  return detail::make_ref<UserRRef>(shared(), id, std::move(owner));
}

void RRefTable::add_lease(OwnerEntry& entry, int holder) {
  for (auto& [rank, count] : entry.leases_) {
    if (rank == holder) {
      ++count;
      return;
    }
  }
  entry.leases_.emplace_back(holder, 1);
}

void RRefTable::drop_lease(OwnerEntry& entry, int holder) noexcept {
  for (auto lease = entry.leases_.begin(); lease != entry.leases_.end(); ++lease) {
    if (lease->first != holder) continue;
    if (--lease->second == 0) entry.leases_.erase(lease);
    return;
  }
}

detail::Ref<OwnerEntry> RRefTable::forget_if_unused(Entries::iterator at) noexcept {
  if (at->second->expected_ || !at->second->leases_.empty()) return {};
  detail::Ref<OwnerEntry> dropped = std::move(at->second);
  entries_.erase(at);
  return dropped;
}

detail::Ref<OwnerEntry> RRefTable::drop_lease_of(const RRefId& id, int holder) noexcept {
  const auto at = entries_.find(key_of(id));
  if (at == entries_.end()) return {};
  drop_lease(*at->second, holder);
  return forget_if_unused(at);
}

template <class Which>
std::vector<RRefTable::Pin> RRefTable::take_pins(Which which) {
  std::vector<Pin> taken;
  for (auto at = pins_.begin(); at != pins_.end();) {
    if (which(at->second)) {
      taken.push_back(std::move(at->second));
      at = pins_.erase(at);
    } else {
      ++at;
    }
  }
  return taken;
}

// An id that is unknown here: its creation is still on the way, or it has come and the value was given up.
bool RRefTable::is_coming(const RRefId& id) const noexcept {
  const auto came = came_.find(id.creator_incarnation);
  if (came != came_.end() && came->second.contains(id.number)) return false;
  return workers_.lives(id.creator_incarnation);
}

std::string RRefTable::creator_of(const RRefId& id) const {
  const std::string name = workers_.name_of_life(id.creator_incarnation);
  return name.empty() ? "a worker of an earlier life" : fmt::format("worker '{}'", name);
}

detail::Ref<OwnerEntry>& RRefTable::expect(const RRefId& id) {
  detail::Ref<OwnerEntry>& entry = entries_[key_of(id)];
  if (entry) return entry;
  entry = detail::make_ref<OwnerEntry>(id);
  entry->expected_ = is_coming(id);
  if (!entry->expected_) entry->fail(gone(id, creator_of(id)));
  return entry;
}

detail::Ref<OwnerEntry> RRefTable::create(const RRefId& id, int holder) {
  const MutexLock lock(mutex_);
  came_[id.creator_incarnation].add(id.number);
  detail::Ref<OwnerEntry>& entry = entries_[key_of(id)];
  if (!entry) entry = detail::make_ref<OwnerEntry>(id);
  entry->expected_ = false;
  add_lease(*entry, holder);
  return entry;
}

RRefTable::Export RRefTable::write(BodyWriter& out, const Reference& reference, int to) {
  // No owner knows a reference whose creation was not sent. This throws the error of the creation.
  if (!reference.is_owner() && !static_cast<const UserRRef&>(reference).leased())
    (void)reference.confirmed().get();
  // The lease or the pin comes before the frame is sent: the receiver may be faster than this thread. undo() takes it
  // back.
  Export done;
  done.to = to;
  if (reference.is_owner()) {
    const auto& entry = static_cast<const OwnerRRef&>(reference).entry();
    const MutexLock lock(mutex_);
    if (!cleared_) {
      entries_.try_emplace(key_of(entry->id), entry);
      add_lease(*entry, to);
      done.entry = entry;
    }
  } else if (to != reference.id().owner) {
    const MutexLock lock(mutex_);
    done.fork = next_fork();
    // A dead owner confirms nothing. It is dead here before worker_died() comes for its pins.
    if (!cleared_ && workers_.lives(reference.id().owner_incarnation))
      pins_.emplace(done.fork, Pin{detail::Ref<const Reference>::share(&reference), to});
  }
  write_rref(out, {reference.id(), workers_.rank(), done.fork});
  return done;
}

void RRefTable::undo(const Export& done) noexcept {
  // Declared before the lock, so that they are destroyed after it: that may run code of users.
  detail::Ref<OwnerEntry> dropped;
  Pin pin{{}, -1};
  const MutexLock lock(mutex_);
  if (done.entry) dropped = drop_lease_of(done.entry->id, done.to);
  if (const auto at = pins_.find(done.fork); at != pins_.end()) {
    pin = std::move(at->second);
    pins_.erase(at);
  }
}

PassedRRef RRefTable::lend(const Reference& reference) {
  if (!reference.is_owner() && !static_cast<const UserRRef&>(reference).leased())
    (void)reference.confirmed().get();
  const MutexLock lock(mutex_);
  const uint64_t fork = next_fork();
  // A dead owner confirms nothing.
  if (!cleared_ && (reference.is_owner() || workers_.lives(reference.id().owner_incarnation))) {
    pins_.emplace(fork, Pin{detail::Ref<const Reference>::share(&reference), -1});
    if (reference
            .is_owner()) {  // a lease of its own keeps the entry where the taker's lease will look for it
      const auto& entry = static_cast<const OwnerRRef&>(reference).entry();
      entries_.try_emplace(key_of(entry->id), entry);
      add_lease(*entry, workers_.rank());
    }
  }
  return {reference.id(), workers_.rank(), fork};
}

detail::Ref<Reference> RRefTable::take(const PassedRRef& passed) {
  WorkerInfo owner = owner_of(passed.id);
  if (!workers_.is_rank(passed.parent))
    throw ValueError(fmt::format("a reference lent by rank {}: no worker has that rank", passed.parent));
  if (passed.id.owner == workers_.rank()) {
    auto reference = owned(passed.id);
    tell_fork_done(passed);
    return reference;
  }
  auto reference = detail::make_ref<UserRRef>(shared(), passed.id, std::move(owner));
  tell_taken(passed);  // before "owner lost", which this worker may send from then on
  tell_owner(passed);
  return reference;
}

// A parent that is the owner has the lease itself, or has lost this worker.
void RRefTable::tell_taken(const PassedRRef& passed) {
  if (passed.parent == workers_.rank() || passed.parent == passed.id.owner) return;
  OutFrame taken(FrameKind::kTaken);
  write_taken(taken.body, passed.fork);
  workers_.tell(passed.parent, 0, std::move(taken));
}

void RRefTable::unpin(uint64_t fork) noexcept {
  detail::Ref<OwnerEntry> dropped;
  Pin pin{{}, -1};
  const MutexLock lock(mutex_);
  const auto at = pins_.find(fork);
  if (at == pins_.end()) return;
  pin = std::move(at->second);
  pins_.erase(at);
  if (pin.reference->is_owner()) dropped = drop_lease_of(pin.reference->id(), workers_.rank());
}

// An owner that dies now, or has died (using the reference says so), gets no lease, and confirms none. If it lives on for others,
// the parent's pin would stay. worker_died() takes the parents after the owner is dead here: so either it finds this
// one, or the owner is seen to be dead.
bool RRefTable::can_tell_owner(const PassedRRef& passed) {
  const MutexLock lock(mutex_);
  if (!workers_.lives(passed.id.owner_incarnation)) return false;
  if (passed.parent == workers_.rank()) return true;
  std::vector<int>& parents = parents_[passed.id.owner_incarnation];
  if (std::find(parents.begin(), parents.end(), passed.parent) == parents.end())
    parents.push_back(passed.parent);
  return true;
}

void RRefTable::tell_owner(const PassedRRef& passed) {
  if (!can_tell_owner(passed)) return tell_fork_done(passed);
  OutFrame lease(FrameKind::kLease);
  write_lease(lease.body, passed);
  workers_.tell(passed.id.owner, passed.id.owner_incarnation, std::move(lease));
}

// The parent may let go of its own reference. A dead one has no pins, and who came in its place has none of that number.
void RRefTable::tell_fork_done(const PassedRRef& passed) {
  if (passed.parent == workers_.rank()) return unpin(passed.fork);
  OutFrame done(FrameKind::kForkDone);
  write_fork_done(done.body, passed.fork);
  workers_.tell(passed.parent, 0, std::move(done));
}

detail::Ref<Reference> RRefTable::read(std::span<const std::byte> ext, int from) {
  PassedRRef passed = parse_rref(ext);
  passed.parent = from;
  WorkerInfo owner;
  try {
    owner = owner_of(passed.id);
  } catch (const ValueError&) {
    if (passed.fork != 0) tell_fork_done(passed);  // the owner may live, and will never hear of this one
    throw;
  }
  if (passed.id.owner == workers_.rank()) return owned(passed.id);
  auto reference = detail::make_ref<UserRRef>(shared(), passed.id, std::move(owner));
  if (from != passed.id.owner) tell_owner(passed);
  return reference;
}

detail::Ref<Reference> RRefTable::owned(const RRefId& id) {
  detail::Ref<OwnerEntry> entry, dropped;
  {
    const MutexLock lock(mutex_);
    entry = expect(id);
    // An entry that only holds the error of an unknown id is not kept in the table.
    dropped = forget_if_unused(entries_.find(key_of(id)));
  }
  return own(std::move(entry));
}

void RRefTable::on_lease(int from, const PassedRRef& passed) {
  {
    const MutexLock lock(mutex_);
    if (cleared_) return;
    add_lease(*expect(passed.id), from);
  }
  tell_fork_done(passed);  // only now
}

bool RRefTable::on_frame(int from, const Frame& frame) {
  try {
    switch (frame.header.kind) {
      case FrameKind::kLease: {
        const PassedRRef passed = read_lease(frame.body);
        if (!workers_.is_rank(passed.parent) || passed.id.owner != workers_.rank()) return false;
        if (passed.id.owner_incarnation == workers_.incarnation()) on_lease(from, passed);
        return true;
      }
      case FrameKind::kForkDone: {
        unpin(read_fork_done(frame.body));
        return true;
      }
      case FrameKind::kRelease: {
        const RRefId id = read_release(frame.body);
        if (id.owner_incarnation != workers_.incarnation()) return true;
        detail::Ref<OwnerEntry> dropped;
        const MutexLock lock(mutex_);
        dropped = drop_lease_of(id, from);
        return true;
      }
      case FrameKind::kOwnerLost: {
        const uint64_t owner = read_owner_lost(frame.body);
        std::vector<Pin> unpinned;
        const MutexLock lock(mutex_);
        unpinned = take_pins(
            [&](const Pin& pin) { return pin.to == from && pin.reference->id().owner_incarnation == owner; });
        return true;
      }
      case FrameKind::kTaken: {
        const uint64_t fork = read_taken(frame.body);
        const MutexLock lock(mutex_);
        const auto at = pins_.find(fork);
        // It serves the first who takes it. An owner hears of that by the lease.
        if (at != pins_.end() && at->second.to < 0 && !at->second.reference->is_owner()) at->second.to = from;
        return true;
      }
      default: return false;
    }
  } catch (const std::exception&) {
    return false;
  }
}

void RRefTable::release(const RRefId& id) noexcept {
  // In a child of fork(2) the lease is the parent's, and so may be the lock.
  if (birth_.inherited()) return;
  {
    const MutexLock lock(mutex_);
    if (cleared_) return;
  }
  OutFrame frame(FrameKind::kRelease);
  write_release(frame.body, id);
  workers_.tell(id.owner, id.owner_incarnation, std::move(frame));
}

void RRefTable::worker_died(int rank, uint64_t incarnation, const std::exception_ptr& cause) noexcept {
  std::vector<detail::Ref<OwnerEntry>> dropped, orphans;
  std::vector<Pin> unpinned;
  std::vector<int> parents;
  {
    const MutexLock lock(mutex_);
    came_.erase(incarnation);
    if (const auto at = parents_.find(incarnation); at != parents_.end()) {
      parents = std::move(at->second);
      parents_.erase(at);
    }
    for (auto& [owner, theirs] : parents_) std::erase(theirs, rank);
    for (auto at = entries_.begin(); at != entries_.end();) {
      const auto here = at++;
      OwnerEntry& entry = *here->second;
      std::erase_if(entry.leases_, [rank](const auto& lease) { return lease.first == rank; });
      if (entry.expected_ && here->first.creator == incarnation) {
        entry.expected_ = false;
        orphans.push_back(here->second);
      }
      if (auto unused = forget_if_unused(here)) dropped.push_back(std::move(unused));
    }
    unpinned = take_pins([&](const Pin& pin) {
      return pin.to == rank || pin.reference->id().owner_incarnation == incarnation;
    });
  }
  for (const int parent : parents) {
    OutFrame lost(FrameKind::kOwnerLost);
    write_owner_lost(lost.body, incarnation);
    workers_.tell(parent, 0, std::move(lost));
  }
  // Outside of the lock, because callbacks may run.
  for (const auto& entry : orphans) entry->fail(cause);
}

void RRefTable::clear(const std::exception_ptr& cause) noexcept {
  decltype(entries_) entries;
  decltype(pins_) pins;
  {
    const MutexLock lock(mutex_);
    cleared_ = true;
    entries.swap(entries_);
    pins.swap(pins_);
  }
  for (const auto& [key, entry] : entries) {
    entry->value->observe();  // given up by this worker's own shutdown, which is not reported
    entry->fail(cause);
  }
}

size_t RRefTable::pinned() const {
  const MutexLock lock(mutex_);
  return pins_.size();
}

size_t RRefTable::entries() const {
  const MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace tine::rpc

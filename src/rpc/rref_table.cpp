#include "src/rpc/rref_table.h"

#include <fmt/format.h>

#include "src/rpc/agent_core.h"

namespace tine::rpc {

void put_rref_id(const RRefId& id, std::byte* out) noexcept {
  put_le(out, static_cast<uint32_t>(id.owner));
  put_le(out + 4, id.owner_incarnation);
  put_le(out + 12, id.creator_incarnation);
  put_le(out + 20, id.number);
}

RRefId get_rref_id(const std::byte* in) noexcept {
  return {static_cast<int32_t>(get_le<uint32_t>(in)), get_le<uint64_t>(in + 4), get_le<uint64_t>(in + 12),
          get_le<uint64_t>(in + 20)};
}

std::string RRefId::str() const { return fmt::format("{:08x}-{}", creator_incarnation & 0xffffffff, number); }

std::string RRef::repr() const {
  return fmt::format("{}RRef(owner='{}', id={})", is_owner() ? "Owner" : "User", owner_.name, id_.str());
}

detail::Ref<RRef> RRef::from(const Value& value) {
  if (value.is(Tag::kRRef)) {
    if (auto* const rref = dynamic_cast<RRef*>(&value.as_rref())) return detail::Ref<RRef>::share(rref);
  }
  throw TypeError(fmt::format("expected an RRef, got {}", tine::name_of(value.tag())));
}

// Both with a count of their own: a completion takes a count of 1 for nobody looking, but future() may be called on the
// entry's at this moment.
void OwnerEntry::complete(Value v) noexcept {
  const auto mine = value;
  if (mine->claim()) mine->emplace(std::move(v));
}

void OwnerEntry::fail(std::exception_ptr error) noexcept {
  const auto mine = value;
  if (mine->claim()) mine->fail(std::move(error));
}

OwnerRRef::OwnerRRef(std::shared_ptr<AgentCore> core, detail::Ref<OwnerEntry> entry, WorkerInfo self)
    : RRef(entry->id, std::move(self)), core_(std::move(core)), entry_(std::move(entry)) {}
OwnerRRef::~OwnerRRef() = default;
Future<Value> OwnerRRef::to_here(TimePoint deadline) const { return core_->fetch(*this, deadline); }

UserRRef::UserRRef(std::shared_ptr<AgentCore> core, RRefId id, WorkerInfo owner)
    : RRef(id, std::move(owner)), core_(std::move(core)), confirmed_(make_ready(Value())) {}
UserRRef::~UserRRef() {
  if (leased_ && !core_->of_parent()) core_->rrefs.release(id_);
}
Future<Value> UserRRef::to_here(TimePoint deadline) const { return core_->fetch(*this, deadline); }
Future<Value> UserRRef::local_value() const {
  throw Error(fmt::format(
      "Cannot call localValue() on a non-local reference. Call it on {}. The value of {} lives on "
      "worker '{}'; here (worker '{}') use to_here()",
      owner_.name, repr(), owner_.name, core_->self().name));
}

RRefId RRefTable::next_id(int owner) {
  return {owner, core_.peer(owner).incarnation, core_.incarnation, next_number_.fetch_add(1)};
}

detail::Ref<RRef> RRefTable::own(detail::Ref<OwnerEntry> entry) {
  return detail::make_ref<OwnerRRef>(core_.shared_from_this(), std::move(entry), core_.self());
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

detail::Ref<OwnerEntry> RRefTable::create(const RRefId& id, int holder) {
  const std::lock_guard lock(mutex_);
  detail::Ref<OwnerEntry>& entry = entries_[{id.creator_incarnation, id.number}];
  if (!entry) entry = detail::make_ref<OwnerEntry>(id);
  entry->expected_ = false;
  add_lease(*entry, holder);
  return entry;
}

RRefTable::Export RRefTable::write(const RRef& reference, int to, std::byte* out) {
  Export done;
  done.to = to;
  if (reference.is_owner()) {
    const auto& entry = static_cast<const OwnerRRef&>(reference).entry();
    const std::lock_guard lock(mutex_);
    if (!cleared_) {
      entries_.try_emplace({entry->id.creator_incarnation, entry->id.number}, entry);
      add_lease(*entry, to);
      done.entry = entry;
    }
  } else if (to != reference.id().owner) {
    const std::lock_guard lock(mutex_);
    done.fork = next_fork_++;
    if (!cleared_) pins_.emplace(done.fork, Pin{detail::Ref<const RRef>::share(&reference), to});
  }
  put_rref_id(reference.id(), out);
  put_le(out + kRRefIdBytes, static_cast<uint32_t>(core_.options.rank));
  put_le(out + kRRefIdBytes + 4, done.fork);
  return done;
}

void RRefTable::undo(const Export& done) noexcept {
  detail::Ref<OwnerEntry> dropped;
  Pin pin{{}, -1};
  const std::lock_guard lock(mutex_);
  if (done.entry)
    dropped = drop_lease({done.entry->id.creator_incarnation, done.entry->id.number}, done.to, 1);
  if (const auto at = pins_.find(done.fork); at != pins_.end()) {
    pin = std::move(at->second);
    pins_.erase(at);
  }
}

detail::Ref<OwnerEntry> RRefTable::drop_lease(const Key& key, int holder, uint32_t count) noexcept {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return {};
  auto& leases = at->second->leases_;
  for (auto lease = leases.begin(); lease != leases.end(); ++lease) {
    if (lease->first != holder) continue;
    lease->second -= std::min(lease->second, count);
    if (lease->second == 0) leases.erase(lease);
    break;
  }
  if (!leases.empty()) return {};
  detail::Ref<OwnerEntry> dropped = std::move(at->second);
  entries_.erase(at);
  return dropped;
}

detail::Ref<RRef> RRefTable::read(std::span<const std::byte> bytes, int from) {
  if (bytes.size() != kRRefBytes) {
    throw ValueError(fmt::format("a reference of {} bytes, expected {}", bytes.size(), kRRefBytes));
  }
  const RRefId id = get_rref_id(bytes.data());
  const uint64_t fork = get_le<uint64_t>(bytes.data() + kRRefIdBytes + 4);
  if (id.owner < 0 || static_cast<size_t>(id.owner) >= core_.workers.size()) {
    throw ValueError(
        fmt::format("a reference owned by rank {} in a world of {}", id.owner, core_.workers.size()));
  }
  if (id.owner_incarnation != core_.peer(id.owner).incarnation) {
    throw ValueError(
        fmt::format("a reference from an earlier life of worker '{}'", core_.peer(id.owner).info.name));
  }
  if (id.owner == core_.options.rank) {
    detail::Ref<OwnerEntry> entry;
    {
      const std::lock_guard lock(mutex_);
      const auto at = entries_.find({id.creator_incarnation, id.number});
      if (at != entries_.end()) entry = at->second;
    }
    if (!entry) {
      entry = detail::make_ref<OwnerEntry>(id);
      entry->fail(
          make_error(ErrorKind::kPeerDied,
                     fmt::format("the value of RRef {} is gone: the worker that passed the reference on died "
                                 "before its receiver was known here",
                                 id.str())));
    }
    return own(std::move(entry));
  }
  auto reference = detail::make_ref<UserRRef>(core_.shared_from_this(), id, core_.peer(id.owner).info);
  if (from != id.owner) {
    OutFrame lease(kLeaseFrame);
    std::byte* const out = lease.body.ext(static_cast<int8_t>(ExtType::kRRef), kRRefBytes);
    put_rref_id(id, out);
    put_le(out + kRRefIdBytes, static_cast<uint32_t>(from));
    put_le(out + kRRefIdBytes + 4, fork);
    // A dead owner: using the reference says so.
    if (core_.peer(id.owner).send(std::move(lease))) reference->forget_lease();
  }
  return reference;
}

void RRefTable::on_lease(int from, const RRefId& id, int parent, uint64_t fork) {
  {
    const std::lock_guard lock(mutex_);
    if (cleared_) return;
    const Key key{id.creator_incarnation, id.number};
    const auto at = entries_.find(key);
    if (at != entries_.end()) {
      add_lease(*at->second, from);
    } else {
      // Its creation is still on the way, on its creator's own connection; unless somebody in between died.
      bool creator_alive = false;
      for (const auto& peer : core_.peers) {
        creator_alive |= !peer->is_self && peer->incarnation == id.creator_incarnation && !peer->dead();
      }
      if (creator_alive && !core_.is_dead(parent)) {
        auto entry = detail::make_ref<OwnerEntry>(id);
        entry->expected_ = true;
        add_lease(*entry, from);
        entries_.emplace(key, std::move(entry));
      }
    }
  }
  OutFrame done(kForkDoneFrame);
  done.body.uinteger(fork);
  (void)core_.peer(parent).send(std::move(done));  // a dead parent has no pins
}

bool RRefTable::on_frame(int from, const Frame& frame) {
  try {
    BodyReader in(frame.body);
    switch (static_cast<uint8_t>(frame.header.kind)) {
      case static_cast<uint8_t>(kLeaseFrame): {
        const auto ext = in.ext();
        if (ext.bytes.size() != kRRefBytes) return false;
        const RRefId id = get_rref_id(ext.bytes.data());
        const auto parent = get_le<uint32_t>(ext.bytes.data() + kRRefIdBytes);
        if (parent >= core_.workers.size() || id.owner != core_.options.rank) return false;
        if (id.owner_incarnation != core_.incarnation) return true;
        on_lease(from, id, static_cast<int>(parent), get_le<uint64_t>(ext.bytes.data() + kRRefIdBytes + 4));
        return true;
      }
      case static_cast<uint8_t>(kForkDoneFrame): {
        Export pin;
        pin.fork = in.uinteger();
        undo(pin);
        return true;
      }
      case static_cast<uint8_t>(kReleaseFrame): {
        const auto ext = in.ext();
        if (ext.bytes.size() != kRRefIdBytes) return false;
        const RRefId id = get_rref_id(ext.bytes.data());
        if (id.owner_incarnation != core_.incarnation) return true;
        detail::Ref<OwnerEntry> dropped;
        const std::lock_guard lock(mutex_);
        dropped = drop_lease({id.creator_incarnation, id.number}, from, 1);
        return true;
      }
      default: return false;
    }
  } catch (const std::exception&) {
    return false;
  }
}

void RRefTable::release(const RRefId& id) noexcept {
  try {
    if (core_.closing.load(std::memory_order_relaxed)) return;
    OutFrame frame(kReleaseFrame);
    put_rref_id(id, frame.body.ext(static_cast<int8_t>(ExtType::kRRef), kRRefIdBytes));
    (void)core_.peer(id.owner).send(std::move(frame));
  } catch (const std::bad_alloc&) {
    // The owner keeps the value until this worker ends.
  }
}

void RRefTable::worker_died(int rank, const std::exception_ptr& cause) noexcept {
  std::vector<detail::Ref<OwnerEntry>> dropped, orphans;
  std::vector<Pin> unpinned;
  const uint64_t incarnation = core_.peer(rank).incarnation;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = entries_.begin(); at != entries_.end();) {
      OwnerEntry& entry = *at->second;
      std::erase_if(entry.leases_, [rank](const auto& lease) { return lease.first == rank; });
      if (entry.expected_ && at->first.creator == incarnation) orphans.push_back(at->second);
      if (entry.leases_.empty()) {
        dropped.push_back(std::move(at->second));
        at = entries_.erase(at);
      } else {
        ++at;
      }
    }
    for (auto at = pins_.begin(); at != pins_.end();) {
      if (at->second.to == rank || at->second.reference->id().owner == rank) {
        unpinned.push_back(std::move(at->second));
        at = pins_.erase(at);
      } else {
        ++at;
      }
    }
  }
  for (const auto& entry : orphans) entry->fail(cause);
}

void RRefTable::clear(const std::exception_ptr& cause) noexcept {
  decltype(entries_) entries;
  decltype(pins_) pins;
  {
    const std::lock_guard lock(mutex_);
    cleared_ = true;
    entries.swap(entries_);
    pins.swap(pins_);
  }
  for (const auto& [key, entry] : entries) entry->fail(cause);
}

size_t RRefTable::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace tine::rpc

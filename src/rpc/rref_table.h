// RRefTable: the values that other workers hold references to, and the references held here.
//
// State      Open, then cleared for good.
// Threads    Any.
// Ordering   Messages of one worker are handled in the order in which it sent them; what that buys is in
//            docs/spec/rref.md.
// Ownership  An entry lives in the table while any worker has a lease on it; OwnerRRefs share it.
// Errors     Messages about what is not there are ignored: the other side finds out when it uses the reference.
// Cost       One lock and one hash a message. No Value is destroyed under the lock.
// Source     docs/spec/rref.md.
#pragma once

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "src/rpc/rref.h"
#include "src/rpc/transport/connection.h"

namespace tine::rpc {

inline constexpr size_t kRRefIdBytes = 28;
inline constexpr size_t kRRefBytes = 40;  // id, parent rank, fork number
inline constexpr FrameKind kLeaseFrame = static_cast<FrameKind>(16);
inline constexpr FrameKind kForkDoneFrame = static_cast<FrameKind>(17);
inline constexpr FrameKind kReleaseFrame = static_cast<FrameKind>(18);

// A value here that others may refer to.
class OwnerEntry final : public detail::RefCounted {
 public:
  explicit OwnerEntry(RRefId i) : id(i), value(detail::make_ref<detail::State<Value>>()) {}
  // The first outcome stays.
  void complete(Value v) noexcept;
  void fail(std::exception_ptr error) noexcept;
  [[nodiscard]] Future<Value> future() const noexcept { return Future<Value>(value); }

  const RRefId id;
  const detail::Ref<detail::State<Value>> value;

 private:
  friend class RRefTable;
  std::vector<std::pair<int, uint32_t>> leases_;  // rank, count; under the table's lock
  bool expected_ = false;                         // somebody spoke of it before its creation came
};

class OwnerRRef final : public RRef {
 public:
  OwnerRRef(std::shared_ptr<AgentCore> core, detail::Ref<OwnerEntry> entry, WorkerInfo self);
  ~OwnerRRef() override;
  [[nodiscard]] bool is_owner() const noexcept override { return true; }
  [[nodiscard]] Future<Value> to_here(TimePoint deadline) const override;
  [[nodiscard]] Future<Value> confirmed() const override { return entry_->future(); }
  [[nodiscard]] Future<Value> local_value() const override { return entry_->future(); }
  [[nodiscard]] const detail::Ref<OwnerEntry>& entry() const noexcept { return entry_; }

 private:
  const std::shared_ptr<AgentCore> core_;
  const detail::Ref<OwnerEntry> entry_;
};

class UserRRef final : public RRef {
 public:
  UserRRef(std::shared_ptr<AgentCore> core, RRefId id, WorkerInfo owner);
  ~UserRRef() override;  // gives the lease back
  [[nodiscard]] bool is_owner() const noexcept override { return false; }
  [[nodiscard]] Future<Value> to_here(TimePoint deadline) const override;
  [[nodiscard]] Future<Value> confirmed() const override { return confirmed_; }
  [[nodiscard]] Future<Value> local_value() const override;
  void set_confirmed(Future<Value> confirmed) noexcept { confirmed_ = std::move(confirmed); }
  void forget_lease() noexcept { leased_ = false; }  // the creation was never sent

 private:
  const std::shared_ptr<AgentCore> core_;
  Future<Value> confirmed_;
  bool leased_ = true;
};

class RRefTable {
 public:
  explicit RRefTable(AgentCore& core) noexcept : core_(core) {}

  [[nodiscard]] RRefId next_id(int owner);
  [[nodiscard]] detail::Ref<RRef> own(detail::Ref<OwnerEntry> entry);
  // The creation has come: the entry, with a lease of `holder` (none for this worker itself).
  [[nodiscard]] detail::Ref<OwnerEntry> create(const RRefId& id, int holder);

  // A reference goes to worker `to`. Writes kRRefBytes; what it did can be undone while nothing was sent.
  struct Export {
    detail::Ref<OwnerEntry> entry;
    uint64_t fork = 0;
    int to = -1;
  };
  [[nodiscard]] Export write(const RRef& reference, int to, std::byte* out);
  void undo(const Export& done) noexcept;
  // A reference came from worker `from`. Throws ValueError for bytes that are none.
  [[nodiscard]] detail::Ref<RRef> read(std::span<const std::byte> bytes, int from);

  // Lease, fork-done and release frames; false when the frame is malformed.
  [[nodiscard]] bool on_frame(int from, const Frame& frame);
  void release(const RRefId& id) noexcept;
  void worker_died(int rank, const std::exception_ptr& cause) noexcept;
  void clear(const std::exception_ptr& cause) noexcept;
  [[nodiscard]] size_t entries() const;

 private:
  struct Key {
    uint64_t creator, number;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& k) const noexcept {
      return std::hash<uint64_t>()(k.creator * 31 + k.number);
    }
  };
  struct Pin {
    detail::Ref<const RRef> reference;
    int to;
  };
  void add_lease(OwnerEntry& entry, int holder);  // under the lock
  // Null, or the entry when nobody has a lease on it any more.
  [[nodiscard]] detail::Ref<OwnerEntry> drop_lease(const Key& key, int holder, uint32_t count) noexcept;
  void on_lease(int from, const RRefId& id, int parent, uint64_t fork);

  AgentCore& core_;
  std::atomic<uint64_t> next_number_{1};
  mutable std::mutex mutex_;
  bool cleared_ = false;
  uint64_t next_fork_ = 1;
  std::unordered_map<Key, detail::Ref<OwnerEntry>, KeyHash> entries_;
  std::unordered_map<uint64_t, Pin> pins_;  // references passed on, until their owner knows
};

void put_rref_id(const RRefId& id, std::byte* out) noexcept;
[[nodiscard]] RRefId get_rref_id(const std::byte* in) noexcept;

}  // namespace tine::rpc

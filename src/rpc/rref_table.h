// RRefTable: the values that other workers hold references to, and the references that are held here (docs/spec/rref.md,
// which also says which messages of one worker are handled in which order).
//
// It is open, and then cleared for good. Any thread may use it. An entry stays in the table while any worker has a lease
// on it or its creation is still to come; OwnerRRefs share it. References share the table, and with it the agent's parts.
// A message about an unknown entry is ignored: the other side finds out when it uses the reference. A message costs one
// lock and one hash. No Value is destroyed under the lock.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/rpc/rref.h"
#include "src/rpc/transport/connection.h"

namespace tine::rpc {

// The workers of the world as references need them.
class Workers {
 public:
  virtual int rank() const noexcept = 0;  // of this one
  virtual uint64_t incarnation() const noexcept = 0;
  virtual const WorkerInfo& self() const noexcept = 0;
  // Whether a worker has that rank, or may have had it.
  virtual bool is_rank(int rank) const noexcept = 0;
  // ValueError when no worker of that life is known here.
  virtual WorkerInfo info_of_life(int rank, uint64_t incarnation) const = 0;
  // Empty when no worker of that life is known here.
  virtual std::string name_of_life(uint64_t incarnation) const = 0;
  // Whether that life is another worker's who has not died as far as is known here.
  virtual bool lives(uint64_t incarnation) const noexcept = 0;
  // What is lost is lost with the connection: both sides see its end. Incarnation 0: whoever has that rank.
  virtual void tell(int rank, uint64_t incarnation, OutFrame frame) noexcept = 0;
  // Whether what only another language can read is taken from them: to read it may run code.
  virtual bool takes_foreign() const noexcept { return true; }

 protected:
  ~Workers() = default;
};

class CallState;

// Brings values here.
class Fetcher {
 public:
  virtual Future<Value> fetch(const Reference& reference, TimePoint deadline) = 0;
  virtual Future<Value> next_items(const Reference& stream, std::string what, int64_t taken,
                                   TimePoint deadline) = 0;
  virtual TimePoint deadline_after(Seconds timeout) const = 0;

 protected:
  ~Fetcher() = default;
};

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
  bool for_all = false;  // the value is for workers of every language; known before it is complete

 private:
  friend class RRefTable;
  std::vector<std::pair<int, uint32_t>> leases_;  // rank, count; under the table's lock
  bool expected_ = false;                         // its creation is still to come
};

class RRefTable;

class OwnerRRef final : public Reference {
 public:
  OwnerRRef(std::shared_ptr<RRefTable> table, detail::Ref<OwnerEntry> entry, WorkerInfo self);
  ~OwnerRRef() override;
  [[nodiscard]] bool is_owner() const noexcept override { return true; }
  [[nodiscard]] Future<Value> to_here(TimePoint deadline) const override;
  [[nodiscard]] Future<Value> next_items(std::string what, int64_t taken, TimePoint deadline) const override;
  [[nodiscard]] TimePoint deadline_after(Seconds timeout) const override;
  [[nodiscard]] Future<Value> confirmed() const override { return entry_->future(); }
  [[nodiscard]] bool confirmed_by_owner() const noexcept override { return true; }
  [[nodiscard]] PassedRRef lend() const override;
  [[nodiscard]] Future<Value> local_value() const override { return entry_->future(); }
  [[nodiscard]] const detail::Ref<OwnerEntry>& entry() const noexcept { return entry_; }

 private:
  const std::shared_ptr<RRefTable> table_;
  const detail::Ref<OwnerEntry> entry_;
};

class UserRRef final : public Reference {
 public:
  UserRRef(std::shared_ptr<RRefTable> table, RRefId id, WorkerInfo owner);
  ~UserRRef() override;  // gives the lease back
  [[nodiscard]] bool is_owner() const noexcept override { return false; }
  [[nodiscard]] Future<Value> to_here(TimePoint deadline) const override;
  [[nodiscard]] Future<Value> next_items(std::string what, int64_t taken, TimePoint deadline) const override;
  [[nodiscard]] TimePoint deadline_after(Seconds timeout) const override;
  [[nodiscard]] Future<Value> confirmed() const override { return confirmed_; }
  [[nodiscard]] bool confirmed_by_owner() const noexcept override;
  [[nodiscard]] PassedRRef lend() const override;
  [[nodiscard]] Future<Value> local_value() const override;
  void set_confirmed(detail::Ref<CallState> creation) noexcept;
  void forget_lease() noexcept { leased_ = false; }  // the creation was never sent
  [[nodiscard]] bool leased() const noexcept { return leased_; }

 private:
  const std::shared_ptr<RRefTable> table_;
  Future<Value> confirmed_;
  const CallState* creation_ = nullptr;  // here, whose future that is
  bool leased_ = true;
};

class RRefTable {
 public:
  explicit RRefTable(Workers& workers) noexcept : workers_(workers), next_fork_(workers.incarnation()) {}
  // The world is complete. What keeps the table alive, and who fetches for its references.
  void share(std::weak_ptr<void> owner, Fetcher& fetcher);

  [[nodiscard]] detail::Ref<Reference> own(detail::Ref<OwnerEntry> entry);
  // To what this worker creates on another one: it has a lease once the creation was sent.
  [[nodiscard]] detail::Ref<UserRRef> created(const RRefId& id, WorkerInfo owner);
  // The creation has come: the entry, with a lease of `holder`.
  [[nodiscard]] detail::Ref<OwnerEntry> create(const RRefId& id, int holder);

  // A reference goes to worker `to`. What it did can be undone while nothing was sent. One whose creation was never
  // sent, of which its owner will not hear, throws that creation's error.
  struct Export {
    detail::Ref<OwnerEntry> entry;
    uint64_t fork = 0;
    int to = -1;
  };
  [[nodiscard]] Export write(BodyWriter& out, const Reference& reference, int to);
  void undo(const Export& done) noexcept;
  // A reference came from worker `from`. Throws ValueError for bytes that are none.
  [[nodiscard]] detail::Ref<Reference> read(std::span<const std::byte> ext, int from);

  // A reference that goes by another way than a frame. It is pinned here until whoever takes it has told the owner so.
  [[nodiscard]] PassedRRef lend(const Reference& reference);
  // Takes one that was lent, on any worker of this world, also the one that lent it. ValueError for another's.
  [[nodiscard]] detail::Ref<Reference> take(const PassedRRef& passed);

  // The frames about references; false when the frame is malformed.
  [[nodiscard]] bool on_frame(int from, const Frame& frame);
  void release(const RRefId& id) noexcept;
  void worker_died(int rank, uint64_t incarnation, const std::exception_ptr& cause) noexcept;
  void clear(const std::exception_ptr& cause) noexcept;
  [[nodiscard]] size_t entries() const;
  // References here to values of others, and how many were passed on and are not confirmed yet.
  [[nodiscard]] size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t pinned() const;
  void count_held(ptrdiff_t more) noexcept {
    held_.fetch_add(static_cast<size_t>(more), std::memory_order_relaxed);
  }

  [[nodiscard]] Future<Value> fetch(const Reference& reference, TimePoint deadline) const {
    return fetcher_->fetch(reference, deadline);
  }
  [[nodiscard]] Future<Value> next_items(const Reference& stream, std::string what, int64_t taken,
                                         TimePoint deadline) const {
    return fetcher_->next_items(stream, std::move(what), taken, deadline);
  }
  [[nodiscard]] TimePoint deadline_after(Seconds timeout) const { return fetcher_->deadline_after(timeout); }
  [[nodiscard]] const Workers& workers() const noexcept { return workers_; }

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
    detail::Ref<const Reference> reference;
    int to;  // a rank; -1: it is lent, and nobody is known to have taken it
  };
  // Numbers, in runs.
  class Numbers {
   public:
    void add(uint64_t number);
    [[nodiscard]] bool contains(uint64_t number) const noexcept;

   private:
    std::map<uint64_t, uint64_t> runs_;  // first to last
  };
  using Entries = std::unordered_map<Key, detail::Ref<OwnerEntry>, KeyHash>;
  [[nodiscard]] std::shared_ptr<RRefTable> shared();
  static Key key_of(const RRefId& id) noexcept { return {id.creator_incarnation, id.number}; }
  // Both with the lock of the entry's table.
  static void add_lease(OwnerEntry& entry, int holder);
  static void drop_lease(OwnerEntry& entry, int holder) noexcept;
  // Takes the entry out of the table if nothing keeps it there.
  [[nodiscard]] detail::Ref<OwnerEntry> forget_if_unused(Entries::iterator at) noexcept TINE_REQUIRES(mutex_);
  // One lease less on that value, if it is known here; the entry goes with the last one.
  [[nodiscard]] detail::Ref<OwnerEntry> drop_lease_of(const RRefId& id, int holder) noexcept
      TINE_REQUIRES(mutex_);
  [[nodiscard]] bool is_coming(const RRefId& id) const noexcept TINE_REQUIRES(mutex_);
  [[nodiscard]] std::string creator_of(const RRefId& id) const;
  detail::Ref<OwnerEntry>& expect(const RRefId& id) TINE_REQUIRES(mutex_);
  void on_lease(int from, const PassedRRef& passed);
  // ValueError when no worker of that life is known here.
  [[nodiscard]] WorkerInfo owner_of(const RRefId& id) const {
    return workers_.info_of_life(id.owner, id.owner_incarnation);
  }
  [[nodiscard]] uint64_t next_fork() noexcept TINE_REQUIRES(mutex_);
  [[nodiscard]] detail::Ref<Reference> owned(const RRefId& id);
  // The parent of a lent reference is told who has it.
  void tell_taken(const PassedRRef& passed);
  // The owner is told that this worker holds the reference.
  void tell_owner(const PassedRRef& passed);
  // Whether the owner lives, as far as is known here. Then the parent is remembered: see parents_.
  [[nodiscard]] bool can_tell_owner(const PassedRRef& passed);
  void tell_fork_done(const PassedRRef& passed);
  void unpin(uint64_t fork) noexcept;
  // Takes the pins for which which(pin) holds out of the table. They are to be destroyed outside of the lock.
  template <class Which>
  [[nodiscard]] std::vector<Pin> take_pins(Which which) TINE_REQUIRES(mutex_);

  Workers& workers_;
  const Birth birth_;
  std::weak_ptr<void> owner_;
  Fetcher* fetcher_ = nullptr;
  std::atomic<size_t> held_{0};
  mutable Mutex mutex_;
  bool cleared_ TINE_GUARDED_BY(mutex_) = false;
  // From the incarnation on, a random number: what answers a former life of this rank finds nothing.
  uint64_t next_fork_ TINE_GUARDED_BY(mutex_);
  Entries entries_ TINE_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, Numbers> came_
      TINE_GUARDED_BY(mutex_);  // creations of each creator that lives
  std::unordered_map<uint64_t, Pin> pins_
      TINE_GUARDED_BY(mutex_);  // references passed on, until their owner knows
  // By the incarnation of each other owner that lives: the ranks that have passed references to its values on to this worker. If
  // that owner is lost they are told, because leases may be lost with it.
  std::unordered_map<uint64_t, std::vector<int>> parents_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::rpc

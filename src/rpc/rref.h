// RRef: a reference to a value that lives on some worker, its owner.
//
// State      An owner reference holds the value (or the future of it). A user reference is one counted lease,
//            given back when the object dies.
// Threads    Any.
// Ordering   Messages about references travel on the connections of the calls, in order with them.
// Ownership  The value lives while the owner holds a reference itself or any worker has a lease. A lease is
//            bound to its worker's incarnation: it goes when that worker dies.
// Errors     local_value on a user: Error naming owner and this worker. A reference whose owner died: PeerDied.
// Cost       Passing one on to a third worker: two messages off the critical path. Nothing else waits for any.
// Source     docs/spec/rref.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/rpc/call.h"
#include "src/rpc/wire/reference.h"

namespace tine::rpc {

class TINE_API Reference : public RRefObject {
 public:
  [[nodiscard]] const RRefId& id() const noexcept { return id_; }
  [[nodiscard]] const WorkerInfo& owner() const noexcept { return owner_; }
  [[nodiscard]] virtual bool is_owner() const noexcept = 0;
  // The value at its owner, brought here. On the owner itself the very value, no copy. A creation that failed
  // shows here. `deadline` as in Agent::call.
  [[nodiscard]] virtual Future<Value> to_here(TimePoint deadline) const = 0;
  // Done when the owner has the value (or the creation failed); a user reference that was received is
  // confirmed from the start.
  [[nodiscard]] virtual Future<Value> confirmed() const = 0;
  // The deadline of a fetch that begins now.
  [[nodiscard]] virtual TimePoint deadline_after(Seconds timeout) const = 0;
  // The owner's value: a future, as the creation may still be running. Throws on a user.
  [[nodiscard]] virtual Future<Value> local_value() const = 0;
  [[nodiscard]] std::string repr() const override;  // "OwnerRRef(...)", "UserRRef(...)"

  // The RRef in `value`; TypeError when there is none.
  [[nodiscard]] static detail::Ref<Reference> from(const Value& value);

 protected:
  Reference(RRefId id, WorkerInfo owner) noexcept : id_(id), owner_(std::move(owner)) {}
  const RRefId id_;
  const WorkerInfo owner_;
};

}  // namespace tine::rpc

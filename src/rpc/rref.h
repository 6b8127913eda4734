// RRef: a reference to a value that lives on one worker, its owner (docs/spec/rref.md). Any thread may use it.
//
// A reference on the owner holds the value, or the future of it. A reference on another worker is one counted lease,
// which is given back when the object is destroyed. The value lives while the owner itself holds a reference or any
// worker has a lease. A lease is bound to the incarnation of its worker, so it goes when that worker dies. Messages about
// references travel on the connections of the calls, in order with them; passing a reference on to a third worker takes
// two messages, for which nothing waits.
//
// local_value() on a worker that is not the owner is an Error that names the owner and this worker. A reference whose
// owner died is a PeerDied.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/rpc/call.h"
#include "src/rpc/wire/reference.h"

namespace tine::rpc {

class Reference : public RRefObject {
 public:
  [[nodiscard]] const RRefId& id() const noexcept { return id_; }
  [[nodiscard]] const WorkerInfo& owner() const noexcept { return owner_; }
  [[nodiscard]] virtual bool is_owner() const noexcept = 0;
  // The value at its owner, brought here. On the owner itself the very value, no copy. A creation that failed
  // shows here. `deadline` as in Agent::call.
  [[nodiscard]] virtual Future<Value> to_here(TimePoint deadline) const = 0;
  // The next items of the stream that it refers to, for a reader that has taken that many (src/rpc/served_stream.h).
  [[nodiscard]] virtual Future<Value> next_items(std::string what, int64_t taken,
                                                 TimePoint deadline) const = 0;
  // Done when the owner has the value (or the creation failed); a user reference that was received is
  // confirmed from the start.
  [[nodiscard]] virtual Future<Value> confirmed() const = 0;
  // Whether the owner is known to know this reference: on the owner always, on the creator once the owner has answered, also
  // with an error. Does not count as looking at that error.
  [[nodiscard]] virtual bool confirmed_by_owner() const noexcept = 0;
  // For a way that is not a frame: RRefTable::lend().
  [[nodiscard]] virtual PassedRRef lend() const = 0;
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

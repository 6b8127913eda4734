// A full memory barrier between a side that passes it all the time and one that hardly ever does.
//
// State      Whether the kernel offers membarrier(2); asked once.
// Threads    Any.
// Ordering   heavy() returns after every running thread of this process has passed a full barrier since it was
//            called. The other side then needs only a compiler's barrier between its store and its load.
// Ownership  None.
// Errors     None: where the kernel refuses, cheap() is false and the other side uses a read-modify-write.
// Cost       heavy(): 0.3 to 0.6 us on two cores, an interrupt of each core that runs this process. The other side: nothing.
// Source     membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED; Dice, Huang and Yang, "Asymmetric Dekker
//            Synchronization" (2001).
#pragma once

namespace tine::sched {

class AsymmetricFence {
 public:
  AsymmetricFence() noexcept;
  [[nodiscard]] bool cheap() const noexcept { return cheap_; }
  void heavy() const noexcept;

 private:
  const bool cheap_;
};

}  // namespace tine::sched

// AsymmetricFence: a full memory barrier between a side that passes it all the time and one that hardly ever does.
//
// heavy() returns after every running thread of this process has passed a full barrier since the call. The other side then
// needs only a compiler's barrier between its store and its load. Where the kernel does not offer membarrier(2), cheap() is
// false and the other side must use a read-modify-write. heavy() takes 0.3 to 0.6 us on two cores: it interrupts each core
// that runs this process. (Dice, Huang and Yang, "Asymmetric Dekker Synchronization", 2001.)
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

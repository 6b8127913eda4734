// Trimming: while one is alive a Recycler keeps blocks, and gives back what nobody took for one to two intervals.
//
// State      Idle while nothing is kept, else an entry of the timer.
// Threads    One thread makes and destroys it. It trims on the timer's thread, whose gate sends large blocks elsewhere.
// Ownership  The Recycler outlives the timer, the timer outlives it.
// Errors     When the timer has no thread, another Trimming of the Recycler is asked, and this one the next time.
// Source     src/base/recycler.h.
#pragma once

#include <chrono>

#include "src/base/recycler.h"
#include "tine/timer.h"

namespace tine {

class Trimming {
 public:
  static constexpr std::chrono::milliseconds kInterval{1000};

  Trimming(Recycler& recycler, Timer& timer, std::chrono::milliseconds interval = kInterval);
  ~Trimming();
  Trimming(const Trimming&) = delete;
  Trimming& operator=(const Trimming&) = delete;

 private:
  class Keeper;
  Recycler& recycler_;
  const detail::Ref<Keeper> keeper_;
};

}  // namespace tine

// Trimming: while one is alive a Recycler keeps blocks, and gives back to the system what nobody took for one to two
// intervals.
//
// It trims on the timer's thread, under whose gate large blocks go to an executor. While the Recycler keeps nothing it does
// nothing. One thread makes and destroys it. The Recycler must outlive the timer, and the timer must outlive it. If the timer
// has no thread, the Recycler asks another Trimming, and this one the next time.
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

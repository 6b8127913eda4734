#include "src/sched/asymmetric_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <exception>

namespace tine::sched {

AsymmetricFence::AsymmetricFence() noexcept
    : cheap_(::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0) {}

void AsymmetricFence::heavy() const noexcept {
  // After the registration it cannot fail. If it did, going on could lose a wake-up.
  if (cheap_ && ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) std::terminate();
}

}  // namespace tine::sched

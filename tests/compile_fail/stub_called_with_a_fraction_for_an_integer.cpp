// An integer parameter takes no fraction.
#include "tine/rpc.h"

inline constexpr tine::rpc::Function<int64_t(int64_t)> kNext{"next"};

tine::Future<int64_t> ask(tine::rpc::Worker& worker) {
#ifdef TINE_MISUSE
  return worker.call(kNext, "server", 1.5);
#else
  return worker.call(kNext, "server", 1);
#endif
}

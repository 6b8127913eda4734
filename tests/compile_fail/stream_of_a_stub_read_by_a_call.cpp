// What is declared to return a stream is read by stream().
#include "tine/rpc.h"

inline constexpr tine::rpc::Function<tine::Stream<int64_t>(int64_t)> kCount{"count"};

void ask(tine::rpc::Worker& worker) {
#ifdef TINE_MISUSE
  (void)worker.call(kCount, "server", 3);
#else
  (void)worker.stream(kCount, "server", 3).next();
#endif
}

// A function that is served by a declaration returns what is declared, or a Future of it.
#include "tine/rpc.h"

inline constexpr tine::rpc::Function<double()> kNumber{"number"};

void serve(tine::rpc::Worker& worker) {
#ifdef TINE_MISUSE
  worker.serve(kNumber, [] { return std::string("one"); });
#else
  worker.serve(kNumber, [] { return tine::make_ready(1.0); });
#endif
}

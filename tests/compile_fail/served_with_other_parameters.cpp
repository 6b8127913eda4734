// A function that is served by a declaration takes the parameters that are declared.
#include "tine/rpc.h"

inline constexpr tine::rpc::Function<double(double, int64_t)> kPower{"power"};

void serve(tine::rpc::Worker& worker) {
#ifdef TINE_MISUSE
  worker.serve(kPower, [](double x, const std::string&) { return x; });
#else
  worker.serve(kPower, [](double x, int64_t) { return x; });
#endif
}

// A call by a declaration takes as many arguments as are declared.
#include "tine/rpc.h"

inline constexpr tine::rpc::Function<double(double, double)> kPower{"power"};

tine::Future<double> ask(tine::rpc::Worker& worker) {
#ifdef TINE_MISUSE
  return worker.call(kPower, "server", 2.0);
#else
  return worker.call(kPower, "server", 2.0, 3.0);
#endif
}

// A call by a declaration takes the arguments that are declared.
#include "tine/rpc.h"

inline constexpr tine::rpc::Function<double(double, std::string)> kPower{"power"};

tine::Future<double> ask(tine::rpc::Worker& worker) {
#ifdef TINE_MISUSE
  return worker.call(kPower, "server", "two", 3);
#else
  return worker.call(kPower, "server", 2, "3");
#endif
}

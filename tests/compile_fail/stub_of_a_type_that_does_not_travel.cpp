// A declaration has types that travel.
#include "tine/rpc.h"

struct Point {
  double x, y;
};

#ifdef TINE_MISUSE
using Signature = double(Point);
#else
using Signature = double(std::pair<double, double>);
#endif
constexpr tine::rpc::Function<Signature> kNorm{"norm"};
static_assert(kNorm.name() == "norm");

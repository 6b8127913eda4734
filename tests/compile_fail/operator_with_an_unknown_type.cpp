// A call by name takes what stands in the table of tine/convert.h.
#include "tine/functions.h"

struct Mine {};

tine::Value use(const tine::OpTable& ops, const tine::Tensor& x) {
#ifdef TINE_MISUSE
  return ops.call("aten::add", x, Mine());
#else
  return ops.call("aten::add", x, 1);
#endif
}

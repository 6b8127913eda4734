// A typed function takes the types of its schema: a tensor is not a dimension.
#include "tine/functions.h"

tine::Tensor use(const tine::Tensor& x) {
#ifdef TINE_MISUSE
  return tine::softmax(x, x);
#else
  return tine::softmax(x, 0);
#endif
}

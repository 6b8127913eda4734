// A Future holds a value: of a reference nobody would know how long it lives.
#include <functional>

#include "tine/future.h"

#ifdef TINE_MISUSE
tine::Future<int&> wrong();
void use() { (void)wrong(); }
#else
tine::Future<std::reference_wrapper<int>> wrong();
void use() { (void)wrong(); }
#endif

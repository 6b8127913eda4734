// The operator by which a script calls a function of the language that it was written in.
#include "src/runtime/parts.h"
#include "src/value/cost.h"

namespace tine {

void add_foreign_operators(OpTable& table) {
  // A script waits for the Future: it is suspended, and whoever runs the function may take that language's lock.
  table.add("prim::PythonOp(str function, Any[] args) -> Future(Any)",
            [](OpContext& context, const Value* a) {
              const ForeignCaller caller =
                  context.foreign ? context.foreign->load(std::memory_order_acquire) : nullptr;
              if (!caller) {
                throw Error(
                    "`" + a[0].to_string() +
                    "` is marked @ignore, so it is Python's: only a script that Python compiled calls it, in "
                    "its own process");
              }
              return Value(caller(a[0].to_string(), a[1].to_list().items));
            },
            {.pure = false, .cost = cost::kNoBound});
}

}  // namespace tine

// The future of a call by a declaration holds what is declared.
#include "tine/rpc.h"

inline constexpr tine::rpc::Function<std::string(double)> kText{"text"};

std::string ask(tine::rpc::Worker& worker) {
#ifdef TINE_MISUSE
  const tine::Future<double> text = worker.call(kText, "server", 2.0);
  return std::to_string(text.get());
#else
  const tine::Future<std::string> text = worker.call(kText, "server", 2.0);
  return text.get();
#endif
}

// Handler: who runs the calls that the agent does not run itself. The call's two sides, CallRequest and IncomingCall, are in
// include/tine/foreign.h.
#pragma once

#include "src/rpc/wire/error_body.h"
#include "src/rpc/wire/request.h"
#include "tine/foreign.h"
#include "tine/rpc_reference.h"

namespace tine::rpc {

// 30 years: a timeout of more is as good as none, and would overflow.
inline constexpr Seconds kForEver{1e9};

// Calls of one name to one worker that have no answer yet, as a person asks for them.
struct UnansweredCalls {
  std::string name;
  size_t count = 0;
  Clock::duration oldest{};  // since it was begun
};

class Handler {
 public:
  // On the thread that src/rpc/placement.h says. kScript: run a bounded slice, never block; go on elsewhere when
  // it takes longer. Exceptions that leave it are the answer.
  virtual void handle(IncomingCall call) = 0;

 protected:
  ~Handler() = default;
};

// True when there is a Future anywhere in the value.
[[nodiscard]] bool holds_future(const Value& value);
// Throws that refusal, naming the argument, when there is one in the request.
void refuse_futures(const CallRequest& request);

}  // namespace tine::rpc

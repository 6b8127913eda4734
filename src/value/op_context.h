// OpContext: what an operator may use besides its arguments. It is a plain struct of pointers to services of the Runtime,
// which outlives every call. One thread uses a context at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/tensor/splitter.h"
#include "tine/future.h"
#include "tine/value.h"

namespace tine {

struct Op;

// A call of an operator, of a script function, or of what the callee serves, by its full name. `to` is a worker's name or rank.
// `kwargs` is None where `args` has been bound to the callee's signature, else a Dict: both are then bound when the call is made.
// `timeout` is in seconds, 0 for none, -1 for the default.
struct RemoteCall {
  const Value& to;
  const std::string& callee;
  const Value& args;
  const Value& kwargs;
  double timeout = -1;
  bool async_execution = false;
};

// Remote calls out of operators: runtime implements it over rpc, so that neither the table nor a script knows rpc.
class RemoteCaller {
 public:
  virtual Future<Value> rpc_async(const RemoteCall& call) = 0;
  virtual Value remote(const RemoteCall& call) = 0;
  virtual Future<Value> to_here(const Value& rref, double timeout) = 0;
  // Done when a call to that worker stays within the bounds of what may wait to be sent and answered.
  virtual Future<Value> room(const Value& to) = 0;

 protected:
  ~RemoteCaller() = default;
};

// Calls a function of the language that the script was written in: Python's that are marked @ignore. `function` is the name
// that its binding gave it. Called on any thread; the function runs on another one.
using ForeignCaller = Future<Value> (*)(const std::string& function, const std::vector<Value>& args);

// What the tensor kernels see (generator, splitter), and what only operators see.
struct OpContext : KernelContext {
  RemoteCaller* remote = nullptr;  // null: rpc operators fail
  // Set for scripts alone: whoever calls operators by their names, from another worker say, reaches no function by it. Holds
  // null until a binding brings its caller.
  const std::atomic<ForeignCaller>* foreign = nullptr;
};

}  // namespace tine

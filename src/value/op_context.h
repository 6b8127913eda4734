// OpContext: what an operator may use besides its arguments. It is a plain struct of pointers to services of the Runtime,
// which outlives every call. One thread uses a context at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/tensor/splitter.h"
#include "tine/future.h"
#include "tine/value.h"

namespace tine {

struct Op;

// Remote calls out of operators: runtime implements it over rpc, so that neither the table nor a script
// knows rpc. `to` is a worker's name or rank; `callee` an operator's or a script function's full name; `args` all of
// its arguments; `timeout` in seconds, 0 for none, negative for the default.
class RemoteCaller {
 public:
  virtual Future<Value> rpc_async(const Value& to, const std::string& callee, const Value& args,
                                  double timeout) = 0;
  virtual Value remote(const Value& to, const std::string& callee, const Value& args, double timeout) = 0;
  virtual Future<Value> to_here(const Value& rref, double timeout) = 0;
  // Done when a call to that worker stays within the bounds of what may wait to be sent and answered.
  virtual Future<Value> room(const Value& to) = 0;

 protected:
  ~RemoteCaller() = default;
};

// What the tensor kernels see (generator, splitter), and what only operators see.
struct OpContext : KernelContext {
  RemoteCaller* remote = nullptr;  // null: rpc operators fail
};

}  // namespace tine

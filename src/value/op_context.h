// OpContext: what an operator may use besides its arguments.
//
// State      Pointers to services; a plain struct, made per thread or per call.
// Threads    One thread at a time.
// Ordering   None.
// Ownership  Borrowed from the Runtime, which outlives every call.
// Errors     None.
// Cost       A few pointers.
// Source     DESIGN "Values, operators".
#pragma once

#include <cstdint>
#include <memory>

#include "src/tensor/splitter.h"
#include "tine/value.h"

namespace tine {

struct Op;

// Sees every operator call of a traced run (trace implements it).
class Recorder {
 public:
  virtual void record(const Op& op, const Value* args, const Value& result) = 0;

 protected:
  ~Recorder() = default;
};

// What the tensor kernels see (generator, splitter), and what only operators see.
struct OpContext : KernelContext {
  Recorder* recorder = nullptr;  // null: nobody records
};

}  // namespace tine

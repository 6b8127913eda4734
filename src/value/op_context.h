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

#include "tine/value.h"

namespace tine {

struct Op;
class Generator;  // src/tensor/generator.h

// Splits [0, n) into pieces of at least `grain` and runs them, this thread included; returns when
// all are done; rethrows the first error. The scheduler implements it.
class Splitter {
 public:
  virtual void parallel_for(int64_t n, int64_t grain, void (*body)(void* state, int64_t begin, int64_t end),
                            void* state) = 0;
  virtual int cores() const noexcept = 0;

 protected:
  ~Splitter() = default;
};

// Sees every operator call of a traced run (trace implements it).
class Recorder {
 public:
  virtual void record(const Op& op, const Value* args, const Value& result) = 0;

 protected:
  ~Recorder() = default;
};

struct OpContext {
  Generator* generator = nullptr;
  Splitter* splitter = nullptr;  // null: one core
  Recorder* recorder = nullptr;  // null: nobody records
};

}  // namespace tine

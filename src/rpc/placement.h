// Placement: decides which thread runs the work that a worker asks for. No other code decides it.
//
// A thread that reads a connection (the loop's, or one that waits for an answer and polls) must be back soon, because
// pings, other answers and deadlines wait for it. So it only runs work with a short bound.
//
//   work                                         on a reader         elsewhere
//   --------------------------------------------------------------------------------
//   to read a body of at most kReadHere bytes    here                here
//   to read a larger body                        pool                here
//   a fetch, a control call                      here                here
//   an operator that takes at most kShort        here                here
//   an operator that may take longer             pool                pool
//   a script whose code is here                  here, for kSlice    pool
//   a script that brings code                    pool                pool
//   a foreign call, a served function            handler             handler
//   to encode what only a language can           callbacks           callbacks
//   to encode an answer of at most kWriteHere    here                here
//   to encode a larger one                       pool                pool
//
// A handler thread that lingers is a reader, and runs a call of a handler itself once it has given the role back or lent it
// (src/rpc/lingering.h).
//
// "Elsewhere" is the thread that calls its own worker, that opened the agent, that completed the value a call waited
// for, or a task of the pool. A user's callback never runs on a reader either: its CallbackGate posts it to the threads of
// callbacks. Pool: the scheduler. Handler, callbacks: threads of their own, which may block. kShort and kSlice: src/value/cost.h.
//
// Any thread may ask; the answer costs a few comparisons. Work that goes to the pool may be overtaken by later frames;
// src/rpc/inbox.h says by which it may not. docs/spec/agent.md, "Placement", has the same table.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tine::rpc {

// A body this small is decoded in about a quarter of a millisecond, whatever is in it.
inline constexpr size_t kReadHere = size_t{16} << 10;

// So is an answer encoded; tensors are not, they are sent from where they lie.
inline constexpr size_t kWriteHere = size_t{16} << 10;

enum class At : uint8_t { kReader, kElsewhere };

enum class Place : uint8_t { kHere, kHereForASlice, kPool, kHandler, kCallbacks };

struct Work {
  enum class Kind : uint8_t { kRead, kAgents, kOperator, kScript, kHandler, kEncode, kWrite };

  Kind kind;
  size_t bytes = 0;          // kRead: of the body; kWrite: about so many
  int64_t nanoseconds = 0;   // kOperator: at most
  bool brings_code = false;  // kScript
};

[[nodiscard]] Place place_for(const Work& work, At at) noexcept;

}  // namespace tine::rpc

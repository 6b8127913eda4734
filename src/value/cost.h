// Cost: an upper bound for the time that a call of an operator takes, computed from its arguments before it runs. A
// thread that reads a connection uses it to decide what it may run itself, and Python to decide when to release its lock.
//
// Each row of the table declares a rule, which says from what the work is counted, and a rate. The unit is the nanosecond
// of one core of the machine on which the rates were measured (x86-64 with AVX2, 3 GHz), with memory that is touched for
// the first time; rates are rounded up. cost_test.cpp measures every row and requires that its estimate is above a tenth
// of the time. An estimate does not include the destruction of values of which the call held the last reference.
//
// A number that does not fit saturates at kUnbounded, and arguments that the kernel would refuse get any number. No
// thread may change the arguments meanwhile. A rule that looks at nothing costs 2 ns, one that looks at two tensors 6 ns.
// A rule that looks into lists stops as soon as the result is kUnbounded.
#pragma once

#include <chrono>
#include <cstdint>

#include "tine/detail/cost.h"

namespace tine {

// What may run on a thread that reads a connection, whose other answers wait meanwhile: an operator of at most
// kShort nanoseconds, a script for one slice.
inline constexpr int64_t kShort = 20'000;
inline constexpr std::chrono::microseconds kSlice{200};

// For the rows. The rates are upper bounds for the slowest dtype and sizes beyond every cache.
namespace cost {
using Rule = Cost::Rule;
inline constexpr Cost kNoBound{Rule::kUnbounded};
inline constexpr Cost kFixed{Rule::kFixed};
inline constexpr Cost kEach{Rule::kResult, 600};             // vectorised: add, exp, relu
inline constexpr Cost kEachSlowly{Rule::kResult, 20'000};    // sin, pow, remainder, where
inline constexpr Cost kStore{Rule::kStored, 600};            // into a view: _assign
inline constexpr Cost kFill{Rule::kInputs, 600};             // zeros_like
inline constexpr Cost kConvert{Rule::kInputs, 6'000};        // to another dtype
inline constexpr Cost kCopy{Rule::kCopy, 2'000};             // reshape, contiguous
inline constexpr Cost kFold{Rule::kInputs, 400};             // sum, max of all elements; cat
inline constexpr Cost kReduce{Rule::kInputs, 1'000};         // along a dimension
inline constexpr Cost kReduceSlowly{Rule::kInputs, 10'000};  // softmax, losses
inline constexpr Cost kUniform{Rule::kInputs, 4'000};        // rand_like
inline constexpr Cost kNormal{Rule::kInputs, 40'000};        // randn_like
inline constexpr Cost kNew{Rule::kSizes, 600};               // zeros
inline constexpr Cost kNewUniform{Rule::kSizes, 4'000};      // rand
inline constexpr Cost kNewNormal{Rule::kSizes, 40'000};      // randn
inline constexpr Cost kArange{Rule::kRange, 1'000};
inline constexpr Cost kLinspace{Rule::kSteps, 2'000};
inline constexpr Cost kEye{Rule::kIdentity, 600};
inline constexpr Cost kShuffle{Rule::kCount, 80'000};  // randperm: a cache miss each
inline constexpr Cost kMatmul{Rule::kProduct, 100};
inline constexpr Cost kLinear{Rule::kLinear, 100};
inline constexpr Cost kAddmm{Rule::kAddProduct, 100};
inline constexpr Cost kRows{Rule::kRows, 100'000};
inline constexpr Cost kUnbind{Rule::kUnbind, 100'000};
inline constexpr Cost kSplit{Rule::kSplit, 100'000};
inline constexpr Cost kChunk{Rule::kChunk, 100'000};
inline constexpr Cost kIndexSelect{Rule::kSelect, 25'000};
inline constexpr Cost kGather{Rule::kGather, 25'000};
inline constexpr Cost kIndex{Rule::kIndex, 30'000};
inline constexpr Cost kSubscript{Rule::kSubscript, 30'000};
inline constexpr Cost kPick{Rule::kResult, 30'000};    // masked_select
inline constexpr Cost kToList{Rule::kInputs, 30'000};  // a Value for each element
inline constexpr Cost kOneHot{Rule::kOneHot, 5'000};
inline constexpr Cost kText{Rule::kText, 5'000};         // a byte looked at or copied
inline constexpr Cost kPieces{Rule::kText, 100'000};     // a string for each: list("abc"), split
inline constexpr Cost kItems{Rule::kLength, 10'000};     // copied, moved, added up
inline constexpr Cost kEntries{Rule::kLength, 100'000};  // a tuple or a hash for each: items, copy
inline constexpr Cost kRepeat{Rule::kRepeat, 10'000};
inline constexpr Cost kPad{Rule::kPad, 5'000};
inline constexpr Cost kSearch{Rule::kSearch, 2'000};
inline constexpr Cost kReplace{Rule::kSearch, 10'000};
inline constexpr Cost kJoin{Rule::kJoin, 5'000};
inline constexpr Cost kCompare{Rule::kDeep, 20'000};
inline constexpr Cost kFormat{Rule::kDeep, 300'000};
inline constexpr Cost kSort{Rule::kSort, 30'000};
}  // namespace cost

}  // namespace tine

#include "src/rpc/placement.h"

#include <gtest/gtest.h>

#include "src/value/cost.h"

namespace tine::rpc {
namespace {

using Kind = Work::Kind;

struct Row {
  const char* what;
  Work work;
  Place on_a_reader;
  Place elsewhere;
};

// The table of the header.
const Row kRows[] = {
    {"a small body", {Kind::kRead, kReadHere}, Place::kHere, Place::kHere},
    {"a large body", {Kind::kRead, kReadHere + 1}, Place::kPool, Place::kHere},
    {"a fetch", {Kind::kAgents}, Place::kHere, Place::kHere},
    {"a short operator", {Kind::kOperator, 0, kShort}, Place::kHere, Place::kHere},
    {"a longer operator", {Kind::kOperator, 0, kShort + 1}, Place::kPool, Place::kPool},
    {"an operator without a bound", {Kind::kOperator, 0, kUnbounded}, Place::kPool, Place::kPool},
    {"a script", {Kind::kScript}, Place::kHereForASlice, Place::kPool},
    {"a script with its code", {Kind::kScript, 0, 0, true}, Place::kPool, Place::kPool},
    {"a foreign call", {Kind::kHandler}, Place::kHandler, Place::kHandler},
    {"a small answer", {Kind::kWrite, kWriteHere}, Place::kHere, Place::kHere},
    {"a large answer", {Kind::kWrite, kWriteHere + 1}, Place::kPool, Place::kPool},
    {"an encoding", {Kind::kEncode}, Place::kCallbacks, Place::kCallbacks},
};

TEST(Placement, IsThatOfTheTable) {
  for (const Row& row : kRows) {
    EXPECT_EQ(place_for(row.work, At::kReader), row.on_a_reader) << row.what;
    EXPECT_EQ(place_for(row.work, At::kElsewhere), row.elsewhere) << row.what;
  }
}

// A reader is back within a slice and a short operator; the far side's 2 ms rest on it.
TEST(Placement, WhatAReaderRunsTakesUnderAMillisecond) {
  EXPECT_LE(std::chrono::nanoseconds(kShort) + kSlice, std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace tine::rpc

// Options with which no Agent starts. What is right up to here lacks an executor, so nothing is begun.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "src/base/testing/errors.h"
#include "src/rpc/agent.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& name, int rank, int world_size) {
  AgentOptions options;
  options.name = name;
  options.rank = rank;
  options.world_size = world_size;
  return error_of([&] { static_cast<void>(Agent::start(std::move(options))); });
}

TEST(AgentOptions, AWorkersNameHasOneTo128Bytes) {
  for (const size_t bytes : {0U, 129U, 1000U})
    EXPECT_THAT(refusal(std::string(bytes, 'w'), 0, 1),
                HasSubstr("expected 1 to 128 bytes, got " + std::to_string(bytes)));
  for (const size_t bytes : {1U, 128U})
    EXPECT_THAT(refusal(std::string(bytes, 'w'), 0, 1), HasSubstr("an agent needs an executor")) << bytes;
}

TEST(AgentOptions, ARankIsBelowTheNumberOfWorkers) {
  EXPECT_THAT(refusal("w", 0, -1), HasSubstr("rank 0 in a world of -1"));
  EXPECT_THAT(refusal("w", 3, 3), HasSubstr("rank 3 in a world of 3: expected a rank from 0 to 2"));
  EXPECT_THAT(refusal("w", -1, 3), HasSubstr("rank -1"));
  for (const int rank : {0, 2})
    EXPECT_THAT(refusal("w", rank, 3), HasSubstr("an agent needs an executor")) << rank;
}

TEST(AgentOptions, InAWorldThatChangesTheRegisterMayChooseTheRank) {
  for (const int rank : {-2, 65536})
    EXPECT_THAT(refusal("w", rank, 0),
                HasSubstr("expected a rank from 0 to 65535, or -1 for the next free one"))
        << rank;
  for (const int rank : {-1, 0, 65535})
    EXPECT_THAT(refusal("w", rank, 0), HasSubstr("an agent needs an executor")) << rank;
}

}  // namespace
}  // namespace tine::rpc

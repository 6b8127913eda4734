// RawCard: who a node is and where it listens, as one line of text. parse() throws ValueError that says what is wrong with
// the line. docs/spec/agent.md, "Raw calls".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/rpc/transport/ways.h"
#include "tine/raw.h"

namespace tine::rpc {

struct RawCard {
  RawWorker worker;
  uint64_t incarnation = 0;
  std::string protocol;
  std::vector<Address> addresses;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static RawCard parse(std::string_view text);
};

// "worker 'w1' (id 1)"
[[nodiscard]] std::string describe(const RawWorker& worker);

}  // namespace tine::rpc

// RawCard: who a node is and where it listens, as one line of text.
//
// State      Plain data.
// Threads    Any.
// Ordering   None.
// Ownership  None.
// Errors     parse throws ValueError that says what is wrong with the line.
// Cost       -
// Source     docs/spec/agent.md, "Raw calls".
#pragma once

#include <string>
#include <string_view>

#include "tine/raw.h"

namespace tine::rpc {

struct RawCard {
  RawWorker worker;
  uint64_t incarnation = 0;
  std::string machine;       // src/rpc/rendezvous.h
  std::string unix_address;  // empty: none
  std::string tcp_address;
  std::string protocol;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static RawCard parse(std::string_view text);
};

// "worker 'w1' (id 1)"
[[nodiscard]] std::string describe(const RawWorker& worker);

}  // namespace tine::rpc

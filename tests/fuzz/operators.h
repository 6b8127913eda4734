// The built-in operators, for the fuzzers of what other workers send.
#pragma once

#include "src/value/ops/ops.h"

namespace tine::fuzz {

inline const OpTable& operators() {
  static const OpTable* const table = [] {
    auto* t = new OpTable;
    add_builtin_operators(*t);
    return t;
  }();
  return *table;
}

}  // namespace tine::fuzz

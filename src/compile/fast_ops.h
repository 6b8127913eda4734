// fast_ops: which operator rows are instructions of their own (src/code/opcodes.h), and which jumps can take the place of
// a comparison. All other rows are ordinary calls.
#pragma once

#include <string_view>

#include "src/code/opcodes.h"

namespace tine::compile {

enum class FastShape : uint8_t {
  kBinary,   // r[a] = r[b] op r[c]; `with_constant` takes k[c]
  kCompare,  // the same, and `jump`... takes its place before a jump
  kUnary,    // r[a] = op r[b]
  kItem,     // LIST_ITEM
  kWait,     // WAIT
};

inline constexpr code::Opcode kNoOpcode = static_cast<code::Opcode>(0xffff);

struct FastOp {
  std::string_view name;  // Schema::full_name
  FastShape shape;
  code::Opcode plain;
  code::Opcode with_constant = kNoOpcode;
  // kCompare: jumps when it holds, and when it does not; `swap`: with the operands exchanged.
  code::Opcode jump = kNoOpcode;
  code::Opcode jump_not = kNoOpcode;
  code::Opcode jump_constant = kNoOpcode;
  code::Opcode jump_not_constant = kNoOpcode;
  bool swap = false;
};

[[nodiscard]] const FastOp* find_fast_op(std::string_view full_name) noexcept;

}  // namespace tine::compile

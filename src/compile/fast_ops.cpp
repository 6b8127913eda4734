#include "src/compile/fast_ops.h"

namespace tine::compile {
namespace {

using enum code::Opcode;
using S = FastShape;

constexpr FastOp kFastOps[] = {
    {"aten::add.int", S::kBinary, ADD_INT, ADD_INT_K},
    {"aten::sub.int", S::kBinary, SUB_INT, SUB_INT_K},
    {"aten::mul.int", S::kBinary, MUL_INT, MUL_INT_K},
    {"aten::floordiv.int", S::kBinary, FLOORDIV_INT, FLOORDIV_INT_K},
    {"aten::remainder.int", S::kBinary, MOD_INT, MOD_INT_K},
    {"aten::div.int", S::kBinary, DIV_INT, DIV_INT_K},
    {"aten::lt.int", S::kCompare, LT_INT, LT_INT_K, JUMP_LT_INT, JUMP_GE_INT, JUMP_LT_INT_K, JUMP_GE_INT_K},
    {"aten::le.int", S::kCompare, LE_INT, LE_INT_K, JUMP_LE_INT, JUMP_GT_INT, JUMP_LE_INT_K, JUMP_GT_INT_K},
    {"aten::gt.int", S::kCompare, GT_INT, GT_INT_K, JUMP_GT_INT, JUMP_LE_INT, JUMP_GT_INT_K, JUMP_LE_INT_K},
    {"aten::ge.int", S::kCompare, GE_INT, GE_INT_K, JUMP_GE_INT, JUMP_LT_INT, JUMP_GE_INT_K, JUMP_LT_INT_K},
    {"aten::eq.int", S::kCompare, EQ_INT, EQ_INT_K, JUMP_EQ_INT, JUMP_NE_INT, JUMP_EQ_INT_K, JUMP_NE_INT_K},
    {"aten::ne.int", S::kCompare, NE_INT, NE_INT_K, JUMP_NE_INT, JUMP_EQ_INT, JUMP_NE_INT_K, JUMP_EQ_INT_K},
    {"aten::add.float", S::kBinary, ADD_FLOAT, ADD_FLOAT_K},
    {"aten::sub.float", S::kBinary, SUB_FLOAT, SUB_FLOAT_K},
    {"aten::mul.float", S::kBinary, MUL_FLOAT, MUL_FLOAT_K},
    {"aten::div.float", S::kBinary, DIV_FLOAT, DIV_FLOAT_K},
    {"aten::lt.float", S::kCompare, LT_FLOAT, LT_FLOAT_K, JUMP_LT_FLOAT, JUMP_NOT_LT_FLOAT},
    {"aten::le.float", S::kCompare, LE_FLOAT, LE_FLOAT_K, JUMP_LE_FLOAT, JUMP_NOT_LE_FLOAT},
    {"aten::gt.float", S::kCompare, GT_FLOAT, GT_FLOAT_K, JUMP_LT_FLOAT, JUMP_NOT_LT_FLOAT, kNoOpcode,
     kNoOpcode, true},
    {"aten::ge.float", S::kCompare, GE_FLOAT, GE_FLOAT_K, JUMP_LE_FLOAT, JUMP_NOT_LE_FLOAT, kNoOpcode,
     kNoOpcode, true},
    {"aten::eq.float", S::kCompare, EQ_FLOAT, EQ_FLOAT_K, JUMP_EQ_FLOAT, JUMP_NE_FLOAT},
    {"aten::ne.float", S::kCompare, NE_FLOAT, NE_FLOAT_K, JUMP_NE_FLOAT, JUMP_EQ_FLOAT},
    {"aten::neg.int", S::kUnary, NEG_INT},
    {"aten::neg.float", S::kUnary, NEG_FLOAT},
    {"aten::__not__", S::kUnary, NOT},
    {"aten::Float.int", S::kUnary, INT_TO_FLOAT},
    {"aten::Int.float", S::kUnary, FLOAT_TO_INT},
    {"aten::len.t", S::kUnary, LIST_LENGTH},
    {"aten::__getitem__.t", S::kItem, LIST_ITEM},
    {"aten::wait", S::kWait, WAIT},
};

}  // namespace

const FastOp* find_fast_op(std::string_view full_name) noexcept {
  for (const FastOp& row : kFastOps) {
    if (row.name == full_name) return &row;
  }
  return nullptr;
}

}  // namespace tine::compile

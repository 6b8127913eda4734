// The instructions of the register machine.
//
// State      None: one table.
// Threads    Any.
// Ordering   An instruction reads all its operands before it writes its result.
// Ownership  Operands are borrowed unless they carry kLastUse: then the register is left None.
// Errors     Listed with each instruction; "fails" means that the frame fails with that error and its place.
// Cost       8 bytes an instruction; argument lists take one more for each four.
// Source     docs/spec/ir.md "Code"; Lua 5 for the register form, starlark-go for the pictures.
//
// Registers come in two kinds, fixed for each register when the function is emitted: scalar registers hold None, bool,
// int or float, are copied as 16 bytes and never released; the others hold any Value.
//
// In the pictures: r[x] a register, k[x] a constant, i an integer payload, f a float payload. The fields are a, b, c: 16 bits
// each; `far` is b and c together, a signed 32-bit distance from the next instruction; c alone is
// a 16-bit one. `list(n)` is n operands in the words behind: a register, or a constant with kConstOperand.
#pragma once

#include <cstdint>
#include <string_view>

// X(name, picture before -> after)
#define TINE_INT_BINARY(X, K)                                                         \
  X(ADD_INT##K, "r[a].i = r[b].i + r/k[c].i, wrapping")                               \
  X(SUB_INT##K, "r[a].i = r[b].i - r/k[c].i, wrapping")                               \
  X(MUL_INT##K, "r[a].i = r[b].i * r/k[c].i, wrapping")                               \
  X(FLOORDIV_INT##K, "r[a].i = r[b].i // r/k[c].i; ZeroDivisionError")                \
  X(MOD_INT##K, "r[a].i = r[b].i % r/k[c].i, sign of the divisor; ZeroDivisionError") \
  X(DIV_INT##K, "r[a].f = r[b].i / r/k[c].i")                                         \
  X(LT_INT##K, "r[a] = r[b].i < r/k[c].i")                                            \
  X(LE_INT##K, "r[a] = r[b].i <= r/k[c].i")                                           \
  X(GT_INT##K, "r[a] = r[b].i > r/k[c].i")                                            \
  X(GE_INT##K, "r[a] = r[b].i >= r/k[c].i")                                           \
  X(EQ_INT##K, "r[a] = r[b].i == r/k[c].i")                                           \
  X(NE_INT##K, "r[a] = r[b].i != r/k[c].i")

#define TINE_FLOAT_BINARY(X, K)                 \
  X(ADD_FLOAT##K, "r[a].f = r[b].f + r/k[c].f") \
  X(SUB_FLOAT##K, "r[a].f = r[b].f - r/k[c].f") \
  X(MUL_FLOAT##K, "r[a].f = r[b].f * r/k[c].f") \
  X(DIV_FLOAT##K, "r[a].f = r[b].f / r/k[c].f") \
  X(LT_FLOAT##K, "r[a] = r[b].f < r/k[c].f")    \
  X(LE_FLOAT##K, "r[a] = r[b].f <= r/k[c].f")   \
  X(GT_FLOAT##K, "r[a] = r[b].f > r/k[c].f")    \
  X(GE_FLOAT##K, "r[a] = r[b].f >= r/k[c].f")   \
  X(EQ_FLOAT##K, "r[a] = r[b].f == r/k[c].f")   \
  X(NE_FLOAT##K, "r[a] = r[b].f != r/k[c].f")

// A branch backwards also counts down to the next look at interrupts.
#define TINE_INT_BRANCH(X, K)                         \
  X(JUMP_LT_INT##K, "if r[a].i < r/k[b].i: pc += c")  \
  X(JUMP_LE_INT##K, "if r[a].i <= r/k[b].i: pc += c") \
  X(JUMP_GT_INT##K, "if r[a].i > r/k[b].i: pc += c")  \
  X(JUMP_GE_INT##K, "if r[a].i >= r/k[b].i: pc += c") \
  X(JUMP_EQ_INT##K, "if r[a].i == r/k[b].i: pc += c") \
  X(JUMP_NE_INT##K, "if r[a].i != r/k[b].i: pc += c")

#define TINE_OPCODES(X)                                                                                 \
  X(MOVE, "scalar r[a] = r[b]")                                                                         \
  X(COPY, "r[a] = r[b], one more owner")                                                                \
  X(TAKE, "r[a] = r[b], r[b] = None")                                                                   \
  X(RELEASE, "r[a] = None")                                                                             \
  X(LOAD_SCALAR, "scalar r[a] = k[b]")                                                                  \
  X(LOAD, "r[a] = k[b]")                                                                                \
  X(LOAD_FRESH, "r[a] = a copy of k[b] whose lists are new")                                            \
  TINE_INT_BINARY(X, )                                                                                  \
  TINE_INT_BINARY(X, _K)                                                                                \
  TINE_FLOAT_BINARY(X, )                                                                                \
  TINE_FLOAT_BINARY(X, _K)                                                                              \
  X(NEG_INT, "r[a].i = -r[b].i, wrapping")                                                              \
  X(NEG_FLOAT, "r[a].f = -r[b].f")                                                                      \
  X(NOT, "r[a] = not r[b]")                                                                             \
  X(INT_TO_FLOAT, "r[a].f = r[b].i")                                                                    \
  X(FLOAT_TO_INT, "r[a].i = r[b].f toward zero; ValueError, OverflowError")                             \
  X(JUMP, "pc += far")                                                                                  \
  X(JUMP_IF, "if r[a]: pc += far")                                                                      \
  X(JUMP_UNLESS, "if not r[a]: pc += far")                                                              \
  TINE_INT_BRANCH(X, )                                                                                  \
  TINE_INT_BRANCH(X, _K)                                                                                \
  X(JUMP_LT_FLOAT, "if r[a].f < r[b].f: pc += c")                                                       \
  X(JUMP_LE_FLOAT, "if r[a].f <= r[b].f: pc += c")                                                      \
  X(JUMP_EQ_FLOAT, "if r[a].f == r[b].f: pc += c")                                                      \
  X(JUMP_NOT_LT_FLOAT, "unless r[a].f < r[b].f: pc += c")                                               \
  X(JUMP_NOT_LE_FLOAT, "unless r[a].f <= r[b].f: pc += c")                                              \
  X(JUMP_NE_FLOAT, "unless r[a].f == r[b].f: pc += c")                                                  \
  X(LOOP, "r[a].i += 1; if r[a].i < r[b].i: pc += c, which is negative")                                \
  X(LOOP_K, "r[a].i += 1; if r[a].i < k[b].i: pc += c, which is negative")                              \
  X(CALL_OP, "r[a] = ops[b](list(c)); whatever the kernel throws")                                      \
  X(CALL_OP_SCALAR, "scalar r[a] = ops[b](list(c)); whatever the kernel throws")                        \
  X(CALL_OP_DROP, "ops[b](list(c)), the result is dropped")                                             \
  X(CALL,                                                                                               \
    "frame of calls[b] on top, list(c) its first registers; r[a] = its result. NameError and "          \
    "TypeError at the first call, RuntimeError past the depth limit")                                   \
  X(CALL_SCALAR, "scalar r[a] = its result; as CALL")                                                   \
  X(RETURN, "frame gone; its caller's r[] = r[a], or the task's future = r[a]")                         \
  X(RETURN_SCALAR, "the same for a scalar r[a]")                                                        \
  X(RETURN_K, "the same for k[a]")                                                                      \
  X(FORK, "r[a] = Future of a new task that runs calls[b](list(c))")                                    \
  X(WAIT,                                                                                               \
    "r[a] = the value of the future r[b]; suspends until it is there; fails with its error; TypeError " \
    "unless it fits types[c >> 1]. c & 1: r[b] = None")                                                 \
  X(WAIT_SCALAR, "scalar r[a] = the value of the future r[b]; as WAIT")                                 \
  X(GET_SLOT, "r[a] = r[b].slots[slots[c]]; AttributeError")                                            \
  X(GET_SLOT_SCALAR, "scalar r[a] = r[b].slots[slots[c]]; AttributeError")                              \
  X(SET_SLOT, "r[a].slots[slots[b]] = list(1); AttributeError")                                         \
  X(TUPLE, "r[a] = (list(c))")                                                                          \
  X(LIST, "r[a] = [list(c)]")                                                                           \
  X(DICT, "r[a] = {list(c) as key, value, ...}")                                                        \
  X(TUPLE_INDEX, "r[a] = r[b][c]")                                                                      \
  X(TUPLE_INDEX_SCALAR, "scalar r[a] = r[b][c]")                                                        \
  X(UNPACK_LIST, "fails unless r[a] has b elements: ValueError")                                        \
  X(LIST_ITEM, "r[a] = r[b][r[c].i]; IndexError")                                                       \
  X(LIST_ITEM_SCALAR, "scalar r[a] = r[b][r[c].i]; IndexError")                                         \
  X(LIST_LENGTH, "r[a].i = len(r[b])")                                                                  \
  X(IS_NONE, "r[a] = r[b] is None")                                                                     \
  X(IS_INSTANCE, "r[a] = r[b] fits types[c]")                                                           \
  X(CHECK_TYPE, "fails unless r[a] fits types[b]: TypeError")                                           \
  X(CHECK_PRESENT, "fails if r[a] is None: TypeError")                                                  \
  X(RAISE, "fails with the error kind b and the message r[a]")                                          \
  X(RAISE_K, "fails with the error kind b and the message k[a]")

namespace tine::code {

enum class Opcode : uint16_t {
#define TINE_ENUM(name, picture) name,
  TINE_OPCODES(TINE_ENUM)
#undef TINE_ENUM
};

struct OpcodeRow {
  std::string_view name;
  std::string_view picture;
};
inline constexpr OpcodeRow kOpcodes[] = {
#define TINE_ROW(name, picture) {#name, picture},
    TINE_OPCODES(TINE_ROW)
#undef TINE_ROW
};
inline constexpr int kOpcodeCount = static_cast<int>(sizeof(kOpcodes) / sizeof(kOpcodes[0]));

struct Instruction {
  Opcode op;
  uint16_t a = 0;
  uint16_t b = 0;
  uint16_t c = 0;

  [[nodiscard]] int32_t far() const noexcept {
    return static_cast<int32_t>(static_cast<uint32_t>(b) | static_cast<uint32_t>(c) << 16);
  }
  void set_far(int32_t distance) noexcept {
    b = static_cast<uint16_t>(static_cast<uint32_t>(distance));
    c = static_cast<uint16_t>(static_cast<uint32_t>(distance) >> 16);
  }
  [[nodiscard]] int16_t near() const noexcept { return static_cast<int16_t>(c); }
};
static_assert(sizeof(Instruction) == 8);

// Operands of list(n).
inline constexpr uint16_t kLastUse = 0x8000;       // the register is left None
inline constexpr uint16_t kConstOperand = 0x4000;  // k[x], not r[x]
inline constexpr uint16_t kOperandMask = 0x3fff;
inline constexpr int kMaxRegisters = 0x3fff;
inline constexpr int kMaxConstants = 0x3fff;
inline constexpr int kMaxOperands = 0x3fff;

// Four operands in the place of an instruction.
union Word {
  Instruction instruction;
  uint16_t operands[4];
};
static_assert(sizeof(Word) == 8);
[[nodiscard]] constexpr int words_for(int operands) noexcept { return (operands + 3) / 4; }

}  // namespace tine::code

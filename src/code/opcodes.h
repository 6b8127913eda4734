// The instructions of the register machine (docs/spec/ir.md "Code"). Lua 5 for the register form, starlark-go for the pictures.
//
// An instruction takes 8 bytes, and a list of operands one more for each four. It reads all its operands before it writes
// its result. Operands are borrowed unless they carry kLastUse: then the register is left None. The errors are listed with
// each instruction; "fails" means that the frame fails with that error and its place.
//
// Registers come in two kinds, fixed for each register when the function is emitted: scalar registers hold None, bool,
// int or float, are copied as 16 bytes and never released; the others hold any Value.
//
// In the pictures: r[x] a register, k[x] a constant, i an integer payload, f a float payload. The fields are a, b, c: 16 bits
// each; `far` is b and c together, a signed 32-bit distance from the next instruction; c alone is
// a 16-bit one. `list(n)` is n operands in the words after it: a register, or a constant with kConstOperand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// X(name, form, picture before -> after)
// The form has a letter for each of a, b and c. A register is read (small letter) or written (capital):
//   s S  a scalar one      o O  one of the others      r  either
// and anything else is
//   k  a constant                   p  an operator row         f  a call site       l  a slot site
//   t  a type                       w  a type, shifted by one  i  a number          n  how many operands follow
//   j  a distance, in c alone       J  a distance, far         .  not used
// The emitter checks each instruction against it, so an instruction never names what is not there, and never reads or
// writes a register of the other kind.
#define TINE_INT_BINARY(X, K, F)                                                              \
  X(ADD_INT##K, "Ss" F, "r[a].i = r[b].i + r/k[c].i, wrapping")                               \
  X(SUB_INT##K, "Ss" F, "r[a].i = r[b].i - r/k[c].i, wrapping")                               \
  X(MUL_INT##K, "Ss" F, "r[a].i = r[b].i * r/k[c].i, wrapping")                               \
  X(FLOORDIV_INT##K, "Ss" F, "r[a].i = r[b].i // r/k[c].i; ZeroDivisionError")                \
  X(MOD_INT##K, "Ss" F, "r[a].i = r[b].i % r/k[c].i, sign of the divisor; ZeroDivisionError") \
  X(DIV_INT##K, "Ss" F, "r[a].f = r[b].i / r/k[c].i")                                         \
  X(LT_INT##K, "Ss" F, "r[a] = r[b].i < r/k[c].i")                                            \
  X(LE_INT##K, "Ss" F, "r[a] = r[b].i <= r/k[c].i")                                           \
  X(GT_INT##K, "Ss" F, "r[a] = r[b].i > r/k[c].i")                                            \
  X(GE_INT##K, "Ss" F, "r[a] = r[b].i >= r/k[c].i")                                           \
  X(EQ_INT##K, "Ss" F, "r[a] = r[b].i == r/k[c].i")                                           \
  X(NE_INT##K, "Ss" F, "r[a] = r[b].i != r/k[c].i")

#define TINE_FLOAT_BINARY(X, K, F)                      \
  X(ADD_FLOAT##K, "Ss" F, "r[a].f = r[b].f + r/k[c].f") \
  X(SUB_FLOAT##K, "Ss" F, "r[a].f = r[b].f - r/k[c].f") \
  X(MUL_FLOAT##K, "Ss" F, "r[a].f = r[b].f * r/k[c].f") \
  X(DIV_FLOAT##K, "Ss" F, "r[a].f = r[b].f / r/k[c].f") \
  X(LT_FLOAT##K, "Ss" F, "r[a] = r[b].f < r/k[c].f")    \
  X(LE_FLOAT##K, "Ss" F, "r[a] = r[b].f <= r/k[c].f")   \
  X(GT_FLOAT##K, "Ss" F, "r[a] = r[b].f > r/k[c].f")    \
  X(GE_FLOAT##K, "Ss" F, "r[a] = r[b].f >= r/k[c].f")   \
  X(EQ_FLOAT##K, "Ss" F, "r[a] = r[b].f == r/k[c].f")   \
  X(NE_FLOAT##K, "Ss" F, "r[a] = r[b].f != r/k[c].f")

// A branch backwards also counts down to the next look at interrupts.
#define TINE_INT_BRANCH(X, K, F)                                 \
  X(JUMP_LT_INT##K, "s" F "j", "if r[a].i < r/k[b].i: pc += c")  \
  X(JUMP_LE_INT##K, "s" F "j", "if r[a].i <= r/k[b].i: pc += c") \
  X(JUMP_GT_INT##K, "s" F "j", "if r[a].i > r/k[b].i: pc += c")  \
  X(JUMP_GE_INT##K, "s" F "j", "if r[a].i >= r/k[b].i: pc += c") \
  X(JUMP_EQ_INT##K, "s" F "j", "if r[a].i == r/k[b].i: pc += c") \
  X(JUMP_NE_INT##K, "s" F "j", "if r[a].i != r/k[b].i: pc += c")

#define TINE_OPCODES(X)                                                                                   \
  X(MOVE, "Sr.", "scalar r[a] = r[b]")                                                                    \
  X(COPY, "Or.", "r[a] = r[b], one more owner")                                                           \
  X(TAKE, "Oo.", "r[a] = r[b], r[b] = None")                                                              \
  X(RELEASE, "O..", "r[a] = None")                                                                        \
  X(LOAD_SCALAR, "Sk.", "scalar r[a] = k[b]")                                                             \
  X(LOAD, "Ok.", "r[a] = k[b]")                                                                           \
  X(LOAD_FRESH, "Ok.", "r[a] = a copy of k[b] whose lists are new")                                       \
  TINE_INT_BINARY(X, , "s")                                                                               \
  TINE_INT_BINARY(X, _K, "k")                                                                             \
  TINE_FLOAT_BINARY(X, , "s")                                                                             \
  TINE_FLOAT_BINARY(X, _K, "k")                                                                           \
  X(NEG_INT, "Ss.", "r[a].i = -r[b].i, wrapping")                                                         \
  X(NEG_FLOAT, "Ss.", "r[a].f = -r[b].f")                                                                 \
  X(NOT, "Ss.", "r[a] = not r[b]")                                                                        \
  X(INT_TO_FLOAT, "Ss.", "r[a].f = r[b].i")                                                               \
  X(FLOAT_TO_INT, "Ss.", "r[a].i = r[b].f toward zero; ValueError, OverflowError")                        \
  X(JUMP, ".JJ", "pc += far")                                                                             \
  X(JUMP_IF, "sJJ", "if r[a]: pc += far")                                                                 \
  X(JUMP_UNLESS, "sJJ", "if not r[a]: pc += far")                                                         \
  TINE_INT_BRANCH(X, , "s")                                                                               \
  TINE_INT_BRANCH(X, _K, "k")                                                                             \
  X(JUMP_LT_FLOAT, "ssj", "if r[a].f < r[b].f: pc += c")                                                  \
  X(JUMP_LE_FLOAT, "ssj", "if r[a].f <= r[b].f: pc += c")                                                 \
  X(JUMP_EQ_FLOAT, "ssj", "if r[a].f == r[b].f: pc += c")                                                 \
  X(JUMP_NOT_LT_FLOAT, "ssj", "unless r[a].f < r[b].f: pc += c")                                          \
  X(JUMP_NOT_LE_FLOAT, "ssj", "unless r[a].f <= r[b].f: pc += c")                                         \
  X(JUMP_NE_FLOAT, "ssj", "unless r[a].f == r[b].f: pc += c")                                             \
  X(LOOP, "Ssj", "r[a].i += 1; if r[a].i < r[b].i: pc += c, which is negative")                           \
  X(LOOP_K, "Skj", "r[a].i += 1; if r[a].i < k[b].i: pc += c, which is negative")                         \
  X(CALL_OP, "Opn", "r[a] = ops[b](list(c)); whatever the kernel throws")                                 \
  X(CALL_OP_SCALAR, "Spn", "scalar r[a] = ops[b](list(c)); whatever the kernel throws")                   \
  X(CALL_OP_DROP, ".pn", "ops[b](list(c)), the result is dropped")                                        \
  X(CALL, "Ofn",                                                                                          \
    "frame of calls[b] on top, list(c) its first registers; r[a] = its result. NameError and "            \
    "TypeError at the first call, RuntimeError past the depth limit")                                     \
  X(CALL_SCALAR, "Sfn", "scalar r[a] = its result; as CALL")                                              \
  X(CALL_ON, "Ofn", "as CALL of a method, which borrows the object list(c)[0] from its register")         \
  X(CALL_ON_SCALAR, "Sfn", "the same for a scalar result")                                                \
  X(CALL_METHOD, "Ofn", "as CALL, of the method calls[b].name of the class of the object list(c)[0]")     \
  X(CALL_METHOD_SCALAR, "Sfn", "the same for a scalar result")                                            \
  X(RETURN, "o..", "frame gone; its caller's r[] = r[a], or the task's future = r[a]")                    \
  X(RETURN_SCALAR, "s..", "the same for a scalar r[a]")                                                   \
  X(RETURN_K, "k..", "the same for k[a]")                                                                 \
  X(FORK, "Ofn", "r[a] = Future of a new task that runs calls[b](list(c))")                               \
  X(WAIT, "Oow",                                                                                          \
    "r[a] = the value of the future r[b]; suspends until it is there; fails with its error; TypeError "   \
    "unless it fits types[c >> 1]. c & 1: r[b] = None")                                                   \
  X(WAIT_SCALAR, "Sow", "scalar r[a] = the value of the future r[b]; as WAIT")                            \
  X(GET_SLOT, "Ool", "r[a] = r[b].slots[slots[c]]; AttributeError")                                       \
  X(GET_SLOT_SCALAR, "Sol", "scalar r[a] = r[b].slots[slots[c]]; AttributeError")                         \
  X(GET_FIELD, "Ool",                                                                                     \
    "as GET_SLOT; AttributeError also while the slot is None, which means that it was never set")         \
  X(GET_FIELD_SCALAR, "Sol", "as GET_SLOT_SCALAR and GET_FIELD")                                          \
  X(OBJECT, "Ot.", "r[a] = a new object of types[b], whose slots are None")                               \
  X(ENTER, "of.",                                                                                         \
    "when an error leaves the frame before the LEAVE: calls[b] is called with r[a] and None three times") \
  X(LEAVE, "...", "the last ENTER of this frame is over")                                                 \
  X(UNWIND, "...", "the `__exit__` that an error called has returned: the error goes on")                 \
  X(SET_SLOT, "oln", "r[a].slots[slots[b]] = list(c), of one operand; AttributeError")                    \
  X(TUPLE, "O.n", "r[a] = (list(c))")                                                                     \
  X(NAMED_TUPLE, "Otn", "r[a] = a tuple of types[b], of list(c)")                                         \
  X(LIST, "O.n", "r[a] = [list(c)]")                                                                      \
  X(DICT, "O.n", "r[a] = {list(c) as key, value, ...}")                                                   \
  X(TUPLE_INDEX, "Ooi", "r[a] = r[b][c]")                                                                 \
  X(TUPLE_INDEX_SCALAR, "Soi", "scalar r[a] = r[b][c]")                                                   \
  X(UNPACK_LIST, "oi.", "fails unless r[a] has b elements: ValueError")                                   \
  X(LIST_ITEM, "Oos", "r[a] = r[b][r[c].i]; IndexError")                                                  \
  X(LIST_ITEM_SCALAR, "Sos", "scalar r[a] = r[b][r[c].i]; IndexError")                                    \
  X(LIST_LENGTH, "So.", "r[a].i = len(r[b])")                                                             \
  X(IS_NONE, "Sr.", "r[a] = r[b] is None")                                                                \
  X(IS_INSTANCE, "Srt", "r[a] = r[b] fits types[c]")                                                      \
  X(CHECK_TYPE, "rt.", "fails unless r[a] fits types[b]: TypeError")                                      \
  X(CHECK_PRESENT, "r..", "fails if r[a] is None: TypeError")                                             \
  X(RAISE, "oi.", "fails with the error kind b and the message r[a]")                                     \
  X(RAISE_K, "ki.", "fails with the error kind b and the message k[a]")

namespace tine::code {

enum class Opcode : uint16_t {
#define TINE_ENUM(name, form, picture) name,
  TINE_OPCODES(TINE_ENUM)
#undef TINE_ENUM
};

struct OpcodeRow {
  std::string_view name;
  std::string_view form;
  std::string_view picture;
};
inline constexpr OpcodeRow kOpcodes[] = {
#define TINE_ROW(name, form, picture) {#name, form, picture},
    TINE_OPCODES(TINE_ROW)
#undef TINE_ROW
};
[[nodiscard]] constexpr const OpcodeRow& row_of(Opcode op) noexcept {
  return kOpcodes[static_cast<size_t>(op)];
}

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
// How many operands follow the instruction in words of their own.
[[nodiscard]] constexpr int operands_after(const Instruction& in) noexcept {
  return row_of(in.op).form[2] == 'n' ? in.c : 0;
}

}  // namespace tine::code

// RegisterCode: the registers, constants, instructions and moves that a function is written with.
//
// Each instruction is checked against its row in the table of opcodes when it is put. So a mistake of the emitter is an
// error that names the instruction, and never code that takes an int for a pointer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/code/function.h"
#include "src/compile/liveness.h"
#include "src/ir/graph.h"

namespace tine::compile {

using code::Instruction;
using code::Opcode;
using ir::Def;

// A branch was farther away than a near jump reaches: the function is emitted again without them.
struct TooFar {};

[[nodiscard]] bool is_scalar(const Type& type);

// Where a value lives: a register, or the table of constants.
struct Location {
  bool constant = false;
  uint16_t index = 0;
};

struct Label {
  static constexpr size_t kUnbound = ~size_t{0};
  size_t at = kUnbound;
  struct Use {
    size_t pc;
    bool near;
  };
  std::vector<Use> uses;
};

class RegisterCode {
 protected:
  explicit RegisterCode(std::string name) : function_(std::make_unique<code::Function>()) {
    function_->name = std::move(name);
  }

  // ---- registers

  uint16_t new_register(bool object);
  // One that is neither occupied nor reserved, or a new one.
  uint16_t allocate(bool object);
  // The register of a new value: the one that a phi wants it in, if that is free at this point.
  uint16_t define(const Def* def);
  void locate(const Def* def, uint16_t r) { where_[def] = {false, r}; }
  void free_register(uint16_t r) { occupied_[r] = false; }
  // The value is dead, and its register holds nothing to release any more.
  void forget(const Def* def);
  // Whether a register is one of those that hold any value and are released.
  [[nodiscard]] bool is_object(uint16_t r) const { return object_[r]; }

  // The registers that are occupied now, to go back to on another path through the code.
  [[nodiscard]] const std::vector<bool>& occupied() const { return occupied_; }
  void restore_occupied(const std::vector<bool>& before);

  [[nodiscard]] Location where(const Def* def) const { return where_.at(def); }
  // The value in a register; a constant is loaded into a temporary, freed by end_temporaries().
  uint16_t in_register(const Def* def);
  void end_temporaries();

  uint16_t constant(const Value& value);
  [[noreturn]] void too_many(std::string_view what) const;

  // ---- instructions

  size_t put(Instruction in);
  void put_words(const std::vector<uint16_t>& operands);
  void jump(Instruction in, Label& label, bool near);
  void bind(Label& label);

  // ---- deaths

  // These values die at this node. Those still in their registers are released by an instruction.
  void kill(const DefList& dying);
  // The operand words of a call; object operands that die here carry kLastUse, once each.
  std::vector<uint16_t> operands(const std::vector<Def*>& inputs, const DefList& dying);

  // ---- phis

  // A move of a phi: what the target register gets.
  struct Move {
    uint16_t to;
    Location from;
    bool last_use;
  };
  // The moves of a block's outputs (or a break's) into their targets, as if at once.
  void moves(const std::vector<Def*>& from, size_t first, const std::vector<uint16_t>& to,
             const DefList& dying);
  void put_move(const Move& move);

  std::unique_ptr<code::Function> function_;
  std::unordered_map<const Def*, Location> where_;
  std::unordered_map<const Def*, uint16_t> hints_;  // the register a phi wants a value in
  std::vector<bool> object_;                        // register kinds
  std::vector<bool> occupied_;                      // by a live value
  std::vector<int> reserved_;                       // for the targets of phis being built
  std::vector<uint16_t> temporaries_;
  const SourceSpan* span_ = nullptr;  // of the instructions to come

 private:
  void check(const Instruction& in) const;
  void check_operand(uint16_t operand) const;
  [[noreturn]] void wrong(std::string_view what) const;
  void resolve(const Label::Use& use, size_t target);
  void parallel(std::vector<Move> pending);

  const SourceSpan* last_span_ = nullptr;
};

}  // namespace tine::compile

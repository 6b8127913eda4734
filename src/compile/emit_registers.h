// RegisterCode: the registers, constants, instructions and moves that emit() writes a function with.
//
// State      The function being written; which registers are taken and where each value lives.
// Threads    One.
// Ordering   Instructions stand in the order they were put; a label's jumps are resolved once it is bound.
// Ownership  Owns the function until its user takes it out; borrows the graph's values.
// Errors     Error when the function needs more than an instruction can name; TooFar from a near jump.
// Cost       A new register looks through those there are, a move through those that wait with it.
// Source     Moves as if at once: those whose target nobody reads first, cycles broken with one register aside.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "src/code/function.h"
#include "src/ir/graph.h"

namespace tine::compile {

using code::Instruction;
using code::Opcode;
using ir::Def;

// A branch was farther away than a near jump reaches: the function is emitted again without them.
struct TooFar {};

inline bool is_scalar(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNone:
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kNumber: return true;
    case TypeKind::kOptional: return is_scalar(*type.of.front());
    default: return false;
  }
}

using DefSet = std::unordered_set<const Def*>;

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

  // A move of a phi: what the target register gets.
  struct Move {
    uint16_t to;
    Location from;
    bool last_use;
  };

  // ---- registers

  uint16_t new_register(bool object) {
    if (object_.size() >= static_cast<size_t>(code::kMaxRegisters)) too_many("registers");
    object_.push_back(object);
    occupied_.push_back(true);
    reserved_.push_back(0);
    return static_cast<uint16_t>(object_.size() - 1);
  }
  uint16_t allocate(bool object) {
    for (size_t r = 0; r < object_.size(); ++r) {
      if (!occupied_[r] && reserved_[r] == 0 && object_[r] == object) {
        occupied_[r] = true;
        return static_cast<uint16_t>(r);
      }
    }
    return new_register(object);
  }
  // The register of a new value: the one that a phi wants it in, if that is free at this point.
  uint16_t define(const Def* def) {
    const bool object = !is_scalar(*def->type);
    if (const auto hint = hints_.find(def); hint != hints_.end()) {
      const uint16_t r = hint->second;
      if (!occupied_[r] && object_[r] == object) {
        occupied_[r] = true;
        locate(def, r);
        return r;
      }
    }
    const uint16_t r = allocate(object);
    locate(def, r);
    return r;
  }
  void locate(const Def* def, uint16_t r) { where_[def] = {false, r}; }
  void free_register(uint16_t r) { occupied_[r] = false; }
  // The value is dead and its register holds nothing to release any more.
  void forget(const Def* def) {
    const auto found = where_.find(def);
    if (found != where_.end() && !found->second.constant) free_register(found->second.index);
  }

  [[noreturn]] void too_many(std::string_view what) const {
    throw Error(fmt::format("script function '{}' needs more than {} {}; split it into smaller functions",
                            function_->name, code::kMaxRegisters, what));
  }

  uint16_t constant(const Value& value) {
    std::vector<Value>& all = function_->constants;
    if (!value.is_tensor() && value.tag() < Tag::kTensor) {
      for (size_t k = 0; k < all.size(); ++k) {
        if (all[k].tag() != value.tag()) continue;
        // By bits: 0.0 and -0.0 are different constants.
        if (value.is_none() || all[k].as_int() == value.as_int()) return static_cast<uint16_t>(k);
      }
    }
    if (all.size() >= static_cast<size_t>(code::kMaxConstants)) too_many("constants");
    all.push_back(value);
    return static_cast<uint16_t>(all.size() - 1);
  }

  // ---- instructions

  size_t put(Instruction in) {
    if (span_ && (function_->lines.empty() || last_span_ != span_)) {
      function_->lines.push_back({static_cast<uint32_t>(function_->code.size()), *span_});
      last_span_ = span_;
    }
    function_->code.push_back({.instruction = in});
    return function_->code.size() - 1;
  }
  void put_words(const std::vector<uint16_t>& operands) {
    if (operands.size() > static_cast<size_t>(code::kMaxOperands)) too_many("operands");
    for (size_t i = 0; i < operands.size(); i += 4) {
      code::Word word{.operands = {0, 0, 0, 0}};
      for (size_t j = 0; j < 4 && i + j < operands.size(); ++j) word.operands[j] = operands[i + j];
      function_->code.push_back(word);
    }
  }
  void jump(Instruction in, Label& label, bool near) {
    label.uses.push_back({put(in), near});
    if (label.at != Label::kUnbound) resolve(label.uses.back(), label.at);
  }
  void bind(Label& label) {
    label.at = function_->code.size();
    for (const Label::Use& use : label.uses) resolve(use, label.at);
  }
  void resolve(const Label::Use& use, size_t target) {
    Instruction& in = function_->code[use.pc].instruction;
    const auto distance = static_cast<int64_t>(target) - static_cast<int64_t>(use.pc) - 1;
    if (!use.near) {
      in.set_far(static_cast<int32_t>(distance));
    } else if (distance == static_cast<int16_t>(distance)) {
      in.c = static_cast<uint16_t>(static_cast<int16_t>(distance));
    } else {
      throw TooFar{};
    }
  }

  Location where(const Def* def) const { return where_.at(def); }
  // The value in a register; a constant is loaded into a temporary, freed by end_temporaries().
  uint16_t in_register(const Def* def) {
    const Location at = where(def);
    return at.constant ? load(at.index, !is_scalar(*def->type)) : at.index;
  }
  uint16_t load(uint16_t k, bool object) {
    const uint16_t r = allocate(object);
    put({object ? Opcode::LOAD : Opcode::LOAD_SCALAR, r, k});
    temporaries_.push_back(r);
    return r;
  }
  void end_temporaries() {
    for (const uint16_t r : temporaries_) {
      if (object_[r]) put({Opcode::RELEASE, r});
      free_register(r);
    }
    temporaries_.clear();
  }

  // ---- deaths

  // Marks the values that die at this node dead. Those still in their registers are released by an instruction.
  void kill(const std::vector<const Def*>& dying, const DefSet& moved_out = {}) {
    for (const Def* def : dying) {
      const Location at = where(def);
      if (at.constant) continue;
      if (object_[at.index] && !moved_out.contains(def)) put({Opcode::RELEASE, at.index});
      free_register(at.index);
    }
  }
  static bool contains(const std::vector<const Def*>& defs, const Def* def) {
    return std::find(defs.begin(), defs.end(), def) != defs.end();
  }

  // The operand words of a call; object operands that die here carry kLastUse, once each.
  std::vector<uint16_t> operands(const std::vector<Def*>& inputs, const std::vector<const Def*>& dying,
                                 DefSet* moved_out) {
    std::vector<uint16_t> words(inputs.size());
    for (size_t i = inputs.size(); i-- > 0;) {
      const Location at = where(inputs[i]);
      words[i] = at.index;
      if (at.constant) {
        words[i] |= code::kConstOperand;
      } else if (object_[at.index] && contains(dying, inputs[i]) && moved_out->insert(inputs[i]).second) {
        words[i] |= code::kLastUse;
      }
    }
    return words;
  }

  // ---- phis

  // The moves of a block's outputs (or a break's) into their targets, as if at once.
  void moves(const std::vector<Def*>& from, size_t first, const std::vector<uint16_t>& to,
             const std::vector<const Def*>& dying) {
    std::vector<Move> pending;
    std::unordered_map<const Def*, int> count;
    for (size_t i = first; i < from.size(); ++i) ++count[from[i]];
    DefSet taken;
    for (size_t i = first; i < from.size(); ++i) {
      const Location at = where(from[i]);
      const uint16_t target = to[i - first];
      if (!at.constant && at.index == target) {
        taken.insert(from[i]);
        continue;
      }
      const bool last_use = !at.constant && object_[at.index] && object_[target] && count[from[i]] == 1 &&
                            contains(dying, from[i]);
      if (last_use) taken.insert(from[i]);
      pending.push_back({target, at, last_use});
    }
    parallel(std::move(pending));
    // What died here and was copied, not taken; unless its register has got a new value by now.
    for (const Def* def : dying) {
      const Location at = where(def);
      if (at.constant) continue;
      const bool is_target = std::find(to.begin(), to.end(), at.index) != to.end();
      if (object_[at.index] && !taken.contains(def) && !is_target) put({Opcode::RELEASE, at.index});
    }
  }

  void parallel(std::vector<Move> pending) {
    std::vector<uint16_t> asides;
    while (!pending.empty()) {
      // One whose target nobody else still reads.
      const auto ready = std::find_if(pending.begin(), pending.end(), [&](const Move& move) {
        return std::none_of(pending.begin(), pending.end(), [&](const Move& other) {
          return &other != &move && !other.from.constant && other.from.index == move.to;
        });
      });
      if (ready != pending.end()) {
        put_move(*ready);
        pending.erase(ready);
        continue;
      }
      // Only cycles are left: free one target by moving what it holds aside.
      const uint16_t held = pending.front().to;
      const uint16_t aside = allocate(object_[held]);
      put({object_[held] ? Opcode::TAKE : Opcode::MOVE, aside, held});
      for (Move& move : pending) {
        if (!move.from.constant && move.from.index == held) move = {move.to, {false, aside}, false};
      }
      asides.push_back(aside);
    }
    for (const uint16_t r : asides) {
      if (object_[r]) put({Opcode::RELEASE, r});
      free_register(r);
    }
  }

  void put_move(const Move& move) {
    if (move.from.constant) {
      put({object_[move.to] ? Opcode::LOAD : Opcode::LOAD_SCALAR, move.to, move.from.index});
    } else if (!object_[move.to]) {
      put({Opcode::MOVE, move.to, move.from.index});
    } else {
      put({move.last_use ? Opcode::TAKE : Opcode::COPY, move.to, move.from.index});
    }
  }

  std::unique_ptr<code::Function> function_;
  std::unordered_map<const Def*, Location> where_;
  std::unordered_map<const Def*, uint16_t> hints_;  // the register a phi wants a value in
  std::vector<bool> object_;                        // register kinds
  std::vector<bool> occupied_;                      // by a live value
  std::vector<int> reserved_;                       // for the targets of phis being built
  std::vector<uint16_t> temporaries_;
  const SourceSpan* span_ = nullptr;
  const SourceSpan* last_span_ = nullptr;
};

}  // namespace tine::compile

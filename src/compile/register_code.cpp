#include "src/compile/register_code.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace tine::compile {

bool is_scalar(const Type& type) {
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

// ---- registers

uint16_t RegisterCode::new_register(bool object) {
  if (object_.size() >= static_cast<size_t>(code::kMaxRegisters)) too_many("registers");
  object_.push_back(object);
  occupied_.push_back(true);
  reserved_.push_back(0);
  return static_cast<uint16_t>(object_.size() - 1);
}

uint16_t RegisterCode::allocate(bool object) {
  for (size_t r = 0; r < object_.size(); ++r) {
    if (!occupied_[r] && reserved_[r] == 0 && object_[r] == object) {
      occupied_[r] = true;
      return static_cast<uint16_t>(r);
    }
  }
  return new_register(object);
}

uint16_t RegisterCode::define(const Def* def) {
  const bool object = !is_scalar(*def->type);
  // The hint is the target in which this value is wanted, so it may be used although it is reserved, unless it still holds
  // another value.
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

void RegisterCode::forget(const Def* def) {
  const auto found = where_.find(def);
  if (found != where_.end() && !found->second.constant) free_register(found->second.index);
}

void RegisterCode::restore_occupied(const std::vector<bool>& before) {
  // Registers that were made after `before` was taken are free on that path.
  std::vector<bool> now = before;
  now.resize(occupied_.size(), false);
  occupied_ = std::move(now);
}

uint16_t RegisterCode::in_register(const Def* def) {
  const Location at = where(def);
  if (!at.constant) return at.index;
  const bool object = !is_scalar(*def->type);
  const uint16_t r = allocate(object);
  put({object ? Opcode::LOAD : Opcode::LOAD_SCALAR, r, at.index});
  temporaries_.push_back(r);
  return r;
}

void RegisterCode::end_temporaries() {
  for (const uint16_t r : temporaries_) {
    if (object_[r]) put({Opcode::RELEASE, r});
    free_register(r);
  }
  temporaries_.clear();
}

void RegisterCode::too_many(std::string_view what) const {
  throw Error(fmt::format("script function '{}' needs more than {} {}; split it into smaller functions",
                          function_->name, code::kMaxRegisters, what));
}

uint16_t RegisterCode::constant(const Value& value) {
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

void RegisterCode::wrong(std::string_view what) const {
  throw Error(
      fmt::format("internal error of tine: the code of '{}' would be wrong: {}", function_->name, what));
}

void RegisterCode::check(const Instruction& in) const {
  const code::OpcodeRow& row = code::row_of(in.op);
  const uint16_t fields[] = {in.a, in.b, in.c};
  const code::Function& f = *function_;
  for (size_t i = 0; i < 3; ++i) {
    const uint16_t x = fields[i];
    const bool is_register = x < object_.size();
    bool good = true;
    switch (row.form[i]) {
      case 's':
      case 'S': good = is_register && !object_[x]; break;
      case 'o':
      case 'O': good = is_register && object_[x]; break;
      case 'r': good = is_register; break;
      case 'k': good = x < f.constants.size(); break;
      case 'p': good = x < f.ops.size(); break;
      case 'f': good = x < f.calls.size(); break;
      case 'l': good = x < f.slots.size(); break;
      case 't': good = x < f.types.size(); break;
      case 'w': good = (x >> 1) < static_cast<int>(f.types.size()); break;
      case '.': good = x == 0; break;
      default: break;  // a number or a distance
    }
    if (!good)
      wrong(fmt::format("{} has {} as its {}, and the form \"{}\" ({})", row.name, x, "abc"[i], row.form,
                        row.picture));
  }
}

void RegisterCode::check_operand(uint16_t operand) const {
  const uint16_t x = operand & code::kOperandMask;
  const bool good = operand & code::kConstOperand
                        ? x < function_->constants.size() && !(operand & code::kLastUse)
                    : operand & code::kLastUse ? x < object_.size() && object_[x]
                                               : x < object_.size();
  if (!good) wrong(fmt::format("the operand {:#x} of a list", operand));
}

size_t RegisterCode::put(Instruction in) {
  check(in);
  if (span_ && (function_->lines.empty() || last_span_ != span_)) {
    function_->lines.push_back({static_cast<uint32_t>(function_->code.size()), *span_});
    last_span_ = span_;
  }
  function_->code.push_back({.instruction = in});
  return function_->code.size() - 1;
}

void RegisterCode::put_words(const std::vector<uint16_t>& operands) {
  if (operands.size() > static_cast<size_t>(code::kMaxOperands)) too_many("operands");
  for (size_t i = 0; i < operands.size(); i += 4) {
    code::Word word{.operands = {0, 0, 0, 0}};
    for (size_t j = 0; j < 4 && i + j < operands.size(); ++j) {
      check_operand(operands[i + j]);
      word.operands[j] = operands[i + j];
    }
    function_->code.push_back(word);
  }
}

void RegisterCode::jump(Instruction in, Label& label, bool near) {
  if (code::row_of(in.op).form[2] != (near ? 'j' : 'J'))
    wrong(fmt::format("{} is not a {} jump", code::row_of(in.op).name, near ? "near" : "far"));
  label.uses.push_back({put(in), near});
  if (label.at != Label::kUnbound) resolve(label.uses.back(), label.at);
}

void RegisterCode::bind(Label& label) {
  label.at = function_->code.size();
  for (const Label::Use& use : label.uses) resolve(use, label.at);
}

void RegisterCode::resolve(const Label::Use& use, size_t target) {
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

// ---- deaths

void RegisterCode::kill(const DefList& dying) {
  for (const Def* def : dying) {
    const Location at = where(def);
    if (at.constant) continue;
    if (object_[at.index]) put({Opcode::RELEASE, at.index});
    free_register(at.index);
  }
}

std::vector<uint16_t> RegisterCode::operands(const std::vector<Def*>& inputs, const DefList& dying) {
  std::vector<uint16_t> words(inputs.size());
  DefSet moved_out;
  // From the back, because of f(x, x): the machine reads operands in order, and only the last one may move the value out.
  for (size_t i = inputs.size(); i-- > 0;) {
    const Location at = where(inputs[i]);
    words[i] = at.index;
    if (at.constant) {
      words[i] |= code::kConstOperand;
    } else if (object_[at.index] && contains(dying, inputs[i]) && moved_out.insert(inputs[i]).second) {
      words[i] |= code::kLastUse;
    }
  }
  return words;
}

// ---- phis

void RegisterCode::moves(const std::vector<Def*>& from, size_t first, const std::vector<uint16_t>& to,
                         const DefList& dying) {
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
  // A value that dies here and was copied must be released, unless a move has put a new value into its register.
  for (const Def* def : dying) {
    const Location at = where(def);
    if (at.constant) continue;
    const bool is_target = std::find(to.begin(), to.end(), at.index) != to.end();
    if (object_[at.index] && !taken.contains(def) && !is_target) put({Opcode::RELEASE, at.index});
  }
}

// Emits the moves as if all were made at once: in an order in which no move overwrites a register that a later one reads.
void RegisterCode::parallel(std::vector<Move> pending) {
  std::vector<uint16_t> asides;
  while (!pending.empty()) {
    // A move is ready when no other pending move reads its target.
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
    // Every target that is left is read by another move, so only cycles are left. Moving the value of one target aside
    // breaks its cycle.
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

void RegisterCode::put_move(const Move& move) {
  if (move.from.constant) {
    put({object_[move.to] ? Opcode::LOAD : Opcode::LOAD_SCALAR, move.to, move.from.index});
  } else if (!object_[move.to]) {
    put({Opcode::MOVE, move.to, move.from.index});
  } else {
    put({move.last_use ? Opcode::TAKE : Opcode::COPY, move.to, move.from.index});
  }
}

}  // namespace tine::compile

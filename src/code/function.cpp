#include "src/code/function.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace tine::code {
namespace {

void set_library(Function& function, const Library* library) {
  function.library = library;
  for (const auto& child : function.children) set_library(*child, library);
  if (function.borrowing) set_library(*function.borrowing, library);
}

// Of scalars, or of what the caller keeps: nothing is made, so nothing is destroyed. Jumps are looked at by themselves.
constexpr bool is_short(Opcode op) noexcept {
  switch (op) {
    case Opcode::MOVE:
    case Opcode::COPY:
    case Opcode::TAKE:
    case Opcode::RELEASE:
    case Opcode::LOAD_SCALAR:
    case Opcode::LOAD:
    case Opcode::IS_NONE:
    case Opcode::CHECK_PRESENT:
    case Opcode::TUPLE_INDEX:
    case Opcode::TUPLE_INDEX_SCALAR:
    case Opcode::LIST_LENGTH:
    case Opcode::RETURN:
    case Opcode::RETURN_SCALAR:
    case Opcode::RETURN_K:
    case Opcode::RAISE_K: return true;
    default: return Opcode::ADD_INT <= op && op <= Opcode::FLOAT_TO_INT;
  }
}

// The distance of a jump, 0 of what is none.
int32_t distance(const Instruction& in) noexcept {
  const char last = row_of(in.op).form[2];
  return last == 'J' ? in.far() : last == 'j' ? in.near() : 0;
}

constexpr size_t kBrief = 128;

}  // namespace

bool Function::is_brief() const noexcept {
  return code.size() <= kBrief && std::all_of(code.begin(), code.end(), [](const Word& word) {
           const int32_t far = distance(word.instruction);
           return far > 0 || (far == 0 && is_short(word.instruction.op));
         });
}

SourceSpan Function::place_of(size_t pc) const {
  auto after = std::upper_bound(lines.begin(), lines.end(), pc,
                                [](size_t at, const LineEntry& entry) { return at < entry.pc; });
  // An entry holds from its pc to the next entry's.
  return after == lines.begin() ? SourceSpan{} : std::prev(after)->span;
}

std::string Function::disassemble() const {
  std::string out = fmt::format("{}: {} registers, {} parameters\n", name, registers, params.size());
  for (size_t pc = 0; pc < code.size(); ++pc) {
    const Instruction in = code[pc].instruction;
    out +=
        fmt::format("{:4}  {:<18} {} {} {}", pc, row_of(in.op).name, in.a, in.b, static_cast<int16_t>(in.c));
    if (const int n = operands_after(in); n > 0) {
      out += " (";
      for (int i = 0; i < n; ++i) {
        const uint16_t operand = code[pc + 1 + static_cast<size_t>(i) / 4].operands[i % 4];
        out += fmt::format("{}{}{}{}", i ? ", " : "", operand & kConstOperand ? 'k' : 'r',
                           operand & kOperandMask, operand & kLastUse ? "!" : "");
      }
      out += ")";
      // The operands lie in the words after the instruction.
      pc += static_cast<size_t>(words_for(n));
    }
    out += "\n";
  }
  for (const auto& child : children) out += child->disassemble();
  return out;
}

const Function& Library::define(std::unique_ptr<Function> function) {
  set_library(*function, this);
  const MutexLock lock(mutex_);
  const Function& added = *function;
  all_.emplace(&added, std::move(function));
  // A new definition takes the name. The old one stays in all_, because frames may still run it.
  by_name_[added.name] = &added;
  return added;
}

void Library::forget(const Function& function) noexcept {
  std::unique_ptr<Function> gone;  // destroyed after the lock
  const MutexLock lock(mutex_);
  const auto owned = all_.find(&function);
  if (owned == all_.end()) return;
  // The name may belong to a newer definition by now.
  if (const auto named = by_name_.find(function.name); named != by_name_.end() && named->second == &function)
    by_name_.erase(named);
  gone = std::move(owned->second);
  all_.erase(owned);
}

const Function* Library::find(std::string_view name) const {
  const MutexLock lock(mutex_);
  const auto found = by_name_.find(std::string(name));
  return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace tine::code

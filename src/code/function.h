// Function: the code of one script function (docs/spec/ir.md, "Code"). Library: functions by their qualified names.
//
// A Function in a Library never changes, with one exception: the first execution of a call site sets its target to the
// function that the name means at that moment, for good. Any number of threads may run one Function, and a Library may be
// used from any thread.
//
// The Library owns its functions until forget(). A function whose name was defined anew stays alive, because frames may
// be in it and call sites may be bound to it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/base/mutex.h"
#include "src/base/source.h"
#include "src/code/opcodes.h"
#include "tine/operators.h"
#include "tine/type.h"
#include "tine/value.h"

namespace tine::code {

class Function;
class Library;

// Where a call or fork finds its callee, and what the caller's types were compiled for.
struct CallSite {
  std::string name;
  std::vector<TypePtr> args;
  TypePtr result;
  mutable std::atomic<const Function*> target{nullptr};

  CallSite() = default;
  CallSite(CallSite&& other) noexcept  // only while the function is built
      : name(std::move(other.name)),
        args(std::move(other.args)),
        result(std::move(other.result)),
        target(other.target.load(std::memory_order_relaxed)) {}
};

// The slot `index` of objects of `type`.
struct SlotSite {
  std::shared_ptr<const ObjectType> type;
  std::string name;
  int index = 0;
};

// From instruction `pc` on the place is `span`, until the next entry.
struct LineEntry {
  uint32_t pc;
  SourceSpan span;
};

class Function {
 public:
  std::string name;
  std::vector<std::string> param_names;
  std::vector<TypePtr> params;
  TypePtr result;

  int registers = 0;                       // parameters are the first ones
  std::vector<uint16_t> object_registers;  // ascending: those that may need a release at the end
  size_t object_params = 0;                // the first of them are parameters; the others start as None
  std::vector<Word> code;
  std::vector<Value> constants;
  std::vector<const Op*> ops;
  std::vector<CallSite> calls;
  std::vector<SlotSite> slots;
  std::vector<TypePtr> types;
  std::vector<LineEntry> lines;
  std::vector<std::unique_ptr<Function>> children;  // fork bodies; in no Library of their own
  // Of a method of a class: the same for a caller whose register keeps the object alive. Its first register is borrowed: it is
  // not among object_registers, and the code never moves or writes it.
  std::unique_ptr<Function> borrowing;
  const Library* library = nullptr;  // where call sites look their names up

  [[nodiscard]] SourceSpan place_of(size_t pc) const;
  // Whether any run is over within a microsecond on the thread that begins it: few instructions, each executed once at most,
  // that neither call nor wait. What starts one may keep its locks meanwhile.
  [[nodiscard]] bool is_brief() const noexcept;
  // One instruction a line: number, name, operands.
  [[nodiscard]] std::string disassemble() const;
};

class Library {
 public:
  Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const Function& define(std::unique_ptr<Function> function);
  [[nodiscard]] const Function* find(std::string_view name) const;
  // Destroys it. No run that has called it goes on, and no call site of a function that stays is bound to it.
  void forget(const Function& function) noexcept;

 private:
  mutable Mutex mutex_;
  std::unordered_map<std::string, const Function*> by_name_ TINE_GUARDED_BY(mutex_);
  std::unordered_map<const Function*, std::unique_ptr<Function>> all_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::code

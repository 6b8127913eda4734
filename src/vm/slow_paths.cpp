#include "src/vm/slow_paths.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

namespace tine::vm {

using code::CallSite;
using code::Function;
using code::Instruction;
using code::Opcode;

void throw_zero_division(const char* message) { throw ZeroDivisionError(message); }

namespace {

// Whether the callee takes what the caller was compiled to pass, from argument `first` on, and returns what it expects.
void check_signature(const Function& caller, const CallSite& site, const Function& callee, size_t first) {
  if (callee.params.size() != site.args.size()) {
    throw TypeError(fmt::format("{}() takes {} arguments, but '{}' was compiled to pass {}", callee.name,
                                callee.params.size(), caller.name, site.args.size()));
  }
  for (size_t i = first; i < site.args.size(); ++i) {
    if (is_subtype(site.args[i], callee.params[i])) continue;
    throw TypeError(fmt::format("{}(): argument {} is declared as {}, but '{}' was compiled to pass {}",
                                callee.name, i + 1, callee.params[i]->str(), caller.name,
                                site.args[i]->str()));
  }
  if (!is_subtype(callee.result, site.result)) {
    throw TypeError(fmt::format("{}() returns {}, but '{}' was compiled to expect {}", callee.name,
                                callee.result->str(), caller.name, site.result->str()));
  }
}

const Function& found(const Function& caller, const CallSite& site) {
  const Function* const callee = caller.library ? caller.library->find(site.name) : nullptr;
  if (!callee)
    throw NameError(
        fmt::format("script function '{}' calls '{}', which is not defined here", caller.name, site.name));
  check_signature(caller, site, *callee, 0);
  return *callee;
}

}  // namespace

// The name may mean another function than the one that the caller was compiled for: one that was defined since, or one
// from another worker. So the signatures are compared. Two threads may link one site at the same time; both results fit.
const Function& link(const Function& caller, const CallSite& site) {
  const Function& callee = found(caller, site);
  // Release: the interpreter loads the target with acquire and then reads the function without a lock.
  site.target.store(&callee, std::memory_order_release);
  return callee;
}

const Function& link_method(const Function& caller, const CallSite& site) {
  const Function* const callee = found(caller, site).borrowing.get();
  if (!callee) throw TypeError(fmt::format("{}() is not a method of {}", site.name, site.args[0]->str()));
  site.target.store(callee, std::memory_order_release);
  return *callee;
}

const Function& find_method(const Function& caller, const CallSite& site, const Value& object) {
  const std::string name = fmt::format("{}.{}", object.as_object().type->name, site.name);
  const Function* const callee = caller.library ? caller.library->find(name) : nullptr;
  if (!callee)
    throw NameError(
        fmt::format("script function '{}' calls '{}', which is not defined here", caller.name, name));
  if (callee->params.empty() || !fits(object, callee->params[0]))
    throw TypeError(fmt::format("{}() is not a method of {}", name, object.as_object().type->name));
  check_signature(caller, site, *callee, 1);
  return *callee;
}

void throw_too_deep(const Function& callee, uint32_t limit) {
  throw Error(
      fmt::format("maximum recursion depth exceeded: {} nested calls, the last one of '{}'; "
                  "end the recursion earlier or raise the limit (TINE_MAX_SCRIPT_DEPTH, or max_script_depth "
                  "of RuntimeOptions)",
                  limit, callee.name));
}

namespace {
[[noreturn]] void throw_no_slot(const Value& object, const code::SlotSite& site) {
  throw AttributeError(fmt::format(
      "'{}' object has no attribute '{}'",
      object.is(Tag::kObject) ? object.as_object().type->name : name_of(object.tag()), site.name));
}
}  // namespace

Value& find_slot(const Value& object, const code::SlotSite& site) {
  if (!object.is(Tag::kObject)) throw_no_slot(object, site);
  Object& o = object.as_object();
  const int index = o.type->slot_index(site.name);
  if (index < 0 || !equal(o.type->slots[static_cast<size_t>(index)].type,
                          site.type->slots[static_cast<size_t>(site.index)].type)) {
    throw_no_slot(object, site);
  }
  return o.slots[static_cast<size_t>(index)];
}

void throw_unset(const code::SlotSite& site) {
  throw AttributeError(
      fmt::format("'{}' object has no value in its attribute '{}' yet: its __init__ did not come so far",
                  site.type->name, site.name));
}

Value new_object(const TypePtr& type) {
  auto object = std::static_pointer_cast<const ObjectType>(type);
  std::vector<Value> slots(object->slots.size());
  return Value(detail::make_ref<Object>(std::move(object), std::move(slots)));
}

// A new copy of a constant for each execution, because the script may change its lists.
Value fresh_copy(const Value& value) {
  switch (value.tag()) {
    case Tag::kList: {
      auto list = detail::make_ref<List>();
      for (const Value& item : value.as_list().items) list->items.push_back(fresh_copy(item));
      return Value(std::move(list));
    }
    case Tag::kTuple: {
      std::vector<Value> items;
      for (const Value& item : value.as_tuple().items) items.push_back(fresh_copy(item));
      return Value(detail::make_ref<Tuple>(std::move(items), value.as_tuple().type));
    }
    case Tag::kDict: {
      auto dict = detail::make_ref<Dict>();
      for (const auto& [key, item] : value.as_dict().items()) dict->set(key, fresh_copy(item));
      return Value(std::move(dict));
    }
    default: return value;
  }
}

void throw_wrong_length(size_t expected, size_t found) {
  if (found < expected)
    throw ValueError(fmt::format("not enough values to unpack (expected {}, got {})", expected, found));
  throw ValueError(fmt::format("too many values to unpack (expected {})", expected));
}

void check_arrived(const Value& value, const TypePtr& type) {
  if (fits(value, type)) return;
  throw TypeError(fmt::format("the future was declared to hold a value of type {}, but it holds {}",
                              type->str(), type_of(value)->str()));
}

namespace {

// Operand i of a list, as a value.
auto operand_of(const uint16_t* operands, const Value* k, Value* r) noexcept {
  return [=](size_t i) noexcept -> Value {
    const uint16_t at = operands[i] & code::kOperandMask;
    if (operands[i] & code::kConstOperand) return k[at];
    return operands[i] & code::kLastUse ? std::move(r[at]) : r[at];
  };
}

}  // namespace

void build_tuple(Instruction in, const uint16_t* operands, const Function& f, const Value* k, Value* r) {
  std::shared_ptr<const NamedTupleType> type;
  if (in.op == Opcode::NAMED_TUPLE) {
    const NamedTupleType* const named = f.types[in.b]->named_tuple();
    if (named && !named->name.empty()) type = {f.types[in.b], named};
  }
  r[in.a] = Value(detail::make_ref<Tuple>(size_t{in.c}, operand_of(operands, k, r), std::move(type)));
}

void build(Instruction in, const uint16_t* operands, const Value* k, Value* r) {
  std::vector<Value> items;
  items.reserve(in.c);
  const auto item = operand_of(operands, k, r);
  for (size_t i = 0; i < in.c; ++i) items.push_back(item(i));
  if (in.op == Opcode::LIST) {
    r[in.a] = Value(detail::make_ref<List>(std::move(items)));
  } else {
    auto dict = detail::make_ref<Dict>();
    for (size_t i = 0; i + 1 < items.size(); i += 2) dict->set(std::move(items[i]), std::move(items[i + 1]));
    r[in.a] = Value(std::move(dict));
  }
}

}  // namespace tine::vm

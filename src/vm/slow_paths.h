// What the interpreter does seldom or at length: linking a call, errors, lookups by name, building containers. Apart from
// the loop, and never inlined, so that none of it takes registers from the loop. The errors are those that the script
// sees, with the names from its source.
#pragma once

#include "src/vm/task.h"

namespace tine::vm {

[[noreturn, gnu::cold, gnu::noinline]] void throw_zero_division(const char* message);
[[gnu::cold, gnu::noinline]] const code::Function& link(const code::Function& caller,
                                                        const code::CallSite& site);
// The same for a method that borrows its object.
[[gnu::cold, gnu::noinline]] const code::Function& link_method(const code::Function& caller,
                                                               const code::CallSite& site);
// The method of the object's class that a call through an interface means.
[[gnu::noinline]] const code::Function& find_method(const code::Function& caller, const code::CallSite& site,
                                                    const Value& object);
[[noreturn, gnu::cold, gnu::noinline]] void throw_too_deep(const code::Function& callee, uint32_t limit);
// Objects of another type object with the same name (a module that was scripted again, or one that came over the
// network): the slot is looked up by name.
[[gnu::cold, gnu::noinline]] Value& find_slot(const Value& object, const code::SlotSite& site);
[[noreturn, gnu::cold, gnu::noinline]] void throw_unset(const code::SlotSite& site);
[[gnu::noinline]] Value new_object(const TypePtr& type);
Value fresh_copy(const Value& value);
[[noreturn, gnu::cold, gnu::noinline]] void throw_wrong_length(size_t expected, size_t found);
[[gnu::noinline]] void check_arrived(const Value& value, const TypePtr& type);
// TUPLE, NAMED_TUPLE, LIST, DICT.
[[gnu::noinline]] void build_tuple(code::Instruction in, const uint16_t* operands, const code::Function& f,
                                   const Value* k, Value* r);
[[gnu::noinline]] void build(code::Instruction in, const uint16_t* operands, const Value* k, Value* r);

}  // namespace tine::vm

// access: how the interpreter reaches into values, on the paths that must be short.
#pragma once

#include <fmt/core.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "src/vm/slow_paths.h"

namespace tine::vm {

inline Value& slot(const Value& object, const code::SlotSite& site) {
  if (object.is(Tag::kObject) && object.as_object().type.get() == site.type.get()) [[likely]] {
    return object.as_object().slots[static_cast<size_t>(site.index)];
  }
  return find_slot(object, site);
}

// Of a class of scripts, whose objects begin without values in their slots.
inline const Value& field(const Value& object, const code::SlotSite& site) {
  const Value& value = slot(object, site);
  if (value.is_none()) [[unlikely]]
    throw_unset(site);
  return value;
}

inline const Value& list_item(const Value& list, int64_t index) {
  const std::vector<Value>& items = list.as_list().items;
  const auto size = static_cast<int64_t>(items.size());
  const int64_t at = index < 0 ? index + size : index;
  if (at < 0 || at >= size) [[unlikely]] {
    throw IndexError(fmt::format("list index out of range: {} in a list of {}", index, size));
  }
  return items[static_cast<size_t>(at)];
}

inline const Value& element(const Value& tuple_or_list, size_t index) {
  return tuple_or_list.is(Tag::kTuple) ? tuple_or_list.as_tuple().items[index]
                                       : tuple_or_list.as_list().items[index];
}

// Bits from one place to another, ownership included. Tag and payload apart, as they were stored: one 16-byte load
// right after two narrower stores waits for both to reach the cache.
inline void relocate(Value* to, const Value* from) noexcept {
  constexpr size_t kPayload = 8;
  std::memcpy(static_cast<void*>(to), static_cast<const void*>(from), sizeof(Tag));
  std::memcpy(reinterpret_cast<std::byte*>(to) + kPayload,
              reinterpret_cast<const std::byte*>(from) + kPayload, kPayload);
}

}  // namespace tine::vm

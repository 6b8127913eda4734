#include "tine/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "src/value/compare.h"
#include "src/value/text.h"
#include "tine/future.h"
#include "tine/type.h"

namespace tine {

std::string_view name_of(Tag tag) noexcept {
  switch (tag) {
    case Tag::kNone: return "NoneType";
    case Tag::kBool: return "bool";
    case Tag::kInt: return "int";
    case Tag::kFloat: return "float";
    case Tag::kTensor: return "Tensor";
    case Tag::kString: return "str";
    case Tag::kList: return "list";
    case Tag::kDict: return "dict";
    case Tag::kTuple: return "tuple";
    case Tag::kObject: return "object";
    case Tag::kFuture: return "Future";
    case Tag::kRRef: return "RRef";
    case Tag::kEnum: return "Enum";
    case Tag::kForeign: return "foreign object";
  }
  return "invalid value";
}

Value::Value(std::string v) : Value(detail::make_ref<String>(std::move(v))) {}
Value::Value(Future<Value> v) noexcept : Value(Tag::kFuture, v.leak_state()) {}

detail::State<Value>* Value::as_future_state() const noexcept {
  return static_cast<detail::State<Value>*>(counted_object());
}

namespace {
[[noreturn]] void refuse(std::string_view wanted, const Value& got) {
  throw TypeError(fmt::format("expected {}, but got {}", wanted, brief(got)));
}
}  // namespace

bool Value::to_bool() const {
  if (!is_bool()) refuse("a bool", *this);
  return as_bool();
}
int64_t Value::to_int() const {
  if (!is_int() && !is_bool()) refuse("an int", *this);
  return as_int();
}
double Value::to_float() const {
  if (is_float()) return as_float();
  if (!is_int() && !is_bool()) refuse("a float", *this);
  return static_cast<double>(as_int());
}
const Tensor& Value::to_tensor() const {
  if (!is_tensor()) refuse("a Tensor", *this);
  return as_tensor();
}
const std::string& Value::to_string() const {
  if (!is_string()) refuse("a str", *this);
  return as_string();
}
List& Value::to_list() const {
  if (!is(Tag::kList)) refuse("a list", *this);
  return as_list();
}
Dict& Value::to_dict() const {
  if (!is(Tag::kDict)) refuse("a dict", *this);
  return as_dict();
}
Tuple& Value::to_tuple() const {
  if (!is(Tag::kTuple)) refuse("a tuple", *this);
  return as_tuple();
}
Object& Value::to_object() const {
  if (!is(Tag::kObject)) refuse("an object", *this);
  return as_object();
}
Future<Value> Value::to_future() const {
  if (!is_future()) refuse("a Future", *this);
  return Future<Value>(detail::Ref<detail::State<Value>>::share(as_future_state()));
}

// ---- Dict

namespace {
// A dict is a list of entries in the order of insertion. Above kScanLimit entries it also has an open-addressed table of
// slots: each holds the number of an entry plus one, and 0 is free. A table is at most half full.
constexpr size_t kScanLimit = 8;

// NaN is equal to no key, not even to itself, so it is never found. Its hash need not say what it is, but must differ from
// entry to entry: otherwise many NaNs would make one long chain.
bool is_nan(const Value& key) noexcept { return key.is_float() && std::isnan(key.as_float()); }
size_t place_of(const Value& key, size_t index) noexcept {
  return is_nan(key) ? hash_of(Value(static_cast<int64_t>(index))) : hash_of(key);
}
}  // namespace

size_t Dict::index_of(const Value& key) const noexcept {
  if (!hashable(key) || is_nan(key)) return items_.size();
  if (slots_.empty()) {
    size_t i = 0;
    while (i < items_.size() && !equals(items_[i].first, key)) ++i;
    return i;
  }
  const size_t mask = slots_.size() - 1;
  for (size_t s = hash_of(key) & mask; slots_[s]; s = (s + 1) & mask) {
    if (equals(items_[slots_[s] - 1].first, key)) return slots_[s] - 1;
  }
  return items_.size();
}

void Dict::rehash(size_t slots) {
  slots_.assign(slots, 0);
  const size_t mask = slots - 1;
  for (size_t i = 0; i < items_.size(); ++i) {
    size_t s = place_of(items_[i].first, i) & mask;
    while (slots_[s]) s = (s + 1) & mask;
    slots_[s] = static_cast<uint32_t>(i + 1);
  }
}

const Value* Dict::find(const Value& key) const noexcept {
  const size_t i = index_of(key);
  return i < items_.size() ? &items_[i].second : nullptr;
}

void Dict::set(Value key, Value value) {
  if (!hashable(key)) {
    throw TypeError(fmt::format("unhashable type: '{}'; a dict's keys are str, int, bool, float or enums",
                                type_name(key)));
  }
  if (const size_t i = index_of(key); i < items_.size()) {
    items_[i].second.swap(value);
    return;
  }
  items_.emplace_back(std::move(key), std::move(value));
  if (items_.size() <= kScanLimit) return;
  if (items_.size() * 2 > slots_.size()) {
    rehash(std::max<size_t>(64, slots_.size() * 2));
  } else {
    const size_t mask = slots_.size() - 1;
    size_t s = place_of(items_.back().first, items_.size() - 1) & mask;
    while (slots_[s]) s = (s + 1) & mask;
    slots_[s] = static_cast<uint32_t>(items_.size());
  }
}

bool Dict::erase(const Value& key) {
  const size_t i = index_of(key);
  if (i == items_.size()) return false;
  // The entry dies last, when this dict is whole again: its destructor may run foreign code.
  Entry gone = std::move(items_[i]);
  items_.erase(items_.begin() + static_cast<ptrdiff_t>(i));
  if (items_.size() <= kScanLimit) {
    slots_.clear();
  } else if (!slots_.empty()) {
    // Every later entry has another number now.
    rehash(slots_.size());
  }
  return true;
}

Dict::Entry Dict::take_last() {
  if (!slots_.empty()) {
    // The last entry was inserted last, so no search for another entry passes its slot.
    const size_t mask = slots_.size() - 1;
    size_t s = place_of(items_.back().first, items_.size() - 1) & mask;
    while (slots_[s] != items_.size()) s = (s + 1) & mask;
    slots_[s] = 0;
  }
  Entry last = std::move(items_.back());
  items_.pop_back();
  if (items_.size() <= kScanLimit) slots_.clear();
  return last;
}

void Dict::clear() noexcept {
  std::vector<Entry> gone;
  gone.swap(items_);
  slots_.clear();
}

}  // namespace tine

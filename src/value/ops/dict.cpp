// Dicts of anything.
#include "src/value/compare.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"

namespace tine::value {
namespace {

using V = const Value&;

V require(const Dict& d, V key) {
  const Value* found = d.find(key);
  if (!found) throw KeyError(key.repr());
  return *found;
}

Value column(const Dict& d, Value Dict::Entry::*which) {
  std::vector<Value> out;
  out.reserve(d.size());
  for (const Dict::Entry& e : d.items()) out.push_back(e.*which);
  return Value(detail::make_ref<List>(std::move(out)));
}

Value pairs(const Dict& d) {
  std::vector<Value> out;
  out.reserve(d.size());
  for (const auto& [k, v] : d.items()) out.emplace_back(detail::make_ref<Tuple>(std::vector<Value>{k, v}));
  return Value(detail::make_ref<List>(std::move(out)));
}

Value copy(const Dict& d) {
  auto out = detail::make_ref<Dict>();
  for (const auto& [k, v] : d.items()) out->set(k, v);
  return Value(std::move(out));
}

Value take(Dict& d, V key) {
  Value taken = require(d, key);
  d.erase(key);
  return taken;
}

Value pop_last(Dict& d) {
  if (d.size() == 0) throw KeyError("popitem(): dictionary is empty");
  Dict::Entry last = d.take_last();
  return Value(detail::make_ref<Tuple>(std::vector<Value>{std::move(last.first), std::move(last.second)}));
}

void update(Dict& d, const Dict& more) {
  if (&d == &more) return;
  for (const auto& [k, v] : more.items()) d.set(k, v);
}

}  // namespace

void add_dict_rows(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFixed, "aten::len.dict(Dict(k, v) a) -> int", [](Dict& d) { return d.size(); });
  rows.pure(cost::kText, "aten::__getitem__.dict(Dict(k, v) self, k key) -> v(*)", [](Dict& d, V key) { return require(d, key); });
  rows.pure(cost::kText, "aten::__contains__.dict(Dict(k, v) dict, k key) -> bool", [](Dict& d, V key) { return d.find(key) != nullptr; });
  rows.pure(cost::kItems, "aten::keys.dict(Dict(k, v) self) -> k[](*)", [](Dict& d) { return column(d, &Dict::Entry::first); });
  rows.pure(cost::kItems, "aten::values.dict(Dict(k, v) self) -> v[](*)", [](Dict& d) { return column(d, &Dict::Entry::second); });
  rows.pure(cost::kEntries, "aten::items.dict(Dict(k, v) self) -> (k, v)[]", [](Dict& d) { return pairs(d); });
  rows.pure(cost::kText, "aten::get.dict(Dict(k, v) self, k key) -> v?", [](Dict& d, V key) { const Value* found = d.find(key); return found ? *found : Value(); });
  rows.pure(cost::kText, "aten::get.default_dict(Dict(k, v) self, k key, v default_value) -> v", [](Dict& d, V key, V missing) { const Value* found = d.find(key); return found ? *found : missing; });
  rows.pure(cost::kEntries, "aten::copy.dict(Dict(k, v) self) -> Dict(k, v)", [](Dict& d) { return copy(d); });
  rows.pure(cost::kEntries, "aten::dict.copy(Dict(k, v) self) -> Dict(k, v)", [](Dict& d) { return copy(d); });
  rows.pure(cost::kCompare, "aten::eq.dict(Dict(k, v) a, Dict(k, v) b) -> bool", [](V a, V b) { return equals(a, b); });
  rows.pure(cost::kCompare, "aten::ne.dict(Dict(k, v) a, Dict(k, v) b) -> bool", [](V a, V b) { return !equals(a, b); });
  rows.pure(cost::kFixed, "aten::Bool.dict(Dict(k, v) a) -> bool", [](Dict& d) { return d.size() != 0; });
  rows.effect(cost::kEntries, "aten::_set_item.dict(Dict(k, v)(a!) l, k idx, v val) -> ()", [](Dict& d, V key, V v) { d.set(key, v); });
  rows.effect(cost::kEntries, "aten::Delete.dict(Dict(k, v)(a!) self, k key) -> ()", [](Dict& d, V key) { (void)take(d, key); });
  rows.effect(cost::kEntries, "aten::setdefault.dict(Dict(k, v)(a!) self, k key, v default_value) -> v", [](Dict& d, V key, V missing) {
    if (const Value* found = d.find(key)) return *found;
    d.set(key, missing);
    return missing;
  });
  rows.effect(cost::kEntries, "aten::pop.dict(Dict(k, v)(a!) self, k key) -> v", [](Dict& d, V key) { return take(d, key); });
  rows.effect(cost::kEntries, "aten::pop.dict_default(Dict(k, v)(a!) self, k key, v default_value) -> v", [](Dict& d, V key, V missing) { return d.find(key) ? take(d, key) : missing; });
  rows.effect(cost::kEntries, "aten::popitem.dict(Dict(k, v)(a!) self) -> ((k, v))", [](Dict& d) { return pop_last(d); });
  rows.effect(cost::kEntries, "aten::update.dict(Dict(k, v)(a!) self, Dict(k, v) to_add) -> ()", [](Dict& d, Dict& more) { update(d, more); });
  rows.effect(cost::kEntries, "aten::clear.dict(Dict(k, v)(a!) self) -> ()", [](Dict& d) { d.clear(); });
  // clang-format on
}

}  // namespace tine::value

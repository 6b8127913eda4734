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
  const Dict::Entry last = d.items().back();
  d.erase(last.first);
  return Value(detail::make_ref<Tuple>(std::vector<Value>{last.first, last.second}));
}

void update(Dict& d, const Dict& more) {
  if (&d == &more) return;
  for (const auto& [k, v] : more.items()) d.set(k, v);
}

}  // namespace

void add_dict_rows(Rows& rows) {
  // clang-format off
  rows.pure("aten::len.dict(Dict(k, v) a) -> int", [](Dict& d) { return d.size(); });
  rows.pure("aten::__getitem__.dict(Dict(k, v) self, k key) -> v(*)", [](Dict& d, V key) { return require(d, key); });
  rows.pure("aten::__contains__.dict(Dict(k, v) dict, k key) -> bool", [](Dict& d, V key) { return d.find(key) != nullptr; });
  rows.pure("aten::keys.dict(Dict(k, v) self) -> k[](*)", [](Dict& d) { return column(d, &Dict::Entry::first); });
  rows.pure("aten::values.dict(Dict(k, v) self) -> v[](*)", [](Dict& d) { return column(d, &Dict::Entry::second); });
  rows.pure("aten::items.dict(Dict(k, v) self) -> (k, v)[]", [](Dict& d) { return pairs(d); });
  rows.pure("aten::get.dict(Dict(k, v) self, k key) -> v?", [](Dict& d, V key) { const Value* found = d.find(key); return found ? *found : Value(); });
  rows.pure("aten::get.default_dict(Dict(k, v) self, k key, v default_value) -> v", [](Dict& d, V key, V missing) { const Value* found = d.find(key); return found ? *found : missing; });
  rows.pure("aten::copy.dict(Dict(k, v) self) -> Dict(k, v)", [](Dict& d) { return copy(d); });
  rows.pure("aten::dict.copy(Dict(k, v) self) -> Dict(k, v)", [](Dict& d) { return copy(d); });
  rows.pure("aten::eq.dict(Dict(k, v) a, Dict(k, v) b) -> bool", [](V a, V b) { return equals(a, b); });
  rows.pure("aten::ne.dict(Dict(k, v) a, Dict(k, v) b) -> bool", [](V a, V b) { return !equals(a, b); });
  rows.pure("aten::Bool.dict(Dict(k, v) a) -> bool", [](Dict& d) { return d.size() != 0; });
  rows.effect("aten::_set_item.dict(Dict(k, v)(a!) l, k idx, v val) -> ()", [](Dict& d, V key, V v) { d.set(key, v); });
  rows.effect("aten::Delete.dict(Dict(k, v)(a!) self, k key) -> ()", [](Dict& d, V key) { (void)take(d, key); });
  rows.effect("aten::setdefault.dict(Dict(k, v)(a!) self, k key, v default_value) -> v", [](Dict& d, V key, V missing) {
    if (!d.find(key)) d.set(key, missing);
    return *d.find(key);
  });
  rows.effect("aten::pop.dict(Dict(k, v)(a!) self, k key) -> v", [](Dict& d, V key) { return take(d, key); });
  rows.effect("aten::pop.dict_default(Dict(k, v)(a!) self, k key, v default_value) -> v", [](Dict& d, V key, V missing) { return d.find(key) ? take(d, key) : missing; });
  rows.effect("aten::popitem.dict(Dict(k, v)(a!) self) -> ((k, v))", [](Dict& d) { return pop_last(d); });
  rows.effect("aten::update.dict(Dict(k, v)(a!) self, Dict(k, v) to_add) -> ()", [](Dict& d, Dict& more) { update(d, more); });
  rows.effect("aten::clear.dict(Dict(k, v)(a!) self) -> ()", [](Dict& d) { d.clear(); });
  // clang-format on
}

}  // namespace tine::value

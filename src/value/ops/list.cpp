// Lists of anything.
#include <fmt/format.h>

#include <algorithm>

#include "src/value/compare.h"
#include "src/value/ops/indexing.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"
#include "src/value/text.h"

namespace tine::value {
namespace {

using I = int64_t;
using MaybeInt = std::optional<int64_t>;
using V = const Value&;
using Items = std::vector<Value>;

Value make(Items items) { return Value(detail::make_ref<List>(std::move(items))); }

constexpr int64_t kLongest = int64_t{1} << 31;  // elements of a list that an operator makes

int64_t find(const List& l, V element) {
  for (size_t i = 0; i < l.items.size(); ++i) {
    if (equals(l.items[i], element)) return static_cast<int64_t>(i);
  }
  return -1;
}

Value pop(List& l, int64_t index) {
  if (l.items.empty()) throw IndexError("pop from empty list");
  const size_t i = wrap_index(index, l.items.size(), "pop index out of range");
  Value taken = std::move(l.items[i]);
  l.items.erase(l.items.begin() + static_cast<ptrdiff_t>(i));
  return taken;
}

// The dropped element is destroyed after the list is consistent again, because its destructor may run foreign code.
void erase(List& l, size_t i) {
  const Value gone = std::move(l.items[i]);
  l.items.erase(l.items.begin() + static_cast<ptrdiff_t>(i));
}

void insert(List& l, int64_t index, V element) {
  const auto n = static_cast<int64_t>(l.items.size());
  const int64_t i = std::clamp<int64_t>(index < 0 ? index + n : index, 0, n);
  l.items.insert(l.items.begin() + i, element);
}

void extend(List& l, const List& more) {
  // By index and not by iterator: `more` may be this list, which grows meanwhile.
  const size_t n = more.items.size();
  l.items.reserve(l.items.size() + n);
  for (size_t i = 0; i < n; ++i) l.items.push_back(more.items[i]);
}

Items slice(const List& l, MaybeInt start, MaybeInt end, int64_t step) {
  const SliceRange range(start, end, step, l.items.size());
  Items out;
  out.reserve(static_cast<size_t>(range.count));
  for (int64_t i = 0; i < range.count; ++i)
    out.push_back(l.items[static_cast<size_t>(range.start + i * range.step)]);
  return out;
}

Items repeat(const List& l, int64_t times) {
  const auto n = static_cast<int64_t>(l.items.size());
  if (times > 0 && n > 0 && times > kLongest / n) {
    throw ValueError(fmt::format("a list of {} repeated {} times is longer than the limit of {} elements", n,
                                 times, kLongest));
  }
  Items out;
  out.reserve(static_cast<size_t>(std::max<int64_t>(0, times) * n));
  for (int64_t i = 0; i < times; ++i) out.insert(out.end(), l.items.begin(), l.items.end());
  return out;
}

Items sorted(Items items, bool reverse) {
  // Sorts a copy, so that a comparison that throws leaves the list unchanged.
  const auto less = [reverse](V a, V b) { return reverse ? compare(b, a) < 0 : compare(a, b) < 0; };
  std::stable_sort(items.begin(), items.end(), less);
  return items;
}

V extreme(const List& l, int sign, const char* name) {
  if (l.items.empty()) throw ValueError(fmt::format("{}() arg is an empty sequence", name));
  size_t best = 0;
  for (size_t i = 1; i < l.items.size(); ++i) {
    if (compare(l.items[i], l.items[best]) * sign > 0) best = i;
  }
  return l.items[best];
}

void add_reading(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFixed, "aten::len.t(t[] a) -> int", [](List& l) { return l.items.size(); });
  rows.pure(cost::kFixed, "aten::__getitem__.t(t[](a) list, int idx) -> t(*)", [](List& l, I i) { return l.items[wrap_index(i, l.items.size(), "list index out of range")]; });
  rows.pure(cost::kItems, "aten::slice.t(t[] l, int? start=None, int? end=None, int step=1) -> t[]", [](List& l, MaybeInt start, MaybeInt end, I step) { return make(slice(l, start, end, step)); });
  rows.pure(cost::kCompare, "aten::__contains__.t(t[] l, t item) -> bool", [](List& l, V v) { return find(l, v) >= 0; });
  rows.pure(cost::kCompare, "aten::index.list(t[] self, t el) -> int", [](List& l, V v) {
    const I i = find(l, v);
    if (i < 0) throw ValueError(v.repr() + " is not in list");
    return i;
  });
  rows.pure(cost::kCompare, "aten::count.list(t[] self, t el) -> int", [](List& l, V v) { return I(std::count_if(l.items.begin(), l.items.end(), [&](V item) { return equals(item, v); })); });
  rows.pure(cost::kItems, "aten::add.t(t[] a, t[] b) -> t[]", [](List& a, List& b) { Items both = a.items; both.insert(both.end(), b.items.begin(), b.items.end()); return make(std::move(both)); });
  rows.pure(cost::kRepeat, "aten::mul.left_t(t[] l, int n) -> t[]", [](List& l, I n) { return make(repeat(l, n)); });
  rows.pure(cost::kRepeat, "aten::mul.right_t(int n, t[] l) -> t[]", [](I n, List& l) { return make(repeat(l, n)); });
  rows.pure(cost::kItems, "aten::list.t(t[] l) -> t[]", [](List& l) { return make(l.items); });
  rows.pure(cost::kItems, "aten::copy.t(t[] self) -> t[]", [](List& l) { return make(l.items); });
  rows.pure(cost::kSort, "aten::sorted.t(t[] input, *, bool reverse=False) -> t[]", [](List& l, bool reverse) { return make(sorted(l.items, reverse)); });
  rows.pure(cost::kItems, "aten::reversed.t(t[] l) -> t[]", [](List& l) { return make(Items(l.items.rbegin(), l.items.rend())); });
  rows.pure(cost::kCompare, "aten::eq.list(t[] a, t[] b) -> bool", [](V a, V b) { return equals(a, b); });
  rows.pure(cost::kCompare, "aten::ne.list(t[] a, t[] b) -> bool", [](V a, V b) { return !equals(a, b); });
  rows.pure(cost::kCompare, "aten::lt.list(t[] a, t[] b) -> bool", [](V a, V b) { return compare(a, b) < 0; });
  rows.pure(cost::kCompare, "aten::le.list(t[] a, t[] b) -> bool", [](V a, V b) { return compare(a, b) <= 0; });
  rows.pure(cost::kCompare, "aten::gt.list(t[] a, t[] b) -> bool", [](V a, V b) { return compare(a, b) > 0; });
  rows.pure(cost::kCompare, "aten::ge.list(t[] a, t[] b) -> bool", [](V a, V b) { return compare(a, b) >= 0; });
  rows.pure(cost::kFixed, "aten::Bool.t(t[] a) -> bool", [](List& l) { return !l.items.empty(); });
  // clang-format on
}

void add_writing(Rows& rows) {
  // clang-format off
  rows.effect(cost::kItems, "aten::append.t(t[](a!) self, t el) -> ()", [](List& l, V v) { l.items.push_back(v); });
  rows.effect(cost::kFixed, "aten::_set_item.t(t[](a!) l, int idx, t el) -> ()", [](List& l, I i, V v) { l.items[wrap_index(i, l.items.size(), "list assignment index out of range")] = v; });
  rows.effect(cost::kItems, "aten::Delete.t(t[](a!) self, int idx) -> ()", [](List& l, I i) { erase(l, wrap_index(i, l.items.size(), "list assignment index out of range")); });
  rows.effect(cost::kItems, "aten::pop.t(t[](a!) self, int idx=-1) -> t(*)", [](List& l, I i) { return pop(l, i); });
  rows.effect(cost::kItems, "aten::extend.t(t[](a!) self, t[] other) -> ()", [](List& l, List& more) { extend(l, more); });
  rows.effect(cost::kItems, "aten::insert.t(t[](a!) self, int idx, t el) -> ()", [](List& l, I i, V v) { insert(l, i, v); });
  rows.effect(cost::kCompare, "aten::remove.t(t[](a!) self, t el) -> ()", [](List& l, V v) {
    const I i = find(l, v);
    if (i < 0) throw ValueError("list.remove(x): x not in list");
    erase(l, static_cast<size_t>(i));
  });
  rows.effect(cost::kItems, "aten::clear.t(t[](a!) self) -> ()", [](List& l) { Items gone; gone.swap(l.items); });
  rows.effect(cost::kItems, "aten::reverse.t(t[](a!) self) -> ()", [](List& l) { std::reverse(l.items.begin(), l.items.end()); });
  rows.effect(cost::kSort, "aten::sort.t(t[](a!) self, bool reverse=False) -> ()", [](List& l, bool reverse) { Items done = sorted(l.items, reverse); done.swap(l.items); });
  rows.write(cost::kItems, "aten::add_.t(t[](a!) self, t[] b) -> t[](a!)", [](V self, List& more) { extend(self.as_list(), more); return self; });
  // clang-format on
}

void add_folds(Rows& rows) {
  // clang-format off
  rows.pure(cost::kItems, "aten::sum.int(int[] self) -> int", [](List& l) { uint64_t s = 0; for (V v : l.items) s += static_cast<uint64_t>(v.as_int()); return static_cast<I>(s); });
  rows.pure(cost::kItems, "aten::sum.float(float[] self) -> float", [](List& l) { double s = 0; for (V v : l.items) s += v.as_float(); return s; });
  rows.pure(cost::kItems, "aten::sum.bool(bool[] self) -> int", [](List& l) { I s = 0; for (V v : l.items) s += v.as_bool(); return s; });
  rows.pure(cost::kItems, "aten::any.bool(bool[] self) -> bool", [](List& l) { return std::any_of(l.items.begin(), l.items.end(), [](V v) { return v.as_bool(); }); });
  rows.pure(cost::kItems, "aten::any.int(int[] self) -> bool", [](List& l) { return std::any_of(l.items.begin(), l.items.end(), [](V v) { return v.as_int() != 0; }); });
  rows.pure(cost::kItems, "aten::any.float(float[] self) -> bool", [](List& l) { return std::any_of(l.items.begin(), l.items.end(), [](V v) { return v.as_float() != 0; }); });
  rows.pure(cost::kItems, "aten::all.bool(bool[] self) -> bool", [](List& l) { return std::all_of(l.items.begin(), l.items.end(), [](V v) { return v.as_bool(); }); });
  rows.pure(cost::kItems, "aten::all.int(int[] self) -> bool", [](List& l) { return std::all_of(l.items.begin(), l.items.end(), [](V v) { return v.as_int() != 0; }); });
  rows.pure(cost::kItems, "aten::all.float(float[] self) -> bool", [](List& l) { return std::all_of(l.items.begin(), l.items.end(), [](V v) { return v.as_float() != 0; }); });
  rows.pure(cost::kCompare, "prim::min.t_list(t[] l, t[] r) -> t[]", [](V a, V b) { return compare(b, a) < 0 ? b : a; });
  rows.pure(cost::kCompare, "prim::max.t_list(t[] l, t[] r) -> t[]", [](V a, V b) { return compare(b, a) > 0 ? b : a; });
  rows.pure(cost::kCompare, "prim::min.list(t[] l) -> t", [](List& l) { return extreme(l, -1, "min"); });
  rows.pure(cost::kCompare, "prim::max.list(t[] l) -> t", [](List& l) { return extreme(l, 1, "max"); });
  // clang-format on
}

}  // namespace

void add_list_rows(Rows& rows) {
  add_reading(rows);
  add_writing(rows);
  add_folds(rows);
}

}  // namespace tine::value

#include "src/value/cost.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "src/tensor/tensor_impl.h"

namespace tine::detail {
namespace {

using Rule = Cost::Rule;
using tensor::Impl;

constexpr int64_t kTensorCost = 200;     // a result, small as it may be
constexpr int64_t kUnevenRate = 10'000;  // added where elements are not walked as they lie in memory
constexpr int64_t kItemUnits = 50;       // elements that reading a number from a list costs
constexpr int64_t kProductCost = 2'000;  // multiplications that one product of a batch costs beside its own

// Sizes may be anything, so what overflows is unbounded.
int64_t sum(int64_t a, int64_t b) noexcept {
  int64_t out;
  return __builtin_add_overflow(a, b, &out) ? kUnbounded : out;
}
int64_t product(int64_t a, int64_t b) noexcept {
  int64_t out;
  return __builtin_mul_overflow(a, b, &out) ? kUnbounded : out;
}
int64_t positive(int64_t v) noexcept { return std::max<int64_t>(v, 0); }
int64_t length(size_t n) noexcept { return static_cast<int64_t>(n); }

const Impl* tensor_in(const Value& v) noexcept {
  return v.is_tensor() && v.as_tensor().defined() ? &tensor::known(v.as_tensor()) : nullptr;
}
int64_t elements(const Value& v) noexcept {
  const Impl* const t = tensor_in(v);
  return t ? t->numel() : 0;
}
// The same, but of an empty tensor what its other dimensions make: a sum along the empty one has so many elements.
int64_t filled(const Impl& t) noexcept {
  if (t.numel() > 0) return t.numel();
  int64_t out = 1;
  for (const int64_t size : t.sizes()) out = product(out, std::max<int64_t>(size, 1));
  return out;
}
// Of the dimension that an int argument names; 1 if there is none.
int64_t size_of_dim(const Value& tensor, const Value& dim) noexcept {
  const Impl* const t = tensor_in(tensor);
  if (!t || !dim.is_int()) return 1;
  const int64_t d = dim.as_int() < 0 ? dim.as_int() + t->dim() : dim.as_int();
  return d < 0 || d >= t->dim() ? 1 : t->sizes()[static_cast<size_t>(d)];
}

// What a rule has counted, and whether the call is likely to be slow for its count.
struct Work {
  int64_t units = 0;
  bool uneven = false;
};

int64_t bytes(const Value& v) noexcept { return v.is_string() ? length(v.as_string().size()) : 0; }

// Counts the values that a walk over a value would meet. A list may contain itself, or another list many times, so the walk
// ends when it has met more than any thread would run in place.
class Walk {
 public:
  [[nodiscard]] int64_t count(const Value* args, size_t n) noexcept {
    for (size_t i = 0; i < n; ++i) visit(args[i], 0);
    return left_ < 0 ? kUnbounded : units_;
  }

 private:
  void visit(const Value& v, int depth) noexcept {
    if (--left_ < 0) return;
    units_ = sum(units_, 1);
    const auto all = [&](std::span<const Value> values) {
      for (const Value& item : values) {
        if (left_ < 0) return;
        visit(item, depth + 1);
      }
    };
    if (depth >= kDeepest) {
      left_ = -1;
      return;
    }
    switch (v.tag()) {
      case Tag::kString: units_ = sum(units_, bytes(v) / 8); return;
      case Tag::kTensor: units_ = sum(units_, elements(v)); return;
      case Tag::kList: return all(v.as_list().items);
      case Tag::kTuple: return all(v.as_tuple().items);
      case Tag::kObject: return all(v.as_object().slots);
      case Tag::kDict:
        for (const auto& [key, value] : v.as_dict().items()) {
          if (left_ < 0) return;
          visit(key, depth + 1);
          visit(value, depth + 1);
        }
        return;
      default: return;
    }
  }

  static constexpr int kDeepest = 64;
  int64_t left_ = 10'000;
  int64_t units_ = 0;
};

// ---- elements

// Of tensors broadcast together.
class Broadcast {
 public:
  void add(const Impl& t) noexcept {
    uneven_ |= !t.contiguous() || (first_ && t.dtype() != first_->dtype());
    if (!first_) first_ = &t;
    if (t.numel() == 1) return;
    if (!shape_) {
      shape_ = &t;
      elements_ = t.numel();
      return;
    }
    if (!several_ && tensor::same_sizes(shape_->sizes(), t.sizes())) return;
    uneven_ = true;
    combine(t);
  }
  [[nodiscard]] Work work() const noexcept {
    return {shape_ ? elements_ : static_cast<int64_t>(first_ != nullptr), uneven_};
  }

 private:
  void combine(const Impl& t) noexcept {
    if (!several_) {
      several_ = true;
      dims_ = static_cast<size_t>(shape_->dim());
      std::reverse_copy(shape_->sizes().begin(), shape_->sizes().end(), sizes_);
    }
    const auto sizes = t.sizes();
    for (size_t i = 0; i < sizes.size(); ++i) {
      const int64_t size = sizes[sizes.size() - 1 - i];
      sizes_[i] = i < dims_ && size == 1        ? sizes_[i]
                  : i < dims_ && sizes_[i] != 1 ? std::min(sizes_[i], size)
                                                : size;
    }
    dims_ = std::max(dims_, sizes.size());
    elements_ = 1;
    for (size_t i = 0; i < dims_; ++i) {
      if (sizes_[i] == 0) {
        elements_ = 0;
        return;
      }
      elements_ = product(elements_, sizes_[i]);
    }
  }

  const Impl* first_ = nullptr;
  const Impl* shape_ = nullptr;
  int64_t elements_ = 0;
  bool uneven_ = false;
  bool several_ = false;
  size_t dims_ = 0;
  int64_t sizes_[tensor::kMaxDims];  // from the last
};

Work result(const Value* args, size_t n) noexcept {
  Broadcast all;
  for (size_t i = 0; i < n; ++i) {
    if (const Impl* const t = tensor_in(args[i])) all.add(*t);
  }
  return all.work();
}

// The same, and what lists are read for.
Work stored(const Value* args, size_t n) noexcept {
  Work out = result(args, n);
  for (size_t i = 0; i < n; ++i) {
    if (args[i].is(Tag::kList)) out.units = sum(out.units, product(Walk().count(&args[i], 1), kItemUnits));
  }
  return out;
}

Work inputs(const Value* args, size_t n) noexcept {
  Work out;
  const auto add = [&](const Value& v) {
    const Impl* const t = tensor_in(v);
    if (!t) return;
    out.units = sum(out.units, filled(*t));
    out.uneven |= !t->contiguous();
  };
  for (size_t i = 0; i < n; ++i) {
    if (args[i].is(Tag::kList)) {
      const auto& items = args[i].as_list().items;
      out.units = sum(out.units, product(length(items.size()), kTensorCost));
      for (const Value& v : items) add(v);
    } else {
      add(args[i]);
    }
  }
  return out;
}

int64_t sizes(const Value* args, size_t n) noexcept {
  const Value* const list = std::find_if(args, args + n, [](const Value& v) { return v.is(Tag::kList); });
  if (list == args + n) return 0;
  int64_t out = 1;
  for (const Value& v : list->as_list().items) {
    if (v.is_int()) out = product(out, positive(v.as_int()));
  }
  return out;
}

double number(const Value& v) noexcept {
  return v.is_float() ? v.as_float() : static_cast<double>(v.as_int());
}

// Numbers, then a dtype and a device.
int64_t range(const Value* args, size_t n) noexcept {
  const size_t numbers = n - 2;
  const double first = numbers > 1 ? number(args[0]) : 0;
  const double end = number(args[numbers > 1 ? 1 : 0]);
  const double step = numbers > 2 ? number(args[2]) : 1;
  const double count = std::ceil((end - first) / step);
  if (!(count > 0)) return 0;  // also for NaN, which the kernel refuses
  return count < 9e18 ? static_cast<int64_t>(count) : kUnbounded;
}

// ---- matrices

// a @ b, of any dimensions: each row of `a` with each column of `b`, once for each product of the batch.
Work matrices(const Value& left, const Value& right, bool right_is_turned) noexcept {
  const Impl* const a = tensor_in(left);
  const Impl* const b = tensor_in(right);
  if (!a || !b || a->dim() == 0 || b->dim() == 0) return {};
  const auto x = a->sizes(), y = b->sizes();
  const int64_t inner = x.back();
  const int64_t rows = x.size() > 1 ? x[x.size() - 2] : 1;
  const int64_t columns = right_is_turned ? y[0] : y.size() > 1 ? y.back() : 1;
  int64_t batch = 1;
  const size_t dims = std::max(x.size(), y.size());
  // From the third last on, dimensions count products.
  for (size_t i = 3; i <= dims; ++i) {
    const int64_t m = i <= x.size() ? x[x.size() - i] : 1;
    const int64_t k = i <= y.size() && !right_is_turned ? y[y.size() - i] : 1;
    batch = product(batch, m == 1 ? k : m);
  }
  // The elements of the result cost as much as some multiplications more: memory, a bias.
  int64_t each = product(product(rows, columns), sum(inner, 40));
  if (!is_floating(a->dtype())) each = product(each, 10);
  // What is not laid out as BLAS reads it is copied first.
  const int64_t copies = product(sum(a->numel(), b->numel()), 10);
  return {sum(product(batch, sum(each, kProductCost)), copies), false};
}

// ---- choosing elements

int64_t index_select(const Value* args) noexcept {
  const int64_t size = std::max<int64_t>(size_of_dim(args[0], args[1]), 1);
  return sum(product(elements(args[0]) / size, elements(args[2])), elements(args[2]));
}

// How many dimensions an index of a subscript stands for; `...` has none of its own.
size_t dims_of(const Value& index) noexcept {
  if (const Impl* const t = tensor_in(index))
    return t->dtype() == DType::kBool ? static_cast<size_t>(t->dim()) : 1;
  return index.is_int() || index.is(Tag::kList) || (index.is_string() && index.as_string() == ":");
}

// The size of the result of an index:
//   1. All tensors together take the place of the dimensions that they index. A bool tensor chooses at most as many elements
//      as it has, and stands for as many dimensions as it has.
//   2. The indices after "..." are those of the last dimensions. A ":" is followed by its bounds.
//   3. None keeps a dimension in a Tensor?[], and makes one in a subscript.
//   4. An index of slices and ints alone is a view: only storing into it takes time.
Work index(const Value* args, size_t n, bool subscript) noexcept {
  const Impl* const self = tensor_in(args[0]);
  if (!self || !args[1].is(Tag::kList)) return {};
  const auto& indices = args[1].as_list().items;
  const auto sizes = self->sizes();
  size_t taken = 0;
  if (subscript) {
    for (size_t i = 0; i < indices.size(); ++i) {
      taken += dims_of(indices[i]);
      if (indices[i].is_string() && indices[i].as_string() == ":") i += 3;
    }
  }
  bool view = subscript;
  Broadcast chosen;
  int64_t row = 1;     // of masks and lists, which have one dimension: as long as the longest
  int64_t nested = 1;  // of lists of lists, whose dimensions may all differ
  int64_t read = 0;    // what is looked at to find the places
  int64_t kept = 1;
  size_t dim = 0;
  const auto keep = [&](size_t count) {
    for (; count > 0 && dim < sizes.size(); --count) kept = product(kept, sizes[dim++]);
  };
  for (size_t i = 0; i < indices.size(); ++i) {
    const Value& v = indices[i];
    if (const Impl* const t = tensor_in(v)) {
      view = false;
      read = sum(read, t->numel());
      if (t->dtype() == DType::kBool) {
        row = std::max(row, t->numel());
      } else {
        chosen.add(*t);
      }
      dim += dims_of(v);
    } else if (v.is(Tag::kList)) {
      view = false;
      const auto& items = v.as_list().items;
      const int64_t count = Walk().count(&v, 1);
      read = sum(read, count);
      if (!items.empty() && items[0].is(Tag::kList)) {
        nested = product(nested, count);
      } else {
        row = std::max(row, count);
      }
      ++dim;
    } else if (v.is_string()) {
      const bool slice = v.as_string() == ":";
      keep(slice ? 1 : sizes.size() - std::min(taken, sizes.size()));
      if (slice) i += 3;
    } else if (v.is_int()) {
      ++dim;
    } else if (v.is_bool()) {
      view = false;  // of a dimension of its own
    } else if (!subscript) {
      keep(1);
    }
  }
  keep(sizes.size());
  if (view && n == 2) return {};
  const int64_t places = product(product(std::max<int64_t>(chosen.work().units, 1), row), nested);
  int64_t units = sum(product(kept, places), read);
  for (size_t i = 2; i < n; ++i)
    units = sum(units, args[i].is(Tag::kList) ? Walk().count(&args[i], 1) : elements(args[i]));
  return {units, false};
}

// ---- strings, lists, dicts

int64_t items(const Value& v) noexcept {
  switch (v.tag()) {
    case Tag::kString: return length(v.as_string().size());
    case Tag::kList: return length(v.as_list().items.size());
    case Tag::kTuple: return length(v.as_tuple().items.size());
    case Tag::kDict: return length(v.as_dict().size());
    default: return 0;
  }
}

int64_t join(const Value* args) noexcept {
  if (!args[1].is(Tag::kList)) return 0;
  const auto& parts = args[1].as_list().items;
  int64_t out = product(length(parts.size()), bytes(args[0]) + 1);
  for (const Value& v : parts) out = sum(out, bytes(v));
  return out;
}

Work work_of(Rule rule, const Value* args, size_t n) noexcept {
  int64_t count = 0;
  switch (rule) {
    case Rule::kUndeclared:
    case Rule::kUnbounded: return {kUnbounded, false};
    case Rule::kFixed: return {};
    case Rule::kResult: return result(args, n);
    case Rule::kStored: return stored(args, n);
    case Rule::kInputs: return inputs(args, n);
    case Rule::kCopy: {
      const Impl* const t = tensor_in(args[0]);
      return t && !t->contiguous() ? Work{t->numel(), true} : Work{};
    }
    case Rule::kSizes: return {sizes(args, n), false};
    case Rule::kRange: return {range(args, n), false};
    case Rule::kSteps: return {positive(args[2].as_int()), false};
    case Rule::kIdentity: {
      const int64_t rows = positive(args[0].as_int());
      return {product(rows, n > 3 ? positive(args[1].as_int()) : rows), false};
    }
    case Rule::kCount: return {positive(args[0].as_int()), false};
    case Rule::kProduct: return matrices(args[0], args[1], false);
    case Rule::kLinear: return matrices(args[0], args[1], true);
    case Rule::kAddProduct: return matrices(args[1], args[2], false);
    case Rule::kRows: return {size_of_dim(args[0], Value(int64_t{0})), false};
    case Rule::kUnbind: return {size_of_dim(args[0], args[1]), false};
    case Rule::kSplit:
      return {size_of_dim(args[0], args[2]) / std::max<int64_t>(args[1].as_int(), 1) + 1, false};
    case Rule::kChunk: return {std::min(size_of_dim(args[0], args[2]), positive(args[1].as_int())), false};
    case Rule::kSelect: return {index_select(args), false};
    case Rule::kGather: return {elements(args[2]), false};
    case Rule::kIndex: return index(args, n, false);
    case Rule::kSubscript: return index(args, n, true);
    case Rule::kOneHot:
      // Without a number of classes the largest element decides.
      if (args[1].as_int() < 0) return {kUnbounded, false};
      return {product(elements(args[0]), args[1].as_int()), false};
    case Rule::kText:
      for (size_t i = 0; i < n; ++i) count = sum(count, bytes(args[i]));
      return {count, false};
    case Rule::kLength:
      for (size_t i = 0; i < n; ++i) count = sum(count, items(args[i]));
      return {count, false};
    case Rule::kRepeat: {
      const Value& times = args[args[0].is_int() ? 0 : 1];
      return {product(items(args[args[0].is_int() ? 1 : 0]), positive(times.as_int())), false};
    }
    case Rule::kPad: return {sum(bytes(args[0]), positive(args[1].as_int())), false};
    case Rule::kSearch:
      count = 1;
      for (size_t i = 0; i < n; ++i) count = product(count, sum(bytes(args[i]), 1));
      return {count, false};
    case Rule::kJoin: return {join(args), false};
    case Rule::kDeep: return {Walk().count(args, n), false};
    case Rule::kSort:
      return {product(Walk().count(args, n), std::bit_width(static_cast<uint64_t>(items(args[0])))), false};
  }
  return {kUnbounded, false};
}

}  // namespace

int64_t nanoseconds(Cost cost, const Value* args, size_t n) noexcept {
  const Work work = work_of(cost.rule, args, n);
  const int64_t rate = cost.rate + (work.uneven ? kUnevenRate : 0);
  const int64_t picoseconds = product(work.units, std::max<int64_t>(rate, 1));
  return picoseconds == kUnbounded ? kUnbounded : kTensorCost + picoseconds / 1000;
}

}  // namespace tine::detail

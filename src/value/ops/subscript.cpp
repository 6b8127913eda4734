// x[...], read and written: the whole subscript is one list of indices for one operator. An index is
//
//   None              a new dimension of size 1
//   "..."             all dimensions that the others leave
//   ":", a, b, c      the slice a:b:c; each int, None or an integer Tensor without dimensions
//   int               one place, the dimension goes; an int64 Tensor without dimensions is the same
//   bool              a new dimension, of size 1 or 0; a bool or uint8 Tensor without dimensions is the same
//   Tensor, [lists]   int64: places, of any shape; bool and uint8: a mask, of as many dimensions as it has
//
// As in PyTorch, numbers, slices, None and Ellipsis make a view first, and Tensors, lists and bools then index that
// view, all together: their shapes are broadcast; where they are neighbours the common shape stands in their place,
// else in front. (Strings and three more items in place of an object for a slice: a list is made each time.)
#include <fmt/format.h>

#include <array>
#include <utility>

#include "src/tensor/kernels/common.h"
#include "src/tensor/kernels/create.h"
#include "src/tensor/kernels/pointwise.h"
#include "src/tensor/kernels/shape.h"
#include "src/value/ops/data.h"
#include "src/value/ops/indexing.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"
#include "src/value/text.h"

namespace tine::value {
namespace {

using tensor::DimVector;

bool is_mask(const Tensor& t) { return t.dtype() == DType::kBool || t.dtype() == DType::kUInt8; }

constexpr size_t kFew = 4;
constexpr size_t kSliceItems = 3;  // after its ":"
bool is_slice(const Value& index) { return index.is_string() && index.as_string() == ":"; }

Scalar number(const Value& value) {
  if (!value.is_int() && !value.is_float() && !value.is_bool())
    throw TypeError(
        fmt::format("the elements of a Tensor are numbers: it can't be assigned {}", brief(value)));
  return to_scalar(value);
}

// Leading dimensions of size 1 do not matter when a value is stored.
Tensor without_ones(Tensor value) {
  while (value.dim() > 0 && value.size(0) == 1) value = tensor::squeeze(value, 0);
  return value;
}

// x[...] = value
void assign(OpContext& c, const Tensor& self, const Value& value) {
  if (value.is_tensor()) {
    const tensor::Impl& from = tensor::impl_of(value.as_tensor());
    const tensor::Impl& to = tensor::impl_of(self);
    // `x[i] += y` has already changed what it stores back.
    if (from.data() == to.data() && from.dtype() == to.dtype() &&
        tensor::same_sizes(from.sizes(), to.sizes()) && tensor::same_sizes(from.strides(), to.strides()))
      return;
    if (from.dim() > to.dim()) {
      (void)tensor::copy_(c, self, without_ones(value.as_tensor()));
    } else {
      (void)tensor::copy_(c, self, value.as_tensor());
    }
  } else if (value.is(Tag::kList)) {
    (void)tensor::copy_(c, self, without_ones(make_tensor(c, value, self.dtype())));
  } else {
    (void)tensor::fill_(c, self, number(value));
  }
}

class Subscript {
 public:
  Subscript(OpContext& c, const Tensor& self, const std::vector<Value>& indices)
      : context_(c), tensor_(self), self_(tensor::impl_of(self)) {
    std::vector<Value> read;
    const std::vector<Value>& items = without_lists(indices, &read);
    const int64_t left = self_.dim() - dims_taken(items);
    for (size_t i = 0; i < items.size(); ++i) {
      const Value& index = items[i];
      if (index.is_none()) {
        new_dimension();
      } else if (index.is_string()) {
        if (is_slice(index)) {
          slice(&items[i + 1]);
          i += kSliceItems;
        } else {
          for (int64_t k = 0; k < left; ++k) whole();
        }
      } else if (index.is_int()) {
        select(index.as_int());
      } else if (index.is_bool()) {
        choose(index.as_bool());
      } else {
        by_tensor(index.as_tensor());
      }
    }
    while (from_ < self_.sizes().size()) whole();
  }

  [[nodiscard]] Tensor get() const {
    if (!advanced()) return tensor::view_of(tensor_, sizes_, strides_, offset_);
    return tensor::index(context_, view(), tensors_);
  }

  void set(const Value& value) const {
    if (!advanced()) return assign(context_, view(), value);
    if (value.is_tensor()) {
      if (value.as_tensor().dtype() != self_.dtype())
        throw TypeError(
            fmt::format("Index put requires the source and destination dtypes match, got {} for the "
                        "destination and {} for the source; convert it with .to(...)",
                        name_of(self_.dtype()), name_of(value.as_tensor().dtype())));
      put(value.as_tensor());
    } else if (value.is(Tag::kList)) {
      put(make_tensor(context_, value, self_.dtype()));
    } else {
      put(tensor::full({}, number(value), self_.dtype()));
    }
  }

 private:
  [[nodiscard]] bool advanced() const noexcept { return !tensors_.empty(); }
  [[nodiscard]] Tensor view() const {
    return same_ ? tensor_ : tensor::view_of(tensor_, sizes_, strides_, offset_);
  }

  // The indices, with Tensors in place of lists; in `read`, where there are any.
  const std::vector<Value>& without_lists(const std::vector<Value>& indices, std::vector<Value>* read) const {
    for (size_t i = 0; i < indices.size(); ++i) {
      if (!indices[i].is(Tag::kList)) continue;
      if (read->empty()) *read = indices;
      Tensor t = make_tensor(context_, indices[i]);
      // An empty list would make a float tensor. As an index it chooses nothing.
      if (t.numel() == 0) t = tensor::to(context_, t, DType::kInt64);
      (*read)[i] = Value(std::move(t));
    }
    return read->empty() ? indices : *read;
  }

  // How many dimensions of self the indices use; checks them.
  [[nodiscard]] int64_t dims_taken(const std::vector<Value>& indices) const {
    int64_t taken = 0;
    bool ellipsis = false;
    for (size_t i = 0; i < indices.size(); ++i) {
      const Value& index = indices[i];
      if (is_slice(index) && i + kSliceItems < indices.size()) {
        ++taken;
        i += kSliceItems;
      } else if (index.is_string() && index.as_string() == "...") {
        if (ellipsis) throw IndexError("an index can only have a single ellipsis ('...')");
        ellipsis = true;
      } else if (index.is_tensor()) {
        const Tensor& t = index.as_tensor();
        if (is_floating(t.dtype()))
          throw IndexError(fmt::format("tensors used as indices must be int64 or bool tensors, not {}",
                                       name_of(t.dtype())));
        taken += is_mask(t) ? t.dim() : 1;
      } else if (index.is_int()) {
        ++taken;
      } else if (!index.is_none() && !index.is_bool()) {
        throw IndexError(fmt::format(
            "only integers, slices (`:`), ellipsis (`...`), None, bools, lists of numbers and int64 or bool "
            "Tensors are valid indices, not {}",
            brief(index)));
      }
    }
    if (taken > self_.dim())
      throw IndexError(fmt::format("too many indices for tensor of dimension {}: {} were given (sizes {})",
                                   self_.dim(), taken, tensor::to_string(self_.sizes())));
    return taken;
  }

  void keep(int64_t size, int64_t stride) {
    sizes_.push_back(size);
    strides_.push_back(stride);
  }
  void whole() {
    keep(self_.sizes()[from_], self_.strides()[from_]);
    ++from_;
  }
  void new_dimension() {
    same_ = false;
    const bool last = from_ == self_.sizes().size();
    keep(1, last ? 1 : self_.sizes()[from_] * self_.strides()[from_]);
  }

  void select(int64_t index) {
    const int64_t n = self_.sizes()[from_];
    if (index < -n || index >= n)
      throw IndexError(fmt::format("index {} is out of bounds for dimension {} with size {} (sizes {})",
                                   index, from_, n, tensor::to_string(self_.sizes())));
    same_ = false;
    offset_ += (index < 0 ? index + n : index) * self_.strides()[from_];
    ++from_;
  }

  static std::optional<int64_t> bound(const Value& v) {
    if (v.is_none()) return {};
    if (v.is_int()) return v.as_int();
    if (!v.is_tensor() || v.as_tensor().dim() != 0 || is_floating(v.as_tensor().dtype()))
      throw TypeError(fmt::format("the bounds of a slice must be ints or None, not {}", brief(v)));
    return v.as_tensor().item_as_int();
  }
  void slice(const Value* s) {
    const int64_t step = bound(s[2]).value_or(1);
    if (step == 1 && s[0].is_none() && s[1].is_none()) return whole();
    same_ = false;
    if (step <= 0) throw ValueError(fmt::format("slice step must be positive, got {}", step));
    const int64_t stride = self_.strides()[from_];
    const SliceRange range(bound(s[0]), bound(s[1]), step, static_cast<size_t>(self_.sizes()[from_]));
    // An empty slice begins where the tensor does, so that its address stays inside the storage.
    if (range.count > 0) offset_ += range.start * stride;
    keep(range.count, range.count > 1 ? stride * step : stride);
    ++from_;
  }

  // What comes next in the view is indexed by `t`.
  void index_next(Tensor t) {
    if (tensors_.empty()) tensors_.reserve(kFew);
    // The dimensions since the last indexed one get undefined Tensors.
    tensors_.resize(tensors_.size() + sizes_.size() - indexed_);
    tensors_.push_back(std::move(t));
  }
  void choose(bool taken) {
    // A new dimension of one element, indexed by [0] or by nothing.
    index_next(tensor::zeros(std::array<int64_t, 1>{taken}, DType::kInt64));
    new_dimension();
    indexed_ = sizes_.size();
  }
  void by_tensor(const Tensor& t) {
    if (t.dim() == 0) return is_mask(t) ? choose(t.item_as_bool()) : select(t.item_as_int());
    index_next(t);
    for (int64_t i = is_mask(t) ? t.dim() : 1; i > 0; --i) whole();
    indexed_ = sizes_.size();
  }

  void put(const Tensor& value) const {
    (void)tensor::index_put_(context_, view(), tensors_, without_ones(value));
  }

  OpContext& context_;
  const Tensor& tensor_;
  const tensor::Impl& self_;
  size_t from_ = 0;  // the next dimension of self
  DimVector sizes_, strides_;
  int64_t offset_ = 0;
  bool same_ = true;             // so far the view is self
  size_t indexed_ = 0;           // dimensions of the view up to the last one that a Tensor indexes
  std::vector<Tensor> tensors_;  // undefined for dimensions that none indexes
};

}  // namespace

void add_subscript_rows(Rows& rows) {
  // clang-format off
  rows.view(cost::kSubscript, "aten::__getitem__.Tensor(Tensor(a) self, Any[] indices) -> Tensor(a)", [](OpContext& c, const Tensor& a, List& indices) { return Subscript(c, a, indices.items).get(); });
  rows.write(cost::kSubscript, "aten::_set_item.Tensor(Tensor(a!) self, Any[] indices, Any value) -> Tensor(a!)", [](OpContext& c, const Tensor& a, List& indices, const Value& value) { Subscript(c, a, indices.items).set(value); return a; });
  rows.write(cost::kStore, "aten::_assign(Tensor(a!) self, Any value) -> Tensor(a!)", [](OpContext& c, const Tensor& a, const Value& value) { assign(c, a, value); return a; });
  // clang-format on
}

}  // namespace tine::value

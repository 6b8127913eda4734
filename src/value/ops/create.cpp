// New tensors, random numbers, conversion between tensors and a program's values.
#include "src/tensor/kernels/create.h"

#include <fmt/format.h>

#include "src/tensor/kernels/pointwise.h"
#include "src/tensor/kernels/shape.h"
#include "src/tensor/promote.h"
#include "src/value/ops/data.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"
#include "src/value/text.h"

namespace tine::value {
namespace {

using C = OpContext&;
using T = const Tensor&;
using I = int64_t;
using Dtype = std::optional<DType>;
using Device = std::optional<std::string>;
using MaybeInt = std::optional<int64_t>;
constexpr DType kFloat = DType::kFloat32;

// There is one device; its name is accepted so that programs need no change.
void check_device(const Device& device) {
  if (device && *device != "cpu" && *device != "cpu:0") {
    throw ValueError(fmt::format("device {} is not available; tensors live on 'cpu'", string_repr(*device)));
  }
}

// ---- tensor([[1, 2], [3, 4]])

constexpr int kMostDims = 64;

class Nested {
 public:
  explicit Nested(const Value& data) {
    collect(data, 0);
    depth_known_ = true;
  }
  [[nodiscard]] Tensor make(OpContext& c, Dtype dtype) const {
    if (tensors_.empty()) return tensor::from_scalars(scalars_, sizes_, dtype);
    Tensor joined = tensor::view(tensor::stack(c, tensors_), sizes_);
    return tensor::to(c, joined, dtype.value_or(joined_dtype_));
  }

 private:
  void collect(const Value& v, size_t depth) {
    if (const std::optional<std::span<const Value>> items = items_of(v)) {
      if (depth >= kMostDims)
        throw ValueError(fmt::format("tensor(): lists nested deeper than {}", kMostDims));
      if (!depth_known_) {
        sizes_.push_back(static_cast<int64_t>(items->size()));
      } else if (depth >= sizes_.size()) {
        throw ValueError(fmt::format("tensor(): expected a number at dim {}, but got {}", depth, brief(v)));
      } else if (sizes_[depth] != static_cast<int64_t>(items->size())) {
        throw ValueError(fmt::format("expected sequence of length {} at dim {} (got {})", sizes_[depth],
                                     depth, items->size()));
      }
      for (const Value& item : *items) collect(item, depth + 1);
      if (items->empty()) depth_known_ = true;
      return;
    }
    if (depth < sizes_.size()) {
      throw ValueError(fmt::format("tensor(): expected a sequence of length {} at dim {}, but got {}",
                                   sizes_[depth], depth, brief(v)));
    }
    depth_known_ = true;
    if (v.is_tensor() && v.as_tensor().defined() && v.as_tensor().numel() == 1) {
      add_tensor(v.as_tensor());
    } else if (v.is_int() || v.is_float() || v.is_bool()) {
      if (!tensors_.empty()) {
        add_number(to_scalar(v));
      } else {
        scalars_.push_back(to_scalar(v));
      }
    } else {
      throw TypeError(fmt::format("tensor(): expected numbers, or lists of them, but got {}", brief(v)));
    }
  }
  void add_tensor(const Tensor& t) {
    const Tensor flat = tensor::view(t.contiguous(), {});
    if (tensors_.empty()) joined_dtype_ = flat.dtype();
    for (const Scalar& s : scalars_) add_number(s);
    scalars_.clear();
    joined_dtype_ = tensor::promote(joined_dtype_, flat.dtype());
    tensors_.push_back(flat);
  }
  // A float is kept in double until all elements are known, because one of them may be a float64.
  void add_number(Scalar s) {
    joined_dtype_ = tensor::promote(joined_dtype_, s.dtype());
    tensors_.push_back(tensor::from_scalar(s, s.is_float() ? DType::kFloat64 : s.dtype()));
  }
  static std::optional<std::span<const Value>> items_of(const Value& v) {
    if (v.is(Tag::kList)) return v.as_list().items;
    if (v.is(Tag::kTuple)) return v.as_tuple().items;
    return std::nullopt;
  }

  std::vector<int64_t> sizes_;
  bool depth_known_ = false;
  std::vector<Scalar> scalars_;
  std::vector<Tensor> tensors_;        // when there is one among the data
  DType joined_dtype_ = DType::kBool;  // of all in tensors_ together
};

}  // namespace

Tensor make_tensor(OpContext& c, const Value& data, Dtype dtype) {
  if (data.is_tensor())
    return dtype ? tensor::clone(c, tensor::to(c, data.as_tensor(), *dtype))
                 : tensor::clone(c, data.as_tensor());
  return Nested(data).make(c, dtype);
}

namespace {

// ---- back to a program's values

Value element(const Tensor& flat, int64_t i) {
  switch (flat.dtype()) {
    case DType::kFloat32: return Value(static_cast<double>(flat.data_as<float>()[i]));
    case DType::kFloat64: return Value(flat.data_as<double>()[i]);
    case DType::kInt64: return Value(flat.data_as<int64_t>()[i]);
    case DType::kBool: return Value(flat.data_as<uint8_t>()[i] != 0);
    case DType::kUInt8: return Value(static_cast<int64_t>(flat.data_as<uint8_t>()[i]));
  }
  return {};
}

Value nested_list(const Tensor& flat, std::span<const int64_t> sizes, int64_t* at) {
  if (sizes.empty()) return element(flat, (*at)++);
  auto list = detail::make_ref<List>();
  list->items.reserve(static_cast<size_t>(sizes[0]));
  for (int64_t i = 0; i < sizes[0]; ++i) list->items.push_back(nested_list(flat, sizes.subspan(1), at));
  return Value(std::move(list));
}

Value to_list(const Tensor& a) {
  int64_t at = 0;
  return nested_list(a.contiguous(), a.sizes(), &at);
}

Value item(const Tensor& a) {
  if (a.numel() != 1) {
    throw Error(fmt::format("a Tensor with {} elements cannot be converted to Scalar", a.numel()));
  }
  return element(a.contiguous(), 0);
}

Tensor dropout(OpContext& c, const Tensor& a, double p, bool train) {
  if (!(p >= 0 && p <= 1))
    throw ValueError(fmt::format("dropout probability has to be between 0 and 1, but got {}", float_repr(p)));
  if (!train || p == 0) return a;
  // 1 / (1 - p) would be infinite.
  if (p == 1) return tensor::zeros_like(a);
  const Tensor kept = tensor::ge(c, tensor::rand_like(c, a), Scalar(p));
  return tensor::mul(c, tensor::mul(c, a, kept), Scalar(1 / (1 - p)));
}

// A script declared what tolist() gives: so many dimensions, of that element.
void check_tolist(const Tensor& a, int64_t dim, std::string_view element) {
  const std::string_view is = is_floating(a.dtype()) ? "float" : a.dtype() == DType::kBool ? "bool" : "int";
  if (a.dim() != dim || is != element) {
    throw TypeError(
        fmt::format("tolist() was declared to give {} in {} dimension{}, but the Tensor has {} in {}",
                    element, dim, dim == 1 ? "" : "s", is, a.dim()));
  }
}

void add_constants(Rows& rows) {
  // clang-format off
  rows.pure(cost::kNew, "aten::zeros(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](const Ints& size, Dtype d, Device dev) { check_device(dev); return tensor::zeros(size, d.value_or(kFloat)); });
  rows.pure(cost::kNew, "aten::ones(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](const Ints& size, Dtype d, Device dev) { check_device(dev); return tensor::ones(size, d.value_or(kFloat)); });
  rows.pure(cost::kNew, "aten::full(int[] size, Scalar fill_value, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](const Ints& size, Scalar v, Dtype d, Device dev) { check_device(dev); return tensor::full(size, v, d); });
  rows.effect(cost::kNew, "aten::empty(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](const Ints& size, Dtype d, Device dev) { check_device(dev); return tensor::zeros(size, d.value_or(kFloat)); });
  rows.pure(cost::kFill, "aten::zeros_like(Tensor self, *, ScalarType? dtype=None) -> Tensor", [](T a, Dtype d) { return tensor::zeros_like(a, d); });
  rows.pure(cost::kFill, "aten::ones_like(Tensor self, *, ScalarType? dtype=None) -> Tensor", [](T a, Dtype d) { return tensor::ones_like(a, d); });
  rows.pure(cost::kFill, "aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None) -> Tensor", [](T a, Scalar v, Dtype d) { return tensor::full_like(a, v, d); });
  rows.pure(cost::kFill, "aten::empty_like(Tensor self, *, ScalarType? dtype=None) -> Tensor", [](T a, Dtype d) { return tensor::zeros_like(a, d); });
  rows.pure(cost::kArange, "aten::arange(Scalar end, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](Scalar end, Dtype d, Device dev) { check_device(dev); return tensor::arange(0, end, 1, d); });
  rows.pure(cost::kArange, "aten::arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](Scalar start, Scalar end, Dtype d, Device dev) { check_device(dev); return tensor::arange(start, end, 1, d); });
  rows.pure(cost::kArange, "aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](Scalar start, Scalar end, Scalar step, Dtype d, Device dev) { check_device(dev); return tensor::arange(start, end, step, d); });
  rows.pure(cost::kLinspace, "aten::linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](Scalar start, Scalar end, I steps, Dtype d, Device dev) { check_device(dev); return tensor::linspace(start.as<double>(), end.as<double>(), steps, d.value_or(kFloat)); });
  rows.pure(cost::kEye, "aten::eye(int n, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](I n, Dtype d, Device dev) { check_device(dev); return tensor::eye(n, {}, d.value_or(kFloat)); });
  rows.pure(cost::kEye, "aten::eye.m(int n, int m, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](I n, I m, Dtype d, Device dev) { check_device(dev); return tensor::eye(n, m, d.value_or(kFloat)); });
  rows.pure(cost::kCompare, "aten::tensor(Any data, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](C c, const Value& data, Dtype d, Device dev) { check_device(dev); return make_tensor(c, data, d); });
  rows.pure(cost::kFixed, "aten::scalar_tensor(Scalar s, *, ScalarType? dtype=None) -> Tensor", [](Scalar s, Dtype d) { return tensor::from_scalar(s, d); });
  rows.pure(cost::kText, "aten::device(str a) -> Device", [](const std::string& a) { check_device(a); return a; });
  rows.pure(cost::kText, "aten::device.with_index(str type, int index) -> Device", [](const std::string& type, I index) { std::string a = fmt::format("{}:{}", type, index); check_device(a); return a; });
  rows.pure(cost::kText, "prim::type(Device self) -> str", [](const std::string& a) { return a.substr(0, a.find(':')); });
  rows.pure(cost::kText, "prim::index(Device self) -> int?", [](const std::string& a) { const size_t colon = a.find(':'); return colon == a.npos ? Value() : Value(I{std::stoll(a.substr(colon + 1))}); });
  rows.pure(cost::kFixed, "prim::NumToTensor(Scalar a) -> Tensor", [](Scalar s) { return tensor::from_scalar(s); });
  // clang-format on
}

void add_random(Rows& rows) {
  // clang-format off
  rows.effect(cost::kNewUniform, "aten::rand(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](C c, const Ints& size, Dtype d, Device dev) { check_device(dev); return tensor::rand(c, size, d.value_or(kFloat)); });
  rows.effect(cost::kNewNormal, "aten::randn(int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](C c, const Ints& size, Dtype d, Device dev) { check_device(dev); return tensor::randn(c, size, d.value_or(kFloat)); });
  rows.effect(cost::kNewUniform, "aten::randint(int high, int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](C c, I high, const Ints& size, Dtype d, Device dev) { check_device(dev); return tensor::randint(c, 0, high, size, d.value_or(DType::kInt64)); });
  rows.effect(cost::kNewUniform, "aten::randint.low(int low, int high, int[] size, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](C c, I low, I high, const Ints& size, Dtype d, Device dev) { check_device(dev); return tensor::randint(c, low, high, size, d.value_or(DType::kInt64)); });
  rows.effect(cost::kShuffle, "aten::randperm(int n) -> Tensor", [](C c, I n) { return tensor::randperm(c, n); });
  rows.effect(cost::kUniform, "aten::rand_like(Tensor self, *, ScalarType? dtype=None) -> Tensor", [](C c, T a, Dtype d) { return tensor::rand_like(c, a, d); });
  rows.effect(cost::kNormal, "aten::randn_like(Tensor self, *, ScalarType? dtype=None) -> Tensor", [](C c, T a, Dtype d) { return tensor::randn_like(c, a, d); });
  rows.write(cost::kUniform, "aten::uniform_(Tensor(a!) self, float from=0, float to=1) -> Tensor(a!)", [](C c, T a, double from, double to) { return tensor::uniform_(c, a, from, to); });
  rows.write(cost::kNormal, "aten::normal_(Tensor(a!) self, float mean=0, float std=1) -> Tensor(a!)", [](C c, T a, double mean, double std) { return tensor::normal_(c, a, mean, std); });
  rows.effect(cost::kNormal, "aten::dropout(Tensor input, float p=0.5, bool train=True) -> Tensor", [](C c, T a, double p, bool train) { return dropout(c, a, p, train); });
  rows.effect(cost::kNormal, "aten::dropout.functional(Tensor input, float p=0.5, bool training=True) -> Tensor", [](C c, T a, double p, bool train) { return dropout(c, a, p, train); });
  rows.effect(cost::kFixed, "aten::manual_seed(int seed) -> ()", [](C c, I seed) {
    if (!c.generator) throw Error("manual_seed(): this context has no random generator");
    c.generator->manual_seed(static_cast<uint64_t>(seed));
  });
  // clang-format on
}

void add_conversions(Rows& rows) {
  // clang-format off
  rows.view(cost::kConvert, "aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False) -> Tensor(a)", [](C c, T a, DType d, bool, bool copy) { return copy && a.dtype() == d ? tensor::clone(c, a) : tensor::to(c, a, d); });
  rows.view(cost::kFixed, "aten::to.device(Tensor(a) self, Device device) -> Tensor(a)", [](T a, const std::string& dev) { check_device(dev); return a; });
  rows.view(cost::kConvert, "aten::to.device_dtype(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False) -> Tensor(a)", [](C c, T a, const std::string& dev, DType d, bool, bool copy) { check_device(dev); return copy && a.dtype() == d ? tensor::clone(c, a) : tensor::to(c, a, d); });
  rows.view(cost::kConvert, "aten::to.dtype_layout(Tensor(a) self, *, ScalarType? dtype=None, Device? device=None, bool non_blocking=False, bool copy=False) -> Tensor(a)", [](C c, T a, Dtype d, Device dev, bool, bool copy) { check_device(dev); const DType to = d.value_or(a.dtype()); return copy && a.dtype() == to ? tensor::clone(c, a) : tensor::to(c, a, to); });
  rows.view(cost::kConvert, "aten::to.other(Tensor(a) self, Tensor other) -> Tensor(a)", [](C c, T a, T b) { return tensor::to(c, a, b.dtype()); });
  rows.view(cost::kConvert, "aten::type_as(Tensor(a) self, Tensor other) -> Tensor(a)", [](C c, T a, T b) { return tensor::to(c, a, b.dtype()); });
  rows.view(cost::kConvert, "aten::float(Tensor(a) self) -> Tensor(a)", [](C c, T a) { return tensor::to(c, a, DType::kFloat32); });
  rows.view(cost::kConvert, "aten::double(Tensor(a) self) -> Tensor(a)", [](C c, T a) { return tensor::to(c, a, DType::kFloat64); });
  rows.view(cost::kConvert, "aten::long(Tensor(a) self) -> Tensor(a)", [](C c, T a) { return tensor::to(c, a, DType::kInt64); });
  rows.view(cost::kConvert, "aten::bool(Tensor(a) self) -> Tensor(a)", [](C c, T a) { return tensor::to(c, a, DType::kBool); });
  rows.view(cost::kConvert, "aten::byte(Tensor(a) self) -> Tensor(a)", [](C c, T a) { return tensor::to(c, a, DType::kUInt8); });
  rows.view(cost::kFixed, "aten::cpu(Tensor(a) self) -> Tensor(a)", [](T a) { return a; });
  rows.pure(cost::kFixed, "aten::item(Tensor self) -> Scalar", [](T a) { return item(a); });
  rows.pure(cost::kToList, "aten::tolist(Tensor self) -> Any", [](T a) { return to_list(a); });
  rows.pure(cost::kToList, "prim::tolist(Tensor self, int dim, str element) -> Any", [](T a, I dim, const std::string& element) { check_tolist(a, dim, element); return to_list(a); });
  rows.view(cost::kConvert, "aten::as_tensor(Tensor(a) data, *, ScalarType? dtype=None, Device? device=None) -> Tensor(a)", [](C c, T a, Dtype d, Device dev) { check_device(dev); return d ? tensor::to(c, a, *d) : a; });
  rows.pure(cost::kCompare, "aten::as_tensor.data(Any data, *, ScalarType? dtype=None, Device? device=None) -> Tensor", [](C c, const Value& data, Dtype d, Device dev) { check_device(dev); return make_tensor(c, data, d); });
  rows.pure(cost::kFixed, "aten::IntImplicit(Tensor a) -> int", [](T a) { if (is_floating(a.dtype())) throw TypeError(fmt::format("Cannot input a tensor of type {} as an integral argument", name_of(a.dtype()))); return a.item_as_int(); });
  rows.pure(cost::kFixed, "aten::FloatImplicit(Tensor a) -> float", [](T a) { return a.item_as_double(); });
  rows.pure(cost::kFixed, "aten::Int.Tensor(Tensor a) -> int", [](T a) { return a.item_as_int(); });
  rows.pure(cost::kFixed, "aten::Float.Tensor(Tensor a) -> float", [](T a) { return a.item_as_double(); });
  rows.pure(cost::kFixed, "aten::Bool.Tensor(Tensor a) -> bool", [](T a) { return a.item_as_bool(); });
  // clang-format on
}

}  // namespace

void add_create_rows(Rows& rows) {
  add_constants(rows);
  add_random(rows);
  add_conversions(rows);
}

}  // namespace tine::value

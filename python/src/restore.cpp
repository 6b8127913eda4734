#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "python/src/exchange.h"
#include "python/src/lift.h"

namespace tine::python {
namespace {

using namespace lifted;

// From this size on, bytes are copied without the lock.
constexpr size_t kLongCopy = size_t{1} << 20;
// Of complex128: PyTorch's kernels move it in one piece and crash where it does not lie at a multiple of its size. There
// it gets memory of its own.
constexpr size_t kStrictElement = 16;

struct Row {
  int64_t base;
  size_t offset;
  dlpack::Element element;
  uint32_t flags;
  std::span<const int64_t> sizes{};
  std::vector<int64_t> strides{};
  size_t end = 0;    // in its base, in bytes
  size_t piece = 0;  // of those with elements
};

[[noreturn]] void malformed(const char* what) {
  throw ValueError(std::string("the tensors of a pickle are malformed: ") + what);
}

// Bytes from the first element to the last; false when they do not fit in 63 bits or there are negative numbers.
bool extent_of(std::span<const int64_t> sizes, std::span<const int64_t> strides, size_t element,
               int64_t* bytes) {
  int64_t last = 0, elements = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t reach = 0;
    if (sizes[i] < 0 || strides[i] < 0 || __builtin_mul_overflow(elements, sizes[i], &elements) ||
        (sizes[i] > 1 && __builtin_mul_overflow(sizes[i] - 1, strides[i], &reach)) ||
        __builtin_add_overflow(last, reach, &last)) {
      return false;
    }
  }
  *bytes = 0;
  return elements == 0 ||
         (last < INT64_MAX && !__builtin_mul_overflow(last + 1, static_cast<int64_t>(element), bytes));
}

class Table {
 public:
  explicit Table(const Tensor& table) {
    if (table.dtype() != DType::kInt64 || table.dim() != 1 || !table.is_contiguous())
      malformed("the table is not a contiguous 1-D tensor of int64");
    rest_ = {table.data_as<int64_t>(), static_cast<size_t>(table.numel())};
  }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] Row next() {
    if (rest_.size() < kRowHead) malformed("the table is cut off");
    const auto how = static_cast<uint64_t>(rest_[2]);
    Row row{rest_[0],
            static_cast<size_t>(rest_[1]),
            {static_cast<uint8_t>(how), static_cast<uint8_t>(how >> 8), static_cast<uint16_t>(how >> 16)},
            static_cast<uint32_t>(how >> 32)};
    const int64_t rank = rest_[3];
    if (rest_[1] < 0 || rank < 0 || rank > kMostRank ||
        rest_.size() < kRowHead + 2 * static_cast<size_t>(rank))
      malformed("a row of the table has a negative number or too many dimensions");
    const auto n = static_cast<size_t>(rank);
    row.sizes = rest_.subspan(kRowHead, n);
    const auto strides = rest_.subspan(kRowHead + n, n);
    row.strides.assign(strides.begin(), strides.end());
    rest_ = rest_.subspan(kRowHead + 2 * n);
    return row;
  }

 private:
  std::span<const int64_t> rest_;
};

// The part of a base in which rows overlap. It has a storage of PyTorch's to itself, for rows of different pieces travel
// in one base only to save segments.
struct Piece {
  size_t base;
  size_t begin, end;
  PyRef storage;  // if it is shared

  // Where the storage begins in the base: aligned as the sender has aligned the rows.
  [[nodiscard]] size_t origin() const noexcept { return begin / kAlignment * kAlignment; }
};

class Restoring {
 public:
  Restoring(PyTypeObject* type, PyObject* bases, const Tensor& rows) : torch_(Torch::of(type)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); ++i) {
      PyObject* const base = PyTuple_GET_ITEM(bases, i);
      if (!is_tensor(base)) malformed("a base is not a Tensor");
      bases_.push_back(tensor_of(base));
    }
    Table table(rows);
    while (!table.at_end()) {
      rows_.push_back(table.next());
      measure(&rows_.back());
    }
    find_pieces();
  }

  [[nodiscard]] PyRef tensors() {
    PyRef list = checked(PyList_New(static_cast<Py_ssize_t>(rows_.size())));
    for (size_t i = 0; i < rows_.size(); ++i)
      PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), tensor(rows_[i]).leak());
    return list;
  }

 private:
  void measure(Row* row) const {
    int64_t bytes = 0;
    if (row->base == kNoBase) {
      if (!extent_of(row->sizes, row->strides, 1, &bytes) || bytes != 0)
        malformed("a row has elements but no base");
      return;
    }
    const size_t element = row->element.bytes();
    if (row->base < 0 || static_cast<size_t>(row->base) >= bases_.size() || element == 0)
      malformed("a row names a base that does not exist");
    const Tensor& base = bases_[static_cast<size_t>(row->base)];
    if (row->flags & kLooseLayout) take_strides(row, base);
    int64_t available = 0;
    if (!extent_of(row->sizes, row->strides, element, &bytes) || bytes == 0 ||
        !extent_of(base.sizes(), base.strides(), size_of(base.dtype()), &available) || bytes > available ||
        row->offset > static_cast<size_t>(available - bytes)) {
      malformed("a row reaches beyond its base");
    }
    row->end = row->offset + static_cast<size_t>(bytes);
  }

  void find_pieces() {
    std::vector<Row*> order;
    for (Row& row : rows_) {
      if (row.base != kNoBase) order.push_back(&row);
    }
    std::sort(order.begin(), order.end(), [](const Row* a, const Row* b) {
      return a->base != b->base ? a->base < b->base : a->offset < b->offset;
    });
    for (Row* const row : order) {
      const auto base = static_cast<size_t>(row->base);
      if (pieces_.empty() || pieces_.back().base != base || row->offset >= pieces_.back().end)
        pieces_.push_back({base, row->offset, row->end, {}});
      pieces_.back().end = std::max(pieces_.back().end, row->end);
      row->piece = pieces_.size() - 1;
    }
  }

  [[nodiscard]] PyRef tensor(const Row& row) {
    static PyObject* const requires_grad_ = PyUnicode_InternFromString("requires_grad_");
    const PyRef made = row.base == kNoBase ? without_elements(row) : with_elements(row);
    return row.flags & kRequiresGrad ? checked(PyObject_CallMethodNoArgs(made.get(), requires_grad_)) : made;
  }

  [[nodiscard]] PyRef without_elements(const Row& row) const {
    constexpr int64_t kZero = 0;
    const Tensor nothing = Tensor::empty({&kZero, 1}, DType::kUInt8);
    return torch_.make(nothing, nothing.data_as<std::byte>(), row.element, row.sizes, row.strides);
  }

  [[nodiscard]] PyRef with_elements(const Row& row) {
    const Tensor& base = bases_[static_cast<size_t>(row.base)];
    const size_t element = row.element.bytes();
    std::byte* const first = base.data_as<std::byte>() + row.offset;
    if (element == kStrictElement && reinterpret_cast<uintptr_t>(first) % kStrictElement != 0) {
      const auto bytes = static_cast<int64_t>(row.end - row.offset);
      const Tensor own = Tensor::empty({&bytes, 1}, DType::kUInt8);
      std::memcpy(own.data(), first, row.end - row.offset);
      return torch_.make(own, own.data_as<std::byte>(), row.element, row.sizes, row.strides);
    }
    Piece& piece = pieces_[row.piece];
    if (row.flags & kShares && (row.offset - piece.origin()) % element == 0) return sharing(row, &piece);
    return torch_.make(base, first, row.element, row.sizes, row.strides);
  }

  // Those in which the base arrived; what was expanded is so again.
  static void take_strides(Row* row, const Tensor& base) {
    const auto size = static_cast<int64_t>(size_of(base.dtype()));
    const auto element = static_cast<int64_t>(row->element.bytes());
    if (base.sizes().size() < row->sizes.size()) malformed("a row has more dimensions than its base");
    for (size_t i = 0; i < row->strides.size(); ++i) {
      if (row->strides[i] != 0) row->strides[i] = base.strides()[i] * size / element;
    }
  }

  // Tensors that share memory share PyTorch's storage, too.
  [[nodiscard]] PyRef sharing(const Row& row, Piece* piece) const {
    constexpr dlpack::Element kByte{dlpack::kUInt, 8, 1};
    constexpr int64_t kZero = 0, kOne = 1;
    const Tensor& base = bases_[piece->base];
    std::byte* const origin = base.data_as<std::byte>() + piece->origin();
    if (!piece->storage) {
      const auto bytes = static_cast<int64_t>(piece->end - piece->origin());
      const PyRef all = torch_.make(base, origin, kByte, {&bytes, 1}, {&kOne, 1});
      piece->storage = checked(PyObject_CallMethod(all.get(), "untyped_storage", nullptr));
    }
    PyRef made = torch_.make(base, origin, row.element, {&kZero, 1}, {&kOne, 1});
    const auto offset = static_cast<Py_ssize_t>((row.offset - piece->origin()) / row.element.bytes());
    const PyRef sizes = tuple_of(row.sizes);
    const PyRef strides = tuple_of(row.strides);
    return checked(PyObject_CallMethod(made.get(), "set_", "OnOO", piece->storage.get(), offset, sizes.get(),
                                       strides.get()));
  }

  static PyRef tuple_of(std::span<const int64_t> numbers) {
    PyRef tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(numbers.size())));
    for (size_t i = 0; i < numbers.size(); ++i)
      PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i),
                       checked(PyLong_FromLongLong(numbers[i])).leak());
    return tuple;
  }

  const Torch& torch_;
  std::vector<Tensor> bases_;
  std::vector<Row> rows_;
  std::vector<Piece> pieces_;
};

Tensor copied(const Tensor& tensor) {
  if (!tensor.is_contiguous()) return tensor.contiguous();
  Tensor copy = Tensor::empty(tensor.sizes(), tensor.dtype());
  const auto bytes = static_cast<size_t>(tensor.numel()) * size_of(tensor.dtype());
  if (bytes >= kLongCopy) {
    const GilRelease release;
    std::memcpy(copy.data(), tensor.data(), bytes);
  } else {
    std::memcpy(copy.data(), tensor.data(), bytes);
  }
  return copy;
}

}  // namespace

PyObject* restore(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 3 && PyType_Check(args[0]) && PyTuple_Check(args[1]) && is_tensor(args[2]),
             "restore")) {
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    Restoring restoring(reinterpret_cast<PyTypeObject*>(args[0]), args[1], tensor_of(args[2]));
    return restoring.tensors().leak();
  });
}

Value copied_leaf(const Value& leaf) {
  if (leaf.is_tensor()) return Value(copied(leaf.as_tensor()));
  if (!leaf.is(Tag::kTuple)) return leaf;
  std::vector<Value> items;
  for (const Value& item : leaf.as_tuple().items) items.push_back(copied_leaf(item));
  return Value(tine::detail::make_ref<Tuple>(std::move(items)));
}

}  // namespace tine::python

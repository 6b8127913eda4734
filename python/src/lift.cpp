#include "python/src/lift.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "python/src/exchange.h"
#include "python/src/tensor.h"

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Ref;

// A row of the table: base, offset in bytes, element and flags, rank, sizes, strides.
constexpr size_t kRowHead = 4;
constexpr int64_t kNoBase = -1;  // without elements
constexpr uint32_t kRequiresGrad = 1;
constexpr uint32_t kShares = 2;       // the storage of its base, with others
constexpr uint32_t kLooseLayout = 4;  // its base has its sizes, and strides of its own
constexpr int64_t kMostRank = 64;

// What the wire keeps between the elements of a view (docs/spec/wire.md, section 3).
constexpr size_t kSmallExtent = 8192;
// A frame has 65,536 segments at most: of more bases than this the smaller ones travel together.
constexpr size_t kMostBases = 4096;
constexpr size_t kSmallBase = size_t{64} << 10;
constexpr size_t kPool = size_t{1} << 20;
constexpr size_t kAlignment = 64;
// Copied without the lock from here on.
constexpr size_t kLongCopy = size_t{1} << 20;

bool is_true(PyObject* object, PyObject* name) {
  const PyRef answer = checked(PyObject_CallMethodNoArgs(object, name));
  return answer.get() == Py_True;
}

// A torch.Tensor on its way.
struct Item {
  Look look;
  PyRef storage;
  int64_t base = kNoBase;
  size_t offset = 0;
  uint32_t flags = 0;
  size_t extent = 0;  // bytes from its first element to its last
  size_t useful = 0;  // of its elements; those of expanded dimensions once

  [[nodiscard]] uintptr_t begin() const noexcept { return reinterpret_cast<uintptr_t>(look.data); }
  [[nodiscard]] uintptr_t end() const noexcept { return begin() + extent; }
  [[nodiscard]] bool is_loose() const noexcept {
    return extent > kSmallExtent && extent > 2 * useful && look.sizes.size() < static_cast<size_t>(kMostRank);
  }
};

// Memory that one or more of them lie in.
struct Range {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  std::vector<size_t> items;
  [[nodiscard]] size_t bytes() const noexcept { return end - begin; }
};

void measure(Item* item) {
  const Look& look = item->look;
  size_t last = 0, useful = 1;
  for (size_t i = 0; i < look.sizes.size(); ++i) {
    if (look.sizes[i] == 0) return;
    last += static_cast<size_t>((look.sizes[i] - 1) * look.strides[i]);
    if (look.strides[i] != 0) useful *= static_cast<size_t>(look.sizes[i]);
  }
  item->extent = (last + 1) * look.element.bytes();
  item->useful = useful * look.element.bytes();
}

Item item_of(PyObject* tensor) {
  static PyObject* const untyped_storage = PyUnicode_InternFromString("untyped_storage");
  static PyObject* const requires_grad = PyUnicode_InternFromString("requires_grad");
  Item item;
  if (!Torch::of(Py_TYPE(tensor)).look(tensor, &item.look))
    throw TypeError("a torch.Tensor was changed into one without memory while it was pickled");
  measure(&item);
  const PyRef grad = checked(PyObject_GetAttr(tensor, requires_grad));
  if (grad.get() == Py_True) item.flags = kRequiresGrad;
  // The tensor itself would not do: `x.data = y` gives it another one.
  if (item.extent) item.storage = checked(PyObject_CallMethodNoArgs(tensor, untyped_storage));
  return item;
}

class Lifting {
 public:
  explicit Lifting(PyObject* tensors) {
    const auto n = static_cast<size_t>(PyList_GET_SIZE(tensors));
    items_.reserve(n);
    for (size_t i = 0; i < n; ++i)
      items_.push_back(item_of(PyList_GET_ITEM(tensors, static_cast<Py_ssize_t>(i))));
    find_ranges();
    place_loose();
    make_bases();
  }

  [[nodiscard]] const std::vector<Tensor>& bases() const noexcept { return bases_; }
  [[nodiscard]] Tensor table() const {
    std::vector<int64_t> rows;
    for (const Item& item : items_) {
      const auto& [data, element, sizes, strides] = item.look;
      rows.insert(rows.end(),
                  {item.base, static_cast<int64_t>(item.offset),
                   static_cast<int64_t>(element.code | uint64_t{element.bits} << 8 |
                                        uint64_t{element.lanes} << 16 | uint64_t{item.flags} << 32),
                   static_cast<int64_t>(sizes.size())});
      rows.insert(rows.end(), sizes.begin(), sizes.end());
      rows.insert(rows.end(), strides.begin(), strides.end());
    }
    const int64_t n = static_cast<int64_t>(rows.size());
    Tensor table = Tensor::empty({&n, 1}, DType::kInt64);
    std::memcpy(table.data(), rows.data(), rows.size() * sizeof(int64_t));
    return table;
  }

 private:
  // Tensors whose memory overlaps share a range.
  void find_ranges() {
    std::vector<size_t> order;
    for (size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].extent && !items_[i].is_loose()) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(),
                     [this](size_t a, size_t b) { return items_[a].begin() < items_[b].begin(); });
    for (const size_t i : order) {
      const Item& item = items_[i];
      if (ranges_.empty() || item.begin() >= ranges_.back().end)
        ranges_.push_back({item.begin(), item.end(), {}});
      ranges_.back().end = std::max(ranges_.back().end, item.end());
      ranges_.back().items.push_back(i);
    }
  }

  // A view with most of its extent not its own, such as a column, travels without what lies between, unless that
  // travels anyway.
  void place_loose() {
    std::map<std::tuple<uintptr_t, size_t, std::vector<int64_t>, std::vector<int64_t>>, size_t> seen;
    for (size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      if (!item.extent || !item.is_loose()) continue;
      const auto after =
          std::upper_bound(ranges_.begin(), ranges_.end(), item.begin(),
                           [](uintptr_t begin, const Range& range) { return begin < range.begin; });
      if (after != ranges_.begin() && item.end() <= std::prev(after)->end) {
        std::prev(after)->items.push_back(i);
        continue;
      }
      item.flags |= kLooseLayout;
      const auto [found, fresh] =
          seen.try_emplace({item.begin(), item.look.element.bytes(), item.look.sizes, item.look.strides}, i);
      if (fresh) {
        item.base = static_cast<int64_t>(bases_.size());
        bases_.push_back(loose_base(item));
      } else {  // the same view again
        Item& first = items_[found->second];
        first.flags |= kShares;
        item.flags |= kShares;
        item.base = first.base;
      }
    }
  }

  // The view as a tensor of tine's with elements as large: what takes out what lies between is the wire.
  static Tensor loose_base(const Item& item) {
    const size_t bytes = item.look.element.bytes();
    const DType dtype = bytes == 8 ? DType::kInt64 : bytes == 4 ? DType::kFloat32 : DType::kUInt8;
    const auto step = static_cast<int64_t>(bytes / size_of(dtype));
    std::vector<int64_t> sizes = item.look.sizes;
    std::vector<int64_t> strides = item.look.strides;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (strides[i] == 0) sizes[i] = 1;
      strides[i] *= step;
    }
    if (step > 1) {
      sizes.push_back(step);
      strides.push_back(1);
    }
    PyObject* const keep = Py_NewRef(item.storage.get());
    return Tensor::from_blob(
        item.look.data, sizes, strides, dtype, [keep] { drop_anywhere(keep); }, false);
  }

  void make_bases() {
    const bool many = ranges_.size() > kMostBases;
    std::vector<Range*> small;
    for (Range& range : ranges_) {
      if (range.items.size() > 1) {
        for (const size_t i : range.items) items_[i].flags |= kShares;
      }
      if (many && range.bytes() <= kSmallBase) {
        small.push_back(&range);
      } else {
        add_base(range);
      }
    }
    pool(small);
  }

  void add_base(const Range& range) {
    const size_t index = bases_.size();
    const size_t before = misaligned(range) ? range.begin % kAlignment : 0;
    for (const size_t i : range.items) set_base(i, index, before + (items_[i].begin() - range.begin));
    if (before) {  // copied to where its elements are aligned
      Tensor copy = bytes_of_size(before + range.bytes());
      std::memset(copy.data(), 0, before);
      copy_to(copy, before, range);
      bases_.push_back(std::move(copy));
      return;
    }
    PyObject* const keep = keeper(range);
    const auto n = static_cast<int64_t>(range.bytes());
    constexpr int64_t kOne = 1;
    bases_.push_back(Tensor::from_blob(
        reinterpret_cast<void*>(range.begin), {&n, 1}, {&kOne, 1}, DType::kUInt8,
        [keep] { drop_anywhere(keep); }, false));
  }

  // Several of them copied into one base each time.
  void pool(const std::vector<Range*>& small) {
    for (size_t first = 0; first < small.size();) {
      size_t bytes = 0, last = first;
      std::vector<size_t> offsets;
      while (last < small.size() && (last == first || bytes + small[last]->bytes() <= kPool)) {
        const size_t before = small[last]->begin % kAlignment;
        offsets.push_back(bytes + before);
        bytes = (bytes + before + small[last]->bytes() + kAlignment - 1) / kAlignment * kAlignment;
        ++last;
      }
      Tensor pool = bytes_of_size(bytes);
      std::memset(pool.data(), 0, bytes);
      for (size_t k = first; k < last; ++k) {
        for (const size_t i : small[k]->items)
          set_base(i, bases_.size(), offsets[k - first] + (items_[i].begin() - small[k]->begin));
        copy_to(pool, offsets[k - first], *small[k]);
      }
      bases_.push_back(std::move(pool));
      first = last;
    }
  }

  void set_base(size_t i, size_t base, size_t offset) {
    items_[i].base = static_cast<int64_t>(base);
    items_[i].offset = offset;
  }

  // Whether an element would not be where its size wants it.
  [[nodiscard]] bool misaligned(const Range& range) const {
    return std::any_of(range.items.begin(), range.items.end(), [&](size_t i) {
      return (items_[i].begin() - range.begin) % items_[i].look.element.bytes() != 0;
    });
  }

  // What keeps its memory: the storages of all its tensors, for more than one may lie in it.
  [[nodiscard]] PyObject* keeper(const Range& range) const {
    if (range.items.size() == 1) return Py_NewRef(items_[range.items[0]].storage.get());
    PyRef all = checked(PyList_New(0));
    for (const size_t i : range.items) {
      if (PyList_Append(all.get(), items_[i].storage.get()) < 0) throw_error();
    }
    return all.leak();
  }

  static Tensor bytes_of_size(size_t bytes) {
    const auto n = static_cast<int64_t>(bytes);
    return Tensor::empty({&n, 1}, DType::kUInt8);
  }
  static void copy_to(const Tensor& to, size_t offset, const Range& from) {
    std::memcpy(to.data_as<std::byte>() + offset, reinterpret_cast<const void*>(from.begin), from.bytes());
  }

  std::vector<Item> items_;
  std::vector<Range> ranges_;  // by their beginnings
  std::vector<Tensor> bases_;
};

// ---- the receiver

struct Row {
  int64_t base;
  size_t offset;
  dlpack::Element element;
  uint32_t flags;
  std::span<const int64_t> sizes;
  std::vector<int64_t> strides;
};

[[noreturn]] void malformed(const char* what) {
  throw ValueError(std::string("tensors beside a pickle: ") + what);
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
      malformed("no table of them");
    rest_ = {table.data_as<int64_t>(), static_cast<size_t>(table.numel())};
  }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] Row next() {
    if (rest_.size() < kRowHead) malformed("the table is cut off");
    const auto how = static_cast<uint64_t>(rest_[2]);
    Row row{rest_[0],
            static_cast<size_t>(rest_[1]),
            {static_cast<uint8_t>(how), static_cast<uint8_t>(how >> 8), static_cast<uint16_t>(how >> 16)},
            static_cast<uint32_t>(how >> 32),
            {},
            {}};
    const int64_t rank = rest_[3];
    if (rest_[1] < 0 || rank < 0 || rank > kMostRank ||
        rest_.size() < kRowHead + 2 * static_cast<size_t>(rank))
      malformed("a row of the table is wrong");
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

class Restoring {
 public:
  Restoring(PyTypeObject* type, PyObject* bases) : torch_(Torch::of(type)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); ++i) {
      PyObject* const base = PyTuple_GET_ITEM(bases, i);
      if (!is_tensor(base)) malformed("a base is no Tensor");
      bases_.push_back(tensor_of(base));
    }
    storages_.resize(bases_.size());
  }

  [[nodiscard]] PyRef tensor(Row row) {
    static PyObject* const requires_grad_ = PyUnicode_InternFromString("requires_grad_");
    const PyRef made = row.base == kNoBase ? without_elements(row) : with_elements(row);
    return row.flags & kRequiresGrad ? checked(PyObject_CallMethodNoArgs(made.get(), requires_grad_)) : made;
  }

 private:
  [[nodiscard]] PyRef without_elements(const Row& row) const {
    int64_t bytes = 0;
    if (!extent_of(row.sizes, row.strides, 1, &bytes) || bytes != 0) malformed("elements without a base");
    static const Tensor nothing = [] {
      constexpr int64_t kZero = 0;
      return Tensor::empty({&kZero, 1}, DType::kUInt8);
    }();
    return torch_.make(nothing, nothing.data_as<std::byte>(), row.element, row.sizes, row.strides);
  }

  [[nodiscard]] PyRef with_elements(Row& row) {
    const size_t element = row.element.bytes();
    if (row.base < 0 || static_cast<size_t>(row.base) >= bases_.size() || element == 0)
      malformed("a row names no base");
    const auto index = static_cast<size_t>(row.base);
    const Tensor& base = bases_[index];
    if (row.flags & kLooseLayout) take_strides(&row, base);
    int64_t extent = 0, available = 0;
    if (!extent_of(row.sizes, row.strides, element, &extent) || extent == 0 ||
        !extent_of(base.sizes(), base.strides(), size_of(base.dtype()), &available) || extent > available ||
        row.offset > static_cast<size_t>(available - extent)) {
      malformed("a row reaches beyond its base");
    }
    if (row.flags & kShares && row.offset % element == 0) return sharing(row, index, available);
    return torch_.make(base, base.data_as<std::byte>() + row.offset, row.element, row.sizes, row.strides);
  }

  // Those in which the base arrived; what was expanded is so again.
  static void take_strides(Row* row, const Tensor& base) {
    const auto size = static_cast<int64_t>(size_of(base.dtype()));
    const auto element = static_cast<int64_t>(row->element.bytes());
    if (base.sizes().size() < row->sizes.size()) malformed("a base of another rank");
    for (size_t i = 0; i < row->strides.size(); ++i) {
      if (row->strides[i] != 0) row->strides[i] = base.strides()[i] * size / element;
    }
  }

  // Tensors that share memory share PyTorch's storage, too.
  [[nodiscard]] PyRef sharing(const Row& row, size_t index, int64_t bytes) {
    constexpr dlpack::Element kByte{dlpack::kUInt, 8, 1};
    constexpr int64_t kZero = 0, kOne = 1;
    const Tensor& base = bases_[index];
    PyRef& storage = storages_[index];
    if (!storage) {
      const PyRef all = torch_.make(base, base.data_as<std::byte>(), kByte, {&bytes, 1}, {&kOne, 1});
      storage = checked(PyObject_CallMethod(all.get(), "untyped_storage", nullptr));
    }
    PyRef made = torch_.make(base, base.data_as<std::byte>(), row.element, {&kZero, 1}, {&kOne, 1});
    const PyRef sizes = tuple_of(row.sizes);
    const PyRef strides = tuple_of(row.strides);
    return checked(PyObject_CallMethod(made.get(), "set_", "OnOO", storage.get(),
                                       static_cast<Py_ssize_t>(row.offset / row.element.bytes()), sizes.get(),
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
  std::vector<PyRef> storages_;  // PyTorch's of those bases that are shared
};

bool expects(bool fits, const char* function) {
  if (!fits) PyErr_Format(PyExc_TypeError, "%s(): other arguments were expected", function);
  return fits;
}

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

PyObject* liftable(PyObject*, PyObject* tensor) {
  static PyObject* const is_neg = PyUnicode_InternFromString("is_neg");
  static PyObject* const is_conj = PyUnicode_InternFromString("is_conj");
  return guarded([&]() -> PyObject* {
    Look look;
    if (!Torch::of(Py_TYPE(tensor)).look(tensor, &look)) Py_RETURN_NONE;
    // Lazy views: DLPack shows the memory as it is.
    const bool conjugated = look.element.code == dlpack::kComplex && is_true(tensor, is_conj);
    if (!conjugated && !is_true(tensor, is_neg)) return Py_NewRef(tensor);
    const PyRef plain = checked(PyObject_CallMethod(tensor, "resolve_conj", nullptr));
    return PyObject_CallMethod(plain.get(), "resolve_neg", nullptr);
  });
}

PyObject* lift(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!expects(count == 2 && PyList_Check(args[0]) && PyList_Check(args[1]), "lift")) return nullptr;
  return guarded([&]() -> PyObject* {
    const Py_ssize_t n = PyList_GET_SIZE(args[1]);
    const PyRef buffers = checked(PyTuple_New(n));
    for (Py_ssize_t i = 0; i < n; ++i) {
      PyTuple_SET_ITEM(buffers.get(), i,
                       checked(wrap_tensor(tensor_on_buffer(PyList_GET_ITEM(args[1], i)))).leak());
    }
    if (PyList_GET_SIZE(args[0]) == 0) return PyTuple_Pack(1, buffers.get());
    const Lifting lifting(args[0]);
    const PyRef bases = checked(PyTuple_New(static_cast<Py_ssize_t>(lifting.bases().size())));
    for (size_t i = 0; i < lifting.bases().size(); ++i)
      PyTuple_SET_ITEM(bases.get(), static_cast<Py_ssize_t>(i),
                       checked(wrap_tensor(lifting.bases()[i])).leak());
    const PyRef table = checked(wrap_tensor(lifting.table()));
    return PyTuple_Pack(3, buffers.get(), bases.get(), table.get());
  });
}

PyObject* restore(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!expects(count == 3 && PyType_Check(args[0]) && PyTuple_Check(args[1]) && is_tensor(args[2]),
               "restore")) {
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    Restoring restoring(reinterpret_cast<PyTypeObject*>(args[0]), args[1]);
    Table table(tensor_of(args[2]));
    PyRef tensors = checked(PyList_New(0));
    while (!table.at_end()) {
      const PyRef tensor = restoring.tensor(table.next());
      if (PyList_Append(tensors.get(), tensor.get()) < 0) throw_error();
    }
    return tensors.leak();
  });
}

Value copied_leaf(const Value& leaf) {
  if (leaf.is_tensor()) return Value(copied(leaf.as_tensor()));
  if (!leaf.is(Tag::kTuple)) return leaf;
  std::vector<Value> items;
  for (const Value& item : leaf.as_tuple().items) items.push_back(copied_leaf(item));
  return Value(make_ref<Tuple>(std::move(items)));
}

}  // namespace tine::python

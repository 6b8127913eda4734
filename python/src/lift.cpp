#include "python/src/lift.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "python/src/exchange.h"
#include "python/src/tensor.h"

namespace tine::python {
namespace {

using namespace lifted;

// What the wire keeps between the elements of a view (docs/spec/wire.md, section 3).
constexpr size_t kSmallExtent = 8192;
// A frame has 65,536 segments at most: of more bases than this the smaller ones travel together.
constexpr size_t kMostBases = 4096;
constexpr size_t kSmallBase = size_t{64} << 10;
// As many bytes of them: what one that is kept keeps alive. More where there would be too many bases all the same.
constexpr size_t kPool = size_t{64} << 10;

bool is_true(PyObject* object, PyObject* name) {
  const PyRef answer = checked(PyObject_CallMethodNoArgs(object, name));
  return answer.get() == Py_True;
}
bool requires_grad(PyObject* tensor) {
  static PyObject* const name = PyUnicode_InternFromString("requires_grad");
  const PyRef answer = checked(PyObject_GetAttr(tensor, name));
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
  static PyObject* const storage_offset = PyUnicode_InternFromString("storage_offset");
  Item item;
  if (!Torch::of(Py_TYPE(tensor)).look(tensor, &item.look))
    throw TypeError("a torch.Tensor was changed into one without memory while it was pickled");
  measure(&item);
  if (requires_grad(tensor)) item.flags = kRequiresGrad;
  if (item.extent == 0) return item;
  // Keeping the tensor would not be enough: `x.data = y` gives it another storage.
  item.storage = checked(PyObject_CallMethodNoArgs(tensor, untyped_storage));
  const PyRef offset = checked(PyObject_CallMethodNoArgs(tensor, storage_offset));
  const Py_ssize_t available = PyObject_Size(item.storage.get());
  const size_t first = PyLong_AsSize_t(offset.get());
  if (PyErr_Occurred()) throw_error();
  if (first * item.look.element.bytes() + item.extent > static_cast<size_t>(available)) {
    throw ValueError("a torch.Tensor reaches beyond its storage, which has " + std::to_string(available) +
                     " bytes: it was resized to fewer");
  }
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

  // A view that uses only a small part of its extent, such as a column, travels without the rest, unless another tensor
  // needs the rest.
  void place_loose() {
    std::map<std::tuple<uintptr_t, size_t, std::vector<int64_t>, std::vector<int64_t>>, size_t> seen;
    std::vector<std::vector<size_t>> views;  // each several times, perhaps
    for (size_t i = 0; i < items_.size(); ++i) {
      const Item& item = items_[i];
      if (!item.extent || !item.is_loose()) continue;
      const auto after =
          std::upper_bound(ranges_.begin(), ranges_.end(), item.begin(),
                           [](uintptr_t begin, const Range& range) { return begin < range.begin; });
      if (after != ranges_.begin() && item.end() <= std::prev(after)->end) {
        std::prev(after)->items.push_back(i);
        continue;
      }
      const auto [found, fresh] = seen.try_emplace(
          {item.begin(), item.look.element.bytes(), item.look.sizes, item.look.strides}, views.size());
      if (fresh) views.emplace_back();
      views[found->second].push_back(i);
    }
    for (const auto& view : views) {
      const Item& first = items_[view.front()];
      if (views.size() > kMostBases && first.useful <= kSmallBase) {
        pack(view);
        continue;
      }
      for (const size_t i : view) {
        items_[i].base = static_cast<int64_t>(bases_.size());
        items_[i].flags |= kLooseLayout | (view.size() > 1 ? kShares : 0);
      }
      bases_.push_back(loose_base(first));
    }
  }

  // What lies between its elements is taken out here, so that it can travel with others.
  void pack(const std::vector<size_t>& view) {
    const Tensor tensor = loose_base(items_[view.front()]).contiguous();
    for (const size_t i : view) {
      Look& look = items_[i].look;
      look.data = tensor.data_as<std::byte>();
      for (size_t k = 0; k < look.strides.size(); ++k) {
        if (look.strides[k] != 0)
          look.strides[k] = tensor.strides()[k] * static_cast<int64_t>(size_of(tensor.dtype())) /
                            static_cast<int64_t>(look.element.bytes());
      }
    }
    const Item& first = items_[view.front()];
    packed_.push_back(tensor);
    packed_ranges_.push_back({first.begin(), first.begin() + first.useful, view});
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
      mark_shared(range);
      if (many && range.bytes() <= kSmallBase) {
        small.push_back(&range);
      } else {
        add_base(range);
      }
    }
    for (Range& range : packed_ranges_) {
      mark_shared(range);
      small.push_back(&range);
    }
    pool(small);
  }

  void mark_shared(const Range& range) {
    if (range.items.size() == 1) return;
    for (const size_t i : range.items) items_[i].flags |= kShares;
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
    size_t total = 0;
    for (const Range* range : small) total += range->bytes();
    const size_t most = std::max(kPool, total / kMostBases);
    for (size_t first = 0; first < small.size();) {
      size_t bytes = 0, last = first;
      std::vector<size_t> offsets;
      while (last < small.size() && (last == first || bytes + small[last]->bytes() <= most)) {
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

  // What keeps the memory alive: the storages of all its tensors, because several may lie in it.
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
  std::vector<Range> packed_ranges_;
  std::vector<Tensor> packed_;
  std::vector<Tensor> bases_;
};

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
    const PyRef straight = checked(PyObject_CallMethod(tensor, "resolve_conj", nullptr));
    PyRef plain = checked(PyObject_CallMethod(straight.get(), "resolve_neg", nullptr));
    // Under no_grad() the copy has forgotten it.
    if (requires_grad(tensor) && !requires_grad(plain.get()))
      plain = checked(PyObject_CallMethod(plain.get(), "requires_grad_", nullptr));
    return plain.leak();
  });
}

PyObject* lift(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 2 && PyList_Check(args[0]) && PyList_Check(args[1]), "lift")) return nullptr;
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

}  // namespace tine::python

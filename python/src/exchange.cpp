#include "python/src/exchange.h"

#include <algorithm>
#include <memory>

namespace tine::python {
namespace {

using namespace dlpack;

// The table, under the name of the specification or the one it had in PyTorch before.
const Exchange* table_of(PyTypeObject* type) {
  for (const char* name : {"__dlpack_c_exchange_api__", "__c_dlpack_exchange_api__"}) {
    const PyRef capsule = PyRef::adopt(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), name));
    if (!capsule || !PyCapsule_IsValid(capsule.get(), kExchange)) {
      PyErr_Clear();
      continue;
    }
    const auto* header = static_cast<const ExchangeHeader*>(PyCapsule_GetPointer(capsule.get(), kExchange));
    while (header && header->version.major != kMajor) header = header->previous;
    if (header) return reinterpret_cast<const Exchange*>(header);
  }
  return nullptr;
}

bool describe(const DlTensor& t, Look* out) {
  if (t.device_type != kCpu || t.ndim < 0) return false;
  out->data = static_cast<std::byte*>(t.data) + t.byte_offset;
  out->element = t.element;
  out->sizes.assign(t.shape, t.shape + t.ndim);
  out->strides.resize(out->sizes.size());
  int64_t step = 1, elements = 1;
  for (size_t i = out->sizes.size(); i-- > 0;) {
    out->strides[i] = t.strides ? t.strides[i] : step;
    step *= std::max<int64_t>(out->sizes[i], 1);
    elements *= out->sizes[i];
    if (out->strides[i] < 0) return false;
  }
  // Tensors that stand for zeros, and tensors of functionalization, say that they have no storage.
  return t.data || elements == 0;
}

// The owner of the memory of a tensor that PyTorch made. `gone` is set when PyTorch gave the memory back.
struct Import {
  Tensor keep;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  VersionedManaged versioned{};
  Managed plain{};
  bool* gone = nullptr;

  ~Import() {
    if (gone) *gone = true;
  }
};

void drop_capsule(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, kFresh)) return;  // PyTorch took what is inside
  auto* const managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, kFresh));
  managed->deleter(managed);
}

}  // namespace

const Torch& Torch::of(PyTypeObject* type) {
  static const Torch* last = nullptr;  // never destroyed: tensors outlive everything
  if (!last || last->type_ != type) last = new Torch(type);
  return *last;
}

Torch::Torch(PyTypeObject* type)
    : type_(reinterpret_cast<PyTypeObject*>(Py_NewRef(reinterpret_cast<PyObject*>(type)))) {
  const PyRef torch = checked(PyImport_ImportModule("torch"));
  has_storages_ = PyObject_HasAttrString(reinterpret_cast<PyObject*>(type), "untyped_storage");
  int8_ = checked(PyObject_GetAttrString(torch.get(), "int8"));
  uint8_ = checked(PyObject_GetAttrString(torch.get(), "uint8"));
  table_ = table_of(type);
  if (table_) return;
  const PyRef module = checked(PyImport_ImportModule("torch.utils.dlpack"));
  to_capsule_ = checked(PyObject_GetAttrString(module.get(), "to_dlpack"));
  from_capsule_ = checked(PyObject_GetAttrString(module.get(), "from_dlpack"));
}

bool Torch::look_by_table(PyObject* tensor, Look* out) const {
  if (table_->borrow) {
    DlTensor borrowed{};
    return table_->borrow(tensor, &borrowed) == 0 && describe(borrowed, out);
  }
  VersionedManaged* managed = nullptr;
  if (table_->managed_from_object(tensor, &managed) != 0) return false;
  const bool fits = describe(managed->tensor, out);
  managed->deleter(managed);
  return fits;
}

bool Torch::look_by_capsule(PyObject* tensor, Look* out) const {
  const PyRef capsule = PyRef::adopt(PyObject_CallOneArg(to_capsule_.get(), tensor));
  if (!capsule || !PyCapsule_IsValid(capsule.get(), kFresh)) return false;
  return describe(static_cast<Managed*>(PyCapsule_GetPointer(capsule.get(), kFresh))->tensor, out);
}

bool Torch::look(PyObject* tensor, Look* out) const {
  if (!has_storages_) return false;
  if (!(table_ ? look_by_table(tensor, out) : look_by_capsule(tensor, out))) {
    PyErr_Clear();
    return false;
  }
  const Element e = out->element;
  if (e.bytes() == 0) return false;
  // Integers of 1 to 7 bits call themselves bytes.
  if ((e.code == kInt || e.code == kUInt) && e.bits == 8) {
    const PyRef dtype = checked(PyObject_GetAttrString(tensor, "dtype"));
    return dtype.get() == (e.code == kInt ? int8_ : uint8_).get();
  }
  return true;
}

PyRef Torch::make(const Tensor& keep, std::byte* data, Element element, std::span<const int64_t> sizes,
                  std::span<const int64_t> strides) const {
  auto made = std::make_unique<Import>();
  made->keep = keep;
  made->sizes.assign(sizes.begin(), sizes.end());
  made->strides.assign(strides.begin(), strides.end());
  const DlTensor tensor{
      data, kCpu, 0, static_cast<int32_t>(sizes.size()), element, made->sizes.data(), made->strides.data(),
      0};
  if (!table_) {
    made->plain = {tensor, made.get(), [](Managed* m) { delete static_cast<Import*>(m->context); }};
    const PyRef capsule = checked(PyCapsule_New(&made->plain, kFresh, drop_capsule));
    (void)made.release();
    return checked(PyObject_CallOneArg(from_capsule_.get(), capsule.get()));
  }
  made->versioned = {{kMajor, kMinor},
                     made.get(),
                     [](VersionedManaged* m) { delete static_cast<Import*>(m->context); },
                     0,
                     tensor};
  bool gone = false;
  Import* const import = made.release();
  import->gone = &gone;
  void* object = nullptr;
  const bool failed = table_->object_from_managed(&import->versioned, &object) != 0;
  if (failed && !gone) delete import;  // it was refused before it was taken
  if (!failed && !gone) import->gone = nullptr;
  if (failed) throw_error();
  return PyRef::adopt(static_cast<PyObject*>(object));
}

}  // namespace tine::python

// The structures of DLPack and its table of C functions, after the specification (dmlc/dlpack), versions 0 (unversioned)
// and 1.
//
// A managed tensor belongs to the side that holds it, which calls its deleter once, on any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tine::python::dlpack {

enum Code : uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kComplex = 5, kBool = 6 };
inline constexpr int32_t kCpu = 1;
inline constexpr uint32_t kMajor = 1;
inline constexpr uint32_t kMinor = 0;

// Names of capsules: unversioned managed tensors, before and after somebody took what is inside; the table.
inline constexpr const char* kFresh = "dltensor";
inline constexpr const char* kUsed = "used_dltensor";
inline constexpr const char* kExchange = "dlpack_exchange_api";

struct Element {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
  [[nodiscard]] size_t bytes() const noexcept { return (size_t{bits} * lanes + 7) / 8; }
  friend bool operator==(const Element&, const Element&) = default;
};

struct DlTensor {
  void* data;
  int32_t device_type;
  int32_t device_id;
  int32_t ndim;
  Element element;
  int64_t* shape;
  int64_t* strides;  // in elements; null: contiguous
  uint64_t byte_offset;
};

struct Managed {  // version 0
  DlTensor tensor;
  void* context;
  void (*deleter)(Managed*);
};

struct Version {
  uint32_t major;
  uint32_t minor;
};

struct VersionedManaged {
  Version version;
  void* context;
  void (*deleter)(VersionedManaged*);
  uint64_t flags;
  DlTensor tensor;
};

// What stays the same in every version of the table.
struct ExchangeHeader {
  Version version;
  const ExchangeHeader* previous;  // the table of an older major version, or null
};

// Of major version 1. The functions return 0, or -1 with Python's error set.
struct Exchange {
  ExchangeHeader header;
  void* allocate;
  int (*managed_from_object)(void* object, VersionedManaged** out);
  int (*object_from_managed)(VersionedManaged* tensor, void** out);
  int (*borrow)(void* object, DlTensor* out);  // may be null
  void* current_work_stream;
};

}  // namespace tine::python::dlpack

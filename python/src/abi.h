// What depends on the insides of CPython and libstdc++, and nothing else does.
//
// Each mechanism asks at import whether it still works (init_abi), falls back to a public way or to "not known" where it
// does not, and has a row in versions(), which tests/python/test_abi.py holds against what happens. So a new version of
// either fails that test and no user's program.
#pragma once

#include <cstdint>
#include <cstring>
#include <exception>
#include <source_location>
#include <type_traits>
#include <typeinfo>
#include <vector>

#include "python/src/gil.h"

namespace tine::python::abi {

// Parts of a code object. New references, or empty with the indicator set. The line is 0 where there is none.
[[nodiscard]] PyRef file_of(PyCodeObject* code) noexcept;
[[nodiscard]] PyRef name_of(PyCodeObject* code) noexcept;  // qualified
[[nodiscard]] int line_of(PyCodeObject* code, int offset) noexcept;

// Where the innermost frame of this thread is: its code, borrowed, and the offset() of Frames. It is returned in registers,
// since each future of a user asks for it. Without a code where only Frames can tell.
struct Instruction {
  PyCodeObject* code = nullptr;
  intptr_t offset = 0;
};
[[nodiscard]] Instruction innermost() noexcept;

// The frames of this thread, from the innermost outwards. The caller holds the lock and lets no Python code run
// meanwhile. Reading a frame where it lies takes 1 to 5 ns; an object for it, which the public calls need, takes 5 ns
// where the frame has one already and 20 to 35 ns where it has none (docs/decisions.md).
class Frames {
 public:
  enum class Way : uint8_t { kQuick, kPublic };
  explicit Frames(Way way = Way::kQuick) noexcept;
  ~Frames() {
    if (owned_) let_go();
  }
  Frames(const Frames&) = delete;
  Frames& operator=(const Frames&) = delete;

  // Null at the end.
  [[nodiscard]] PyCodeObject* code() const noexcept { return code_; }
  // Of the instruction being run, in bytes: line_of() turns it into a line.
  [[nodiscard]] int offset() const noexcept { return offset_; }
  void next() noexcept;

 private:
  void look() noexcept;
  void step() noexcept;
  void let_go() noexcept;

  [[maybe_unused]] const void* frame_ = nullptr;  // 3.11: read where it lies
  PyFrameObject* object_ = nullptr;               // elsewhere, past the innermost
  PyCodeObject* code_ = nullptr;
  int offset_ = 0;
  bool owned_ = false;  // code_ and object_ are
};

// What a std::source_location shows, for places that no compiler has seen. The record outlives the location.
struct PlaceRecord {
  const char* file;
  const char* function;
  unsigned line;
  unsigned column;
};
namespace detail {
extern bool locations_work;
inline std::source_location forged(const PlaceRecord* record) noexcept {
  std::source_location location;
  static_assert(sizeof location == sizeof record && std::is_trivially_copyable_v<std::source_location>);
  std::memcpy(static_cast<void*>(&location), static_cast<const void*>(&record), sizeof record);
  return location;
}
}  // namespace detail
// Line 0 where the library lays them out in an unknown way.
[[nodiscard]] inline std::source_location as_location(const PlaceRecord* record) noexcept {
  return detail::locations_work ? detail::forged(record) : std::source_location();
}

// All that an exception_ptr consists of, in libstdc++ and in libc++: the address of the thrown object.
[[nodiscard]] inline const void* address_in(const std::exception_ptr& error) noexcept {
  static_assert(sizeof error == sizeof(void*));
  const void* address;
  std::memcpy(&address, &error, sizeof address);
  return address;
}
// The thrown object in the pointer if it is of exactly this type, else null. It throws nothing and, where the library tells
// the type, rethrows nothing. E is final.
template <class E>
[[nodiscard]] const E* thrown(const std::exception_ptr& error) noexcept {
  if (!error) return nullptr;
#if defined(__GLIBCXX__)
  return *error.__cxa_exception_type() == typeid(E) ? static_cast<const E*>(address_in(error)) : nullptr;
#else
  try {
    std::rethrow_exception(error);
  } catch (const E& e) {
    return &e;
  } catch (...) {
    return nullptr;
  }
#endif
}
// How many pointers share the thrown object; 0 where that is not known. Without it the collector cannot see a cycle
// through a stored exception.
[[nodiscard]] uint32_t owners_of(const std::exception_ptr& error) noexcept;

// What the class or a base of it defines under that name, as it stands there; borrowed, null without an error set.
[[nodiscard]] PyObject* defined_in(PyTypeObject* type, PyObject* name) noexcept;
// Whether defined_in() finds something, and the class lets it be read. The answer no is quick.
[[nodiscard]] bool defines(PyTypeObject* type, PyObject* name) noexcept;

// What a slice consists of, borrowed from it.
struct Slice {
  explicit Slice(PyObject* slice) noexcept;
  PyObject *start, *stop, *step;
};

// As a function in a class gives it for an instance.
[[nodiscard]] PyObject* bound_method(PyObject* function, PyObject* instance);

// A tuple of that subclass of tuple with n places, which are to be filled by PyTuple_SET_ITEM. tuple.__new__ would make two.
[[nodiscard]] PyObject* new_tuple(PyTypeObject* subclass, Py_ssize_t n);

// What a context variable holds for this thread: new reference, None for nothing; null with the indicator set.
[[nodiscard]] PyObject* context_value(PyObject* variable) noexcept;

// The beginning of a tp_dealloc whose class has this tp_finalize: runs it, unless it has run. Returns -1 when somebody
// took a reference to the object meanwhile; it then lives on.
[[nodiscard]] int finalize_in_dealloc(PyObject* object, void (*finalize)(PyObject*));

// How calls of the class itself come in without a tuple. Where there is no way, tp_new and tp_init serve them.
// vectorcall_slot() is the number of the slot for it in a PyType_Spec; 0, which ends the list, where set_vectorcall() does it.
[[nodiscard]] int vectorcall_slot() noexcept;
void set_vectorcall(PyTypeObject* type, vectorcallfunc call, destructor finalize) noexcept;

// What a weak reference refers to, empty where that is gone. Calling it is the one way that all versions have.
[[nodiscard]] inline PyRef referent(PyObject* weak) noexcept {
  PyRef object = PyRef::adopt(PyObject_CallNoArgs(weak));
  if (!object) PyErr_Clear();
  return object.get() == Py_None ? PyRef() : object;
}

// One row for each mechanism: the way chosen for this CPython and this libstdc++, and whether it was seen to work.
struct Mechanism {
  const char* name;
  const char* way;
  bool works;  // where the row also names a slower way: whether the quick one works here
};
[[nodiscard]] std::vector<Mechanism> versions();

// Called at import, first.
[[nodiscard]] bool init_abi(PyObject* module);

}  // namespace tine::python::abi

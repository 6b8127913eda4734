#include "python/src/abi.h"

#include <unwind.h>

#include <atomic>
#include <cstring>
#include <type_traits>

// How the innermost frame is read. Which versions each way was tried with is known here alone.
//
//   3.11          the frame itself, as pycore_frame.h declares it, and those outside of it
//   3.12 to 3.14  PyUnstable_InterpreterFrame_GetCode and _GetLasti, of the frame that PyThreadState names
//   others        PyThreadState_GetFrame and PyFrame_GetBack
//
// The public calls of the last row also serve 3.12 to 3.14 for the frames outside of the innermost.
#if PY_VERSION_HEX < 0x030C0000
#define TINE_FRAMES 311
#define Py_BUILD_CORE
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#elif PY_VERSION_HEX < 0x030F0000
#define TINE_FRAMES 312
#else
#define TINE_FRAMES 0
#endif

// libstdc++ keeps a header in front of a thrown object, by the Itanium C++ ABI, and the count of the exception_ptrs comes
// first in it. Elsewhere nothing is known about that memory, and nobody looks there.
#if defined(__GLIBCXX__) && defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__))
#define TINE_EXCEPTION_HEADER 1
#else
#define TINE_EXCEPTION_HEADER 0
#endif

namespace tine::python::abi {
namespace {

struct Works {
  bool frames = false;
  bool type = false;
  bool count = false;
  bool lookup = false;
};
constinit Works works;  // set at import

#if TINE_EXCEPTION_HEADER
struct ExceptionHeader {
  uint32_t count;
  struct {
    const std::type_info* type;
    void (*destructor)(void*);
    void (*unexpected)();
    void (*terminate)();
    void* next;
    int handlers;
    int handler_switch;
    const unsigned char* action;
    const unsigned char* language_data;
    void* catch_temp;
    void* adjusted;
    _Unwind_Exception unwind;
  } exception;
};
#endif

#if TINE_FRAMES == 311
int offset_in(const _PyInterpreterFrame& frame) noexcept {
  const auto* const first = reinterpret_cast<const _Py_CODEUNIT*>(frame.f_code->co_code_adaptive);
  return static_cast<int>((frame.prev_instr - first) * sizeof(_Py_CODEUNIT));
}
#endif

uint32_t count_in([[maybe_unused]] const std::exception_ptr& error) noexcept {
#if TINE_EXCEPTION_HEADER
  auto* const header = static_cast<ExceptionHeader*>(const_cast<void*>(address_in(error))) - 1;
  return std::atomic_ref<uint32_t>(header->count).load(std::memory_order_acquire);
#else
  return 0;
#endif
}

}  // namespace

constinit bool detail::locations_work = false;

Instruction innermost() noexcept {
#if TINE_FRAMES == 311
  if (!works.frames) return {};
  const auto* const frame = PyThreadState_GET()->cframe->current_frame;
  if (!frame) return {};
  return {frame->f_code, offset_in(*frame)};
#elif TINE_FRAMES == 312
  if (!works.frames) return {};
#if PY_VERSION_HEX < 0x030D0000
  auto* const frame = PyThreadState_GET()->cframe->current_frame;
#else
  auto* const frame = PyThreadState_GET()->current_frame;
#endif
  if (!frame) return {};
  PyObject* const code = PyUnstable_InterpreterFrame_GetCode(frame);
  Py_DECREF(code);  // the frame keeps it
  // An entry frame, through which C calls Python, runs no code of its own. Then the public calls skip it.
  if (!PyCode_Check(code) || PyUnicode_GET_LENGTH(reinterpret_cast<PyCodeObject*>(code)->co_filename) == 0)
    return {};
  return {reinterpret_cast<PyCodeObject*>(code), PyUnstable_InterpreterFrame_GetLasti(frame)};
#else
  return {};
#endif
}

Frames::Frames([[maybe_unused]] Way way) noexcept {
#if TINE_FRAMES == 311
  if (way == Way::kQuick && works.frames) {
    frame_ = PyThreadState_GET()->cframe->current_frame;
    look();
    return;
  }
#elif TINE_FRAMES == 312
  if (const Instruction here = way == Way::kQuick ? innermost() : Instruction(); here.code) {
    Py_INCREF(here.code);
    code_ = here.code;
    offset_ = static_cast<int>(here.offset);
    owned_ = true;
    return;
  }
#endif
  object_ = PyThreadState_GetFrame(PyThreadState_GET());
  look();
}

void Frames::next() noexcept {
#if TINE_FRAMES == 311
  if (frame_) {
    frame_ = static_cast<const _PyInterpreterFrame*>(frame_)->previous;
    look();
    return;
  }
#endif
  PyFrameObject* const inner = object_ ? object_ : PyThreadState_GetFrame(PyThreadState_GET());
  object_ = nullptr;
  let_go();
  object_ = inner ? PyFrame_GetBack(inner) : nullptr;
  Py_XDECREF(inner);
  look();
}

// code_ and offset_ of frame_ or object_.
void Frames::look() noexcept {
  code_ = nullptr;
#if TINE_FRAMES == 311
  if (const auto* const frame = static_cast<const _PyInterpreterFrame*>(frame_)) {
    code_ = frame->f_code;
    offset_ = offset_in(*frame);
    return;
  }
#endif
  if (!object_) return;
  code_ = PyFrame_GetCode(object_);
  offset_ = PyFrame_GetLasti(object_);
  owned_ = true;
}

void Frames::let_go() noexcept {
  Py_CLEAR(code_);
  Py_CLEAR(object_);
  owned_ = false;
}

uint32_t owners_of(const std::exception_ptr& error) noexcept { return works.count ? count_in(error) : 0; }

// Exported by each CPython so far, though not documented. It goes through the cache of types, which the public way,
// PyObject_GetAttr for each class of the __mro__, does not.
PyObject* defined_in(PyTypeObject* type, PyObject* name) noexcept { return _PyType_Lookup(type, name); }

std::vector<Mechanism> versions() {
  return {
#if TINE_FRAMES == 311
    {"frames", "CPython 3.11: the frame as pycore_frame.h declares it", works.frames},
#elif TINE_FRAMES == 312
    {"frames", "CPython 3.12 to 3.14: PyUnstable_InterpreterFrame_GetCode and _GetLasti", works.frames},
#else
    {"frames", "any CPython: PyThreadState_GetFrame and PyFrame_GetBack", works.frames},
#endif
        {"class lookup", "CPython 3.11 to 3.14: _PyType_Lookup", works.lookup},
        {"source location", "libstdc++: one pointer to file, function, line, column", detail::locations_work},
#if defined(__GLIBCXX__)
        {"exception type", "libstdc++: exception_ptr::__cxa_exception_type", works.type},
#else
        {"exception type", "any library: rethrown and caught", works.type},
#endif
#if TINE_EXCEPTION_HEADER
        {"exception count", "libstdc++ on 64-bit x86 and ARM: the count in front of the thrown object",
         works.count},
#else
        {"exception count", "not known on this platform: a cycle through a stored exception stays",
         works.count},
#endif
  };
}

namespace {

// Each mechanism is tried on a case whose outcome is known. A way that does not give it is not taken again.
void try_all() {
  static constexpr PlaceRecord kRecord{"file", "function", 7, 9};
  const std::source_location location = detail::forged(&kRecord);
  detail::locations_work = location.line() == 7 && location.column() == 9 &&
                           location.file_name() == kRecord.file &&
                           location.function_name() == kRecord.function;

  const auto first = std::make_exception_ptr(int64_t{42});
  const auto* const thrown_one = thrown<int64_t>(first);
  works.type = !thrown<char>(first) && thrown_one && *thrown_one == 42;
  const uint32_t one = count_in(first);
  const auto second = first;
  const uint32_t two = count_in(first);
  const auto third = second;
  works.count = one == 1 && two == 2 && count_in(first) == 3;

  works.frames = true;
  Frames quick;
  const Frames known(Frames::Way::kPublic);
  works.frames = quick.code() == known.code() && quick.offset() == known.offset();

  const PyRef name = PyRef::adopt(PyUnicode_InternFromString("bit_length"));
  PyObject* const found = name ? defined_in(&PyBool_Type, name.get()) : nullptr;
  works.lookup = found && Py_IS_TYPE(found, &PyMethodDescr_Type);
}

// {mechanism: (way, whether it works)}, for the test.
PyObject* abi_versions(PyObject*, PyObject*) {
  PyRef all = PyRef::adopt(PyDict_New());
  if (!all) return nullptr;
  for (const auto& [name, way, working] : versions()) {
    const PyRef row = PyRef::adopt(Py_BuildValue("(sO)", way, working ? Py_True : Py_False));
    if (!row || PyDict_SetItemString(all.get(), name, row.get()) < 0) return nullptr;
  }
  return all.leak();
}

// (public): [(file, line)] of the calling thread's frames, from the innermost outwards, for the test.
PyObject* abi_frames(PyObject*, PyObject* only_public) {
  PyRef all = PyRef::adopt(PyList_New(0));
  if (!all) return nullptr;
  for (Frames frames(only_public == Py_True ? Frames::Way::kPublic : Frames::Way::kQuick); frames.code();
       frames.next()) {
    PyCodeObject* const code = frames.code();
    const PyRef row =
        PyRef::adopt(Py_BuildValue("(Oi)", code->co_filename, PyCode_Addr2Line(code, frames.offset())));
    if (!row || PyList_Append(all.get(), row.get()) < 0) return nullptr;
  }
  return all.leak();
}

PyMethodDef functions[] = {
    {"_abi_versions", abi_versions, METH_NOARGS, nullptr}, {"_abi_frames", abi_frames, METH_O, nullptr}, {}};

}  // namespace

bool init_abi(PyObject* module) {
  try_all();
  return PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python::abi

#include "python/src/abi.h"

#include <dlfcn.h>
#include <unwind.h>

#include <atomic>
#include <cstring>
#include <iterator>
#include <type_traits>

// How the innermost frame is read. Which versions each way was tried with is known here alone.
//
//   3.11          the frame itself, as pycore_frame.h declares it, and those outside of it
//   3.12 to 3.15  PyUnstable_InterpreterFrame_GetCode and _GetLasti, of the frame that PyThreadState names
//   others        PyThreadState_GetFrame and f_back
//
// The public calls of the last row also serve 3.12 to 3.15 for the frames outside of the innermost. Under the stable ABI the
// two functions are looked up by name, and PyThreadState is read by the table kFrameAt.
#if PY_VERSION_HEX < 0x030C0000
#define TINE_FRAMES 311
#define Py_BUILD_CORE
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#elif defined(Py_LIMITED_API)
#define TINE_FRAMES 3
#elif PY_VERSION_HEX < 0x03100000
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
  bool slice = false;
  bool tuple = false;
  bool type_name = false;
  bool vectorcall = false;
  bool context = false;
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

#if TINE_FRAMES == 3
// Where the frame is in a PyThreadState of a 64-bit CPython 3.minor. PyThreadState does not change within a minor version.
struct FrameAt {
  unsigned minor;
  size_t offset;
  bool first_word;  // there is a pointer to where the frame's address is
};
constexpr FrameAt kFrameAt[] = {{12, 56, true}, {13, 72, false}, {14, 72, false}, {15, 72, false}};

struct FrameReader {
  FrameAt at{};
  PyObject* (*code)(void* frame) = nullptr;
  int (*offset)(void* frame) = nullptr;
  PyTypeObject* code_type = nullptr;
};
constinit FrameReader reader{};

void* word_at(const void* object, size_t offset) noexcept {
  void* word;
  std::memcpy(&word, static_cast<const char*>(object) + offset, sizeof word);
  return word;
}

void* current_frame() noexcept {
  void* const frame = word_at(PyThreadState_Get(), reader.at.offset);
  return reader.at.first_word && frame ? word_at(frame, 0) : frame;
}

// Whether the reader is complete, and agrees with the frame object, whose second field names the frame.
bool find_reader() noexcept {
  if (sizeof(void*) != 8) return false;
  const unsigned minor = (Py_Version >> 16) & 0xff;
  for (const FrameAt& row : kFrameAt) {
    if (row.minor == minor) reader.at = row;
  }
  void* const code = ::dlsym(RTLD_DEFAULT, "PyUnstable_InterpreterFrame_GetCode");
  void* const offset = ::dlsym(RTLD_DEFAULT, "PyUnstable_InterpreterFrame_GetLasti");
  const PyRef frame = PyRef::adopt(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(PyThreadState_Get())));
  if (!reader.at.minor || !code || !offset || !frame) return false;
  if (current_frame() != word_at(frame.get(), sizeof(PyObject) + sizeof(void*))) return false;
  reader.code = reinterpret_cast<PyObject* (*)(void*)>(code);
  reader.offset = reinterpret_cast<int (*)(void*)>(offset);
  const PyRef known = PyRef::adopt(
      reinterpret_cast<PyObject*>(PyFrame_GetCode(reinterpret_cast<PyFrameObject*>(frame.get()))));
  reader.code_type = Py_TYPE(known.get());
  return true;
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

#ifdef Py_LIMITED_API
PyRef file_of(PyCodeObject* code) noexcept {
  return PyRef::adopt(PyObject_GetAttrString(reinterpret_cast<PyObject*>(code), "co_filename"));
}
PyRef name_of(PyCodeObject* code) noexcept {
  return PyRef::adopt(PyObject_GetAttrString(reinterpret_cast<PyObject*>(code), "co_qualname"));
}
int line_of(PyCodeObject* code, int offset) noexcept {
  const ErrorAside aside;
  const PyRef lines =
      PyRef::adopt(PyObject_CallMethod(reinterpret_cast<PyObject*>(code), "co_lines", nullptr));
  while (lines) {
    const PyRef row = PyRef::adopt(PyIter_Next(lines.get()));
    int begin = 0, end = 0;
    PyObject* line = nullptr;
    if (!row || !PyArg_ParseTuple(row.get(), "iiO", &begin, &end, &line)) break;
    if (begin <= offset && offset < end) {
      const long number = line == Py_None ? 0 : PyLong_AsLong(line);
      PyErr_Clear();
      return number > 0 ? static_cast<int>(number) : 0;
    }
  }
  PyErr_Clear();
  return 0;
}
#else
PyRef file_of(PyCodeObject* code) noexcept { return PyRef::share(code->co_filename); }
PyRef name_of(PyCodeObject* code) noexcept { return PyRef::share(code->co_qualname); }
int line_of(PyCodeObject* code, int offset) noexcept {
  const int line = PyCode_Addr2Line(code, offset);
  return line > 0 ? line : 0;
}
#endif

Instruction innermost() noexcept {
  if (!works.frames) return {};
#if TINE_FRAMES == 311
  const auto* const frame = PyThreadState_GET()->cframe->current_frame;
  if (!frame) return {};
  return {frame->f_code, offset_in(*frame)};
#elif TINE_FRAMES == 312
#if PY_VERSION_HEX < 0x030D0000
  auto* const frame = PyThreadState_GET()->cframe->current_frame;
#else
  auto* const frame = PyThreadState_GET()->current_frame;
#endif
  if (!frame) return {};
  PyObject* const code = PyUnstable_InterpreterFrame_GetCode(frame);
  Py_DECREF(code);  // the frame keeps it
  if (!PyCode_Check(code)) return {};
  return {reinterpret_cast<PyCodeObject*>(code), PyUnstable_InterpreterFrame_GetLasti(frame)};
#elif TINE_FRAMES == 3
  void* const frame = current_frame();
  if (!frame) return {};
  PyObject* const code = reader.code(frame);
  Py_DECREF(code);
  if (Py_TYPE(code) != reader.code_type) return {};
  return {reinterpret_cast<PyCodeObject*>(code), reader.offset(frame)};
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
#elif TINE_FRAMES
  if (const Instruction here = way == Way::kQuick ? innermost() : Instruction(); here.code) {
    // An entry frame, through which C calls Python, runs no code of its own. The public calls skip it.
    const PyRef file = file_of(here.code);
    if (file && PyUnicode_GET_LENGTH(file.get()) > 0) {
      code_ = reinterpret_cast<PyCodeObject*>(Py_NewRef(reinterpret_cast<PyObject*>(here.code)));
      offset_ = static_cast<int>(here.offset);
      owned_ = true;
      return;
    }
  }
#endif
  object_ = PyThreadState_GetFrame(PyThreadState_Get());
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
  if (!object_) object_ = PyThreadState_GetFrame(PyThreadState_Get());
  step();
  look();
}

// object_ becomes the one outside of it.
void Frames::step() noexcept {
  PyFrameObject* const inner = object_;
  object_ = nullptr;
  let_go();
#ifdef Py_LIMITED_API
  PyRef outer =
      PyRef::adopt(inner ? PyObject_GetAttrString(reinterpret_cast<PyObject*>(inner), "f_back") : nullptr);
  object_ = reinterpret_cast<PyFrameObject*>(outer.get() == Py_None ? nullptr : outer.leak());
#else
  object_ = inner ? PyFrame_GetBack(inner) : nullptr;
#endif
  Py_XDECREF(reinterpret_cast<PyObject*>(inner));
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
#ifdef Py_LIMITED_API
  const PyRef offset = PyRef::adopt(PyObject_GetAttrString(reinterpret_cast<PyObject*>(object_), "f_lasti"));
  offset_ = offset ? static_cast<int>(PyLong_AsLong(offset.get())) : -1;
#else
  offset_ = PyFrame_GetLasti(object_);
#endif
  owned_ = true;
}

void Frames::let_go() noexcept {
  Py_CLEAR(code_);
  Py_CLEAR(object_);
  owned_ = false;
}

uint32_t owners_of(const std::exception_ptr& error) noexcept { return works.count ? count_in(error) : 0; }

#ifdef Py_LIMITED_API

PyObject* defined_in(PyTypeObject* type, PyObject* name) noexcept {
  auto* const object = reinterpret_cast<PyObject*>(type);
  const ErrorAside aside;
  const PyRef classes = PyRef::adopt(PyObject_GetAttrString(object, "__mro__"));
  for (Py_ssize_t i = 0; classes && i < PyTuple_GET_SIZE(classes.get()); ++i) {
    const PyRef dict = PyRef::adopt(PyObject_GetAttrString(PyTuple_GET_ITEM(classes.get(), i), "__dict__"));
    const PyRef found = PyRef::adopt(dict ? PyObject_GetItem(dict.get(), name) : nullptr);
    if (found) return found.get();  // the class keeps it
    PyErr_Clear();
  }
  return nullptr;
}

bool defines(PyTypeObject* type, PyObject* name) noexcept {
  // PyObject_HasAttr() uses the cache of types, but finds attributes of the metaclass as well: defined_in() decides.
  return PyObject_HasAttr(reinterpret_cast<PyObject*>(type), name) && defined_in(type, name);
}

Slice::Slice(PyObject* slice) noexcept {
  if (works.slice) [[likely]] {
    PyObject* parts[3];
    std::memcpy(parts, slice + 1, sizeof parts);
    start = parts[0], stop = parts[1], step = parts[2];
    return;
  }
  const auto part = [=](const char* name) {
    const PyRef found = PyRef::adopt(PyObject_GetAttrString(slice, name));
    return found ? found.get() : Py_None;  // the slice keeps it
  };
  start = part("start"), stop = part("stop"), step = part("step");
}

PyObject* method_type = nullptr;  // types.MethodType; kept for ever

PyObject* bound_method(PyObject* function, PyObject* instance) {
  return PyObject_CallFunctionObjArgs(method_type, function, instance, nullptr);
}

int finalize_in_dealloc(PyObject* object, void (*finalize)(PyObject*)) {
  if (PyObject_GC_IsFinalized(object)) return 0;  // a subclass's dealloc has seen to it
  Py_SET_REFCNT(object, 1);
  finalize(object);
  const Py_ssize_t others = Py_REFCNT(object) - 1;
  Py_SET_REFCNT(object, others);
  return others > 0 ? -1 : 0;
}

// 3.12 and 3.13: tp_vectorcall comes after tp_finalize, which PyType_GetSlot() knows.
constexpr size_t kFinalizeAt = 392;

int vectorcall_slot() noexcept { return Py_Version >= 0x030E0000 ? 82 : 0; }

void set_vectorcall(PyTypeObject* type, vectorcallfunc call, destructor finalize) noexcept {
  if (vectorcall_slot()) {
    works.vectorcall = true;
    return;
  }
  const auto as_function = reinterpret_cast<void*>(finalize);
  if (sizeof(void*) != 8 || PyType_GetSlot(type, Py_tp_finalize) != as_function ||
      word_at(type, kFinalizeAt) != as_function || word_at(type, kFinalizeAt + 8))
    return;
  std::memcpy(reinterpret_cast<char*>(type) + kFinalizeAt + 8, &call, sizeof call);
  works.vectorcall = true;
}

#else

// Exported by each CPython so far, though not documented. It goes through the cache of types, which the public way does not.
PyObject* defined_in(PyTypeObject* type, PyObject* name) noexcept { return _PyType_Lookup(type, name); }
bool defines(PyTypeObject* type, PyObject* name) noexcept { return defined_in(type, name) != nullptr; }

Slice::Slice(PyObject* slice) noexcept {
  const auto* const s = reinterpret_cast<PySliceObject*>(slice);
  start = s->start, stop = s->stop, step = s->step;
}

PyObject* bound_method(PyObject* function, PyObject* instance) { return PyMethod_New(function, instance); }

int finalize_in_dealloc(PyObject* object, void (*)(PyObject*)) {
  return PyObject_CallFinalizerFromDealloc(object);
}

int vectorcall_slot() noexcept { return 0; }

void set_vectorcall(PyTypeObject* type, vectorcallfunc call, destructor) noexcept {
  type->tp_vectorcall = call;
  works.vectorcall = true;
}

#endif

namespace {

// What lies in a tuple between its size and its items.
enum class TupleHead : uint8_t { kNothing, kHash, kUnknown };
constinit TupleHead tuple_head = TupleHead::kUnknown;  // set at import

PyObject* zeroed_tuple(PyTypeObject* type, Py_ssize_t n, TupleHead head) {
  PyObject* const tuple = PyType_GenericAlloc(type, n);
  constexpr Py_hash_t kNotYet = -1;
  if (tuple && head == TupleHead::kHash) {
    std::memcpy(reinterpret_cast<PyVarObject*>(tuple) + 1, &kNotYet, sizeof kNotYet);
  }
  return tuple;
}

// How many bytes of a tuple lie in front of its items; -1 where that is not told.
Py_ssize_t head_of_tuples() {
  const PyRef told =
      PyRef::adopt(PyObject_GetAttrString(reinterpret_cast<PyObject*>(&PyTuple_Type), "__basicsize__"));
  const Py_ssize_t bytes = told ? PyLong_AsSsize_t(told.get()) : -1;
  if (bytes < 0) PyErr_Clear();
  return bytes;
}

// Whether one that is made so is a tuple to others.
bool is_tuple(TupleHead head) {
  const PyRef known = PyRef::adopt(Py_BuildValue("(ii)", 7, 9));
  const PyRef made = PyRef::adopt(known ? zeroed_tuple(&PyTuple_Type, 2, head) : nullptr);
  if (!made) return false;
  for (Py_ssize_t i = 0; i < 2; ++i)
    PyTuple_SET_ITEM(made.get(), i, Py_NewRef(PyTuple_GET_ITEM(known.get(), i)));
  return PyObject_RichCompareBool(made.get(), known.get(), Py_EQ) == 1 &&
         PyObject_Hash(made.get()) == PyObject_Hash(known.get());
}

}  // namespace

PyObject* new_tuple(PyTypeObject* subclass, Py_ssize_t n) {
  if (tuple_head != TupleHead::kUnknown) [[likely]]
    return zeroed_tuple(subclass, n, tuple_head);
  const PyRef places = PyRef::adopt(PyTuple_New(n));
  if (!places) return nullptr;
  for (Py_ssize_t i = 0; i < n; ++i) PyTuple_SET_ITEM(places.get(), i, Py_NewRef(Py_None));
  return PyObject_CallOneArg(reinterpret_cast<PyObject*>(subclass), places.get());
}

namespace {
// PyContextVar_Get is public, but not a part of the stable ABI.
using ContextGet = int (*)(PyObject* variable, PyObject* otherwise, PyObject** value);
ContextGet context_get = nullptr;

ContextGet find_context_get() noexcept {
#ifdef Py_LIMITED_API
  return reinterpret_cast<ContextGet>(::dlsym(RTLD_DEFAULT, "PyContextVar_Get"));
#else
  return &PyContextVar_Get;
#endif
}
}  // namespace

PyObject* context_value(PyObject* variable) noexcept {
  if (!context_get) return PyObject_CallMethod(variable, "get", "O", Py_None);
  PyObject* value = nullptr;
  return context_get(variable, Py_None, &value) < 0 ? nullptr : value;
}

std::vector<Mechanism> versions() {
  return {
#if TINE_FRAMES == 3
    {"frames",
     works.frames ? "CPython 3.12 to 3.15, stable ABI: PyUnstable_InterpreterFrame_GetCode and _GetLasti"
                  : "any CPython: PyThreadState_GetFrame and f_back",
     works.frames},
#elif TINE_FRAMES == 311
    {"frames", "CPython 3.11: the frame as pycore_frame.h declares it", works.frames},
#elif TINE_FRAMES == 312
    {"frames", "CPython 3.12 to 3.15: PyUnstable_InterpreterFrame_GetCode and _GetLasti", works.frames},
#else
    {"frames", "any CPython: PyThreadState_GetFrame and PyFrame_GetBack", works.frames},
#endif
#ifdef Py_LIMITED_API
        {"class lookup", "any CPython: __mro__ and __dict__", works.lookup},
        {"type name",
         works.type_name ? "tp_name after the head of a type" : "any CPython: __module__, __name__",
         works.type_name},
        {"slice", works.slice ? "three words" : "any CPython: start, stop, step", works.slice},
        {"calls of a class",
         vectorcall_slot()  ? "CPython 3.14 and later: the slot tp_vectorcall"
         : works.vectorcall ? "CPython 3.12 to 3.13: tp_vectorcall behind tp_finalize"
                            : "any CPython: tp_new and tp_init",
         works.vectorcall},
#else
        {"class lookup", "CPython 3.11 to 3.15: _PyType_Lookup", works.lookup},
        {"type name", "any CPython: tp_name", works.type_name},
        {"slice", "any CPython: PySliceObject", works.slice},
        {"calls of a class", "any CPython: tp_vectorcall", works.vectorcall},
#endif
        {"tuple",
         tuple_head == TupleHead::kNothing ? "CPython 3.11 to 3.13: zeroed memory"
         : works.tuple ? "CPython 3.14 to 3.15: zeroed memory, and a hash that is not yet known"
                       : "any CPython: of a tuple",
         works.tuple},
        {"context variable", works.context ? "CPython 3.11 to 3.15: PyContextVar_Get" : "any CPython: get()",
         works.context},
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

#if TINE_FRAMES == 3
  works.frames = find_reader();
#else
  works.frames = true;
#endif
  Frames quick;
  const Frames known(Frames::Way::kPublic);
  works.frames = works.frames && quick.code() == known.code() && quick.offset() == known.offset();

  const PyRef name = PyRef::adopt(PyUnicode_InternFromString("bit_length"));
  PyObject* const found = name ? defined_in(&PyBool_Type, name.get()) : nullptr;
  works.lookup = found && Py_IS_TYPE(found, &PyMethodDescr_Type);

#ifdef Py_LIMITED_API
  // The address is looked at before what is there.
  const auto is_named = [](PyTypeObject& type, const char* name) {
    const auto* const chars = static_cast<const char*>(word_at(&type, sizeof(PyVarObject)));
    Dl_info where;
    return ::dladdr(chars, &where) != 0 && std::strcmp(chars, name) == 0;
  };
  works.type_name = is_named(PyLong_Type, "int") && is_named(PyBaseObject_Type, "object");
#else
  works.type_name = true;
#endif

  const Py_ssize_t head = head_of_tuples();
  const TupleHead guess = head == Py_ssize_t{sizeof(PyVarObject)}                       ? TupleHead::kNothing
                          : head == Py_ssize_t{sizeof(PyVarObject) + sizeof(Py_hash_t)} ? TupleHead::kHash
                                                                                        : TupleHead::kUnknown;
  works.tuple = guess != TupleHead::kUnknown && is_tuple(guess);
  if (works.tuple) tuple_head = guess;

  context_get = find_context_get();
  const PyRef contextvars = PyRef::adopt(PyImport_ImportModule("_contextvars"));
  const PyRef variable =
      PyRef::adopt(contextvars ? PyObject_CallMethod(contextvars.get(), "ContextVar", "s", "tine") : nullptr);
  const PyRef value = PyRef::adopt(variable ? context_value(variable.get()) : nullptr);
  if (!value) PyErr_Clear();
  works.context = context_get && value.get() == Py_None;

  works.slice = true;
  const PyRef slice = PyRef::adopt(PySlice_New(Py_True, Py_False, Py_Ellipsis));
  if (slice) {
    const Slice parts(slice.get());
    works.slice = parts.start == Py_True && parts.stop == Py_False && parts.step == Py_Ellipsis;
  }
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
    const PyRef file = file_of(code);
    const PyRef row =
        PyRef::adopt(file ? Py_BuildValue("(Oi)", file.get(), line_of(code, frames.offset())) : nullptr);
    if (!row || PyList_Append(all.get(), row.get()) < 0) return nullptr;
  }
  return all.leak();
}

PyMethodDef functions[] = {
    {"_abi_versions", abi_versions, METH_NOARGS, nullptr}, {"_abi_frames", abi_frames, METH_O, nullptr}, {}};

}  // namespace

bool init_abi(PyObject* module) {
  try_all();
#ifdef Py_LIMITED_API
  const PyRef types = PyRef::adopt(PyImport_ImportModule("types"));
  method_type = types ? PyObject_GetAttrString(types.get(), "MethodType") : nullptr;
  if (!method_type) return false;
#endif
  return PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python::abi

namespace tine::python {

TypeName::TypeName(PyTypeObject* type) noexcept {
#ifdef Py_LIMITED_API
  if (abi::works.type_name) {
    chars_ = static_cast<const char*>(abi::word_at(type, sizeof(PyVarObject)));
    return;
  }
  chars_ = "Python object";
  if (!has_lock()) return;
  const ErrorAside aside;
  const PyRef name = PyRef::adopt(PyType_GetName(type));
  const PyRef module = PyRef::adopt(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__module__"));
  // A class statement makes a heap type that may be changed, and names it without its module.
  const bool from_c =
      !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) || PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE);
  const bool with_module = from_c && module && PyUnicode_Check(module.get()) &&
                           PyUnicode_CompareWithASCIIString(module.get(), "builtins") != 0;
  owner_ = with_module && name ? PyUnicode_FromFormat("%U.%U", module.get(), name.get()) : PyRef(name).leak();
  if (const char* const chars = owner_ ? PyUnicode_AsUTF8(owner_) : nullptr) chars_ = chars;
  PyErr_Clear();
#else
  chars_ = type->tp_name;
#endif
}

}  // namespace tine::python

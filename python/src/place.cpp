#include "python/src/place.h"

#include "python/src/gil.h"

// The frame of the interpreter (3.11) is read where it lies. Making a frame object would cost more than making the future.
#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
#define TINE_READS_FRAMES 1
#define Py_BUILD_CORE
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#else
#define TINE_READS_FRAMES 0
#endif

#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <unordered_set>

namespace tine::python {
namespace {

// The layout of what a std::source_location of libstdc++ points to. It is used only if a test value reads back.
struct Place {
  const char* file;
  const char* function;
  unsigned line;
  unsigned column;
};

std::source_location as_location(const Place* place) noexcept {
  std::source_location location;
  static_assert(sizeof location == sizeof place && std::is_trivially_copyable_v<std::source_location>);
  std::memcpy(static_cast<void*>(&location), static_cast<const void*>(&place), sizeof place);
  return location;
}

struct Slot {
  const void* instruction = nullptr;
  PyObject* code = nullptr;      // shared
  const Place* place = nullptr;  // null: inside the package
};

constexpr size_t kSlots = 2048;
constexpr size_t kMostPlaces = 1 << 16;  // a program that makes code without end gets no more
struct Table {
  std::array<Slot, kSlots> slots{};
  std::unordered_set<std::string> texts;
  size_t places = 0;
  std::string package;
  bool readable = false;
};
constinit Table* table = nullptr;  // made at import, never destroyed

const char* kept(PyObject* text) {
  const char* const chars = text ? PyUnicode_AsUTF8(text) : nullptr;
  if (!chars) PyErr_Clear();
  return table->texts.insert(chars ? chars : "?").first->c_str();
}

// A place not seen before.
[[gnu::noinline]] void fill(Slot* slot, const void* instruction, PyCodeObject* code, int offset) noexcept
    try {
  const char* const file = kept(code->co_filename);
  const Place* place = nullptr;
  if (table->package.empty() || std::strncmp(file, table->package.c_str(), table->package.size()) != 0) {
    static constexpr Place kUnknown{"", "", 0, 0};
    place = &kUnknown;
    if (table->places < kMostPlaces) {
      ++table->places;
      const int line = PyCode_Addr2Line(code, offset);
      place = new Place{file, kept(code->co_qualname), line > 0 ? static_cast<unsigned>(line) : 0U, 0};
    }
  }
  PyObject* const before = slot->code;
  *slot = {instruction, Py_NewRef(reinterpret_cast<PyObject*>(code)), place};
  Py_XDECREF(before);
} catch (const std::bad_alloc&) {
  // Then it is not known.
}

#if TINE_READS_FRAMES
Slot* slot_of(const _PyInterpreterFrame* frame) noexcept {
  const void* const instruction = frame->prev_instr;
  const auto hash = reinterpret_cast<uintptr_t>(instruction) / sizeof(_Py_CODEUNIT);
  Slot* const slot = &table->slots[(hash ^ (hash >> 11)) % kSlots];
  if (slot->instruction != instruction) [[unlikely]] {
    PyCodeObject* const code = frame->f_code;
    const auto* const first = reinterpret_cast<const _Py_CODEUNIT*>(code->co_code_adaptive);
    fill(slot, instruction, code, static_cast<int>((frame->prev_instr - first) * sizeof(_Py_CODEUNIT)));
    if (slot->instruction != instruction) return nullptr;
  }
  return slot;
}
#endif

}  // namespace

std::source_location calling_place() noexcept {
#if TINE_READS_FRAMES
  if (!table || !table->readable) return {};
  const _PyCFrame* const frames = PyThreadState_GET()->cframe;
  for (const _PyInterpreterFrame* frame = frames->current_frame; frame; frame = frame->previous) {
    const Slot* const slot = slot_of(frame);
    if (!slot) break;
    if (slot->place) return as_location(slot->place);
  }
#endif
  return {};
}

void set_package_folder(const char* folder) {
  static constexpr Place kProbe{"file", "function", 7, 9};
  auto made = std::make_unique<Table>();
  made->package = folder;
  const std::source_location probe = as_location(&kProbe);
  made->readable = probe.line() == 7 && probe.column() == 9 && probe.file_name() == kProbe.file &&
                   probe.function_name() == kProbe.function;
  if (!table) table = made.release();
}

}  // namespace tine::python

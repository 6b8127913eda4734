#include "python/src/place.h"

#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <unordered_set>

#include "python/src/abi.h"

namespace tine::python {
namespace {

struct Slot {
  PyCodeObject* code = nullptr;  // shared
  int offset = 0;
  const abi::PlaceRecord* place = nullptr;  // null: inside the package
};

constexpr size_t kSlots = 2048;
constexpr size_t kMostPlaces = 1 << 16;  // a program that makes code without end gets no more
struct Table {
  std::array<Slot, kSlots> slots{};
  std::unordered_set<std::string> texts;
  size_t places = 0;
  std::string package;
};
constinit Table* table = nullptr;  // made at import, never destroyed

const char* kept(const PyRef& text) {
  const char* const chars = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  if (!chars) PyErr_Clear();
  return table->texts.insert(chars ? chars : "?").first->c_str();
}

// A place not seen before.
[[gnu::noinline]] void fill(Slot* slot, PyCodeObject* code, int offset) noexcept try {
  const char* const file = kept(abi::file_of(code));
  const abi::PlaceRecord* place = nullptr;
  // An entry frame, through which C calls Python, has no file, and is no more the user's than the package is.
  if (*file &&
      (table->package.empty() || std::strncmp(file, table->package.c_str(), table->package.size()) != 0)) {
    static constexpr abi::PlaceRecord kUnknown{"", "", 0, 0};
    place = &kUnknown;
    if (table->places < kMostPlaces) {
      ++table->places;
      place = new abi::PlaceRecord{file, kept(abi::name_of(code)),
                                   static_cast<unsigned>(abi::line_of(code, offset)), 0};
    }
  }
  const PyRef before = PyRef::adopt(reinterpret_cast<PyObject*>(slot->code));
  (void)PyRef::share(reinterpret_cast<PyObject*>(code)).leak();
  *slot = {code, offset, place};
} catch (const std::bad_alloc&) {
  // Then it is not known.
}

Slot* slot_of(PyCodeObject* code, int offset) noexcept {
  // Codes lie 16 bytes apart at least, instructions 2.
  const auto hash = (reinterpret_cast<uintptr_t>(code) >> 4) + (static_cast<uintptr_t>(offset) >> 1);
  Slot* const slot = &table->slots[(hash ^ (hash >> 11)) % kSlots];
  if (slot->code != code || slot->offset != offset) [[unlikely]] {
    fill(slot, code, offset);
    if (slot->code != code || slot->offset != offset) return nullptr;
  }
  return slot;
}

}  // namespace

std::source_location calling_place() noexcept {
  if (!table) return {};
  if (const auto [code, offset] = abi::innermost(); code) {
    const Slot* const slot = slot_of(code, static_cast<int>(offset));
    if (!slot) return {};
    if (slot->place) return abi::as_location(slot->place);
  }
  for (abi::Frames frames; frames.code(); frames.next()) {
    const Slot* const slot = slot_of(frames.code(), frames.offset());
    if (!slot) break;
    if (slot->place) return abi::as_location(slot->place);
  }
  return {};
}

void set_package_folder(const char* folder) {
  auto made = std::make_unique<Table>();
  made->package = folder;
  if (!table) table = made.release();
}

}  // namespace tine::python

// Types and schemas arrive over the network and in files: any bytes are a value or a SyntaxError, and what was read
// once prints to text that reads the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tine/schema.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const std::string once = tine::Schema::parse(text).str();
    if (tine::Schema::parse(once).str() != once) std::abort();
  } catch (const tine::SyntaxError&) {
  }
  try {
    const tine::TypePtr type = tine::parse_type(text);
    if (!tine::equal(type, tine::parse_type(type->str()))) std::abort();
  } catch (const tine::SyntaxError&) {
  }
  return 0;
}

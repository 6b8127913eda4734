#include "src/value/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string_view>

#include "src/value/text.h"
#include "tine/type.h"

namespace tine {
namespace {

constexpr int kDeepest = 1000;
constexpr double kTwo63 = 9223372036854775808.0;

bool is_number(const Value& v) { return v.is_int() || v.is_float() || v.is_bool(); }

// Returns -1, 0 or 1, or 2 if `d` is NaN. It is exact, as in Python: converting the int to a double would make 2**53 + 1
// equal to 2.0**53. Outside of the bounds `d` is beyond every int, and inside them its whole part is an int.
int compare_int_float(int64_t i, double d) {
  if (std::isnan(d)) return 2;
  if (d >= kTwo63) return -1;
  if (d < -kTwo63) return 1;
  const double whole = std::trunc(d);
  const auto w = static_cast<int64_t>(whole);
  if (i != w) return i < w ? -1 : 1;
  return d > whole ? -1 : d < whole ? 1 : 0;
}

int compare_numbers(const Value& a, const Value& b) {
  if (a.is_float() && b.is_float()) {
    const double x = a.as_float(), y = b.as_float();
    return std::isnan(x) || std::isnan(y) ? 2 : x < y ? -1 : x > y ? 1 : 0;
  }
  if (a.is_float()) {
    const int order = compare_int_float(b.as_int(), a.as_float());
    return order == 2 ? 2 : -order;
  }
  if (b.is_float()) return compare_int_float(a.as_int(), b.as_float());
  return a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int() ? 1 : 0;
}

void check_depth(int depth) {
  if (depth > kDeepest)
    throw Error("maximum recursion depth exceeded in comparison: a container is nested too deep");
}

double element(const Tensor& flat, int64_t i) {
  switch (flat.dtype()) {
    case DType::kFloat32: return flat.data_as<float>()[i];
    case DType::kFloat64: return flat.data_as<double>()[i];
    case DType::kInt64: return static_cast<double>(flat.data_as<int64_t>()[i]);
    default: return flat.data_as<uint8_t>()[i];
  }
}

bool equal_tensors(const Tensor& a, const Tensor& b) {
  if (a.impl() == b.impl()) return true;
  if (!a.defined() || !b.defined()) return false;
  const auto x = a.sizes(), y = b.sizes();
  if (!std::equal(x.begin(), x.end(), y.begin(), y.end())) return false;
  const Tensor p = a.contiguous(), q = b.contiguous();
  const int64_t n = p.numel();
  // Beyond 2^53 doubles do not tell ints apart.
  if (p.dtype() == DType::kInt64 && q.dtype() == DType::kInt64) {
    return std::equal(p.data_as<int64_t>(), p.data_as<int64_t>() + n, q.data_as<int64_t>());
  }
  for (int64_t i = 0; i < n; ++i) {
    if (element(p, i) != element(q, i)) return false;
  }
  return true;
}

bool same_member(const Enum& a, const Enum& b) {
  return a.index == b.index && (a.type == b.type || equal(a.type, b.type));
}

bool equals(const Value& a, const Value& b, int depth);

bool equal_items(std::span<const Value> a, std::span<const Value> b, int depth) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!equals(a[i], b[i], depth)) return false;
  }
  return true;
}

bool equals(const Value& a, const Value& b, int depth) {
  check_depth(depth);
  if (is_number(a) && is_number(b)) return compare_numbers(a, b) == 0;
  if (a.tag() != b.tag()) return false;
  switch (a.tag()) {
    case Tag::kNone: return true;
    case Tag::kString: return a.as_string() == b.as_string();
    case Tag::kTensor: return equal_tensors(a.as_tensor(), b.as_tensor());
    case Tag::kList: return equal_items(a.as_list().items, b.as_list().items, depth + 1);
    case Tag::kTuple: return equal_items(a.as_tuple().items, b.as_tuple().items, depth + 1);
    case Tag::kDict: {
      const Dict &x = a.as_dict(), &y = b.as_dict();
      if (x.size() != y.size()) return false;
      for (const auto& [key, entry] : x.items()) {
        const Value* other = y.find(key);
        if (!other || !equals(entry, *other, depth + 1)) return false;
      }
      return true;
    }
    case Tag::kEnum: return same_member(a.as_enum(), b.as_enum());
    default: return a.as_counted() == b.as_counted();
  }
}

int compare(const Value& a, const Value& b, int depth) {
  check_depth(depth);
  if (is_number(a) && is_number(b)) {
    // A comparison with NaN gives 1, so that `a < b` is false whichever of them is NaN.
    const int order = compare_numbers(a, b);
    return order == 2 ? 1 : order;
  }
  // The bytes of UTF-8 sort as its characters do.
  if (a.is_string() && b.is_string()) return a.as_string().compare(b.as_string());
  const auto items = [](const Value& v) -> std::span<const Value> {
    return v.is(Tag::kList) ? std::span<const Value>(v.as_list().items) : v.as_tuple().items;
  };
  if (a.tag() == b.tag() && (a.is(Tag::kList) || a.is(Tag::kTuple))) {
    const auto x = items(a), y = items(b);
    // As in Python, the first elements that differ decide.
    for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
      if (!equals(x[i], y[i], depth + 1)) return compare(x[i], y[i], depth + 1);
    }
    return x.size() < y.size() ? -1 : x.size() > y.size() ? 1 : 0;
  }
  throw TypeError(
      fmt::format("'<' not supported between instances of '{}' and '{}'", type_name(a), type_name(b)));
}

// Keys may come from another process, which must not be able to make them all collide. So a hash is mixed with numbers that
// only this process knows.
struct Seeds {
  uint64_t a, b;
};
const Seeds& seeds() noexcept {
  static const Seeds drawn = [] {
    std::random_device random;
    const auto word = [&] { return uint64_t{random()} << 32 | random(); };
    return Seeds{word(), word()};
  }();
  return drawn;
}

// Both halves of the product: each bit of the result depends on all of both.
uint64_t fold(uint64_t a, uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

size_t hash_word(uint64_t word) noexcept {
  const Seeds& s = seeds();
  return fold(fold(word ^ s.a, s.b | 1) ^ s.b, 0x9e3779b97f4a7c15);
}

template <class T>
uint64_t load(const char* p) noexcept {
  T word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

size_t hash_text(std::string_view text) noexcept {
  const Seeds& s = seeds();
  uint64_t state = s.b ^ text.size();
  const char* p = text.data();
  size_t left = text.size();
  for (; left > 8; p += 8, left -= 8) state = fold(load<uint64_t>(p) ^ s.a, state ^ 0x9e3779b97f4a7c15);
  // The last 1 to 8 bytes, from both ends.
  uint64_t rest = 0;
  if (left >= 4) {
    rest = load<uint32_t>(p) | load<uint32_t>(p + left - 4) << 32;
  } else if (left > 0) {
    rest = load<uint8_t>(p) | load<uint8_t>(p + left / 2) << 8 | load<uint8_t>(p + left - 1) << 16;
  }
  return fold(fold(rest ^ s.a, state ^ 0x9e3779b97f4a7c15), s.b | 1);
}

}  // namespace

bool equals(const Value& a, const Value& b) { return equals(a, b, 0); }
int compare(const Value& a, const Value& b) { return compare(a, b, 0); }

bool identical(const Value& a, const Value& b) noexcept {
  if (a.tag() != b.tag()) return false;
  switch (a.tag()) {
    case Tag::kNone: return true;
    case Tag::kBool: return a.as_bool() == b.as_bool();
    case Tag::kInt: return a.as_int() == b.as_int();
    case Tag::kFloat: return std::bit_cast<uint64_t>(a.as_float()) == std::bit_cast<uint64_t>(b.as_float());
    case Tag::kString: return a.as_string() == b.as_string();
    case Tag::kEnum: return same_member(a.as_enum(), b.as_enum());
    default: return a.as_counted() == b.as_counted();
  }
}

bool hashable(const Value& key) noexcept { return is_number(key) || key.is_string() || key.is(Tag::kEnum); }

// Equal numbers have one hash whatever their type, because 1, 1.0 and True are one key.
size_t hash_of(const Value& key) noexcept {
  if (key.is_string()) return hash_text(key.as_string());
  if (key.is(Tag::kEnum)) return hash_text(key.as_enum().name());
  if (key.is_float()) {
    const double d = key.as_float();
    if (d == std::trunc(d) && d >= -kTwo63 && d < kTwo63)
      return hash_word(static_cast<uint64_t>(static_cast<int64_t>(d)));
    return hash_word(std::bit_cast<uint64_t>(d));
  }
  return hash_word(static_cast<uint64_t>(key.as_int()));
}

}  // namespace tine

#include "src/ir/text_reader.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include "src/ir/pytorch.h"
#include "tine/error.h"

namespace tine::ir {
namespace {

constexpr int kDeepestValue = 32;
constexpr int kDeepestType = 32;
constexpr size_t kLongestType = 4096;  // each use of a value may compare its type
// Of one that defines a class: later uses are the same object.
constexpr size_t kLongestDefinition = size_t{1} << 16;

constexpr const char* kEscapes = "expected one of \\n \\r \\t \\x \\\" \\\\";

}  // namespace

void TextReader::fail(const std::string& message) const {
  int line = 1;
  size_t start = 0;
  for (size_t i = 0; i < at_ && i < text_.size(); ++i) {
    if (text_[i] == '\n') {
      ++line;
      start = i + 1;
    }
  }
  const size_t end = text_.find('\n', start);
  std::string_view shown = text_.substr(start, end == std::string_view::npos ? end : end - start);
  throw SyntaxError(fmt::format("IR text, line {}, column {}: {}\n  {}", line, at_ - start + 1, message,
                                shown.substr(0, 200)));
}

std::string_view TextReader::name() {
  skip();
  const size_t begin = at_;
  while (at_ < text_.size() && is_name(text_[at_])) ++at_;
  if (at_ == begin) fail("expected a name");
  return text_.substr(begin, at_ - begin);
}

std::string_view TextReader::operator_name() {
  skip();
  const size_t begin = at_;
  while (at_ < text_.size() && (is_name(text_[at_]) || text_[at_] == ':')) ++at_;
  if (at_ == begin) fail("expected the name of an operator");
  return text_.substr(begin, at_ - begin);
}

std::string TextReader::string() {
  if (peek() != '"') fail("expected a quoted string");
  std::string out;
  for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
    char c = text_[at_];
    if (c == '\n') fail("expected '\"' before the end of the line");
    if (c == '\\') {
      if (++at_ >= text_.size()) break;
      switch (text_[at_]) {
        case 'n': c = '\n'; break;
        case 'r': c = '\r'; break;
        case 't': c = '\t'; break;
        case '"':
        case '\\': c = text_[at_]; break;
        case '\'':
        case 'a':
        case 'b':
        case 'f':
        case 'v':
          if (!options_.pytorch) fail(kEscapes);
          c = text_[at_] == 'a'   ? '\a'
              : text_[at_] == 'b' ? '\b'
              : text_[at_] == 'f' ? '\f'
              : text_[at_] == 'v' ? '\v'
                                  : '\'';
          break;
        case '0':
        case '1':
        case '2':
        case '3':
          if (!options_.pytorch || !octal(at_ + 1) || !octal(at_ + 2)) fail(kEscapes);
          c = static_cast<char>((text_[at_] - '0') * 64 + (text_[at_ + 1] - '0') * 8 +
                                (text_[at_ + 2] - '0'));
          at_ += 2;
          break;
        case 'x': {
          if (at_ + 2 >= text_.size()) fail("expected two hexadecimal digits");
          const int high = hex(text_[at_ + 1]);
          const int low = hex(text_[at_ + 2]);
          if (high < 0 || low < 0) fail("expected two hexadecimal digits");
          c = static_cast<char>(high * 16 + low);
          at_ += 2;
          break;
        }
        default: fail(kEscapes);
      }
    }
    out += c;
  }
  if (at_ >= text_.size()) fail("the string has no end");
  ++at_;
  return out;
}

bool TextReader::octal(size_t at) const noexcept {
  return at < text_.size() && text_[at] >= '0' && text_[at] <= '7';
}

int TextReader::hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

int64_t TextReader::integer() {
  skip();
  const size_t begin = at_;
  if (at_ < text_.size() && text_[at_] == '-') ++at_;
  while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
  const std::string digits(text_.substr(begin, at_ - begin));
  errno = 0;
  char* end = nullptr;
  const long long value = std::strtoll(digits.c_str(), &end, 10);
  // strtoll reports a number out of range in errno.
  if (digits.empty() || *end != '\0' || errno != 0) fail("expected a 64-bit integer");
  return value;
}

TypePtr TextReader::type() {
  skip();
  const size_t begin = at_;
  int depth = 0;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\'' || c == '"') {  // the value of an enum
      skip_quoted();
    } else if (c == '[' || c == '(') {
      if (++depth > kDeepestType) fail("the type is nested too deeply");
    } else if (c == ']' || c == ')') {
      if (depth == 0) break;
      --depth;
    } else if (options_.pytorch && text_.substr(at_, 2) == "::") {  // in the name of a class
      ++at_;
    } else if (depth == 0 && (c == ',' || c == '=' || c == ':' || c == '\n')) {
      break;
    } else if (depth == 0 && c == '.' && text_[at_ - 1] == ')') {
      break;  // a member of the enum
    }
    ++at_;
  }
  // parse_type() knows the names of types. Here it is only known where such a name ends.
  std::string_view words = text_.substr(begin, at_ - begin);
  while (!words.empty() && is_space(words.back())) words.remove_suffix(1);
  if (words.empty()) fail("expected a type");
  const bool defines =
      words.find("NamedTuple(") != std::string_view::npos || words.find("Enum(") != std::string_view::npos;
  if (const size_t most = defines ? kLongestDefinition : kLongestType; words.size() > most) {
    at_ = begin;
    fail(fmt::format("the type has {} characters, at most {} are read", words.size(), most));
  }
  // Asked first: parse_type() would make a type without slots of the same name.
  if (options_.object_type) {
    if (TypePtr object = options_.object_type(words)) return object;
  }
  if (words == "NoneType") return Type::none();
  if (options_.pytorch) {
    if (words == "Function") return Type::function({});
    if (is_tensor_of(words, &dtype_)) return Type::tensor();
  }
  TypePtr parsed;
  try {
    parsed = parse_type(words, &types_);
  } catch (const Error& error) {
    at_ = begin;
    fail(error.message());
  }
  type_at_ = begin;
  return known_(parsed);
}

TypePtr TextReader::known(const TypePtr& type) {
  if (type->kind == TypeKind::kObject && options_.object_type) {
    if (TypePtr object = options_.object_type(type->name)) return object;
  }
  if (type->kind == TypeKind::kVariable || type->kind == TypeKind::kFunction ||
      (type->kind == TypeKind::kObject && !options_.pytorch)) {
    at_ = type_at_;
    fail(fmt::format("the type {} is not known here", type->str()));
  }
  return type;
}

void TextReader::skip_quoted() {
  const char quote = text_[at_++];
  while (at_ < text_.size() && text_[at_] != quote) at_ += text_[at_] == '\\' ? 2 : 1;
  if (at_ >= text_.size()) {
    at_ = text_.size();
    fail("the string has no end");
  }
}

Value TextReader::number() {
  skip();
  const size_t begin = at_;
  while (at_ < text_.size() && (is_name(text_[at_]) || text_[at_] == '+' || text_[at_] == '-')) {
    ++at_;
  }
  const std::string word(text_.substr(begin, at_ - begin));
  if (word == "inf") return std::numeric_limits<double>::infinity();
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  // strtod also reads forms in which print() never writes a number: "infinity", "0x1p3".
  const bool digits = !word.empty() && word.find_first_not_of("+-.0123456789eE") == std::string::npos;
  if (digits && word.find_first_of(".eE") == std::string::npos) {
    at_ = begin;
    return integer();
  }
  char* end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  if (!digits || *end != '\0') {
    at_ = begin;
    fail("expected a constant");
  }
  return value;
}

bool TextReader::enum_begins() noexcept {
  const char c = peek();
  if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) return false;
  size_t end = at_;
  while (end < text_.size() && is_name(text_[end])) ++end;
  const std::string_view word = text_.substr(at_, end - at_);
  return word == "Enum" || word.find('.') != std::string_view::npos;
}

Value TextReader::member() {
  const size_t begin = at_;
  TypePtr found;
  std::string_view word;
  if (accept_word("Enum")) {
    at_ = begin;
    found = type();  // which ends at `.`
    if (!accept('.')) fail("expected the name of a member");
    word = name();
  } else {
    const std::string_view all = name();
    const size_t dot = all.rfind('.');
    word = all.substr(dot + 1);
    if (const auto known = types_.find(all.substr(0, dot)); known != types_.end()) found = known->second;
  }
  if (!found || found->kind != TypeKind::kEnum) {
    at_ = begin;
    fail("expected a member of an enum that is defined before");
  }
  auto type = std::static_pointer_cast<const EnumType>(found);
  const int index = type->index_of(word);
  if (index < 0) {
    at_ = begin;
    fail(fmt::format("{} has no member {}", type->name, word));
  }
  return enum_member(std::move(type), static_cast<size_t>(index));
}

Value TextReader::tensor() {
  expect('(');
  const std::string dtype_name = string();
  DType dtype{};
  bool known = false;
  for (const DType candidate :
       {DType::kUInt8, DType::kInt64, DType::kFloat32, DType::kFloat64, DType::kBool}) {
    if (name_of(candidate) == dtype_name) {
      dtype = candidate;
      known = true;
    }
  }
  if (!known) fail(fmt::format("no dtype is called '{}'", dtype_name));
  expect(',');
  expect('[');
  Shape sizes;
  size_t elements = 1;
  while (peek() != ']') {
    if (!sizes.empty()) expect(',');
    const int64_t size = integer();
    if (size < 0 || sizes.size() >= 64) fail("expected at most 64 sizes, none negative");
    sizes.push_back(size);
    if (__builtin_mul_overflow(elements, static_cast<size_t>(size), &elements))
      fail("the tensor is too large");
  }
  expect(']');
  expect(',');
  if (peek() != '"') fail("expected the elements as hexadecimal text");
  ++at_;
  const size_t bytes = elements * size_of(dtype);
  // Checked before the memory is allocated, because the sizes may be anything. The first test keeps `bytes` from wrapping.
  if (elements > text_.size() || bytes * 2 > text_.size() - at_)
    fail("the elements are fewer than the sizes say");
  Tensor result;
  try {
    result = Tensor::empty(sizes, dtype);
  } catch (const Error& error) {
    fail(error.message());  // an empty one's sizes may still be too large together
  }
  auto* const data = static_cast<unsigned char*>(result.data());
  for (size_t i = 0; i < bytes; ++i, at_ += 2) {
    const int high = hex(text_[at_]);
    const int low = hex(text_[at_ + 1]);
    if (high < 0 || low < 0) fail("expected hexadecimal digits, two for each byte of each element");
    data[i] = static_cast<unsigned char>(high * 16 + low);
    // A bool that is neither 0 nor 1 is not a bool.
    if (dtype == DType::kBool && data[i] > 1) fail("expected 00 or 01 for each element");
  }
  if (at_ >= text_.size() || text_[at_] != '"') fail("the elements are more than the sizes say");
  ++at_;
  expect(')');
  return result;
}

bool TextReader::number_begins() noexcept {
  const char c = peek();
  return (c >= '0' && c <= '9') || c == '-' || at_word("inf") || at_word("nan");
}

Value TextReader::element(const Value& value, size_t begin) {
  const auto wrong = [&](std::string_view what) {
    at_ = begin;
    fail(fmt::format("{} a tensor of {}", what, name_of(dtype_)));
  };
  if (is_floating(dtype_)) {
    return Value(value.is_int() ? Tensor::scalar(value.to_int(), dtype_)
                                : Tensor::scalar(value.to_float(), dtype_));
  }
  if (!value.is_int()) wrong("expected an int, the element of");
  const int64_t most = dtype_ == DType::kBool ? 1 : dtype_ == DType::kUInt8 ? 255 : value.to_int();
  if (value.to_int() > most || (dtype_ != DType::kInt64 && value.to_int() < 0))
    wrong("the element does not fit");
  return Value(Tensor::scalar(value.to_int(), dtype_));
}

Value TextReader::constant(int depth) {
  if (depth > kDeepestValue) fail("the constant is nested too deeply");
  const char c = peek();
  if (c == '"') return Value(string());
  if (c == '[' || c == '(') {
    ++at_;
    const char close = c == '[' ? ']' : ')';
    std::vector<Value> items;
    while (peek() != close) {
      if (!items.empty()) expect(',');
      if (peek() == close) break;  // (1,)
      items.push_back(constant(depth + 1));
    }
    ++at_;
    if (c == '[') return Value(detail::make_ref<List>(std::move(items)));
    return Value(detail::make_ref<Tuple>(std::move(items)));
  }
  if (accept('{')) {
    auto dict = detail::make_ref<Dict>();
    if (options_.pytorch && number_begins()) {
      const size_t begin = at_;
      const Value value = number();
      if (accept('}')) return element(value, begin);
      at_ = begin;
    }
    while (!accept('}')) {
      if (dict->size() > 0) expect(',');
      Value key = constant(depth + 1);
      if (!key.is_string() && !key.is_int() && !key.is_float() && !key.is_bool() && !key.is(Tag::kEnum))
        fail("expected a str, an int, a float, a bool or a member of an enum as the key");
      expect(':');
      dict->set(std::move(key), constant(depth + 1));
    }
    return Value(std::move(dict));
  }
  if (accept_word("None")) return Value();
  if (accept_word("True")) return Value(true);
  if (accept_word("False")) return Value(false);
  if (accept_word("tensor")) return tensor();
  if (enum_begins()) return member();
  if (c == '<')
    fail("a text that shows a constant only as <...> cannot be read back: it was not printed exactly");
  return number();
}

}  // namespace tine::ir

#include "src/value/schema_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <unordered_set>

#include "src/value/text.h"

namespace tine::value {
namespace {

constexpr int kDeepest = 64;
// Each type of a Union is compared with the others.
constexpr size_t kMostMembers = 64;
constexpr size_t kMostFields = 255;  // as the parameters of a function

// Not <cctype>: those depend on the locale.
bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool small(char c) { return c >= 'a' && c <= 'z'; }

}  // namespace

struct Parser::Deeper {
  explicit Deeper(Parser& p) : parser(p) {
    if (++parser.depth_ > kDeepest) parser.fail(fmt::format("nested deeper than {}", kDeepest));
  }
  ~Deeper() { --parser.depth_; }
  Parser& parser;
};

void Parser::fail(std::string_view problem) const {
  constexpr size_t kShown = 200;
  throw SyntaxError(fmt::format("{} {}{}: column {}: {}", what_, string_repr(text_.substr(0, kShown)),
                                text_.size() > kShown ? "..." : "", at_ + 1, problem));
}

void Parser::skip_space() noexcept {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
    ++at_;
  }
}
bool Parser::at_end() noexcept {
  skip_space();
  return at_ == text_.size();
}
bool Parser::looking_at(std::string_view token) noexcept {
  skip_space();
  return text_.substr(at_).starts_with(token);
}
bool Parser::accept(std::string_view token) noexcept {
  if (!looking_at(token)) return false;
  at_ += token.size();
  return true;
}
void Parser::expect(std::string_view token) {
  if (!accept(token)) {
    fail(at_ < text_.size() ? fmt::format("expected '{}', got {}", token, string_repr(text_.substr(at_, 1)))
                            : fmt::format("expected '{}' before the end", token));
  }
}
void Parser::expect_end() {
  if (!at_end()) fail(fmt::format("unexpected {}", string_repr(text_.substr(at_, 20))));
}

std::string_view Parser::name(bool dots) noexcept {
  skip_space();
  const size_t begin = at_;
  if (at_ == text_.size() || !letter(text_[at_])) return {};
  const auto starts_name = [&](size_t i) {
    return i < text_.size() && (letter(text_[i]) || digit(text_[i]));
  };
  for (;;) {
    while (starts_name(at_)) ++at_;
    if (dots && at_ < text_.size() && text_[at_] == '.' && starts_name(at_ + 1)) {
      ++at_;
    } else if (dots && text_.substr(at_).starts_with("::") && starts_name(at_ + 2)) {
      at_ += 2;
    } else {
      return text_.substr(begin, at_ - begin);
    }
  }
}

TypePtr Parser::type(TypeNotes* notes) {
  Deeper deeper(*this);
  TypePtr result = base_type(notes);
  for (int suffixes = 0;; ++suffixes) {
    // Each suffix nests the type once more, as a bracket does.
    if (suffixes > kDeepest) fail(fmt::format("nested deeper than {}", kDeepest));
    if (accept("?")) {
      result = Type::optional(std::move(result));
    } else if (accept("[")) {
      int size = 0;
      skip_space();
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (error == std::errc::result_out_of_range || size < 0) fail("a list's size does not fit");
      if (error == std::errc()) at_ = static_cast<size_t>(end - text_.data());
      expect("]");
      result = Type::list(std::move(result));
      if (notes) {
        notes->list_size = size;
        // PyTorch writes both `Tensor(a!)[]` and `t[](a!)`.
        if (looking_at("(")) alias(notes);
      }
    } else {
      return result;
    }
  }
}

TypePtr Parser::base_type(TypeNotes* notes) {
  if (accept("(")) {
    std::vector<TypePtr> elements;
    if (!accept(")")) {
      do {
        elements.push_back(type());
      } while (accept(","));
      expect(")");
    }
    return Type::tuple(std::move(elements));
  }
  const std::string_view head = name(true);
  if (head.empty()) fail("expected a type");
  if (accept("(")) {
    if (head == "Future" || head == "Dict" || head == "RRef" || head == "Optional" || head == "List") {
      TypePtr result = generic(head, ")");
      if (notes && looking_at("(")) alias(notes);
      return result;
    }
    if (head == "NamedTuple") return named_tuple();
    if (head == "Enum") return enumeration();
    // `Tensor(a)`: the bracket opens an alias, which is read after the name.
    --at_;
  } else if (looking_at("[")) {
    const bool is_generic = head == "List" || head == "Dict" || head == "Tuple" || head == "Optional" ||
                            head == "Future" || head == "RRef" || head == "Function" || head == "list" ||
                            head == "dict" || head == "tuple" || head == "Union";
    if (is_generic) {
      expect("[");
      return generic(head, "]");
    }
  }
  TypePtr result = named(head);
  if (notes && looking_at("(")) alias(notes);
  return result;
}

TypePtr Parser::generic(std::string_view head, std::string_view close) {
  if (head == "Function") {
    std::string qualified(name(true));
    if (qualified.empty()) fail("expected the function's name");
    expect(close);
    return Type::function(std::move(qualified));
  }
  std::vector<TypePtr> elements;
  const bool tuple = head == "Tuple" || head == "tuple";
  if (tuple && accept("()")) {
    expect(close);
    return Type::tuple({});
  }
  do {
    elements.push_back(type());
  } while (accept(","));
  expect(close);
  if (tuple) return Type::tuple(std::move(elements));
  if (head == "Union") {
    if (elements.size() > kMostMembers) fail(fmt::format("a Union has at most {} types", kMostMembers));
    return Type::union_of(std::move(elements));
  }
  const bool dict = head == "Dict" || head == "dict";
  const size_t wanted = dict ? 2 : 1;
  if (elements.size() != wanted) {
    fail(fmt::format("{} takes {} type{}, got {}", head, wanted, wanted == 1 ? "" : "s", elements.size()));
  }
  if (dict) return Type::dict(std::move(elements[0]), std::move(elements[1]));
  if (head == "Optional") return Type::optional(std::move(elements[0]));
  if (head == "Future") return Type::future(std::move(elements[0]));
  if (head == "RRef") return Type::rref(std::move(elements[0]));
  return Type::list(std::move(elements[0]));
}

int Parser::height(const Type& type) {
  if (type.of.empty()) return 1;
  if (const auto known = heights_.find(&type); known != heights_.end()) return known->second;
  int below = 0;
  for (const TypePtr& t : type.of) below = std::max(below, height(*t));
  return heights_[&type] = below + 1;
}

// What is defined a second time must be the same, and is then one object.
TypePtr Parser::defined(TypePtr type) {
  if (!names_ || type->name.empty()) return type;
  const auto [at, fresh] = names_->try_emplace(type->name, type);
  if (!fresh && !equal(at->second, type)) fail(fmt::format("the type {} is defined twice", type->name));
  return at->second;
}

// `NamedTuple(app.P, x : int, y : Tensor)`, `NamedTuple(values : Tensor, indices : Tensor)`
TypePtr Parser::named_tuple() {
  std::string qualified;
  std::vector<std::string> fields;
  std::vector<TypePtr> types;
  while (!accept(")")) {
    if (!fields.empty() || !qualified.empty()) expect(",");
    const std::string_view word = name(true);
    if (word.empty()) fail("expected the name of a field");
    if (accept(":")) {
      if (word.find_first_of(".:") != std::string_view::npos) fail("expected the name of a field");
      if (std::find(fields.begin(), fields.end(), word) != fields.end())
        fail(fmt::format("two fields are called {}", word));
      if (fields.size() == kMostFields) fail(fmt::format("a named tuple has at most {} fields", kMostFields));
      fields.emplace_back(word);
      types.push_back(type());
    } else if (qualified.empty() && fields.empty()) {
      qualified = word;
    } else {
      expect(":");
    }
  }
  if (qualified.empty() && fields.empty()) fail("expected the name of a class or a field");
  return defined(
      std::make_shared<const NamedTupleType>(std::move(qualified), std::move(fields), std::move(types)));
}

// `Enum(app.Color, str, RED = 'r')`
TypePtr Parser::enumeration() {
  std::string qualified(name(true));
  if (qualified.empty()) fail("expected the name of a class");
  expect(",");
  TypePtr value_type = type();
  if (value_type->kind != TypeKind::kInt && value_type->kind != TypeKind::kFloat &&
      value_type->kind != TypeKind::kStr)
    fail("the values of an enum are of type int, float or str");
  std::vector<EnumType::Member> members;
  std::unordered_set<std::string_view> seen;
  while (!accept(")")) {
    expect(",");
    const std::string_view member = name(false);
    if (member.empty()) fail("expected the name of a member");
    if (!seen.insert(member).second) fail(fmt::format("two members are called {}", member));
    expect("=");
    Value value = literal();
    if (!fits(value, value_type))
      fail(fmt::format("the value of {} is not of type {}", member, value_type->str()));
    members.emplace_back(member, std::move(value));
  }
  return defined(
      std::make_shared<const EnumType>(std::move(qualified), std::move(value_type), std::move(members)));
}

TypePtr Parser::named(std::string_view head) {
  if (names_) {
    if (const auto known = names_->find(head); known != names_->end()) {
      // A text that is not deep can name ever deeper classes, and whoever looks into a type does so by recursion.
      if (height(*known->second) > kDeepest) fail(fmt::format("{} is nested deeper than {}", head, kDeepest));
      return known->second;
    }
  }
  if (head == "Tensor") return Type::tensor();
  if (head == "int") return Type::integer();
  if (head == "float") return Type::floating();
  if (head == "bool") return Type::boolean();
  if (head == "str") return Type::string();
  if (head == "Scalar" || head == "number") return Type::number();
  if (head == "ScalarType") return Type::scalar_type();
  if (head == "Device") return Type::device();
  if (head == "None" || head == "NoneType") return Type::none();
  if (head == "Any") return Type::any();
  if (head == "AnyEnumType") return Type::any_enum();
  if (head == "List" || head == "Dict" || head == "Tuple" || head == "Optional" || head == "Future" ||
      head == "RRef") {
    fail(fmt::format("{0} needs its element types, like {0}{1}", head,
                     head == "Dict" ? "[str, int]" : "[int]"));
  }
  // A word in small letters is a type variable, such as the `t` of `t[]`.
  if (small(head[0]) && head.find_first_of(".:") == std::string_view::npos)
    return Type::variable(std::string(head));
  return std::make_shared<ObjectType>(std::string(head), std::vector<ObjectType::Slot>{});
}

// "(a)", "(a!)", "(a -> *)", "(*)".
void Parser::alias(TypeNotes* notes) {
  expect("(");
  notes->alias = accept("*") ? "*" : std::string(name(false));
  if (notes->alias.empty()) fail("expected an alias name, like Tensor(a!)");
  notes->written = accept("!");
  if (accept("->") && !accept("*")) fail("expected '*' after '->'");
  expect(")");
}

Value Parser::literal() {
  Deeper deeper(*this);
  skip_space();
  if (at_ == text_.size()) fail("expected a value");
  const char c = text_[at_];
  if (c == '\'' || c == '"') return quoted();
  if (digit(c) || c == '-' || c == '+' || c == '.') return number();
  if (accept("[")) {
    auto list = detail::make_ref<List>();
    if (!accept("]")) {
      do {
        list->items.push_back(literal());
      } while (accept(","));
      expect("]");
    }
    return Value(std::move(list));
  }
  const size_t begin = at_;
  const std::string_view word = name(false);
  if (word == "None") return {};
  if (word == "True") return Value(true);
  if (word == "False") return Value(false);
  at_ = begin;
  if (word == "inf" || word == "nan") return number();
  fail("expected a value: None, True, False, a number, a string or a list of these");
}

Value Parser::number() {
  const size_t begin = at_;
  if (text_[at_] == '+' || text_[at_] == '-') ++at_;
  if (const std::string_view word = name(false); word == "inf" || word == "nan") {
    const double magnitude =
        word == "inf" ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    return Value(text_[begin] == '-' ? -magnitude : magnitude);
  } else if (!word.empty()) {
    at_ = begin;
    fail("expected a number");
  }
  bool whole = true;
  while (at_ < text_.size() &&
         (digit(text_[at_]) || text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E' ||
          ((text_[at_] == '-' || text_[at_] == '+') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E')))) {
    whole &= digit(text_[at_]);
    ++at_;
  }
  const char* first = text_.data() + begin + (text_[begin] == '+');
  const char* last = text_.data() + at_;
  if (whole) {
    int64_t i = 0;
    const auto [end, error] = std::from_chars(first, last, i);
    if (error == std::errc() && end == last) return Value(i);
    at_ = begin;
    fail(error == std::errc::result_out_of_range ? "this integer does not fit 64 bits" : "expected a number");
  }
  double d = 0;
  const auto [end, error] = std::from_chars(first, last, d);
  if (error == std::errc() && end == last) return Value(d);
  at_ = begin;
  fail(error == std::errc::result_out_of_range ? "this number does not fit a float" : "expected a number");
}

Value Parser::quoted() {
  const char quote = text_[at_++];
  std::string out;
  while (at_ < text_.size() && text_[at_] != quote) {
    char c = text_[at_++];
    if (c == '\\') {
      if (at_ == text_.size()) break;
      c = text_[at_++];
      if (c == 'x') {
        unsigned byte = 0;
        const auto [end, error] =
            std::from_chars(text_.data() + at_, text_.data() + std::min(at_ + 2, text_.size()), byte, 16);
        if (error != std::errc() || end != text_.data() + at_ + 2) fail("expected two hex digits after \\x");
        at_ += 2;
        c = static_cast<char>(byte);
      } else {
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
      }
    }
    out += c;
  }
  if (at_ == text_.size()) fail("the string does not end");
  ++at_;
  return Value(std::move(out));
}

}  // namespace tine::value

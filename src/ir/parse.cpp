#include "src/ir/parse.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>

#include "src/ir/passes/rewrite.h"
#include "src/ir/pytorch.h"
#include "src/ir/verify.h"
#include "src/value/unify.h"

namespace tine::ir {
namespace {

// The text may come from another worker, so reading it takes bounded stack and time whatever it says.
constexpr int kDeepestBlock = 200;
constexpr int kDeepestValue = 32;
constexpr int kDeepestType = 32;
constexpr size_t kLongestType = 4096;  // each use of a value may compare its type
// Of one that defines a class: later uses are the same object.
constexpr size_t kLongestDefinition = size_t{1} << 16;

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

class Parser {
 public:
  Parser(std::string_view text, const OpTable& ops, const ParseOptions& options)
      : text_(text), ops_(ops), options_(options) {}

  [[nodiscard]] size_t terms() const noexcept { return terms_; }
  std::unique_ptr<Graph> run(std::string name) {
    expect_word("graph");
    auto graph = std::make_unique<Graph>(std::move(name));
    graph_text(*graph);
    // Sections in the order of the forks; a section may fork again.
    for (size_t i = 0; i < forks_.size(); ++i) {
      expect_word("with");
      expect_word("prim::fork_" + std::to_string(i));
      expect('=');
      expect_word("graph");
      const auto sub = std::make_shared<Graph>(fmt::format("fork_{}", i));
      fork_depth_ = forks_[i].depth;
      graph_text(*sub);
      forks_[i].node->subgraph = sub;
      if (sub->returns.size() != 1) fail("a forked graph returns one value");
    }
    skip();
    if (at_ != text_.size()) fail("expected the end of the text");
    if (options_.pytorch) infer_classes(*graph);
    return graph;
  }

 private:
  // ---- text

  [[noreturn]] void fail(const std::string& message) const {
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
  void skip() noexcept {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  char peek() noexcept {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) noexcept {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("expected '{}'", c));
  }
  bool at_word(std::string_view word) noexcept {
    skip();
    if (text_.substr(at_, word.size()) != word) return false;
    const size_t end = at_ + word.size();
    // "->" ends anywhere; a word ends where its letters do, so `return` is not found in `returned`.
    return end >= text_.size() || !(is_name(text_[end]) || text_[end] == ':') || word.back() == '>';
  }
  bool accept_word(std::string_view word) noexcept {
    if (!at_word(word)) return false;
    at_ += word.size();
    return true;
  }
  void expect_word(std::string_view word) {
    if (!accept_word(word)) fail(fmt::format("expected '{}'", word));
  }
  std::string_view name() {
    skip();
    const size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (at_ == begin) fail("expected a name");
    return text_.substr(begin, at_ - begin);
  }
  // "aten::add.Tensor", "prim::Loop"
  std::string_view operator_name() {
    skip();
    const size_t begin = at_;
    while (at_ < text_.size() && (is_name(text_[at_]) || text_[at_] == ':')) ++at_;
    if (at_ == begin) fail("expected the name of an operator");
    return text_.substr(begin, at_ - begin);
  }
  std::string string() {
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
  static constexpr const char* kEscapes = "expected one of \\n \\r \\t \\x \\\" \\\\";
  [[nodiscard]] bool octal(size_t at) const noexcept {
    return at < text_.size() && text_[at] >= '0' && text_[at] <= '7';
  }
  static int hex(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  }
  int64_t integer() {
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

  // ---- types and constants

  TypePtr type() {
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
  // A graph has no type variables. The classes in it are those that the reader knows, with their slots.
  TypePtr known(const TypePtr& type) {
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
  // From one quote to the last character before the other.
  void skip_quoted() {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) {
      at_ = text_.size();
      fail("the string has no end");
    }
  }

  Value number() {
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

  // `app.Color.RED`, where app.Color was defined, or is defined here.
  bool enum_begins() noexcept {
    const char c = peek();
    if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) return false;
    size_t end = at_;
    while (end < text_.size() && is_name(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    return word == "Enum" || word.find('.') != std::string_view::npos;
  }
  Value member() {
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

  Value tensor() {
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

  bool number_begins() noexcept {
    const char c = peek();
    return (c >= '0' && c <= '9') || c == '-' || at_word("inf") || at_word("nan");
  }
  // `2.5}`: a Tensor of one element, of the dtype of the type before it.
  Value element(const Value& value, size_t begin) {
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

  Value constant(int depth) {
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

  // ---- graphs

  void graph_text(Graph& graph) {
    defs_.clear();  // a forked graph sees nothing of the one around it
    functions_.clear();
    raises_ = false;
    graph_ = &graph;
    params(graph.root());
    const bool declared = accept_word("->");
    if (declared) {
      expect('(');
      while (peek() != ')') {
        if (!graph.returns.empty()) expect(',');
        graph.returns.push_back(type());
      }
      expect(')');
    }
    expect(':');
    nodes(graph.root(), 0);
    expect_word("return");
    graph.root().outputs = uses();
    // Without a declaration the results are of the values' own types.
    if (!declared) {
      for (const Def* def : graph.root().outputs) graph.returns.push_back(def->type);
    }
    end_at_exit(graph.root());
  }

  std::string_view def_name() {
    expect('%');
    return name();
  }
  Def* use() {
    const size_t begin = at_;
    const std::string_view name = def_name();
    const auto found = defs_.find(name);
    if (found == defs_.end()) {
      at_ = begin;
      fail(fmt::format("%{} is used before it is defined", name));
    }
    return found->second;
  }
  std::vector<Def*> uses() {
    expect('(');
    return uses_to_end();
  }
  std::vector<Def*> uses_to_end() {
    std::vector<Def*> out;
    while (peek() != ')') {
      if (!out.empty()) expect(',');
      count();
      out.push_back(use());
    }
    ++at_;
    return out;
  }
  void count() {
    if (++terms_ > options_.most_terms) {
      fail(fmt::format("more than {} nodes, values and uses of values", options_.most_terms));
    }
  }
  void add_def(std::string_view name, Def* def) {
    count();
    if (!defs_.emplace(name, def).second) fail(fmt::format("%{} is defined twice", name));
  }
  // Names that are only numbers are the printer's, not hints.
  static std::string hint_of(std::string_view name) {
    const size_t dot = name.find('.');
    const std::string_view first = name.substr(0, dot);
    return first.empty() || (first[0] >= '0' && first[0] <= '9') ? std::string() : std::string(first);
  }

  void params(Block& block) {
    expect('(');
    for (bool first = true; peek() != ')'; first = false) {
      if (!first) expect(',');
      const std::string_view name = def_name();
      expect(':');
      add_def(name, graph_->add_param(block, type(), hint_of(name)));
    }
    ++at_;
  }

  // Up to "->" or "return".
  void nodes(Block& block, int depth) {
    if (depth > kDeepestBlock) fail("the blocks are nested too deeply");
    // Both words end a block, whichever kind it is. The caller then expects the one that it needs.
    while (!at_word("->") && !at_word("return")) {
      if (at_ >= text_.size()) fail("the text ends inside a block");
      node(block, depth);
    }
  }

  struct Output {
    std::string_view name;
    TypePtr type;
  };

  void node(Block& block, int depth) {
    std::vector<Output> outputs;
    dtype_ = DType::kFloat32;
    if (peek() == '%') {
      do {
        const std::string_view name = def_name();
        expect(':');
        outputs.push_back({name, type()});
      } while (accept(','));
      expect('=');
    } else if (options_.pytorch) {
      accept('=');
    }
    const size_t begin = (skip(), at_);
    const std::string_view name = operator_name();
    count();
    const Kind kind = kind_of(name);
    if (options_.pytorch && is_foreign(kind)) return foreign_node(block, name, begin, kind, outputs);
    Node* node = graph_->create(kind, {});
    if (node->kind == Kind::kFork) {
      if (name != "prim::fork_" + std::to_string(forks_.size())) {
        at_ = begin;
        fail(fmt::format("expected prim::fork_{}: forks are numbered in the order of the text",
                         forks_.size()));
      }
      // Counted here: graphs that own each other are destroyed one inside the other, whatever the verifier says of them.
      if (fork_depth_ == kDeepestFork) {
        at_ = begin;
        fail(fmt::format("forks are nested more than {} deep in one graph", kDeepestFork));
      }
      // The subgraph comes later in the text. run() fills it in.
      forks_.push_back({node, fork_depth_ + 1});
    }
    attributes(*node, outputs.size() == 1 ? outputs.front().type : nullptr);
    if (outputs.size() == 1 && outputs.front().type->kind == TypeKind::kFunction) {
      // Only calls use it, and they have the name themselves here.
      functions_[outputs.front().name] = node->name;
      (void)uses();
      return place(*node);
    }
    node->inputs = uses();
    // The overload of an operator that is written without one is found by the types of its inputs and its result.
    if (node->kind == Kind::kOp) {
      if (outputs.size() != 1) {
        at_ = begin;
        fail(fmt::format("{} has one result", name));
      }
      node->op = overload_for(ops_, name, node->inputs, outputs.front().type);
      if (!node->op) {
        at_ = begin;
        fail(fmt::format("no operator {} takes these arguments and returns {}", name,
                         outputs.front().type->str()));
      }
    }
    place(*node);
    graph_->append(block, node);
    const int inner = node->kind == Kind::kIf ? 2 : node->kind == Kind::kLoop ? 1 : 0;
    for (int i = 0; i < inner; ++i) {
      Block* const child = graph_->add_block(*node);
      expect_word("block" + std::to_string(i));
      params(*child);
      expect(':');
      nodes(*child, depth + 1);
      expect_word("->");
      child->outputs = uses();
      end_at_exit(*child);
    }
    // Defined only now: neither the node's inputs nor its blocks may use its results.
    for (Output& output : outputs) {
      add_def(output.name, graph_->add_output(*node, std::move(output.type), hint_of(output.name)));
    }
  }

  // ---- what PyTorch writes otherwise (pytorch.h)

  bool is_foreign(Kind kind) noexcept {
    switch (kind) {
      case Kind::kOp: return true;
      case Kind::kCallFunction:
      case Kind::kRaise:
      case Kind::kTupleIndex: return peek() != '[';
      case Kind::kIsInstance: return peek() == '[' && text_.substr(at_ + 1, 6) == "types=";
      default: return false;
    }
  }

  void foreign_node(Block& block, std::string_view name, size_t begin, Kind kind,
                    std::vector<Output>& outputs) {
    ForeignNode node;
    node.name = name;
    if (accept('[')) {
      do {
        const std::string attribute(this->name());
        expect('=');
        if (attribute == "types") {
          expect('[');
          do {
            node.types.push_back(type());
          } while (accept(','));
          expect(']');
        } else {
          node.numbers.emplace_back(attribute, constant(0));
        }
      } while (accept(','));
      expect(']');
    }
    std::string callee;
    if (kind == Kind::kCallFunction) {
      expect('(');
      const auto found = functions_.find(def_name());
      if (found == functions_.end())
        fail("expected a function, %f : Function = prim::Constant[name=\"f\"]()");
      callee = found->second;
      if (!accept(',') && peek() != ')') fail("expected ',' or ')'");
      node.inputs = uses_to_end();
    } else {
      node.inputs = uses();
    }
    for (const Output& output : outputs) node.outputs.push_back(output.type);
    Node placed;
    place(placed);
    Builder at(*graph_, block);
    at.span = placed.span;
    std::vector<Def*> results;
    if (kind == Kind::kCallFunction) {
      if (outputs.size() != 1) fail("a call has one result");
      results = {at.call(std::move(callee), std::move(node.inputs), outputs[0].type)};
    } else {
      try {
        results = write_foreign(at, ops_, node);
      } catch (const SyntaxError& error) {
        at_ = begin;
        fail(error.message());
      }
      raises_ = raises_ || kind == Kind::kRaise;
    }
    if (results.size() != outputs.size()) {
      at_ = begin;
      fail(fmt::format("{} has {} results", name, results.size()));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (results[i]->name.empty()) results[i]->name = hint_of(outputs[i].name);
      add_def(outputs[i].name, results[i]);
    }
  }

  // PyTorch writes nodes and results behind a prim::RaiseException, which are never reached.
  void end_at_exit(Block& block) {
    if (!raises_) return;
    const auto exit =
        std::find_if(block.nodes.begin(), block.nodes.end(), [](const Node* n) { return n->is_exit(); });
    if (exit == block.nodes.end()) return;
    block.nodes.erase(exit + 1, block.nodes.end());
    (*exit)->outputs.clear();
    block.outputs.clear();
  }

  Kind kind_of(std::string_view name) const noexcept {
    if (name.substr(0, 11) == "prim::fork_") return Kind::kFork;
    for (int i = 1; i < kKinds; ++i) {
      if (static_cast<Kind>(i) != Kind::kFork && name_of(static_cast<Kind>(i)) == name)
        return static_cast<Kind>(i);
    }
    return Kind::kOp;
  }

  void attributes(Node& node, const TypePtr& output) {
    const char* expected = nullptr;
    switch (node.kind) {
      case Kind::kConstant: expected = "value"; break;
      case Kind::kCallFunction:
      case Kind::kCallMethod:
      case Kind::kGetAttr:
      case Kind::kSetAttr: expected = "name"; break;
      case Kind::kRaise: expected = "kind"; break;
      case Kind::kTupleIndex: expected = "index"; break;
      case Kind::kIsInstance: expected = "type"; break;
      default: return;
    }
    if (node.kind == Kind::kConstant && peek() != '[') return;  // None
    expect('[');
    const bool names_function = node.kind == Kind::kConstant && accept_word("name");
    if (!names_function) expect_word(expected);
    expect('=');
    if (names_function) {
      std::string name = string();
      if (name.empty()) fail("expected the name of a function");
      node.rename_function(std::move(name));
      return expect(']');
    }
    switch (node.kind) {
      case Kind::kConstant:
        node.constant = constant(0);
        // As PyTorch writes a bool.
        if (output && output->kind == TypeKind::kBool && node.constant.is_int())
          node.constant = Value(node.constant.as_int() != 0);
        if (output) node.constant = with_classes(node.constant, output);
        break;
      case Kind::kTupleIndex: {
        const int64_t index = integer();
        // Only keeps the number an int. The verifier compares it with the tuple's type.
        if (index < 0 || index > 0x3fff) fail("expected an index from 0");
        node.index = static_cast<int>(index);
        break;
      }
      case Kind::kIsInstance: node.type = type(); break;
      default: node.name = string();
    }
    expect(']');
  }

  // `# file.py:3:4` up to the end of the line.
  void place(Node& node) {
    size_t p = at_;
    while (p < text_.size() && (text_[p] == ' ' || text_[p] == '\t')) ++p;
    if (options_.pytorch && text_.substr(p, 8) == ", scope:") {
      while (p < text_.size() && text_[p] != '#' && text_[p] != '\n') ++p;
      at_ = p;
    }
    if (p >= text_.size() || text_[p] != '#') return;
    size_t end = text_.find('\n', p);
    if (end == std::string_view::npos) end = text_.size();
    std::string_view words = text_.substr(p + 1, end - p - 1);
    at_ = end;
    while (!words.empty() && is_space(words.front())) words.remove_prefix(1);
    // The line and the column are taken from the end, because a file's name may have colons.
    int numbers[2] = {0, 0};
    for (int i = 1; i >= 0; --i) {
      const size_t colon = words.rfind(':');
      if (colon == std::string_view::npos) return;  // a comment
      const std::string digits(words.substr(colon + 1));
      if (digits.empty() || digits.size() > 9 ||
          digits.find_first_not_of("0123456789 \r") != std::string::npos)
        return;
      numbers[i] = std::atoi(digits.c_str());
      words = words.substr(0, colon);
    }
    std::shared_ptr<const Source>& source = sources_[std::string(words)];
    if (!source) source = std::make_shared<const Source>(std::string(words));
    node.span = SourceSpan(source, numbers[0], numbers[1]);
  }

  const std::string_view text_;
  const OpTable& ops_;
  const ParseOptions& options_;
  size_t at_ = 0;
  size_t terms_ = 0;
  Graph* graph_ = nullptr;
  std::unordered_map<std::string_view, Def*> defs_;
  struct Fork {
    Node* node;
    int depth;  // of its subgraph
  };
  std::vector<Fork> forks_;
  int fork_depth_ = 0;  // of the graph at hand
  std::unordered_map<std::string, std::shared_ptr<const Source>> sources_;
  std::unordered_map<std::string_view, std::string> functions_;  // PyTorch's constants of functions
  DType dtype_ = DType::kFloat32;                                // that the type of the node's result says
  bool raises_ = false;                                          // an exit may stand in front of other nodes
  TypeNames types_;                                              // the classes that the text has defined
  size_t type_at_ = 0;                                           // where the type at hand begins
  TypeMap known_{[this](const TypePtr& type) { return known(type); }};
};

}  // namespace

std::unique_ptr<Graph> parse(std::string_view text, const OpTable& ops, std::string name,
                             const ParseOptions& options, size_t* terms) {
  Parser parser(text, ops, options);
  std::unique_ptr<Graph> graph = parser.run(std::move(name));
  if (terms) *terms = parser.terms();
  // So far the text is well-formed. The verifier decides whether the graph may run.
  if (options.pytorch) {
    verify_nodes(*graph);
  } else {
    verify(*graph);
  }
  return graph;
}

}  // namespace tine::ir

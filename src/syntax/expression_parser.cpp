#include "src/syntax/expression_parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>

namespace tine::syntax {
namespace {

struct BinaryRule {
  int precedence;  // 0: not a binary operator
  BinaryOp op;
};

BinaryRule binary_rule(Tok tok) noexcept {
  switch (tok) {
    case Tok::kPipe: return {1, BinaryOp::kOr};
    case Tok::kCaret: return {2, BinaryOp::kXor};
    case Tok::kAmp: return {3, BinaryOp::kAnd};
    case Tok::kShl: return {4, BinaryOp::kShl};
    case Tok::kShr: return {4, BinaryOp::kShr};
    case Tok::kPlus: return {5, BinaryOp::kAdd};
    case Tok::kMinus: return {5, BinaryOp::kSub};
    case Tok::kStar: return {6, BinaryOp::kMul};
    case Tok::kSlash: return {6, BinaryOp::kDiv};
    case Tok::kDoubleSlash: return {6, BinaryOp::kFloorDiv};
    case Tok::kPercent: return {6, BinaryOp::kMod};
    case Tok::kAt: return {6, BinaryOp::kMatMul};
    default: return {0, BinaryOp::kAdd};
  }
}

constexpr std::string_view kWhereStarsStand =
    "`*` unpacks among arguments, targets and the items of a list or tuple; a tuple of one item ends in a "
    "comma: `*x,`";

constexpr uint64_t kMinIntMagnitude = uint64_t{1} << 63;

}  // namespace

ExpressionParser::Nested::Nested(ExpressionParser& parser) : parser_(parser) {
  if (++parser_.depth_ > kMaxNesting) {
    --parser_.depth_;  // the destructor does not run
    parser_.fail(
        parser_.peek().span,
        fmt::format("this is nested more than {} levels deep; give the inner parts names of their own",
                    kMaxNesting));
  }
}

bool ExpressionParser::accept(Tok kind) noexcept {
  if (!at(kind)) return false;
  take();
  return true;
}

const Token& ExpressionParser::expect(Tok kind, std::string_view where) {
  if (!at(kind)) fail(peek().span, fmt::format("expected {} {}, found {}", name_of(kind), where, found()));
  return take();
}

std::string ExpressionParser::found() const {
  const Token& t = peek();
  switch (t.kind) {
    case Tok::kName:
    case Tok::kInt:
    case Tok::kFloat:
      if (t.span.end - t.span.begin <= 60) return fmt::format("`{}`", text(t));
      [[fallthrough]];
    default: return name_of(t.kind);
  }
}

void ExpressionParser::fail(Span span, std::string_view message) const {
  throw_at(ErrorKind::kSyntax, SourceSpan(source_, span), message);
}

void ExpressionParser::check_height(Expr& e, std::initializer_list<const Expr*> children) const {
  for (const Expr* child : children) {
    if (child) e.height = std::max(e.height, child->height + 1);
  }
  if (e.height > kMaxHeight) {
    fail(e.span,
         fmt::format("this expression chains more than {} operations; split it over several statements",
                     kMaxHeight));
  }
}
void ExpressionParser::check_height(Expr& e, const std::vector<ExprPtr>& children) const {
  for (const ExprPtr& child : children) check_height(e, {child.get()});
}

void ExpressionParser::expect_end() {
  if (!at(Tok::kEnd))
    fail(peek().span, fmt::format("expected the expression to end here, found {}", found()));
}

ExprPtr ExpressionParser::literal(ExprKind kind) {
  auto node = std::make_unique<Literal>(kind);
  node->span = take().span;
  return node;
}

ExprPtr ExpressionParser::expression() {
  const Nested nested(*this);
  if (at(Tok::kLambda))
    fail(peek().span, "`lambda` is not supported in scripts; define a function and pass its name");
  if (at(Tok::kYield))
    fail(peek().span, "`yield` is not supported in scripts; collect the values in a list and return it");
  if (at(Tok::kAwait))
    fail(peek().span,
         "`await` is not supported in scripts; write `torch.jit.wait(future)`, which suspends as well");
  ExprPtr then = disjunction();
  if (at(Tok::kWalrus)) fail(peek().span, "`:=` is not supported in scripts; assign on a line of its own");
  if (!at(Tok::kIf)) return then;
  take();
  auto node = std::make_unique<Ternary>();
  // Not expression(): Python's grammar has a ternary only behind the `else`, or in brackets.
  node->condition = disjunction();
  expect(Tok::kElse, "in `a if condition else b`");
  node->otherwise = expression();
  node->then = std::move(then);
  node->span = since(node->then->span.begin);
  check_height(*node, {node->condition.get(), node->then.get(), node->otherwise.get()});
  return node;
}

ExprPtr ExpressionParser::item() {
  return at(Tok::kStar) ? starred(&ExpressionParser::disjunction) : expression();
}

ExprPtr ExpressionParser::expression_list() { return rest_of_list(item()); }

ExprPtr ExpressionParser::rest_of_list(ExprPtr first) {
  if (!at(Tok::kComma)) {
    refuse_starred(*first);
    return first;
  }
  auto node = std::make_unique<Tuple>();
  const uint32_t begin = first->span.begin;
  node->items.push_back(std::move(first));
  while (accept(Tok::kComma)) {
    // A trailing comma: these tokens cannot begin an expression here.
    if (at(Tok::kNewline) || at(Tok::kEnd) || at(Tok::kAssign) || at(Tok::kSemicolon) || at(Tok::kRParen) ||
        at(Tok::kColon) || at(Tok::kIn)) {
      break;
    }
    node->items.push_back(item());
  }
  node->span = since(begin);
  check_height(*node, node->items);
  return node;
}

ExprPtr ExpressionParser::target_list() {
  // Parsed with a precedence above that of comparisons, so that `in` ends the target.
  const uint32_t begin = peek().span.begin;
  const auto one = [&] {
    return at(Tok::kStar) ? starred(&ExpressionParser::starred_target) : starred_target();
  };
  ExprPtr first = one();
  if (!at(Tok::kComma)) {
    refuse_starred(*first);
    return first;
  }
  auto node = std::make_unique<Tuple>();
  node->items.push_back(std::move(first));
  while (accept(Tok::kComma)) {
    if (at(Tok::kIn)) break;
    node->items.push_back(one());
  }
  node->span = since(begin);
  check_height(*node, node->items);
  return node;
}

ExprPtr ExpressionParser::starred(ExprPtr (ExpressionParser::*value)()) {
  const Nested nested(*this);
  auto node = std::make_unique<Starred>();
  const uint32_t begin = take().span.begin;
  node->value = (this->*value)();
  node->span = since(begin);
  check_height(*node, {node->value.get()});
  return node;
}

void ExpressionParser::refuse_starred(const Expr& e) const {
  if (e.kind == ExprKind::kStarred) fail(e.span, kWhereStarsStand);
}

ExprPtr ExpressionParser::disjunction() {
  ExprPtr left = conjunction();
  while (accept(Tok::kOr)) {
    auto node = std::make_unique<BoolOp>();
    node->is_and = false;
    node->left = std::move(left);
    node->right = conjunction();
    node->span = since(node->left->span.begin);
    check_height(*node, {node->left.get(), node->right.get()});
    left = std::move(node);
  }
  return left;
}

ExprPtr ExpressionParser::conjunction() {
  ExprPtr left = inversion();
  while (accept(Tok::kAnd)) {
    auto node = std::make_unique<BoolOp>();
    node->left = std::move(left);
    node->right = inversion();
    node->span = since(node->left->span.begin);
    check_height(*node, {node->left.get(), node->right.get()});
    left = std::move(node);
  }
  return left;
}

ExprPtr ExpressionParser::inversion() {
  if (!at(Tok::kNot)) return comparison();
  const Nested nested(*this);
  auto node = std::make_unique<Unary>();
  const uint32_t begin = take().span.begin;
  node->op = UnaryOp::kNot;
  node->operand = inversion();
  node->span = since(begin);
  check_height(*node, {node->operand.get()});
  return node;
}

ExprPtr ExpressionParser::comparison() {
  ExprPtr first = binary(1);
  std::unique_ptr<Compare> node;
  for (;;) {
    CompareOp op;
    switch (peek().kind) {
      case Tok::kEq: op = CompareOp::kEq; break;
      case Tok::kNe: op = CompareOp::kNe; break;
      case Tok::kLt: op = CompareOp::kLt; break;
      case Tok::kLe: op = CompareOp::kLe; break;
      case Tok::kGt: op = CompareOp::kGt; break;
      case Tok::kGe: op = CompareOp::kGe; break;
      case Tok::kIn: op = CompareOp::kIn; break;
      case Tok::kIs: op = peek(1).kind == Tok::kNot ? CompareOp::kIsNot : CompareOp::kIs; break;
      case Tok::kNot:
        if (peek(1).kind == Tok::kIn) {
          op = CompareOp::kNotIn;
          break;
        }
        [[fallthrough]];
      default:
        if (!node) return first;
        node->span = since(node->first->span.begin);
        check_height(*node, {node->first.get()});
        check_height(*node, node->rest);
        return node;
    }
    take();
    if (op == CompareOp::kIsNot || op == CompareOp::kNotIn) take();
    if (!node) {
      node = std::make_unique<Compare>();
      node->first = std::move(first);
    }
    // The chain is flat, so the height of the tree does not bound its length.
    if (node->ops.size() >= static_cast<size_t>(kMaxHeight)) {
      fail(peek().span, fmt::format("a comparison chains at most {} operands", kMaxHeight));
    }
    node->ops.push_back(op);
    node->rest.push_back(binary(1));
  }
}

ExprPtr ExpressionParser::binary(int minimum) {
  ExprPtr left = unary();
  for (;;) {
    const BinaryRule rule = binary_rule(peek().kind);
    // Precedence climbing. The right side takes only operators that bind more tightly, so equal ones group from the left,
    // and a long chain needs a loop here and no recursion.
    if (rule.precedence < std::max(minimum, 1)) return left;
    take();
    auto node = std::make_unique<Binary>();
    node->op = rule.op;
    node->left = std::move(left);
    node->right = binary(rule.precedence + 1);
    node->span = since(node->left->span.begin);
    check_height(*node, {node->left.get(), node->right.get()});
    left = std::move(node);
  }
}

ExprPtr ExpressionParser::unary() {
  UnaryOp op;
  switch (peek().kind) {
    case Tok::kMinus: op = UnaryOp::kNeg; break;
    case Tok::kPlus: op = UnaryOp::kPos; break;
    case Tok::kTilde: op = UnaryOp::kInvert; break;
    default: return power();
  }
  const Nested nested(*this);
  const uint32_t begin = take().span.begin;
  // -2**63 is an int although 2**63 is not, so this one is made here and not by negation.
  if (op == UnaryOp::kNeg && at(Tok::kInt) && text(peek()) == "9223372036854775808") {
    take();
    auto node = std::make_unique<Int>();
    node->value = std::numeric_limits<int64_t>::min();
    node->span = since(begin);
    return node;
  }
  auto node = std::make_unique<Unary>();
  node->op = op;
  node->operand = unary();
  node->span = since(begin);
  check_height(*node, {node->operand.get()});
  return node;
}

ExprPtr ExpressionParser::power() {
  ExprPtr base = postfix();
  if (!at(Tok::kDoubleStar)) return base;
  const Nested nested(*this);
  take();
  auto node = std::make_unique<Binary>();
  node->op = BinaryOp::kPow;
  node->left = std::move(base);
  node->right =
      unary();  // ** groups from the right, and binds less tightly than a sign on its right: 2 ** -1
  node->span = since(node->left->span.begin);
  check_height(*node, {node->left.get(), node->right.get()});
  return node;
}

ExprPtr ExpressionParser::postfix() {
  // A loop, so that a long chain such as a.b[0].c() needs no recursion here. check_height() bounds the tree that it
  // makes.
  ExprPtr e = atom();
  for (;;) {
    if (accept(Tok::kDot)) {
      auto node = std::make_unique<Attribute>();
      const Token& name = expect(Tok::kName, "after `.`");
      node->object = std::move(e);
      node->name = text(name);
      node->name_span = name.span;
      node->span = since(node->object->span.begin);
      check_height(*node, {node->object.get()});
      e = std::move(node);
    } else if (at(Tok::kLBracket)) {
      e = subscript(std::move(e));
    } else if (at(Tok::kLParen)) {
      e = call(std::move(e));
    } else {
      return e;
    }
  }
}

ExprPtr ExpressionParser::subscript(ExprPtr object) {
  take();
  auto node = std::make_unique<Subscript>();
  node->object = std::move(object);
  if (at(Tok::kRBracket)) fail(peek().span, "expected an index between `[` and `]`");
  do {
    if (at(Tok::kRBracket)) break;
    node->indices.push_back(index());
    // x[i,] has one index and means a tuple of one.
    node->comma = node->comma || at(Tok::kComma);
  } while (accept(Tok::kComma));
  expect(Tok::kRBracket, "after the index");
  node->span = since(node->object->span.begin);
  check_height(*node, {node->object.get()});
  check_height(*node, node->indices);
  return node;
}

ExprPtr ExpressionParser::index() {
  const uint32_t begin = peek().span.begin;
  ExprPtr lower = at(Tok::kColon) ? nullptr : expression();
  if (!at(Tok::kColon)) return lower;
  take();
  const auto absent = [&] { return at(Tok::kColon) || at(Tok::kComma) || at(Tok::kRBracket); };
  auto node = std::make_unique<Slice>();
  node->lower = std::move(lower);
  if (!absent()) node->upper = expression();
  if (accept(Tok::kColon) && !absent()) node->step = expression();
  node->span = since(begin);
  check_height(*node, {node->lower.get(), node->upper.get(), node->step.get()});
  return node;
}

ExprPtr ExpressionParser::call(ExprPtr callee) {
  const uint32_t open = take().span.begin;
  auto node = std::make_unique<Call>();
  node->callee = std::move(callee);
  check_height(*node, {node->callee.get()});
  while (!at(Tok::kRParen)) {
    if (at(Tok::kDoubleStar))
      fail(peek().span, "`**kwargs` is not supported in a call in scripts; write the keywords one by one");
    if (at(Tok::kName) && peek(1).kind == Tok::kAssign) {
      const Token& name = take();
      take();
      Keyword keyword{text(name), name.span, nullptr};
      // This also bounds the search for a second keyword of the same name.
      if (node->keywords.size() >= kMaxParameters)
        fail(name.span, fmt::format("a call takes at most {} keywords", kMaxParameters));
      if (std::any_of(node->keywords.begin(), node->keywords.end(),
                      [&](const Keyword& k) { return k.name == keyword.name; })) {
        fail(name.span, fmt::format("the keyword `{}` is given twice", keyword.name));
      }
      keyword.value = expression();
      check_height(*node, {keyword.value.get()});
      node->keywords.push_back(std::move(keyword));
    } else {
      ExprPtr value = item();
      if (at(Tok::kFor)) {
        value = generator(std::move(value), value->span.begin);
        // As in Python: what follows might be meant for the call or for the loop.
        if (!node->args.empty() || !node->keywords.empty() || !at(Tok::kRParen))
          fail(value->span, "a generator expression beside other arguments needs brackets of its own");
      }
      if (!node->keywords.empty() && value->kind != ExprKind::kStarred)
        fail(value->span, "a positional argument follows a keyword argument; move it to the front");
      check_height(*node, {value.get()});
      node->args.push_back(std::move(value));
    }
    if (!accept(Tok::kComma)) break;
  }
  if (!at(Tok::kRParen)) {
    fail(peek().span, fmt::format("expected `,` or `)` in the arguments that begin at {}, found {}",
                                  SourceSpan(source_, Span{open, open + 1}).str(), found()));
  }
  take();
  node->span = since(node->callee->span.begin);
  return node;
}

// From its `for` on.
ExprPtr ExpressionParser::generator(ExprPtr element, uint32_t begin) {
  auto comp = std::make_unique<ListComp>();
  refuse_starred(*element);
  comp->element = std::move(element);
  check_height(*comp, {comp->element.get()});
  return comprehension(std::move(comp), begin);
}

ExprPtr ExpressionParser::atom() {
  const Token& t = peek();
  switch (t.kind) {
    case Tok::kName: {
      auto node = std::make_unique<Name>();
      node->span = t.span;
      node->id = text(take());
      return node;
    }
    case Tok::kNone: return literal(ExprKind::kNone);
    case Tok::kTrue: return literal(ExprKind::kTrue);
    case Tok::kFalse: return literal(ExprKind::kFalse);
    case Tok::kEllipsis: return literal(ExprKind::kEllipsis);
    case Tok::kInt:
    case Tok::kFloat: return number();
    case Tok::kString:
    case Tok::kFString: return string();
    case Tok::kLParen: return bracketed();
    case Tok::kLBracket: return list_or_comprehension();
    case Tok::kLBrace: return dict();
    case Tok::kLambda:
    case Tok::kYield:
    case Tok::kAwait: return expression();  // says why not
    case Tok::kStar: fail(t.span, kWhereStarsStand);
    default: fail(t.span, fmt::format("expected an expression, found {}", found()));
  }
}

ExprPtr ExpressionParser::bracketed() {
  const uint32_t begin = take().span.begin;
  if (accept(Tok::kRParen)) {
    auto node = std::make_unique<Tuple>();
    node->span = since(begin);
    return node;
  }
  ExprPtr first = item();
  ExprPtr inner = at(Tok::kFor) ? generator(std::move(first), begin) : rest_of_list(std::move(first));
  if (!at(Tok::kRParen)) {
    fail(peek().span, fmt::format("expected `)` to close the `(` at {}, found {}",
                                  SourceSpan(source_, Span{begin, begin + 1}).str(), found()));
  }
  take();
  inner->span = since(begin);  // with the brackets, so that a marker shows all of it
  return inner;
}

// From its `for` on, up to what closes it.
template <class Comp>
std::unique_ptr<Comp> ExpressionParser::comprehension(std::unique_ptr<Comp> comp, uint32_t begin) {
  take();
  comp->target = target_list();
  expect(Tok::kIn, "in the comprehension");
  // Not expression(): an `if` that follows begins a condition, not a ternary.
  comp->iterable = disjunction();
  while (accept(Tok::kIf)) comp->conditions.push_back(disjunction());
  if (at(Tok::kFor))
    fail(peek().span,
         "a comprehension over several loops is not supported in scripts; write nested `for` statements");
  comp->span = since(begin);
  check_height(*comp, {comp->target.get(), comp->iterable.get()});
  check_height(*comp, comp->conditions);
  return comp;
}

ExprPtr ExpressionParser::closed(ExprPtr comp, uint32_t begin, Tok close) {
  expect(close, "to close the comprehension");
  comp->span = since(begin);
  return comp;
}

ExprPtr ExpressionParser::list_or_comprehension() {
  const uint32_t begin = take().span.begin;
  auto node = std::make_unique<List>();
  while (!at(Tok::kRBracket)) {
    node->items.push_back(item());
    if (at(Tok::kFor) && node->items.size() == 1)
      return closed(generator(std::move(node->items.front()), begin), begin, Tok::kRBracket);
    if (!accept(Tok::kComma)) break;
  }
  if (!at(Tok::kRBracket)) {
    fail(peek().span, fmt::format("expected `,` or `]` in the list that begins at {}, found {}",
                                  SourceSpan(source_, Span{begin, begin + 1}).str(), found()));
  }
  take();
  node->span = since(begin);
  check_height(*node, node->items);
  return node;
}

ExprPtr ExpressionParser::dict() {
  const uint32_t begin = take().span.begin;
  auto node = std::make_unique<Dict>();
  while (!at(Tok::kRBrace)) {
    if (at(Tok::kDoubleStar) || at(Tok::kStar))
      fail(peek().span, "`*` and `**` do not unpack in scripts; name the elements one by one");
    ExprPtr key = expression();
    if (at(Tok::kComma) || at(Tok::kRBrace)) {
      fail(since(begin), "sets are not supported in scripts; write a list `[...]`, or a dict `{key: value}`");
    }
    if (at(Tok::kFor))
      fail(peek().span,
           "a set comprehension is not supported in scripts; write a list comprehension `[... for ... in "
           "...]` or a loop");
    expect(Tok::kColon, "between key and value of the dict");
    ExprPtr value = expression();
    if (at(Tok::kFor) && node->keys.empty()) {
      auto comp = std::make_unique<DictComp>();
      comp->key = std::move(key);
      comp->value = std::move(value);
      check_height(*comp, {comp->key.get(), comp->value.get()});
      return closed(comprehension(std::move(comp), begin), begin, Tok::kRBrace);
    }
    node->keys.push_back(std::move(key));
    node->values.push_back(std::move(value));
    if (!accept(Tok::kComma)) break;
  }
  expect(Tok::kRBrace, "to close the dict");
  node->span = since(begin);
  check_height(*node, node->keys);
  check_height(*node, node->values);
  return node;
}

ExprPtr ExpressionParser::number() {
  const Token t = take();
  std::string digits;
  for (const char c : text(t)) {
    if (c != '_') digits += c;
  }
  if (t.kind == Tok::kFloat) {
    auto node = std::make_unique<Float>();
    node->span = t.span;
    // from_chars leaves overflow to the caller; strtod gives inf, as Python does.
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), node->value);
    if (error == std::errc::result_out_of_range) node->value = std::strtod(digits.c_str(), nullptr);
    return node;
  }
  std::string_view body = digits;
  int base = 10;
  if (body.size() > 2 && body[0] == '0') {
    const char letter = static_cast<char>(body[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    if (base != 10) body.remove_prefix(2);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value, base);
  if (error != std::errc() || value >= kMinIntMagnitude) {
    fail(t.span, "this number does not fit into an int of 64 bits; write it as a float");
  }
  auto node = std::make_unique<Int>();
  node->span = t.span;
  node->value = static_cast<int64_t>(value);
  return node;
}

ExprPtr ExpressionParser::string() {
  const uint32_t begin = peek().span.begin;
  std::vector<ExprPtr> parts;
  int tokens = 0;
  bool format = false;
  const auto add = [&](ExprPtr part) {
    // Neighbouring pieces of text are one.
    if (!parts.empty() && part->kind == ExprKind::kString && parts.back()->kind == ExprKind::kString) {
      static_cast<String&>(*parts.back()).value += static_cast<String&>(*part).value;
      static_cast<String&>(*parts.back()).body = {};
    } else {
      parts.push_back(std::move(part));
    }
  };
  while (at(Tok::kString) || at(Tok::kFString)) {
    const Token t = take();
    ++tokens;
    if (t.kind == Tok::kFString) {
      format = true;
      ExprPtr pieces = format_string(t);
      for (ExprPtr& p : static_cast<FString&>(*pieces).parts) add(std::move(p));
    } else {
      const StringBody body = body_of(*source_, t);
      auto node = std::make_unique<String>();
      node->span = t.span;
      node->value = unescape(source_, body.span, body.raw);
      node->body = body.span;
      add(std::move(node));
    }
  }
  if (!format) {
    // An annotation in quotes is parsed from its place in the source, and joined pieces have no single place.
    if (tokens > 1) static_cast<String&>(*parts.front()).body = {};
    parts.front()->span = since(begin);
    return std::move(parts.front());
  }
  auto node = std::make_unique<FString>();
  node->parts = std::move(parts);
  node->span = since(begin);
  check_height(*node, node->parts);
  return node;
}

ExprPtr ExpressionParser::format_string(const Token& token) {
  const Nested nested(*this);
  const StringBody body = body_of(*source_, token);
  const std::string_view all = source_->text;
  auto node = std::make_unique<FString>();
  node->span = token.span;
  std::string literal;
  uint32_t i = body.span.begin, from = i;
  // [from, i) is text that has been read and not yet been added. A doubled brace ends it after the first brace.
  const auto flush = [&](uint32_t to) { literal += unescape(source_, {from, to}, body.raw); };
  while (i < body.span.end) {
    const char c = all[i];
    if (c == '\\' && !body.raw) {
      // The escaped character is skipped, but a brace: as in Python, `\{` is a backslash in front of a field.
      const bool brace = i + 1 < body.span.end && (all[i + 1] == '{' || all[i + 1] == '}');
      i = std::min(i + (brace ? 1 : 2), body.span.end);
    } else if ((c == '{' || c == '}') && i + 1 < body.span.end && all[i + 1] == c) {
      flush(i + 1);
      i += 2;
      from = i;
    } else if (c == '}') {
      fail({i, i + 1}, "this `}` closes no field; a brace in the text is written `}}`");
    } else if (c == '{') {
      flush(i);
      // The field ends at the first `}` outside of strings and brackets. Its text is then lexed and parsed by itself.
      // A colon, `!r` or a final `=` outside of brackets would be a format, a conversion or a debugging form; `!=` is
      // an operator.
      const uint32_t begin = i + 1;
      int brackets = 0;
      char quote = '\0';
      for (++i; i < body.span.end; ++i) {
        const char d = all[i];
        if (quote != '\0') {
          if (d == quote) quote = '\0';
        } else if (d == '\'' || d == '"') {
          quote = d;
        } else if (d == '(' || d == '[' || d == '{') {
          ++brackets;
        } else if (brackets > 0 && (d == ')' || d == ']' || d == '}')) {
          --brackets;
        } else if (d == '}') {
          break;
        } else if (brackets == 0 && (d == ':' || (d == '!' && i + 1 < body.span.end && all[i + 1] != '=') ||
                                     (d == '=' && i + 1 < body.span.end && all[i + 1] == '}'))) {
          fail({i, i + 1},
               "formats, conversions and `=` in the fields of an f-string are not supported in scripts; "
               "convert the value first");
        }
      }
      if (i >= body.span.end) fail({begin - 1, begin}, "this field is never closed");
      if (i == begin) fail({begin - 1, i + 1}, "this field is empty");
      // The field goes on counting from this depth, so f-strings inside f-strings are bounded too.
      ExpressionParser field(source_, lex_expression(source_, {begin, i}), depth_);
      ExprPtr value = field.expression_list();
      field.expect_end();
      if (!literal.empty()) {
        auto text = std::make_unique<String>();
        text->span = token.span;
        text->value = std::move(literal);
        node->parts.push_back(std::move(text));
        literal.clear();
      }
      node->parts.push_back(std::move(value));
      ++i;
      from = i;
    } else {
      ++i;
    }
  }
  flush(body.span.end);
  if (!literal.empty() || node->parts.empty()) {
    auto text = std::make_unique<String>();
    text->span = token.span;
    text->value = std::move(literal);
    node->parts.push_back(std::move(text));
  }
  return node;
}

}  // namespace tine::syntax

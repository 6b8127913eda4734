#include "src/syntax/expression_parser.h"

#include <fmt/core.h>

#include <algorithm>
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
      if (t.span.end - t.span.begin <= 60) return fmt::format("`{}`{}", text(t), advice());
      [[fallthrough]];
    default: return fmt::format("{}{}", name_of(t.kind), advice());
  }
}

std::string_view ExpressionParser::advice() const {
  // Whether the token at `at_ - back` is of that kind, and the next one follows it without a space.
  const auto joined = [&](size_t back, Tok kind) {
    return at_ >= back && tokens_[at_ - back].kind == kind &&
           tokens_[at_ - back].span.end == tokens_[at_ - back + 1].span.begin;
  };
  const auto twice = [&](Tok kind) { return joined(2, kind) && tokens_[at_ - 1].kind == kind; };
  switch (peek().kind) {
    case Tok::kExclaim: return "; write `not`";
    case Tok::kAmp: return joined(1, Tok::kAmp) ? "; write `and`" : "";
    case Tok::kPipe: return joined(1, Tok::kPipe) ? "; write `or`" : "";
    case Tok::kGt: return joined(1, Tok::kLt) ? "; write `!=`" : "";
    case Tok::kNewline:
    case Tok::kSemicolon:
      return twice(Tok::kPlus) ? "; write `+= 1`" : twice(Tok::kMinus) ? "; write `-= 1`" : "";
    default: break;
  }
  const bool printed = at_ > 0 && tokens_[at_ - 1].kind == Tok::kName && text(tokens_[at_ - 1]) == "print";
  return printed ? "; write `print(...)`" : "";
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

}  // namespace tine::syntax

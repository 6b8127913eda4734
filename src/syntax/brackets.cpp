// What stands in brackets: subscripts, calls, tuples, lists, dicts and comprehensions.
#include <fmt/core.h>

#include <algorithm>

#include "src/syntax/expression_parser.h"

namespace tine::syntax {

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

// From its `for` on.
ExprPtr ExpressionParser::generator(ExprPtr element, uint32_t begin) {
  auto comp = std::make_unique<ListComp>();
  refuse_starred(*element);
  comp->element = std::move(element);
  check_height(*comp, {comp->element.get()});
  return comprehension(std::move(comp), begin);
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

}  // namespace tine::syntax

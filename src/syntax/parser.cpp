#include "src/syntax/parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <utility>

#include "src/syntax/expression_parser.h"
#include "src/syntax/type_comments.h"

namespace tine::syntax {
namespace {

class Parser : public ExpressionParser {
 public:
  Parser(std::shared_ptr<const Source> source, std::vector<Token> tokens, std::vector<TypeComment> comments)
      : ExpressionParser(std::move(source), std::move(tokens)), comments_(std::move(comments)) {}

  Module module() {
    Module m;
    m.source = source_;
    while (!at(Tok::kEnd)) {
      if (accept(Tok::kNewline)) continue;
      std::vector<ExprPtr> decorators = decorator_list();
      switch (peek().kind) {
        case Tok::kDef: m.functions.push_back(function(std::move(decorators))); break;
        case Tok::kClass: m.classes.push_back(class_def(std::move(decorators))); break;
        case Tok::kAsync: refuse_async();
        case Tok::kImport:
        case Tok::kFrom:
          // A decorator belongs to a `def` or a `class`. In front of an import it gets the error below.
          if (decorators.empty()) {
            import(m.imports);
            break;
          }
          [[fallthrough]];
        case Tok::kString:
          if (at(Tok::kString) && decorators.empty() &&
              peek(1).kind == Tok::kNewline) {  // the module's docstring
            take();
            break;
          }
          [[fallthrough]];
        default:
          fail(peek().span, fmt::format("expected `def` at the outermost level of a script, found {}; "
                                        "statements belong into a function",
                                        found()));
      }
    }
    // Ignoring one would compile something else than its author meant.
    for (const TypeComment& c : comments_) {
      if (!c.used)
        fail(c.span,
             "a type in a comment is read after a parameter, in front of a function's body and after the "
             "assignment of a variable; elsewhere write an annotation, as in `x: List[int] = []`");
    }
    return m;
  }

 private:
  // The comments in front of the tokens from `first` to `last`.
  std::span<TypeComment> comments_before(size_t first, size_t last) {
    const auto begin = std::partition_point(comments_.begin(), comments_.end(),
                                            [&](const TypeComment& c) { return c.before < first; });
    const auto end =
        std::partition_point(begin, comments_.end(), [&](const TypeComment& c) { return c.before <= last; });
    return {begin, end};
  }
  std::string_view text_of(const TypeComment& c) const {
    return std::string_view(source_->text).substr(c.span.begin, c.span.end - c.span.begin);
  }
  // The type in a comment in front of the next token; null where there is none.
  ExprPtr commented_type() {
    for (TypeComment& c : comments_before(at_, at_)) {
      if (c.used || is_signature(text_of(c))) continue;
      c.used = true;
      return parse_expression(source_, c.span);
    }
    return nullptr;
  }
  // A parameter may have both an annotation and a comment if they say the same.
  void add_type(ExprPtr type, std::string_view what, ExprPtr* annotation) const {
    const auto written = [&](const Expr& e) {
      std::string text = source_->text.substr(e.span.begin, e.span.end - e.span.begin);
      std::erase(text, ' ');
      return text;
    };
    if (*annotation && written(**annotation) != written(*type))
      fail(type->span, fmt::format("the annotation of {} and this comment are different; keep one", what));
    if (!*annotation) *annotation = std::move(type);
  }

  // `# type: (...) -> T` behind the head of a function or in front of its first statement, before or after the docstring.
  void signature_comment(FunctionDef& f, size_t body) {
    size_t first = body;
    while (tokens_[first].kind == Tok::kNewline || tokens_[first].kind == Tok::kIndent) ++first;
    if (tokens_[first].kind == Tok::kString && tokens_[first + 1].kind == Tok::kNewline) first += 2;
    for (TypeComment& c : comments_before(body, first)) {
      if (c.used || !is_signature(text_of(c))) continue;
      c.used = true;
      SignatureComment s = parse_signature(source_, c.span);
      add_type(std::move(s.returns), "the result", &f.returns);
      if (s.ellipsis) continue;
      // A method's own object is not named.
      const bool method = s.params.size() + 1 == f.params.size() && f.params.front().name == "self";
      const size_t skipped = method ? 1 : 0;
      if (s.params.size() + skipped != f.params.size()) {
        fail(c.span, fmt::format("this comment has the types of {} parameters, but `{}` takes {}",
                                 s.params.size(), f.name, f.params.size()));
      }
      for (size_t i = 0; i < s.params.size(); ++i) {
        Param& p = f.params[i + skipped];
        add_type(std::move(s.params[i]), fmt::format("`{}`", p.name), &p.annotation);
      }
    }
  }

  [[noreturn]] void refuse_async() const {
    fail(peek().span,
         "`async` is not supported in scripts; start work with `torch.jit.fork` and take its result with "
         "`torch.jit.wait`");
  }

  std::vector<ExprPtr> decorator_list() {
    std::vector<ExprPtr> decorators;
    while (accept(Tok::kAt)) {
      decorators.push_back(expression());
      expect(Tok::kNewline, "after the decorator");
    }
    return decorators;
  }

  void import(std::vector<Import>& imports) {
    const uint32_t begin = peek().span.begin;
    const auto dotted = [&] {
      std::string name(text(expect(Tok::kName, "in the import")));
      while (accept(Tok::kDot)) {
        name += '.';
        name += text(expect(Tok::kName, "in the import"));
      }
      return name;
    };
    if (accept(Tok::kFrom)) {
      if (at(Tok::kDot) || at(Tok::kEllipsis))
        fail(peek().span, "a relative import is not supported in scripts; name the module from its root");
      const std::string module = dotted();
      expect(Tok::kImport, "in `from module import name`");
      const bool brackets = accept(Tok::kLParen);
      do {
        if (at(Tok::kStar))
          fail(peek().span, "`import *` is not supported in scripts; import the names one by one");
        // A trailing comma, which Python allows between brackets only.
        if (brackets && at(Tok::kRParen)) break;
        Import i{module, std::string(text(expect(Tok::kName, "to import"))), {}, {}};
        i.alias = accept(Tok::kAs) ? std::string(text(expect(Tok::kName, "after `as`"))) : i.name;
        i.span = since(begin);
        imports.push_back(std::move(i));
      } while (accept(Tok::kComma));
      if (brackets) expect(Tok::kRParen, "to close the import");
    } else {
      take();
      do {
        Import i{dotted(), {}, {}, {}};
        if (accept(Tok::kAs)) i.alias = std::string(text(expect(Tok::kName, "after `as`")));
        i.span = since(begin);
        imports.push_back(std::move(i));
      } while (accept(Tok::kComma));
    }
    expect(Tok::kNewline, "after the import");
  }

  FunctionDef function(std::vector<ExprPtr> decorators) {
    FunctionDef f;
    f.decorators = std::move(decorators);
    const uint32_t begin = take().span.begin;
    const Token& name = expect(Tok::kName, "after `def`");
    f.name = text(name);
    f.name_span = name.span;
    if (at(Tok::kLBracket))
      fail(peek().span, "type parameters are not supported in scripts; write one function for each type");
    expect(Tok::kLParen, "after the function's name");
    parameters(f);
    if (accept(Tok::kArrow)) f.returns = expression();
    expect(Tok::kColon, "after the function's head");
    f.span = since(begin);
    signature_comment(f, at_);
    f.body = block("a function");
    // As in Python, the docstring is a plain string that stands alone as the first statement. An f-string is not one.
    if (!f.body.empty() && f.body.front()->kind == StmtKind::kExpr) {
      if (const auto* doc = is<String>(*as<ExprStmt>(*f.body.front()).value)) f.docstring = doc->value;
    }
    return f;
  }

  void parameters(FunctionDef& f) {
    bool keyword_only = false, defaults = false;
    while (!at(Tok::kRParen)) {
      if (at(Tok::kStar)) {
        const Span star = take().span;
        if (at(Tok::kName))
          fail(star, "`*args` is not supported in scripts; name the parameters, or take a List");
        if (keyword_only) fail(star, "`*` appears twice in the parameters");
        if (!at(Tok::kComma))
          fail(peek().span, fmt::format("expected `,` and a parameter after `*`, found {}", found()));
        keyword_only = true;
        take();
        if (at(Tok::kRParen)) fail(peek().span, "expected a parameter after `*`");
        continue;
      }
      if (at(Tok::kDoubleStar))
        fail(peek().span, "`**kwargs` is not supported in scripts; name the parameters, or take a Dict");
      if (at(Tok::kSlash))
        fail(peek().span, "`/` in the parameters is not supported in scripts; leave it out");
      const Token& name = expect(Tok::kName, "as a parameter");
      Param p{text(name), name.span, nullptr, nullptr, keyword_only};
      if (f.params.size() >= kMaxParameters)
        fail(name.span, fmt::format("a function takes at most {} parameters", kMaxParameters));
      if (std::any_of(f.params.begin(), f.params.end(), [&](const Param& q) { return q.name == p.name; })) {
        fail(name.span, fmt::format("the parameter `{}` appears twice", p.name));
      }
      if (accept(Tok::kColon)) p.annotation = expression();
      if (accept(Tok::kAssign)) {
        p.default_value = expression();
        defaults = true;
      } else if (defaults && !keyword_only) {
        // Before `*` only: parameters after it are given by name, so they may come in any order.
        fail(name.span, fmt::format("the parameter `{}` has no default but follows one that has", p.name));
      }
      // Before the comma or after it.
      ExprPtr type = commented_type();
      const bool more = accept(Tok::kComma);
      if (!type) type = commented_type();
      if (type) add_type(std::move(type), fmt::format("`{}`", p.name), &p.annotation);
      f.params.push_back(std::move(p));
      if (!more) break;
    }
    expect(Tok::kRParen, "after the parameters");
  }

  ClassDef class_def(std::vector<ExprPtr> decorators) {
    const Nested nested(*this);
    ClassDef c;
    c.decorators = std::move(decorators);
    take();
    const Token& name = expect(Tok::kName, "after `class`");
    c.name = text(name);
    c.name_span = name.span;
    if (accept(Tok::kLParen)) {
      while (!at(Tok::kRParen)) {
        c.bases.push_back(expression());
        if (!accept(Tok::kComma)) break;
      }
      expect(Tok::kRParen, "after the base classes");
    }
    expect(Tok::kColon, "after the class's head");
    if (!at(Tok::kNewline)) fail(peek().span, "the body of a class begins on a line of its own");
    take();
    expect(Tok::kIndent, "as the body of the class");
    while (!accept(Tok::kDedent)) {
      if (at(Tok::kEnd)) break;
      if (accept(Tok::kNewline)) continue;
      std::vector<ExprPtr> method_decorators = decorator_list();
      if (at(Tok::kDef)) {
        c.methods.push_back(function(std::move(method_decorators)));
      } else if (at(Tok::kAsync)) {
        refuse_async();
      } else if ((at(Tok::kString) || at(Tok::kPass) || at(Tok::kEllipsis)) &&
                 peek(1).kind == Tok::kNewline) {
        // A docstring, `pass` or `...` adds nothing to the class.
        take();
      } else if (at(Tok::kName) && (peek(1).kind == Tok::kColon || peek(1).kind == Tok::kAssign)) {
        const Token& field = take();
        Field f{text(field), field.span, nullptr, nullptr};
        if (accept(Tok::kColon)) f.annotation = expression();
        if (accept(Tok::kAssign)) f.default_value = expression_list();
        expect(Tok::kNewline, "after the field");
        c.fields.push_back(std::move(f));
      } else {
        fail(peek().span, fmt::format("expected a method or a field in the class, found {}", found()));
      }
    }
    return c;
  }

  // What follows a colon: statements on the same line, or an indented block.
  Body block(std::string_view what) {
    const Nested nested(*this);
    Body body;
    if (!at(Tok::kNewline)) {
      simple_line(body);
      return body;
    }
    take();
    if (!at(Tok::kIndent))
      fail(peek().span, fmt::format("expected an indented block as the body of {}, found {}", what, found()));
    take();
    while (!accept(Tok::kDedent)) {
      if (at(Tok::kEnd)) break;
      statement(body);
    }
    return body;
  }

  void statement(Body& body) {
    switch (peek().kind) {
      case Tok::kNewline: take(); return;
      case Tok::kIf: body.push_back(if_statement()); return;
      case Tok::kWhile: {
        auto s = std::make_unique<While>();
        const uint32_t begin = take().span.begin;
        s->condition = expression();
        end_of_condition();
        s->span = since(begin);
        s->body = block("the loop");
        refuse_loop_else();
        body.push_back(std::move(s));
        return;
      }
      case Tok::kFor: {
        auto s = std::make_unique<For>();
        const uint32_t begin = take().span.begin;
        s->target = target_list();
        check_target(*s->target, "a loop");
        expect(Tok::kIn, "in the loop's head");
        s->iterable = expression_list();
        expect(Tok::kColon, "after the loop's head");
        s->span = since(begin);
        s->body = block("the loop");
        refuse_loop_else();
        body.push_back(std::move(s));
        return;
      }
      case Tok::kIndent: fail(peek().span, "this line is indented more than the one before for no reason");
      case Tok::kDef:
        fail(peek().span,
             "a function inside a function is not supported in scripts; define it outside and pass what it "
             "needs");
      case Tok::kAt:
        fail(peek().span,
             "a decorated definition inside a function is not supported in scripts; define it outside");
      case Tok::kClass:
        fail(peek().span, "a class inside a function is not supported in scripts; define it outside");
      case Tok::kWith: body.push_back(with_statement()); return;
      case Tok::kTry:
        fail(peek().span,
             "`try` is not supported in scripts; check before with `if`, or catch the error in Python around "
             "the call");
      case Tok::kAsync: refuse_async();
      case Tok::kElif:
      case Tok::kElse:
        fail(peek().span, fmt::format("this {} belongs to no `if`; it stands below one, indented as much",
                                      name_of(peek().kind)));
      default: break;
    }
    // `match` is a soft keyword. In front of another name or a literal it cannot be a name, because two operands
    // never follow each other.
    if (at(Tok::kName) && text(peek()) == "match" &&
        (peek(1).kind == Tok::kName || peek(1).kind == Tok::kInt || peek(1).kind == Tok::kString)) {
      fail(peek().span, "`match` is not supported in scripts; write `if` and `elif`");
    }
    simple_line(body);
  }

  void refuse_loop_else() {
    if (at(Tok::kElse))
      fail(peek().span,
           "`else` of a loop is not supported in scripts; set a flag before `break` and test it after the "
           "loop");
  }

  void end_of_condition() {
    if (at(Tok::kAssign))
      fail(peek().span, "expected `:` after the condition, found `=`; a comparison is written `==`");
    expect(Tok::kColon, "after the condition");
  }

  StmtPtr if_statement() {
    auto s = std::make_unique<If>();
    const uint32_t begin = take().span.begin;
    s->condition = expression();
    end_of_condition();
    s->span = since(begin);
    s->then = block("the branch");
    if (at(Tok::kElif)) {
      const Nested nested(*this);  // an `elif` is an `if` inside the `else`
      s->otherwise.push_back(if_statement());
    } else if (accept(Tok::kElse)) {
      if (at(Tok::kIf)) fail(peek().span, "expected `:` after `else`, found `if`; write `elif`");
      expect(Tok::kColon, "after `else`");
      s->otherwise = block("the branch");
    }
    return s;
  }

  // `with a as x, b as y:`, also with brackets around the items.
  StmtPtr with_statement() {
    const uint32_t begin = take().span.begin;
    std::vector<std::unique_ptr<With>> items;
    const auto item = [&] {
      auto s = std::make_unique<With>();
      s->context = expression();
      if (accept(Tok::kAs)) {
        s->target = expression();
        check_target(*s->target, "a `with`");
      }
      s->span = since(begin);
      items.push_back(std::move(s));
    };
    const bool brackets = at(Tok::kLParen) && brackets_hold_items();
    if (brackets) take();
    do {
      if (brackets && at(Tok::kRParen)) break;  // after a trailing comma
      item();
    } while (accept(Tok::kComma));
    if (brackets) expect(Tok::kRParen, "after the items of `with`");
    expect(Tok::kColon, "after the head of `with`");
    std::vector<std::unique_ptr<Nested>> nested;  // each item is a level of its own
    for (size_t i = 1; i < items.size(); ++i) nested.push_back(std::make_unique<Nested>(*this));
    items.back()->body = block("the `with`");
    while (items.size() > 1) {
      StmtPtr inner = std::move(items.back());
      items.pop_back();
      items.back()->body.push_back(std::move(inner));
    }
    return std::move(items.front());
  }

  // Whether the bracket here is around the items of a `with`, and not the beginning of the first one: it closes in front of
  // the colon.
  bool brackets_hold_items() {
    int depth = 0;
    for (size_t i = 0;; ++i) {
      switch (peek(i).kind) {
        case Tok::kLParen:
        case Tok::kLBracket:
        case Tok::kLBrace: ++depth; break;
        case Tok::kRParen:
        case Tok::kRBracket:
        case Tok::kRBrace:
          if (--depth == 0) return peek(i + 1).kind == Tok::kColon;
          break;
        case Tok::kNewline:
        case Tok::kEnd: return false;
        default: break;
      }
    }
  }

  void simple_line(Body& body) {
    do {
      if (at(Tok::kNewline)) break;
      body.push_back(simple());
    } while (accept(Tok::kSemicolon));
    if (at(Tok::kEnd)) return;
    if (!at(Tok::kNewline)) {
      // `print "x"` of Python 2, two statements without `;`, and the like.
      fail(peek().span, fmt::format("expected the statement to end here, found {}", found()));
    }
    take();
  }

  template <class T>
  StmtPtr bare() {
    auto s = std::make_unique<T>();
    s->span = take().span;
    return s;
  }

  bool at_statement_end() const noexcept { return at(Tok::kNewline) || at(Tok::kEnd) || at(Tok::kSemicolon); }

  StmtPtr simple() {
    const uint32_t begin = peek().span.begin;
    switch (peek().kind) {
      case Tok::kPass: return bare<Pass>();
      case Tok::kBreak: return bare<Break>();
      case Tok::kContinue: return bare<Continue>();
      case Tok::kReturn: {
        take();
        auto s = std::make_unique<Return>();
        if (!at_statement_end()) s->value = expression_list();
        s->span = since(begin);
        return s;
      }
      case Tok::kRaise: {
        take();
        auto s = std::make_unique<Raise>();
        if (at_statement_end())
          fail(since(begin),
               "`raise` without an exception is not supported in scripts; name one, as in `raise "
               "ValueError(\"...\")`");
        s->exception = expression();
        // There is no other exception on the way that `None` would hide.
        if (accept(Tok::kFrom) && !accept(Tok::kNone))
          fail(peek().span, "`raise ... from` takes only None in scripts; put the cause into the message");
        s->span = since(begin);
        return s;
      }
      case Tok::kAssert: {
        take();
        auto s = std::make_unique<Assert>();
        s->condition = expression();
        if (accept(Tok::kComma)) s->message = expression();
        s->span = since(begin);
        return s;
      }
      case Tok::kGlobal:
      case Tok::kNonlocal:
        fail(peek().span,
             fmt::format("{} is not supported in scripts; pass the value in and return the new one",
                         name_of(peek().kind)));
      case Tok::kDel: return del_statement();
      case Tok::kImport:
      case Tok::kFrom:
        fail(peek().span,
             "`import` inside a function is not supported in scripts; import at the top of the file");
      default: break;
    }
    return expression_statement(begin);
  }

  StmtPtr del_statement() {
    auto s = std::make_unique<Delete>();
    const uint32_t begin = take().span.begin;
    if (at_statement_end()) fail(since(begin), "`del` needs a variable or an element, as in `del d[key]`");
    ExprPtr all = expression_list();
    if (all->kind == ExprKind::kTuple) {
      s->targets = std::move(static_cast<Tuple&>(*all).items);
    } else {
      s->targets.push_back(std::move(all));
    }
    for (const ExprPtr& target : s->targets) {
      if (target->kind != ExprKind::kName && target->kind != ExprKind::kSubscript &&
          target->kind != ExprKind::kAttribute)
        fail(target->span, "`del` takes variables and elements of lists and dicts");
    }
    s->span = since(begin);
    return s;
  }

  StmtPtr expression_statement(uint32_t begin) {
    // Whether this is a target is known only after it has been read, so targets are parsed as expressions and checked
    // when their `=` comes.
    ExprPtr first = expression_list();
    if (accept(Tok::kColon)) {
      auto s = std::make_unique<AnnAssign>();
      if (first->kind != ExprKind::kName && first->kind != ExprKind::kAttribute) {
        fail(first->span, "only a single variable can be annotated; assign and annotate one by one");
      }
      s->target = std::move(first);
      s->annotation = expression();
      if (accept(Tok::kAssign)) s->value = expression_list();
      s->span = since(begin);
      return s;
    }
    if (at(Tok::kAssign)) {
      auto s = std::make_unique<Assign>();
      ExprPtr value = std::move(first);
      while (accept(Tok::kAssign)) {
        check_target(*value, "an assignment");
        s->targets.push_back(std::move(value));
        value = expression_list();
      }
      s->value = std::move(value);
      s->span = since(begin);
      const Expr& target = *s->targets.front();
      const bool single =
          s->targets.size() == 1 && (target.kind == ExprKind::kName || target.kind == ExprKind::kAttribute);
      if (ExprPtr type = single ? commented_type() : nullptr) {
        auto annotated = std::make_unique<AnnAssign>();
        annotated->target = std::move(s->targets.front());
        annotated->annotation = std::move(type);
        annotated->value = std::move(s->value);
        annotated->span = s->span;
        return annotated;
      }
      return s;
    }
    if (peek().kind >= Tok::kPlusAssign && peek().kind <= Tok::kAtAssign) {
      // In the order of the tokens from kPlusAssign on.
      constexpr BinaryOp kOps[] = {BinaryOp::kAdd,      BinaryOp::kSub, BinaryOp::kMul, BinaryOp::kDiv,
                                   BinaryOp::kFloorDiv, BinaryOp::kMod, BinaryOp::kPow, BinaryOp::kAnd,
                                   BinaryOp::kOr,       BinaryOp::kXor, BinaryOp::kShl, BinaryOp::kShr,
                                   BinaryOp::kMatMul};
      auto s = std::make_unique<AugAssign>();
      s->op = kOps[static_cast<int>(take().kind) - static_cast<int>(Tok::kPlusAssign)];
      if (first->kind != ExprKind::kName && first->kind != ExprKind::kAttribute &&
          first->kind != ExprKind::kSubscript) {
        fail(first->span, "only a variable, an attribute or an element can be changed in place");
      }
      s->target = std::move(first);
      s->value = expression_list();
      s->span = since(begin);
      return s;
    }
    auto s = std::make_unique<ExprStmt>();
    s->span = first->span;
    s->value = std::move(first);
    return s;
  }

  // Recursion is bounded by the height of the expression.
  void check_target(const Expr& e, std::string_view what) const {
    switch (e.kind) {
      case ExprKind::kName:
      case ExprKind::kAttribute:
      case ExprKind::kSubscript: return;
      case ExprKind::kTuple:
      case ExprKind::kList: {
        const auto& items = e.kind == ExprKind::kTuple ? as<Tuple>(e).items : as<List>(e).items;
        if (items.empty()) fail(e.span, fmt::format("the target of {} is empty", what));
        const Expr* rest = nullptr;
        for (const ExprPtr& item : items) {
          const auto* starred = is<Starred>(*item);
          if (starred && rest)
            fail(item->span, "one `*` in a target takes all that the others leave, so there is no second");
          if (starred) rest = item.get();
          check_target(starred ? *starred->value : *item, what);
        }
        return;
      }
      default:
        fail(e.span,
             fmt::format("the target of {} is a variable, an attribute, an element, or a tuple of these",
                         what));
    }
  }

  std::vector<TypeComment> comments_;
};

}  // namespace

Module parse(std::shared_ptr<const Source> source) {
  std::vector<TypeComment> comments;
  std::vector<Token> tokens = lex(source, &comments);
  return Parser(std::move(source), std::move(tokens), std::move(comments)).module();
}

ExprPtr parse_expression(std::shared_ptr<const Source> source, Span span) {
  std::vector<Token> tokens = lex_expression(source, span);
  ExpressionParser parser(std::move(source), std::move(tokens));
  ExprPtr e = parser.expression();
  parser.expect_end();
  return e;
}

}  // namespace tine::syntax

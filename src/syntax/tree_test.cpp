// The whole tree of a program, node by node, with the piece of the source that each node says it stands for.
#include "src/syntax/tree.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/syntax/parser.h"

namespace tine::syntax {
namespace {

class Dump {
 public:
  explicit Dump(const Module& m) : text_(m.source->text) {
    for (const Import& i : m.imports)
      line("import", i.span, fmt::format("{}/{}/{}", i.module, i.name, i.alias));
    for (const FunctionDef& f : m.functions) function(f);
    for (const ClassDef& c : m.classes) {
      line("class", c.name_span, c.name);
      const In in(*this);
      for (const ExprPtr& e : c.decorators) expr("decorator", e);
      for (const ExprPtr& e : c.bases) expr("base", e);
      for (const Field& f : c.fields) {
        line("field", f.span, f.name);
        const In inside(*this);
        expr("type", f.annotation);
        expr("default", f.default_value);
      }
      for (const FunctionDef& f : c.methods) function(f);
    }
  }
  std::string out;

 private:
  struct In {
    explicit In(Dump& d) : dump(d) { ++dump.depth_; }
    ~In() { --dump.depth_; }
    Dump& dump;
  };

  void line(std::string_view what, Span span, std::string_view detail = "") {
    out += std::string(static_cast<size_t>(depth_), ' ');
    out += what;
    if (!detail.empty()) out += fmt::format(" {}", detail);
    std::string piece = text_.substr(span.begin, span.end - span.begin);
    for (size_t at; (at = piece.find('\n')) != std::string::npos;) piece.replace(at, 1, "|");
    out += fmt::format(" `{}`\n", piece);
  }

  void function(const FunctionDef& f) {
    line("def", f.span, f.name);
    const In in(*this);
    line("name", f.name_span);
    if (!f.docstring.empty()) line("doc", {}, f.docstring);
    for (const ExprPtr& e : f.decorators) expr("decorator", e);
    for (const Param& p : f.params) {
      line(p.keyword_only ? "keyword" : "param", p.span, p.name);
      const In inside(*this);
      expr("type", p.annotation);
      expr("default", p.default_value);
    }
    expr("returns", f.returns);
    body("body", f.body);
  }

  void body(std::string_view name, const Body& statements) {
    if (statements.empty()) return;
    line(name, {});
    const In in(*this);
    for (const StmtPtr& s : statements) statement(*s);
  }

  void statement(const Stmt& s) {
    switch (s.kind) {
      case StmtKind::kAssign: {
        line("assign", s.span);
        const In in(*this);
        for (const ExprPtr& e : as<Assign>(s).targets) expr("to", e);
        return expr("value", as<Assign>(s).value);
      }
      case StmtKind::kAnnAssign: {
        line("declare", s.span);
        const In in(*this);
        expr("to", as<AnnAssign>(s).target);
        expr("type", as<AnnAssign>(s).annotation);
        return expr("value", as<AnnAssign>(s).value);
      }
      case StmtKind::kAugAssign: {
        line("change", s.span, name_of(as<AugAssign>(s).op));
        const In in(*this);
        expr("to", as<AugAssign>(s).target);
        return expr("value", as<AugAssign>(s).value);
      }
      case StmtKind::kExpr: {
        line("do", s.span);
        const In in(*this);
        return expr("value", as<ExprStmt>(s).value);
      }
      case StmtKind::kIf: {
        line("if", s.span);
        const In in(*this);
        expr("test", as<If>(s).condition);
        body("then", as<If>(s).then);
        return body("else", as<If>(s).otherwise);
      }
      case StmtKind::kWhile: {
        line("while", s.span);
        const In in(*this);
        expr("test", as<While>(s).condition);
        return body("body", as<While>(s).body);
      }
      case StmtKind::kFor: {
        line("for", s.span);
        const In in(*this);
        expr("to", as<For>(s).target);
        expr("in", as<For>(s).iterable);
        return body("body", as<For>(s).body);
      }
      case StmtKind::kWith: {
        line("with", s.span);
        const In in(*this);
        expr("context", as<With>(s).context);
        expr("as", as<With>(s).target);
        return body("body", as<With>(s).body);
      }
      case StmtKind::kBreak: return line("break", s.span);
      case StmtKind::kContinue: return line("continue", s.span);
      case StmtKind::kPass: return line("pass", s.span);
      case StmtKind::kReturn: {
        line("return", s.span);
        const In in(*this);
        return expr("value", as<Return>(s).value);
      }
      case StmtKind::kRaise: {
        line("raise", s.span);
        const In in(*this);
        return expr("value", as<Raise>(s).exception);
      }
      case StmtKind::kDelete: {
        line("del", s.span);
        const In in(*this);
        return all("target", as<Delete>(s).targets);
      }
      case StmtKind::kAssert: {
        line("assert", s.span);
        const In in(*this);
        expr("test", as<Assert>(s).condition);
        return expr("message", as<Assert>(s).message);
      }
    }
  }

  void all(std::string_view role, const std::vector<ExprPtr>& items) {
    for (const ExprPtr& e : items) expr(role, e);
  }

  void expr(std::string_view role, const ExprPtr& pointer) {
    if (!pointer) return;
    const Expr& e = *pointer;
    const auto head = [&](std::string_view kind) { line(fmt::format("{}: {}", role, kind), e.span); };
    switch (e.kind) {
      case ExprKind::kName: return head(fmt::format("name {}", as<Name>(e).id));
      case ExprKind::kInt: return head(fmt::format("int {}", as<Int>(e).value));
      case ExprKind::kFloat: return head(fmt::format("float {}", as<Float>(e).value));
      case ExprKind::kNone: return head("None");
      case ExprKind::kTrue: return head("True");
      case ExprKind::kFalse: return head("False");
      case ExprKind::kEllipsis: return head("...");
      case ExprKind::kString: {
        const auto& s = as<String>(e);
        return head(
            fmt::format("str {} body {}", s.value, text_.substr(s.body.begin, s.body.end - s.body.begin)));
      }
      case ExprKind::kStarred: {
        head("*");
        const In in(*this);
        return expr("of", as<Starred>(e).value);
      }
      case ExprKind::kFString: {
        head("fstring");
        const In in(*this);
        return all("part", as<FString>(e).parts);
      }
      case ExprKind::kTuple: {
        head("tuple");
        const In in(*this);
        return all("item", as<Tuple>(e).items);
      }
      case ExprKind::kList: {
        head("list");
        const In in(*this);
        return all("item", as<List>(e).items);
      }
      case ExprKind::kDict: {
        head("dict");
        const In in(*this);
        all("key", as<Dict>(e).keys);
        return all("value", as<Dict>(e).values);
      }
      case ExprKind::kListComp: {
        const auto& c = as<ListComp>(e);
        head("comprehension");
        const In in(*this);
        expr("element", c.element);
        expr("to", c.target);
        expr("in", c.iterable);
        return all("if", c.conditions);
      }
      case ExprKind::kDictComp: {
        const auto& c = as<DictComp>(e);
        head("comprehension");
        const In in(*this);
        expr("key", c.key);
        expr("value", c.value);
        expr("to", c.target);
        expr("in", c.iterable);
        return all("if", c.conditions);
      }
      case ExprKind::kUnary: {
        head(name_of(as<Unary>(e).op));
        const In in(*this);
        return expr("of", as<Unary>(e).operand);
      }
      case ExprKind::kBinary: {
        head(name_of(as<Binary>(e).op));
        const In in(*this);
        expr("left", as<Binary>(e).left);
        return expr("right", as<Binary>(e).right);
      }
      case ExprKind::kBoolOp: {
        head(as<BoolOp>(e).is_and ? "and" : "or");
        const In in(*this);
        expr("left", as<BoolOp>(e).left);
        return expr("right", as<BoolOp>(e).right);
      }
      case ExprKind::kCompare: {
        const auto& c = as<Compare>(e);
        head("compare");
        const In in(*this);
        expr("first", c.first);
        for (size_t i = 0; i < c.ops.size(); ++i) expr(name_of(c.ops[i]), c.rest[i]);
        return;
      }
      case ExprKind::kTernary: {
        head("choice");
        const In in(*this);
        expr("then", as<Ternary>(e).then);
        expr("test", as<Ternary>(e).condition);
        return expr("else", as<Ternary>(e).otherwise);
      }
      case ExprKind::kAttribute: {
        head(fmt::format("attribute {}", as<Attribute>(e).name));
        const In in(*this);
        expr("of", as<Attribute>(e).object);
        return line("name", as<Attribute>(e).name_span);
      }
      case ExprKind::kSubscript: {
        head(as<Subscript>(e).comma ? "subscript ," : "subscript");
        const In in(*this);
        expr("of", as<Subscript>(e).object);
        return all("index", as<Subscript>(e).indices);
      }
      case ExprKind::kSlice: {
        head("slice");
        const In in(*this);
        expr("from", as<Slice>(e).lower);
        expr("to", as<Slice>(e).upper);
        return expr("step", as<Slice>(e).step);
      }
      case ExprKind::kCall: {
        head("call");
        const In in(*this);
        expr("of", as<Call>(e).callee);
        all("argument", as<Call>(e).args);
        for (const Keyword& k : as<Call>(e).keywords) {
          line("keyword", k.span, k.name);
          const In inside(*this);
          expr("value", k.value);
        }
        return;
      }
    }
  }

  const std::string& text_;
  int depth_ = 0;
};

constexpr const char* kProgram = R"py(import a.b as c, d
from m.n import (x as y, z,)
@outer.deco(1)
class M(nn.Module, B):
    """Doc."""
    scale: float = 2.0
    plain = 1, 2
    bare: int
    ...
    pass
    @export
    def forward(self, x): return x
def f(a: Tensor, b: 'int' = -2, *, c: Optional[int] = None) -> List[int]:
    """Says."""
    p = q = 1; r: str = 's'
    u: int
    a, (b, x[0]) = g(), (1, 2)
    [i, j] = k
    x.y += 1; x[1] //= 2
    x -= 1; x *= 2; x /= 3; x %= 4; x **= 5; x &= 6; x |= 7; x ^= 8; x <<= 9; x >>= 1; x @= y
    for i, v in enumerate(xs), 1:
        if not i: continue
        elif v: break
        else: pass
    while True:
        x = h(x)
    assert x, 'm'
    assert y
    raise ValueError('m')
    return
    return 1,
    return -a ** -b, (c), (d + e), [], [1, 2,], {}, {'k': 1, 'l': 2}
    return a or b and not c or d, 1 if x else 2 if y else 3
    return a < b <= c is not d not in e is f in g == h != i > j >= k
    return m.n.o(1, x=2, y=z)(3).p[0][1:2, ::3, ..., 4:, :5][a,]
    return [e for e, g in s if e if g], {k: v for k, v in t if k}, [w for w in s]
    return 'one' "two", f'x{a + 1}y{b}', r'\n', '''three
lines''', f"{{}}" 'z' f'{q}', f'{(1, 2)[0]}', f''
    return ~+a, a | b ^ c & d << e >> f, a - b + c * d / e // f % g @ h, 1.5, 0xFF, 1_000, True, False, None, 1e3
)py";

constexpr const char* kTree = R"tree(import a.b//c `import a.b as c`
import d// `import a.b as c, d`
import m.n/x/y `from m.n import (x as y`
import m.n/z/z `from m.n import (x as y, z`
def f `def f(a: Tensor, b: 'int' = -2, *, c: Optional[int] = None) -> List[int]:`
 name `f`
 doc Says. ``
 param a `a`
  type: name Tensor `Tensor`
 param b `b`
  type: str int body int `'int'`
  default: - `-2`
   of: int 2 `2`
 keyword c `c`
  type: subscript `Optional[int]`
   of: name Optional `Optional`
   index: name int `int`
  default: None `None`
 returns: subscript `List[int]`
  of: name List `List`
  index: name int `int`
 body ``
  do `"""Says."""`
   value: str Says. body Says. `"""Says."""`
  assign `p = q = 1`
   to: name p `p`
   to: name q `q`
   value: int 1 `1`
  declare `r: str = 's'`
   to: name r `r`
   type: name str `str`
   value: str s body s `'s'`
  declare `u: int`
   to: name u `u`
   type: name int `int`
  assign `a, (b, x[0]) = g(), (1, 2)`
   to: tuple `a, (b, x[0])`
    item: name a `a`
    item: tuple `(b, x[0])`
     item: name b `b`
     item: subscript `x[0]`
      of: name x `x`
      index: int 0 `0`
   value: tuple `g(), (1, 2)`
    item: call `g()`
     of: name g `g`
    item: tuple `(1, 2)`
     item: int 1 `1`
     item: int 2 `2`
  assign `[i, j] = k`
   to: list `[i, j]`
    item: name i `i`
    item: name j `j`
   value: name k `k`
  change + `x.y += 1`
   to: attribute y `x.y`
    of: name x `x`
    name `y`
   value: int 1 `1`
  change // `x[1] //= 2`
   to: subscript `x[1]`
    of: name x `x`
    index: int 1 `1`
   value: int 2 `2`
  change - `x -= 1`
   to: name x `x`
   value: int 1 `1`
  change * `x *= 2`
   to: name x `x`
   value: int 2 `2`
  change / `x /= 3`
   to: name x `x`
   value: int 3 `3`
  change % `x %= 4`
   to: name x `x`
   value: int 4 `4`
  change ** `x **= 5`
   to: name x `x`
   value: int 5 `5`
  change & `x &= 6`
   to: name x `x`
   value: int 6 `6`
  change | `x |= 7`
   to: name x `x`
   value: int 7 `7`
  change ^ `x ^= 8`
   to: name x `x`
   value: int 8 `8`
  change << `x <<= 9`
   to: name x `x`
   value: int 9 `9`
  change >> `x >>= 1`
   to: name x `x`
   value: int 1 `1`
  change @ `x @= y`
   to: name x `x`
   value: name y `y`
  for `for i, v in enumerate(xs), 1:`
   to: tuple `i, v`
    item: name i `i`
    item: name v `v`
   in: tuple `enumerate(xs), 1`
    item: call `enumerate(xs)`
     of: name enumerate `enumerate`
     argument: name xs `xs`
    item: int 1 `1`
   body ``
    if `if not i:`
     test: not `not i`
      of: name i `i`
     then ``
      continue `continue`
     else ``
      if `elif v:`
       test: name v `v`
       then ``
        break `break`
       else ``
        pass `pass`
  while `while True:`
   test: True `True`
   body ``
    assign `x = h(x)`
     to: name x `x`
     value: call `h(x)`
      of: name h `h`
      argument: name x `x`
  assert `assert x, 'm'`
   test: name x `x`
   message: str m body m `'m'`
  assert `assert y`
   test: name y `y`
  raise `raise ValueError('m')`
   value: call `ValueError('m')`
    of: name ValueError `ValueError`
    argument: str m body m `'m'`
  return `return`
  return `return 1,`
   value: tuple `1,`
    item: int 1 `1`
  return `return -a ** -b, (c), (d + e), [], [1, 2,], {}, {'k': 1, 'l': 2}`
   value: tuple `-a ** -b, (c), (d + e), [], [1, 2,], {}, {'k': 1, 'l': 2}`
    item: - `-a ** -b`
     of: ** `a ** -b`
      left: name a `a`
      right: - `-b`
       of: name b `b`
    item: name c `(c)`
    item: + `(d + e)`
     left: name d `d`
     right: name e `e`
    item: list `[]`
    item: list `[1, 2,]`
     item: int 1 `1`
     item: int 2 `2`
    item: dict `{}`
    item: dict `{'k': 1, 'l': 2}`
     key: str k body k `'k'`
     key: str l body l `'l'`
     value: int 1 `1`
     value: int 2 `2`
  return `return a or b and not c or d, 1 if x else 2 if y else 3`
   value: tuple `a or b and not c or d, 1 if x else 2 if y else 3`
    item: or `a or b and not c or d`
     left: or `a or b and not c`
      left: name a `a`
      right: and `b and not c`
       left: name b `b`
       right: not `not c`
        of: name c `c`
     right: name d `d`
    item: choice `1 if x else 2 if y else 3`
     then: int 1 `1`
     test: name x `x`
     else: choice `2 if y else 3`
      then: int 2 `2`
      test: name y `y`
      else: int 3 `3`
  return `return a < b <= c is not d not in e is f in g == h != i > j >= k`
   value: compare `a < b <= c is not d not in e is f in g == h != i > j >= k`
    first: name a `a`
    <: name b `b`
    <=: name c `c`
    is not: name d `d`
    not in: name e `e`
    is: name f `f`
    in: name g `g`
    ==: name h `h`
    !=: name i `i`
    >: name j `j`
    >=: name k `k`
  return `return m.n.o(1, x=2, y=z)(3).p[0][1:2, ::3, ..., 4:, :5][a,]`
   value: subscript , `m.n.o(1, x=2, y=z)(3).p[0][1:2, ::3, ..., 4:, :5][a,]`
    of: subscript , `m.n.o(1, x=2, y=z)(3).p[0][1:2, ::3, ..., 4:, :5]`
     of: subscript `m.n.o(1, x=2, y=z)(3).p[0]`
      of: attribute p `m.n.o(1, x=2, y=z)(3).p`
       of: call `m.n.o(1, x=2, y=z)(3)`
        of: call `m.n.o(1, x=2, y=z)`
         of: attribute o `m.n.o`
          of: attribute n `m.n`
           of: name m `m`
           name `n`
          name `o`
         argument: int 1 `1`
         keyword x `x`
          value: int 2 `2`
         keyword y `y`
          value: name z `z`
        argument: int 3 `3`
       name `p`
      index: int 0 `0`
     index: slice `1:2`
      from: int 1 `1`
      to: int 2 `2`
     index: slice `::3`
      step: int 3 `3`
     index: ... `...`
     index: slice `4:`
      from: int 4 `4`
     index: slice `:5`
      to: int 5 `5`
    index: name a `a`
  return `return [e for e, g in s if e if g], {k: v for k, v in t if k}, [w for w in s]`
   value: tuple `[e for e, g in s if e if g], {k: v for k, v in t if k}, [w for w in s]`
    item: comprehension `[e for e, g in s if e if g]`
     element: name e `e`
     to: tuple `e, g`
      item: name e `e`
      item: name g `g`
     in: name s `s`
     if: name e `e`
     if: name g `g`
    item: comprehension `{k: v for k, v in t if k}`
     key: name k `k`
     value: name v `v`
     to: tuple `k, v`
      item: name k `k`
      item: name v `v`
     in: name t `t`
     if: name k `k`
    item: comprehension `[w for w in s]`
     element: name w `w`
     to: name w `w`
     in: name s `s`
  return `return 'one' "two", f'x{a + 1}y{b}', r'\n', '''three|lines''', f"{{}}" 'z' f'{q}', f'{(1, 2)[0]}', f''`
   value: tuple `'one' "two", f'x{a + 1}y{b}', r'\n', '''three|lines''', f"{{}}" 'z' f'{q}', f'{(1, 2)[0]}', f''`
    item: str onetwo body  `'one' "two"`
    item: fstring `f'x{a + 1}y{b}'`
     part: str x body  `f'x{a + 1}y{b}'`
     part: + `a + 1`
      left: name a `a`
      right: int 1 `1`
     part: str y body  `f'x{a + 1}y{b}'`
     part: name b `b`
    item: str \n body \n `r'\n'`
    item: str three
lines body three
lines `'''three|lines'''`
    item: fstring `f"{{}}" 'z' f'{q}'`
     part: str {}z body  `f"{{}}"`
     part: name q `q`
    item: fstring `f'{(1, 2)[0]}'`
     part: subscript `(1, 2)[0]`
      of: tuple `(1, 2)`
       item: int 1 `1`
       item: int 2 `2`
      index: int 0 `0`
    item: fstring `f''`
     part: str  body  `f''`
  return `return ~+a, a | b ^ c & d << e >> f, a - b + c * d / e // f % g @ h, 1.5, 0xFF, 1_000, True, False, None, 1e3`
   value: tuple `~+a, a | b ^ c & d << e >> f, a - b + c * d / e // f % g @ h, 1.5, 0xFF, 1_000, True, False, None, 1e3`
    item: ~ `~+a`
     of: + `+a`
      of: name a `a`
    item: | `a | b ^ c & d << e >> f`
     left: name a `a`
     right: ^ `b ^ c & d << e >> f`
      left: name b `b`
      right: & `c & d << e >> f`
       left: name c `c`
       right: >> `d << e >> f`
        left: << `d << e`
         left: name d `d`
         right: name e `e`
        right: name f `f`
    item: + `a - b + c * d / e // f % g @ h`
     left: - `a - b`
      left: name a `a`
      right: name b `b`
     right: @ `c * d / e // f % g @ h`
      left: % `c * d / e // f % g`
       left: // `c * d / e // f`
        left: / `c * d / e`
         left: * `c * d`
          left: name c `c`
          right: name d `d`
         right: name e `e`
        right: name f `f`
       right: name g `g`
      right: name h `h`
    item: float 1.5 `1.5`
    item: int 255 `0xFF`
    item: int 1000 `1_000`
    item: True `True`
    item: False `False`
    item: None `None`
    item: float 1000 `1e3`
class M `M`
 decorator: call `outer.deco(1)`
  of: attribute deco `outer.deco`
   of: name outer `outer`
   name `deco`
  argument: int 1 `1`
 base: attribute Module `nn.Module`
  of: name nn `nn`
  name `Module`
 base: name B `B`
 field scale `scale`
  type: name float `float`
  default: float 2 `2.0`
 field plain `plain`
  default: tuple `1, 2`
   item: int 1 `1`
   item: int 2 `2`
 field bare `bare`
  type: name int `int`
 def forward `def forward(self, x):`
  name `forward`
  decorator: name export `export`
  param self `self`
  param x `x`
  body ``
   return `return x`
    value: name x `x`
)tree";

TEST(Tree, OfAProgramHasEachNodeInItsPlace) {
  const Module m = parse(std::make_shared<Source>("f.py", kProgram));
  EXPECT_EQ(Dump(m).out, kTree);
}

}  // namespace
}  // namespace tine::syntax

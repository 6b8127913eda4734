#include "src/syntax/parser.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace tine::syntax {
namespace {

using testing::HasSubstr;

Module parsed(std::string text) { return parse(std::make_shared<Source>("f.py", std::move(text))); }

std::string refusal(const std::string& text) {
  try {
    parsed(text);
  } catch (const SyntaxError& e) {
    return e.message();
  }
  return "no error";
}

// Fully bracketed, so that precedence shows.
std::string shown(const Expr& e) {
  const auto list = [](const std::vector<ExprPtr>& items) {
    std::string out;
    for (const ExprPtr& i : items) out += (out.empty() ? "" : ", ") + shown(*i);
    return out;
  };
  switch (e.kind) {
    case ExprKind::kName: return std::string(as<Name>(e).id);
    case ExprKind::kInt: return fmt::format("{}", as<Int>(e).value);
    case ExprKind::kFloat: return fmt::format("{}", as<Float>(e).value);
    case ExprKind::kString: return fmt::format("'{}'", as<String>(e).value);
    case ExprKind::kNone: return "None";
    case ExprKind::kTrue: return "True";
    case ExprKind::kFalse: return "False";
    case ExprKind::kEllipsis: return "...";
    case ExprKind::kUnary:
      return fmt::format("({} {})", name_of(as<Unary>(e).op), shown(*as<Unary>(e).operand));
    case ExprKind::kBinary: {
      const auto& b = as<Binary>(e);
      return fmt::format("({} {} {})", shown(*b.left), name_of(b.op), shown(*b.right));
    }
    case ExprKind::kBoolOp: {
      const auto& b = as<BoolOp>(e);
      return fmt::format("({} {} {})", shown(*b.left), b.is_and ? "and" : "or", shown(*b.right));
    }
    case ExprKind::kCompare: {
      const auto& c = as<Compare>(e);
      std::string out = "(" + shown(*c.first);
      for (size_t i = 0; i < c.ops.size(); ++i)
        out += fmt::format(" {} {}", name_of(c.ops[i]), shown(*c.rest[i]));
      return out + ")";
    }
    case ExprKind::kTernary: {
      const auto& t = as<Ternary>(e);
      return fmt::format("({} if {} else {})", shown(*t.then), shown(*t.condition), shown(*t.otherwise));
    }
    case ExprKind::kTuple: return "(" + list(as<Tuple>(e).items) + ",)";
    case ExprKind::kStarred: return "*" + shown(*as<Starred>(e).value);
    case ExprKind::kList: return "[" + list(as<List>(e).items) + "]";
    case ExprKind::kAttribute:
      return fmt::format("{}.{}", shown(*as<Attribute>(e).object), as<Attribute>(e).name);
    case ExprKind::kSubscript:
      return fmt::format("{}[{}]", shown(*as<Subscript>(e).object), list(as<Subscript>(e).indices));
    case ExprKind::kSlice: {
      const auto& s = as<Slice>(e);
      const auto part = [](const ExprPtr& p) { return p ? shown(*p) : std::string(); };
      return fmt::format("{}:{}:{}", part(s.lower), part(s.upper), part(s.step));
    }
    case ExprKind::kCall: {
      const auto& c = as<Call>(e);
      std::string args = list(c.args);
      for (const Keyword& k : c.keywords)
        args += fmt::format("{}{}={}", args.empty() ? "" : ", ", k.name, shown(*k.value));
      return fmt::format("{}({})", shown(*c.callee), args);
    }
    case ExprKind::kDict: return "{" + list(as<Dict>(e).keys) + ": " + list(as<Dict>(e).values) + "}";
    case ExprKind::kFString: return "f[" + list(as<FString>(e).parts) + "]";
    case ExprKind::kDictComp: {
      const auto& c = as<DictComp>(e);
      return fmt::format("{{{}: {} for {} in {} if {}}}", shown(*c.key), shown(*c.value), shown(*c.target),
                         shown(*c.iterable), list(c.conditions));
    }
    case ExprKind::kListComp: {
      const auto& c = as<ListComp>(e);
      return fmt::format("[{} for {} in {} if {}]", shown(*c.element), shown(*c.target), shown(*c.iterable),
                         list(c.conditions));
    }
  }
  return "?";
}

std::string expression(const std::string& text) {
  const Module m = parsed("def f():\n    return " + text + "\n");
  return shown(*as<Return>(*m.functions[0].body[0]).value);
}

TEST(Parser, OperatorsBindAsInPython) {
  EXPECT_EQ(expression("a + b * c - d"), "((a + (b * c)) - d)");
  EXPECT_EQ(expression("-a ** -b ** c"), "(- (a ** (- (b ** c))))");
  EXPECT_EQ(expression("a | b ^ c & d << e"), "(a | (b ^ (c & (d << e))))");
  EXPECT_EQ(expression("not a == b and c or d"), "(((not (a == b)) and c) or d)");
  EXPECT_EQ(expression("a if b else c if d else e"), "(a if b else (c if d else e))");
  EXPECT_EQ(expression("a < b <= c is not None"), "(a < b <= c is not None)");
  EXPECT_EQ(expression("a not in b"), "(a not in b)");
  EXPECT_EQ(expression("a @ b // c % d"), "(((a @ b) // c) % d)");
}

TEST(Parser, StarsAndGeneratorsStandWhereTheyMay) {
  EXPECT_EQ(expression("f(a, *b, *c, d=1)"), "f(a, *b, *c, d=1)");
  EXPECT_EQ(expression("f(*a or b)"), "f(*(a or b))");
  EXPECT_EQ(expression("*a, b"), "(*a, b,)");
  EXPECT_EQ(expression("[*a, *b]"), "[*a, *b]");
  EXPECT_EQ(expression("f(x + 1 for x in y if x)"), "f([(x + 1) for x in y if x])");
  EXPECT_EQ(expression("(x for x in y)"), "[x for x in y if ]");
  EXPECT_EQ(expression("f((a, b) for a, *b in y)"), "f([(a, b,) for (a, *b,) in y if ])");
}

TEST(Parser, OfEachTwoOperatorsTheOneThatBindsMoreTightlyIsFirstElseTheLeftOne) {
  const std::pair<const char*, int> operators[] = {{"|", 1},  {"^", 2},  {"&", 3}, {"<<", 4},
                                                   {">>", 4}, {"+", 5},  {"-", 5}, {"*", 6},
                                                   {"/", 6},  {"//", 6}, {"%", 6}, {"@", 6}};
  for (const auto& [one, one_binds] : operators) {
    const std::string x = one;
    for (const auto& [two, two_binds] : operators) {
      const std::string y = two;
      const std::string left = "((a " + x + " b) " + y + " c)", right = "(a " + x + " (b " + y + " c))";
      EXPECT_EQ(expression("a " + x + " b " + y + " c"), one_binds >= two_binds ? left : right);
    }
    EXPECT_EQ(expression("-a " + x + " -b ** c"), "((- a) " + x + " (- (b ** c)))");
    EXPECT_EQ(expression("a " + x + " b < c " + x + " d"), "((a " + x + " b) < (c " + x + " d))");
  }
}

TEST(Parser, AFieldOfAnFStringEndsBehindTheStringsAndBracketsInIt) {
  EXPECT_EQ(expression("f\"{a}\""), "f[a]");
  EXPECT_EQ(expression("f\"{'}'}x\""), "f['}x']");
  EXPECT_EQ(expression("f\"{d['}']}\""), "f[d['}']]");
  EXPECT_EQ(expression("f'{d[\"{\"]}'"), "f[d['{']]");
  EXPECT_EQ(expression("f\"{f(']')}{a}\""), "f[f(']'), a]");
  EXPECT_EQ(expression("f\"{[1, 2][0]}\""), "f[[1, 2][0]]");
  EXPECT_EQ(expression("f\"{':'}\""), "f[':']");
  EXPECT_THAT(refusal("def f():\n    return f\"{'}\"\n"), testing::Not(HasSubstr("no error")));
}

TEST(Parser, ChainsOfCallsAttributesAndIndicesAreRead) {
  EXPECT_EQ(expression("torch.nn.relu(x, dim=1)[0, ..., 1:2, ::3].sum()"),
            "torch.nn.relu(x, dim=1)[0, ..., 1:2:, ::3].sum()");
  EXPECT_EQ(expression("[i for i, j in xs if i if j]"), "[i for (i, j,) in xs if i, j]");
  EXPECT_EQ(expression("{'a': 1, 'b': 2}"), "{'a', 'b': 1, 2}");
  EXPECT_EQ(expression("(a, b), (), (c,)"), "((a, b,), (,), (c,),)");
}

TEST(Parser, NumbersAndStringsKeepTheirValue) {
  EXPECT_EQ(expression("0xff + 0b11 + 0o17 + 1_000"), "(((255 + 3) + 15) + 1000)");
  EXPECT_EQ(expression("-9223372036854775808"), "-9223372036854775808");
  EXPECT_THAT(refusal("def f():\n    return 9223372036854775808\n"), HasSubstr("64 bits"));
  EXPECT_EQ(expression("'a' \"b\" 'c'"), "'abc'");
  EXPECT_EQ(expression("f'x={x + 1}{{y}}' 'z'"), "f['x=', (x + 1), '{y}z']");
  EXPECT_EQ(expression("f'{d[\"k\"]}'"), "f[d['k']]");
}

// As in Python: `\{` is not an escape, so the backslash stands for itself and the brace opens a field.
TEST(Parser, ABackslashInFrontOfABraceIsText) {
  EXPECT_EQ(expression(R"(f'\{x}')"), R"(f['\', x])");
  EXPECT_EQ(expression(R"(f'\{{x\}}')"), R"(f['\{x\}'])");
  EXPECT_EQ(expression(R"(f'a\{x}')"), R"(f['a\', x])");
}

TEST(Parser, AFunctionsHeadIsRead) {
  const Module m = parsed(
      "@script\n@rpc.functions.async_execution\ndef f(a: Tensor, b: int = 2, *, c: 'float' = 1.0) -> "
      "Tensor:\n    \"\"\"Doc.\"\"\"\n    return a\n");
  const FunctionDef& f = m.functions.at(0);
  EXPECT_EQ(f.decorators.size(), 2u);
  EXPECT_EQ(f.params.size(), 3u);
  EXPECT_EQ(shown(*f.params[1].annotation), "int");
  EXPECT_EQ(shown(*f.params[1].default_value), "2");
  EXPECT_TRUE(f.params[2].keyword_only);
  EXPECT_EQ(shown(*f.returns), "Tensor");
  EXPECT_EQ(f.docstring, "Doc.");
}

TEST(Parser, AMethodCutOutOfAClassIsReadAsItStands) {
  const Module m = parsed(
      "    @torch.jit.export\n    def forward(self, x):\n        if x:\n            return 1\n\n  # odd "
      "comment\n        return 2\n");
  EXPECT_EQ(m.functions.at(0).body.size(), 2u);
}

TEST(Parser, AClassGivesItsMethodsAndFields) {
  const Module m = parsed(
      "import torch\nfrom torch import nn, Tensor as T\nclass M(nn.Module):\n    '''Doc.'''\n    scale: "
      "float = 2.0\n    def forward(self, x):\n        return x\n    def other(self): pass\n");
  ASSERT_EQ(m.classes.size(), 1u);
  EXPECT_EQ(m.classes[0].methods.size(), 2u);
  EXPECT_EQ(m.classes[0].fields.at(0).name, "scale");
  EXPECT_EQ(m.imports.at(2).alias, "T");
  EXPECT_EQ(m.imports.at(2).module, "torch");
}

TEST(Parser, StatementsAreRead) {
  const Module m = parsed(
      "def f(x):\n"
      "    a = b = 1; c: int = 2\n"
      "    a, (b, x[0]) = g()\n"
      "    x.y += 1\n"
      "    for i, v in enumerate(xs):\n"
      "        if i: continue\n"
      "        elif v: break\n"
      "        else: pass\n"
      "    while True: x = h(x)\n"
      "    assert x, 'm'\n"
      "    raise ValueError('m')\n");
  EXPECT_EQ(m.functions[0].body.size(), 8u);
}

TEST(Parser, AnErrorShowsFileLineSourceLineAndMarker) {
  EXPECT_EQ(
      refusal("def f(x):\n    y = x +* 2\n"),
      "f.py:2:12: `*` unpacks among arguments, targets and the items of a list or tuple; a tuple of one item "
      "ends in a comma: `*x,`\n      y = x +* 2\n             ^");
}

TEST(Parser, NoDepthOfInputOverflowsTheStack) {
  const auto repeat = [](const char* s, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += s;
    return out;
  };
  for (const char* open :
       {"(", "[", "{1:", "f(", "x[", "-", "not ", "~", "a if b else ", "2**", "lambda: ", "f'{"}) {
    EXPECT_THAT(refusal("def f():\n    return " + repeat(open, 100000)), testing::Ne("no error")) << open;
  }
  for (const char* link : {".a", "(1)", "[0]", " + 1", " and a", " or a", " < a", ", a", " if a else a"}) {
    refusal("def f():\n    return a" + repeat(link, 100000));
  }
  EXPECT_THAT(refusal("def f():\n    return a" + repeat(" + a", 100000)), HasSubstr("chains more than"));
  std::string blocks = "def f():\n";
  for (int i = 1; i < 2000; ++i) blocks += std::string(static_cast<size_t>(i), ' ') + "if a:\n";
  EXPECT_THAT(refusal(blocks), HasSubstr("levels deep"));
  std::string elifs = "def f():\n    if a: pass\n";
  elifs += repeat("    elif a: pass\n", 100000);
  EXPECT_THAT(refusal(elifs), HasSubstr("levels deep"));
}

TEST(Parser, MutatedSourcesAreParsedOrRefusedButNeverCrash) {
  const std::string seed_text =
      "@script\ndef f(a: Tensor, b: int = 2, *, c: Optional[List[float]] = None) -> Tuple[int, str]:\n"
      "    \"\"\"Doc.\"\"\"\n    x, y = a[0, ..., 1:], {'k': [1, 2.5e3]}\n    for i in range(b):\n        if "
      "not i % 2 and a is not None:\n"
      "            continue\n        elif i > 0x10: break\n        else:\n            x += f'{i}: "
      "{y[\"k\"]}'\n    while True:\n        assert x, 'm'\n"
      "        z = [j for j in y if j] if b else (1,)\n        raise ValueError('x' \"y\")\n    return -b ** "
      "2, str(x.t().add(1, alpha=2))\n";
  const auto seed = static_cast<uint32_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const std::string alphabet = "()[]{}:,.=+-*/%@<>!~'\"\\#\n\t aX01_ \xC3\xA9";
  for (int round = 0; round < 20000; ++round) {
    std::string text = seed_text;
    const int changes = 1 + static_cast<int>(random() % 6);
    for (int k = 0; k < changes; ++k) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text.erase(at, 1 + random() % 8); break;
        case 1: text.insert(at, 1, alphabet[random() % alphabet.size()]); break;
        case 2: text[at] = alphabet[random() % alphabet.size()]; break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 30)); break;
      }
      if (text.empty()) break;
    }
    try {
      parsed(text);
    } catch (const SyntaxError& e) {
      ASSERT_FALSE(e.message().empty());
    }
  }
}

}  // namespace
}  // namespace tine::syntax

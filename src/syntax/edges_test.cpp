// What stands at an edge: numbers, strings and escapes, indentation, limits; and where each refusal puts its marker.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/syntax/lexer.h"
#include "src/syntax/parser.h"

namespace tine::syntax {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Source> source(std::string text) {
  return std::make_shared<Source>("f.py", std::move(text));
}

// Each token's piece of the text; lines, blocks and the end by a sign.
std::string pieces(const std::string& text) {
  std::string out;
  const auto s = source(text);
  for (const Token& t : lex(s)) {
    switch (t.kind) {
      case Tok::kNewline: out += "; "; break;
      case Tok::kIndent: out += "> "; break;
      case Tok::kDedent: out += "< "; break;
      case Tok::kEnd: break;
      default: out += s->text.substr(t.span.begin, t.span.end - t.span.begin) + " ";
    }
  }
  return out;
}

std::string message(const std::string& text) {
  try {
    (void)parse(source(text));
  } catch (const SyntaxError& e) {
    return e.message();
  }
  return "no error";
}

TEST(Lexer, TokensAreTheLongestThatFit) {
  EXPECT_EQ(pieces("a**=b//=c<<=d>>=e->f:=g==h!=i<=j>=k<<l>>m**n//o"),
            "a **= b //= c <<= d >>= e -> f := g == h != i <= j >= k << l >> m ** n // o ; ");
  EXPECT_EQ(pieces("a+=b-=c*=d/=e%=f&=g|=h^=i@=j"), "a += b -= c *= d /= e %= f &= g |= h ^= i @= j ; ");
  EXPECT_EQ(pieces("x...y . .. ~ ! = < > + - * / % & | ^ @ , ;"),
            "x ... y . . . ~ ! = < > + - * / % & | ^ @ , ; ; ");
  EXPECT_EQ(pieces("\xEF\xBB\xBF"
                   "a\tb\fc"),
            "a b c ; ");
}

TEST(Lexer, NumbersEndWhereTheyEnd) {
  for (const char* one : {"0",    "00",   "0_0",   "0.0",    "1_000", "1_0.0_1", "1.",   ".5",
                          ".5_5", "1e5",  "1E+5",  "1e-1_0", "1.e3",  "0xfF_9",  "0X_1", "0b1_0",
                          "0B0",  "0o17", "0O7_7", "007.5",  "00e1",  "9",       "1.5e5"}) {
    EXPECT_EQ(pieces(one), std::string(one) + " ; ") << one;
  }
  EXPECT_EQ(pieces("1..real"), "1. . real ; ");
  EXPECT_EQ(pieces("1 .real"), "1 . real ; ");
  EXPECT_EQ(pieces("x.5"), "x .5 ; ");
}

TEST(Lexer, StringsEndWhereTheyEnd) {
  for (const char* one :
       {"''",        "\"\"",  "'a\"b'", "\"a'b\"", "''''''",  "\"\"\"\"\"\"", "'''a'b''c'''",
        "'''\\''''", "'\\''", "'\\\\'", "r'\\''",  "R'a'",    "u'a'",         "U'a'",
        "f'a'",      "F'a'",  "rf'a'",  "fR'a'",   "Rf\"a\"", "'''a\nb'''",   "'a\\\nb'"}) {
    EXPECT_EQ(pieces(one), std::string(one) + " ; ") << one;
  }
  EXPECT_EQ(pieces("'a' 'b'"), "'a' 'b' ; ");
  EXPECT_EQ(pieces("ab'c'"), "ab 'c' ; ");
  EXPECT_EQ(pieces("abc'c'"), "abc 'c' ; ");
}

TEST(Lexer, LinesAndBlocksAreThoseOfPython) {
  EXPECT_EQ(pieces("a\n b\n  c\nd"), "a ; > b ; > c ; < < d ; ");
  EXPECT_EQ(pieces("a\n b\n  c"), "a ; > b ; > c ; < < ");
  EXPECT_EQ(pieces("a\n b\n  c\n d\n"), "a ; > b ; > c ; < d ; < ");
  EXPECT_EQ(pieces("a\r\n\r\n  # c\r\n b\r\n"), "a ; > b ; < ");
  EXPECT_EQ(pieces("a # c\n   # d\n\n\t\f\n b # e"), "a ; > b ; < ");
  EXPECT_EQ(pieces("(a\n  # c\n\n b)\nc"), "( a b ) ; c ; ");
  EXPECT_EQ(pieces("a \\\n  b \\\r\n c\n"), "a b c ; ");
  EXPECT_EQ(pieces("a +\\\nb"), "a + b ; ");
  EXPECT_EQ(pieces("a +\\\r\nb"), "a + b ; ");
  EXPECT_EQ(pieces("[(\n{\n}\n)\n]\n"), "[ ( { } ) ] ; ");
  EXPECT_EQ(pieces("  a\n  b"), "a ; b ; ");
  EXPECT_EQ(pieces(""), "");
  EXPECT_EQ(pieces("# only a comment"), "");
  EXPECT_EQ(pieces("\n\n"), "");
  EXPECT_EQ(pieces("gr\xC3\xBC\xC3\x9F e_1 _"), "gr\xC3\xBC\xC3\x9F e_1 _ ; ");
}

TEST(Lexer, EachWordOfTheLanguageIsAToken) {
  for (const char* word :
       {"and",  "as",     "assert", "async",  "await",  "break",   "class",    "continue", "def",
        "del",  "elif",   "else",   "except", "False",  "finally", "for",      "from",     "global",
        "if",   "import", "in",     "is",     "lambda", "None",    "nonlocal", "not",      "or",
        "pass", "raise",  "return", "True",   "try",    "while",   "with",     "yield"}) {
    const auto tokens = lex(source(word));
    EXPECT_NE(tokens[0].kind, Tok::kName) << word;
    EXPECT_EQ(name_of(tokens[0].kind), fmt::format("`{}`", word));
    EXPECT_EQ(lex(source(std::string(word) + "s"))[0].kind, Tok::kName);
  }
  for (const char* name : {"match", "case", "type", "self", "print", "none", "true"})
    EXPECT_EQ(lex(source(name))[0].kind, Tok::kName) << name;
}

std::string unescaped(const std::string& literal) {
  const auto s = source(literal);
  const auto tokens = lex(s);
  const StringBody body = body_of(*s, tokens[0]);
  return unescape(s, body.span, body.raw);
}

TEST(Lexer, EachEscapeIsPythons) {
  EXPECT_EQ(unescaped(R"('\a\b\f\n\r\t\v\\\'\"')"), "\a\b\f\n\r\t\v\\'\"");
  EXPECT_EQ(unescaped("'a\\\nb\\\r\nc'"), "abc");
  EXPECT_EQ(unescaped("'''a\r\nb'''"), "a\nb");
  EXPECT_EQ(unescaped(R"('\0\7\17\1012\400\777')"), std::string("\0\7\17A2\xC4\x80\xC7\xBF", 9));
  EXPECT_EQ(unescaped(R"('\8\9\q\ ')"), R"(\8\9\q\ )");
  EXPECT_EQ(unescaped(R"('\x00\x7f\x80\xff\xAb')"), std::string("\0\x7F\xC2\x80\xC3\xBF\xC2\xAB", 8));
  EXPECT_EQ(unescaped(R"('\u007f\u0080\u07ff\u0800\uD7FF\uE000\uffff')"),
            "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF");
  EXPECT_EQ(unescaped(R"('\U00010000\U0010FFFF\U0000002a')"), "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF*");
  EXPECT_EQ(unescaped(R"(r'\n\x4')"), R"(\n\x4)");
  EXPECT_EQ(unescaped(R"(R'\n')"), R"(\n)");
  EXPECT_EQ(unescaped("'''a'b\"c'''"), "a'b\"c");
  EXPECT_EQ(unescaped("''"), "");
  EXPECT_EQ(unescaped("''''''"), "");
  EXPECT_EQ(unescaped("'a''b'"), "a");
}

TEST(Lexer, TextThatIsNotUtf8IsRefusedAtItsFirstBadByte) {
  for (const char* good : {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_NO_THROW((void)lex(source(fmt::format("'{}'", good)))) << good;
  }
  for (const char* bad : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2(", "\xE0\x9F\xBF", "\xE0\xA0",
                          "\xE2(\x80", "\xE2\x82(", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF0\x90\x80",
                          "\xF0\x90\x80(", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    for (const std::string& text : {fmt::format("x = '{}'", bad), fmt::format("x = '{}", bad)}) {
      EXPECT_EQ(message(text), "f.py:1:6: the source is not UTF-8") << bad;
    }
  }
}

TEST(Lexer, ASourceMayHave16MiBAndNoMore) {
  std::string text((size_t{16} << 20), '\n');
  EXPECT_EQ(message(text), "no error");
  text += '\n';
  EXPECT_THAT(message(text), HasSubstr("a script's source is at most 16 MiB long"));
}

TEST(Lexer, ATypeInACommentThatBelongsToNothingIsRefused) {
  for (const char* type : {"(int) -> str", "List[int]", "Tuple[int]", "Dict[str, int]", "Optional[int]",
                           "Tensor", "torch.Tensor", "Future[int]", "int", "float", "str"})
    for (const char* form : {"#type:{}\n", "# type: {}\n", "#   type:   {}\n"})
      EXPECT_THAT(message(fmt::format(fmt::runtime(form), type)),
                  HasSubstr("a type in a comment is read after a parameter"))
          << type;
  for (const char* other : {"# type\n", "# types: int\n", "# type: ignore\n", "# a type: int\n", "#\n"})
    EXPECT_EQ(message(other), "no error") << other;
}

// The code, in a function unless it begins with `!`; the part of it that the error marks; the error's words.
struct Row {
  const char* code;
  const char* marked;
  const char* says;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.code; }

class Marks : public testing::TestWithParam<Row> {};

TEST_P(Marks, AreUnderWhatIsWrong) {
  const Row& row = GetParam();
  const bool outside = row.code[0] == '!';
  const std::string text =
      outside ? std::string(row.code + 1) + "\n" : "def f(x):\n    " + std::string(row.code) + "\n";
  const std::string told = message(text);
  std::vector<std::string> lines(1);
  for (const char c : told) c == '\n' ? lines.emplace_back() : (lines.back() += c, lines.back());
  ASSERT_GE(lines.size(), 3U) << told;
  EXPECT_THAT(lines[0], HasSubstr(row.says)) << told;
  if (std::string_view(row.code).find('\n') == std::string_view::npos) {
    EXPECT_THAT(lines[0], testing::StartsWith(outside ? "f.py:1:" : "f.py:2:"));
  }
  const size_t from = lines[2].find('^'), to = lines[2].rfind('^');
  ASSERT_NE(from, std::string::npos) << told;
  EXPECT_EQ(from >= lines[1].size() ? "" : lines[1].substr(from, to + 1 - from), row.marked) << told;
}

INSTANTIATE_TEST_SUITE_P(
    Lexer, Marks,
    testing::Values(
        Row{"x = (1, 2", "(", "this `(` is never closed"}, Row{"x[", "[", "this `[` is never closed"},
        Row{"x = 1)", ")", "this `)` closes nothing"},
        Row{"x = (1]", "]", "expected `)` to close the `(` at f.py:2:9, found `]`"},
        Row{"x = [1}", "}", "expected `]` to close the `[` at f.py:2:9, found `}`"},
        Row{"x = {1)", ")", "expected `}` to close the `{` at f.py:2:9, found `)`"},
        Row{"x = 'a", "'", "this string is not closed on its line"},
        Row{"x = r'a", "r'", "this string is not closed on its line"},
        Row{"x = '''a", "'''", "this string is never closed"},
        Row{"x = f\"\"\"a", "f\"\"\"", "this string is never closed"}, Row{"x = 'a\\", "'", "this string is"},
        Row{"x = 12ab_3 + 1", "12ab_3", "this is neither a number nor a name"},
        Row{"x = 1_", "1_", "this is neither a number nor a name"},
        Row{"x = 1__0", "1__0", "this is neither a number nor a name"},
        Row{"x = 0x", "0x", "this number has no digits"}, Row{"x = 0b2", "0b", "this number has no digits"},
        Row{"x = 0o8", "0o", "this number has no digits"}, Row{"x = 0xg", "0x", "this number has no digits"},
        Row{"x = 0b12", "0b12", "this is neither a number nor a name"},
        Row{"x = 1.5x", "1.5x", "this is neither a number nor a name"},
        Row{"x = 1e", "1e", "this is neither a number nor a name"},
        Row{"x = 012", "012", "a decimal number does not begin with 0"},
        Row{"x = 3j", "3j", "complex numbers are not supported"},
        Row{"x = 1.5J", "1.5J", "complex numbers are not supported"},
        Row{"x = b'a'", "b", "bytes are not supported"}, Row{"x = Rb'a'", "Rb", "bytes are not supported"},
        Row{"x = a ? b", "?", "unexpected character `?`"}, Row{"x = $", "$", "unexpected character `$`"},
        Row{"x = a \\ b", "\\", "a backslash continues a line only as its last character"},
        Row{"x = '\\x4'", "\\x", "this escape needs 2 hexadecimal digits"},
        Row{"x = '\\u12g4'", "\\u", "this escape needs 4 hexadecimal digits"},
        Row{"x = '\\U0011000'", "\\U", "this escape needs 8 hexadecimal digits"},
        Row{"x = 'ab\\U00110000'", "\\U", "this escape does not name a character"},
        Row{"x = '\\ud800'", "\\u", "this escape does not name a character"},
        Row{"x = '\\uDFFF'", "\\u", "this escape does not name a character"},
        Row{"x = '\\N{DASH}'", "\\N", "named characters are not supported"},
        Row{"x = 1\n   y = 2", "y", "matches no enclosing block"}, Row{"x = 1\n\ty = 2", "y", "indentation"},
        Row{"if x:\n        y = 1\n\t\t\t\t\t\t\t\tz = 2", "z", "mixes tabs and spaces"},
        Row{"x = 9223372036854775808", "9223372036854775808", "64 bits"},
        Row{"x = 0x8000000000000000", "0x8000000000000000", "64 bits"},
        Row{"x = -0x8000000000000000", "0x8000000000000000", "64 bits"},
        Row{"x = 99999999999999999999999", "99999999999999999999999", "64 bits"}));

INSTANTIATE_TEST_SUITE_P(
    Statements, Marks,
    testing::Values(Row{"with a", "", "expected `:` after the head of `with`"},
                    Row{"with (a, b: pass", "(", "is never closed"},
                    Row{"with a as 3: pass", "3", "the target of a `with` is a variable"},
                    Row{"try: pass", "try", "`try` is not supported"},
                    Row{"async def g(): pass", "async",
                        "`async` is not supported in scripts; start work with `torch.jit.fork`"},
                    Row{"global y", "global", "`global` is not supported"},
                    Row{"nonlocal y", "nonlocal", "`nonlocal` is not supported"},
                    Row{"del f()", "f()", "`del` takes variables and elements"},
                    Row{"import a", "import",
                        "`import` inside a function is not supported in scripts; import at the top"},
                    Row{"from a import b", "from", "`import` inside a function"},
                    Row{"def g(): pass", "def", "a function inside a function"},
                    Row{"class G: pass", "class", "a class inside a function"},
                    Row{"@a", "@", "a decorated definition inside a function"},
                    Row{"match y:", "match", "`match` is not supported"},
                    Row{"match 1:", "match", "`match` is not supported"},
                    Row{"match 'a':", "match", "`match` is not supported"},
                    Row{"x = 1\n        y = 2", "y", "indented more than the one before"},
                    Row{"while x: pass\n    else: pass", "else", "`else` of a loop"},
                    Row{"for y in x: pass\n    else: pass", "else", "`else` of a loop"},
                    Row{"if x:\n    y = 1", "y", "expected an indented block as the body of the branch"},
                    Row{"while x:\n    y = 1", "y", "expected an indented block as the body of the loop"},
                    Row{"if x y: pass", "y", "expected `:` after the condition, found `y`"},
                    Row{"while x y: pass", "y", "expected `:` after the condition, found `y`"},
                    Row{"if x: pass\n    else y: pass", "y", "expected `:` after `else`, found `y`"},
                    Row{"for y x: pass", "x", "expected `in` in the loop's head, found `x`"},
                    Row{"for y in x z: pass", "z", "expected `:` after the loop's head, found `z`"},
                    Row{"raise", "raise",
                        "`raise` without an exception is not supported in scripts; name one"},
                    Row{"raise A from b", "b", "`raise ... from` takes only None"},
                    Row{"print y", "y", "expected the statement to end here, found `y`"},
                    Row{"x = 1; raise; x = 2", "raise", "`raise` without an exception"},
                    Row{"return; pass x", "x", "expected the statement to end here"},
                    Row{"1 = x", "1", "the target of an assignment is a variable"},
                    Row{"x = 1 = y", "1", "the target of an assignment is a variable"},
                    Row{"x = y + 1 = z", "y + 1", "the target of an assignment is a variable"},
                    Row{"() = x", "()", "the target of an assignment is empty"},
                    Row{"[] = x", "[]", "the target of an assignment is empty"},
                    Row{"x, (y, 1) = z", "1", "the target of an assignment is a variable"},
                    Row{"for () in x: pass", "()", "the target of a loop is empty"},
                    Row{"for f() in x: pass", "f()", "the target of a loop is a variable"},
                    Row{"x, y: int = 1", "x, y", "only a single variable can be annotated"},
                    Row{"x[0]: int = 1", "x[0]", "only a single variable can be annotated"},
                    Row{"x, y += 1", "x, y", "only a variable, an attribute or an element"},
                    Row{"f() += 1", "f()", "only a variable, an attribute or an element"},
                    Row{"x = yield y", "yield", "`yield` is not supported"},
                    Row{"yield y", "yield", "`yield` is not supported"},
                    Row{"x: y: z", ":", "expected the statement to end here, found `:`"}));

INSTANTIATE_TEST_SUITE_P(
    Expressions, Marks,
    testing::Values(
        Row{"x = lambda: 1", "lambda", "`lambda` is not supported"},
        Row{"x = (lambda: 1)", "lambda", "`lambda` is not supported"},
        Row{"x = 1 + lambda: 1", "lambda", "`lambda` is not supported"},
        Row{"x = await y", "await", "`await` is not supported in scripts; write `torch.jit.wait(future)`"},
        Row{"x = (y := 1)", ":=", "`:=` is not supported"},
        Row{"x = a if b", "", "expected `else` in `a if condition else b`"},
        Row{"x = *a", "*a", "`*` unpacks among arguments, targets and the items of a list or tuple"},
        Row{"x = (*a)", "*a", "a tuple of one item ends in a comma: `*x,`"},
        Row{"for *a in b: pass", "*a", "`*` unpacks among arguments"},
        Row{"a, *b, *c = x", "*c", "one `*` in a target takes all that the others leave"},
        Row{"x = [*a for a in b]", "*a", "`*` unpacks among arguments"},
        Row{"x = {*a}", "*", "`*` and `**` do not unpack"},
        Row{"x = {**a}", "**", "`*` and `**` do not unpack"}, Row{"x = 1 + *a", "*", "`*` unpacks among"},
        Row{"del a + b", "a + b", "`del` takes variables and elements"},
        Row{"del", "del", "`del` needs a variable or an element"},
        Row{"x = y.1", ".1", "expected the statement to end here"},
        Row{"x = y.", "", "expected a name after `.`"},
        Row{"x = y.if", "if", "expected a name after `.`, found `if`"},
        Row{"x = y[]", "]", "expected an index between `[` and `]`"},
        Row{"x = y[1 2]", "2", "expected `]` after the index, found `2`"},
        Row{"x = f(1, **a)", "**",
            "`**kwargs` is not supported in a call in scripts; write the keywords one by one"},
        Row{"x = f(a=1, a=2)", "a", "the keyword `a` is given twice"},
        Row{"x = f(a=1, b + 1)", "b + 1", "a positional argument follows a keyword argument"},
        Row{"x = f(1, i for i in y)", "i for i in y", "needs brackets of its own"},
        Row{"x = f(i for i in y, 1)", "i for i in y", "needs brackets of its own"},
        Row{"x = f(1 2)", "2", "expected `,` or `)` in the arguments that begin at f.py:2:10, found `2`"},
        Row{"x = (1 2)", "2", "expected `)` to close the `(` at f.py:2:9, found `2`"},
        Row{"x = [1 2]", "2", "expected `,` or `]` in the list that begins at f.py:2:9, found `2`"},
        Row{"x = {1: 2 3}", "3", "expected `}` to close the dict, found `3`"},
        Row{"x = {1 2}", "2", "expected `:` between key and value of the dict, found `2`"},
        Row{"x = {1, 2}", "{1", "sets are not supported"}, Row{"x = {1}", "{1", "sets are not supported"},
        Row{"x = {i for i in y}", "for", "a set comprehension is not supported"},
        Row{"x = [i for i y]", "y", "expected `in` in the comprehension, found `y`"},
        Row{"x = [i for i in y for j in y]", "for",
            "a comprehension over several loops is not supported in scripts; write nested `for`"},
        Row{"x = {k: v for k in y for v in k}", "for", "a comprehension over several loops"},
        Row{"x = {1: 2, k: v for k in y}", "for", "expected `}` to close the dict"},
        Row{"x = [i for i in y z]", "z", "expected `]` to close the comprehension"},
        Row{"x = [1, i for i in y]", "for", "expected `,` or `]` in the list"},
        Row{"x = {k: v for k in y z}", "z", "expected `}` to close the comprehension"},
        Row{"x = 1 +", "", "expected an expression, found the end of the line"},
        Row{"x = if", "if", "expected an expression, found `if`"},
        Row{"return return", "return", "expected an expression, found `return`"},
        Row{"x = f'{a!r}'", "!", "formats, conversions and `=`"},
        Row{"x = f'{a:3}'", ":", "formats, conversions and `=`"},
        Row{"x = f'{a=}'", "=", "formats, conversions and `=`"},
        Row{"x = f'a{b'", "{", "this field is never closed"}, Row{"x = f'a{}'", "{}", "this field is empty"},
        Row{"x = f'a}b'", "}", "this `}` closes no field"},
        Row{"x = f'{a b}'", "b", "expected the expression to end here, found `b`"},
        Row{"x = f'{1 +}'", "}", "expected an expression"},
        Row{"x = '''a''' '\\x'", "\\x", "this escape needs 2"},
        Row{"x = f'\\x{a}'", "\\x", "this escape needs 2"}));

INSTANTIATE_TEST_SUITE_P(
    Heads, Marks,
    testing::Values(Row{"!x = 1", "x", "expected `def` at the outermost level of a script, found `x`"},
                    Row{"!'a' + 'b'", "'a'", "expected `def`"}, Row{"!@a\n'doc'", "'doc'", "expected `def`"},
                    Row{"!@a\nimport b", "import", "expected `def`"},
                    Row{"!@a b\ndef f(): pass", "b",
                        "expected the end of the line after the decorator, found `b`"},
                    Row{"!async def f(): pass", "async", "`async`"},
                    Row{"!def 1(): pass", "1", "expected a name after `def`, found `1`"},
                    Row{"!def f[T](): pass", "[", "type parameters are not supported"},
                    Row{"!def f: pass", ":", "expected `(` after the function's name, found `:`"},
                    Row{"!def f() pass", "pass", "expected `:` after the function's head"},
                    Row{"!def f(a b): pass", "b", "expected `)` after the parameters, found `b`"},
                    Row{"!def f(1): pass", "1", "expected a name as a parameter, found `1`"},
                    Row{"!def f(*a): pass", "*", "`*args` is not supported"},
                    Row{"!def f(*, a, *, b): pass", "*", "`*` appears twice"},
                    Row{"!def f(*): pass", ")", "expected `,` and a parameter after `*`, found `)`"},
                    Row{"!def f(*,): pass", ")", "expected a parameter after `*`"},
                    Row{"!def f(**k): pass", "**", "`**kwargs` is not supported"},
                    Row{"!def f(a, /): pass", "/", "leave it out"},
                    Row{"!def f(a, b, a): pass", "a", "the parameter `a` appears twice"},
                    Row{"!def f(a=1, b): pass", "b", "has no default but follows one that has"},
                    Row{"!def f():\nreturn 1", "return",
                        "expected an indented block as the body of a function, found `return`"},
                    Row{"!class 1: pass", "1", "expected a name after `class`"},
                    Row{"!class A(B C):\n    pass", "C", "expected `)` after the base classes"},
                    Row{"!class A pass", "pass", "expected `:` after the class's head"},
                    Row{"!class A: pass", "pass", "the body of a class begins on a line of its own"},
                    Row{"!class A:\npass", "pass", "expected an indented line as the body of the class"},
                    Row{"!class A:\n    async def f(self): pass", "async", "`async`"},
                    Row{"!class A:\n    x: int y", "y", "expected the end of the line after the field"},
                    Row{"!class A:\n    f()", "f", "expected a method or a field in the class, found `f`"},
                    Row{"!class A:\n    'a' + 'b'", "'a'", "expected a method or a field"},
                    Row{"!class A:\n    if x: pass", "if", "expected a method or a field"},
                    Row{"!import 1", "1", "expected a name in the import"},
                    Row{"!import a.", "", "expected a name in the import"},
                    Row{"!import a as 1", "1", "expected a name after `as`"},
                    Row{"!import a b", "b", "expected the end of the line after the import"},
                    Row{"!from . import a", ".", "a relative import is not supported"},
                    Row{"!from ... import a", "...", "a relative import is not supported"},
                    Row{"!from a b", "b", "expected `import` in `from module import name`"},
                    Row{"!from a import *", "*", "`import *` is not supported"},
                    Row{"!from a import (b c)", "c", "expected `)` to close the import"},
                    Row{"!from a import 1", "1", "expected a name to import"},
                    Row{"!from a import b as 1", "1", "expected a name after `as`"}));

TEST(Parser, LimitsActAtTheirEdge) {
  const auto call = [](int arguments) {
    std::string text = "def f():\n    g(";
    for (int i = 0; i < arguments; ++i) text += fmt::format("a{}=1, ", i);
    return message(text + ")\n");
  };
  EXPECT_EQ(call(kMaxParameters), "no error");
  EXPECT_THAT(call(kMaxParameters + 1), HasSubstr("a call takes at most 255 keywords"));
  const auto head = [](int parameters) {
    std::string text = "def f(";
    for (int i = 0; i < parameters; ++i) text += fmt::format("a{}, ", i);
    return message(text + "): pass\n");
  };
  EXPECT_EQ(head(kMaxParameters), "no error");
  EXPECT_THAT(head(kMaxParameters + 1), HasSubstr("a function takes at most 255 parameters"));
  const auto name = [](size_t length) {
    return message("def f():\n    x " + std::string(length, 'a') + "\n");
  };
  EXPECT_THAT(name(60), HasSubstr(std::string(60, 'a') + "`\n"));
  EXPECT_THAT(name(61), HasSubstr("found a name\n"));
}

TEST(Parser, TheHeightOfAnExpressionCountsEachKindOfNode) {
  const auto chain = [](int height) {
    std::string text = "a";
    for (int i = 1; i < height; ++i) text += "+a";
    return text;
  };
  const auto told = [](const std::string& expression) {
    return message("def f():\n    return " + expression + "\n");
  };
  EXPECT_EQ(told(chain(kMaxHeight)), "no error");
  EXPECT_THAT(told(chain(kMaxHeight + 1)), HasSubstr("this expression chains more than"));
  for (const char* form : {"[@]",
                           "[1, @]",
                           "(@, 1)",
                           "(1, @)",
                           "{1: @}",
                           "{@: 1}",
                           "-(@)",
                           "not (@)",
                           "(@) ** a",
                           "a ** (@)",
                           "(@).b",
                           "(@)[0]",
                           "a[@]",
                           "a[1, @]",
                           "a[@:]",
                           "a[:@]",
                           "a[::@]",
                           "(@)(1)",
                           "a(@)",
                           "a(1, b=@)",
                           "a if (@) else b",
                           "(@) if a else b",
                           "a if b else (@)",
                           "(@) and a",
                           "a and (@)",
                           "(@) or a",
                           "a or (@)",
                           "(@) < a",
                           "a < (@)",
                           "a < b < (@)",
                           "(@) * a",
                           "a * (@)",
                           "[@ for b in c]",
                           "[b for b in (@)]",
                           "[b for b in c if (@)]",
                           "{@: b for b in c}",
                           "{b: @ for b in c}",
                           "{b: c for b in (@)}",
                           "f'{@}'",
                           "f'x' f'{@}'"}) {
    const std::string text = form;
    const size_t at = text.find('@');
    const int levels =
        text.starts_with("a[") && text.find(':') != std::string::npos ? 2 : 1;  // the slice and the subscript
    EXPECT_EQ(told(std::string(text).replace(at, 1, chain(kMaxHeight - levels))), "no error") << form;
    EXPECT_THAT(told(std::string(text).replace(at, 1, chain(kMaxHeight - levels + 1))),
                HasSubstr("this expression chains more than"))
        << form;
  }
  EXPECT_THAT(message("def f():\n    for x in " + chain(kMaxHeight) + ", a: pass\n"),
              HasSubstr("chains more than"));
  EXPECT_THAT(message("def f():\n    for x, y[" + chain(kMaxHeight) + "] in a: pass\n"),
              HasSubstr("chains more than"));
  std::string compared = "a";
  for (int i = 0; i < kMaxHeight; ++i) compared += "<a";
  EXPECT_EQ(told(compared), "no error");
  EXPECT_THAT(told(compared + "<a"), HasSubstr("a comparison chains at most"));
}

TEST(Parser, BlocksAndBracketsNestToTheirLimitAndNoDeeper) {
  const auto told = [](int depth, const std::string& open, const std::string& close) {
    std::string text = "def f():\n    return ";
    for (int i = 0; i < depth; ++i) text += open;
    text += "a";
    for (int i = 0; i < depth; ++i) text += close;
    return message(text + "\n");
  };
  // Of each way to nest there is one depth that is read and one more is not.
  for (const auto& [open, close] : {std::pair("(", ")"),
                                    {"[", "]"},
                                    {"-", ""},
                                    {"not ", ""},
                                    {"a**", ""},
                                    {"a(", ")"},
                                    {"a[", "]"},
                                    {"a if b else ", ""}}) {
    int least = 1, most = 2 * kMaxNesting;  // least is read, most is not
    ASSERT_EQ(told(least, open, close), "no error") << open;
    ASSERT_THAT(told(most, open, close), HasSubstr("levels deep")) << open;
    while (most - least > 1)
      (told((least + most) / 2, open, close) == "no error" ? least : most) = (least + most) / 2;
    EXPECT_GE(least, kMaxNesting - 3) << open;
    EXPECT_LE(least, kMaxNesting) << open;
  }
}

TEST(Parser, ADefaultBehindTheStarNeedsNone) {
  EXPECT_EQ(message("def f(a=1, *, b): pass\n"), "no error");
  EXPECT_EQ(message("def f(a, b=1, c=2): pass\n"), "no error");
  EXPECT_EQ(message("def f(a,): pass\n"), "no error");
}

TEST(Parser, NumbersHaveTheirValueAtTheirEdges) {
  const auto value = [](const std::string& text) {
    const auto s = source(text);
    const ExprPtr e = parse_expression(s, {0, static_cast<uint32_t>(text.size())});
    return e->kind == ExprKind::kInt ? fmt::format("{}", as<Int>(*e).value)
                                     : fmt::format("{}", as<Float>(*e).value);
  };
  EXPECT_EQ(value("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(value("0x7FFFFFFFFFFFFFFF"), "9223372036854775807");
  EXPECT_EQ(value("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(value("0b101"), "5");
  EXPECT_EQ(value("0O17"), "15");
  EXPECT_EQ(value("00"), "0");
  EXPECT_EQ(value("1e400"), "inf");
  EXPECT_EQ(value("1e-400"), "0");
  EXPECT_EQ(value("5e-324"), "5e-324");
  EXPECT_EQ(value("1_0.5_0e1_0"), "105000000000");
}

}  // namespace
}  // namespace tine::syntax

// tests/script/wrong_*.py: sources whose wrong line says in a comment what the compiler must say about it, and where.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "src/compile/compile.h"
#include "src/compile/test_rows.h"
#include "src/ir/verify.h"

namespace tine::compile {
namespace {

struct Chunk {
  std::string text;
  int line = 0;          // of the one that is wrong, from 1; 0 if none says so
  std::string wrong;     // that line
  std::string expected;  // what stands behind its `### `: the column and the words of the error
};

std::vector<Chunk> chunks_of(const std::string& name) {
  std::ifstream in(fmt::format("{}/tests/script/{}", TINE_SOURCE_DIR, name));
  EXPECT_TRUE(in.good()) << name;
  std::vector<Chunk> chunks(1);
  std::string line;
  int number = 0;
  while (std::getline(in, line)) {
    if (line.starts_with("# ---")) {
      chunks.emplace_back();
      number = 0;
      continue;
    }
    Chunk& chunk = chunks.back();
    if (chunk.text.empty() && line.starts_with("#")) continue;  // the file's head
    ++number;
    if (const size_t at = line.find("  ### "); at != std::string::npos) {
      EXPECT_EQ(chunk.line, 0) << "a second line that is wrong:\n" << line;
      chunk.expected = line.substr(at + 6);
      line.resize(at);
      chunk.line = number;
      chunk.wrong = line;
    }
    chunk.text += line + "\n";
  }
  return chunks;
}

class Refusals : public testing::TestWithParam<const char*> {};

TEST_P(Refusals, NameTheLineThatIsWrongAndWhy) {
  const std::string name = GetParam();
  for (const Chunk& chunk : chunks_of(name)) {
    try {
      (void)compile_text(test_rows(), std::make_shared<Source>(name, chunk.text));
      ADD_FAILURE() << "compiles:\n" << chunk.text;
    } catch (const SyntaxError& e) {
      EXPECT_EQ(e.message().substr(0, e.message().find('\n')),
                fmt::format("{}:{}:{}", name, chunk.line, chunk.expected))
          << chunk.text;
      std::string before = chunk.wrong.substr(0, std::atoi(chunk.expected.c_str()) - 1);
      std::replace_if(
          before.begin(), before.end(), [](char c) { return c != '\t'; }, ' ');
      EXPECT_THAT(e.message(), testing::HasSubstr(fmt::format("\n  {}\n  {}^", chunk.wrong, before)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Script, Refusals,
                         testing::Values("wrong_names.py", "wrong_types.py", "wrong_forms.py",
                                         "wrong_classes.py", "wrong_records.py", "wrong_syntax.py"));

constexpr const char* kPrograms[] = {
    "def f(xs: List[Tensor], n: int = 3, o: Optional[int] = None) -> Tensor:\n"
    "    best = None\n    total = torch.zeros(2, 3)\n    for i, x in enumerate(xs):\n        if o is not "
    "None and o > i:\n            continue\n"
    "        if best is None:\n            best = x\n        elif i == n:\n            break\n        total "
    "+= x[0, :, 1:] * 2\n"
    "    while n > 0:\n        n -= 1\n        if n % 2 == 0:\n            return total\n    assert best is "
    "not None, f'{n}'\n    return best\n",
    "def fib(n: int) -> int:\n    if n < 2:\n        return n\n    a = torch.jit.fork(fib, n - 1)\n    b = "
    "fib(n=n - 2)\n    return torch.jit.wait(a) + b\n"
    "def g(d: Dict[str, int], t: Tuple[int, float]):\n    d['a'] = fib(3)\n    x, y = t\n    z = [k.upper() "
    "for k in d if d[k] > x]\n"
    "    if isinstance(y, float) or not z:\n        raise ValueError('no')\n    return z[-1], y if x < 1 "
    "else 2.5, len(d)\n",
    "class A:\n    k = 3\n    def __init__(self, n: int):\n        self.n = n\n        self.next: "
    "Optional['A'] = None\n"
    "    @property\n    def p(self) -> int:\n        return self.n\n    @p.setter\n    def p(self, v: "
    "int):\n        self.n = v\n"
    "    @classmethod\n    def of(cls, n: int):\n        return cls(n)\n    def __enter__(self) -> 'A':\n    "
    "    return self\n"
    "    def __exit__(self, a: Any, b: Any, c: Any):\n        self.p += 1\n    def __add__(self, o: 'A') -> "
    "'A':\n"
    "        return A(self.n + o.p)\n@torch.jit.interface\nclass I:\n    def __enter__(self) -> A:\n        "
    "pass\n"
    "def f(xs: List[A], i: I) -> int:\n    s = 0\n    for x in xs:\n        with x as y, A.of(2):\n          "
    "  if s > 3:\n"
    "                return s\n            s += (x + y).n\n    return i.__enter__().p + s\n",
};

TEST(CompileFuzz, MutatedProgramsAreCompiledOrRefusedButNeverCrash) {
  const auto seed = static_cast<uint32_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  // Words that mean something, so that more than the parser is reached.
  constexpr const char* kWords[] = {"None",
                                    "x",
                                    "n",
                                    "xs",
                                    "best",
                                    "0",
                                    "1.5",
                                    "'s'",
                                    "[]",
                                    "()",
                                    "return",
                                    "break",
                                    "continue",
                                    "if",
                                    "else:",
                                    "int",
                                    "Optional[int]",
                                    "torch.jit.fork",
                                    "fib",
                                    "g",
                                    "+",
                                    "is not",
                                    "in",
                                    "and",
                                    "not",
                                    ".",
                                    ",",
                                    "=",
                                    "(",
                                    ")",
                                    ":",
                                    "[0]",
                                    "*",
                                    "list(",
                                    "range(",
                                    "len(",
                                    "print(",
                                    "Tensor",
                                    "self",
                                    "pass",
                                    "\n",
                                    "\n    ",
                                    "\n        "};
  int compiled = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = kPrograms[random() % std::size(kPrograms)];
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int k = 0; k < changes; ++k) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text.erase(at, 1 + random() % 6); break;
        case 1: text.insert(at, kWords[random() % std::size(kWords)]); break;
        case 2: {  // another word in a word's place
          size_t from = at, to = at;
          while (from > 0 && std::isalnum(static_cast<unsigned char>(text[from - 1]))) --from;
          while (to < text.size() && std::isalnum(static_cast<unsigned char>(text[to]))) ++to;
          text.replace(from, to - from, kWords[random() % std::size(kWords)]);
          break;
        }
        default: {  // a line elsewhere
          const size_t begin = text.rfind('\n', at) + 1;
          size_t end = text.find('\n', at);
          end = end == std::string::npos ? text.size() : end + 1;
          const std::string line = text.substr(begin, end - begin);
          const size_t to = text.find('\n', random() % text.size());
          text.insert(to == std::string::npos ? text.size() : to + 1, line);
          break;
        }
      }
      if (text.empty()) break;
    }
    try {
      for (const CompiledFunction& f : compile_text(test_rows(), std::make_shared<Source>("f.py", text))) {
        try {
          ir::verify(*f.graph);
        } catch (const SyntaxError& e) {
          ADD_FAILURE() << e.message() << "\n" << text;
          return;
        }
      }
      ++compiled;
    } catch (const SyntaxError& e) {
      ASSERT_TRUE(e.message().starts_with("f.py:")) << e.message() << "\n" << text;
    }
  }
  EXPECT_GT(compiled, 100);  // or it tests the parser alone
}

TEST(CompileFuzz, DeepProgramsAreRefusedBeforeTheStackEnds) {
  std::string calls;
  for (int i = 0; i < 3000; ++i) calls += fmt::format("def f{}(x):\n    return f{}(x)\n", i, i + 1);
  EXPECT_THROW((void)compile_text(test_rows(),
                                  std::make_shared<Source>("f.py", calls + "def f3000(x):\n    return x\n")),
               SyntaxError);
  std::string sum = "def f(x: int):\n    return " + std::string(80, '(') + "x";
  for (int i = 0; i < 250; ++i) sum += " + x";
  sum += std::string(80, ')') + "\n";
  EXPECT_NO_THROW((void)compile_text(test_rows(), std::make_shared<Source>("f.py", sum)));
}

TEST(Compile, AThousandLinesTakeMilliseconds) {
  std::string text = "def f(x: Tensor, n: int):\n";
  for (int i = 0; i < 1000; ++i) text += fmt::format("    v{} = torch.add(x, {}) * 2 + n\n", i, i);
  text += "    return v999\n";
  const auto begin = std::chrono::steady_clock::now();
  (void)compile_text(test_rows(), std::make_shared<Source>("f.py", text));
  const auto spent = std::chrono::steady_clock::now() - begin;
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(spent).count();
  RecordProperty("microseconds_a_line", static_cast<int>(microseconds / 1000));
  fmt::print("{:.1f} us a line\n", static_cast<double>(microseconds) / 1000);
  EXPECT_LT(microseconds, 1000000);
}

}  // namespace
}  // namespace tine::compile

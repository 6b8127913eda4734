// From source text to results: tests/script/programs.py and programs_classes.py hold functions and what CPython makes of them.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "src/compile/compile.h"
#include "tests/script/fixture.h"

namespace tine::test {
namespace {

class SourceText : public Script {
 protected:
  void define_text(const std::string& name, std::string text) {
    for (const compile::CompiledFunction& f :
         compile::compile_text(ops, std::make_shared<Source>(name, std::move(text)))) {
      ir::verify(*f.graph);
      library.define(compile::emit(*f.graph, f.schema.name));
      names.push_back(f.schema.name);
    }
  }
  std::vector<std::string> names;

  void run_programs(const std::string& path) {
    std::ifstream in(path);
    ASSERT_TRUE(in.good()) << path;
    std::stringstream text;
    text << in.rdbuf();
    define_text("programs.py", text.str());
    std::string line, expected;
    int cases = 0;
    while (std::getline(text, line)) {
      if (line.starts_with("# == ")) expected = line.substr(5);
      if (!line.starts_with("def case_")) continue;
      const std::string name = line.substr(4, line.find('(') - 4);
      ++cases;
      try {
        EXPECT_EQ(run("__main__." + name).repr(), expected) << name;
      } catch (const Error& e) {
        ADD_FAILURE() << name << ": " << e.story();
      }
    }
    EXPECT_GT(cases, 20);
  }
};

TEST_F(SourceText, ProgramsMeanWhatTheyMeanInPython) {
  const char* other = std::getenv("TINE_SCRIPT_PROGRAMS");  // a file of the same form, from a generator
  run_programs(other ? other : TINE_SOURCE_DIR "/tests/script/programs.py");
}

TEST_F(SourceText, ProgramsWithClassesMeanWhatTheyMeanInPython) {
  run_programs(TINE_SOURCE_DIR "/tests/script/programs_classes.py");
}

TEST_F(SourceText, ForksOfScriptsRunAndAreWaitedFor) {
  define_text("f.py",
              "def fib(n: int) -> int:\n"
              "    if n < 2:\n"
              "        return n\n"
              "    a = torch.jit.fork(fib, n - 1)\n"
              "    b = fib(n - 2)\n"
              "    return torch.jit.wait(a) + b\n"
              "def many(n: int) -> int:\n"
              "    fs: List[Future[int]] = []\n"
              "    for i in range(n):\n"
              "        fs.append(torch.jit.fork(fib, n=i))\n"
              "    s = 0\n"
              "    for f in fs:\n"
              "        s += f.wait()\n"
              "    return s\n");
  EXPECT_EQ(run("__main__.fib", 20).as_int(), 6765);
  EXPECT_EQ(run("__main__.many", 10).as_int(), 88);
}

TEST_F(SourceText, ErrorsTellTheLineOfTheScript) {
  define_text("f.py",
              "def inner(x: int) -> int:\n"
              "    if x > 1:\n"
              "        raise ValueError(f'bad {x}')\n"
              "    return x\n"
              "def outer(x: int) -> int:\n"
              "    return torch.jit.wait(torch.jit.fork(inner, x)) + 1\n");
  EXPECT_EQ(run("__main__.outer", 1).as_int(), 2);
  const Error e = error_of([&] { run("__main__.outer", 2); });
  EXPECT_EQ(e.kind(), ErrorKind::kValue);
  EXPECT_EQ(e.message(), "bad 2");
  EXPECT_THAT(e.story(), testing::HasSubstr("f.py:3"));
}

TEST_F(SourceText, TensorsAreComputed) {
  define_text("f.py",
              "def f(x):\n"
              "    y = torch.zeros(2, 3)\n"
              "    y[0] = 1\n"
              "    y[1, 1:] += 2\n"
              "    z = y.t() @ torch.ones(2, 1)\n"
              "    return float((2 - z).sum().item()) + x.size(0) + len(y[..., 0])\n");
  EXPECT_EQ(
      run("__main__.f", Tensor::scalar(1.0, DType::kFloat32).as_strided(Shape{4}, Shape{0}, 0)).as_float(),
      5.0);
}

}  // namespace
}  // namespace tine::test

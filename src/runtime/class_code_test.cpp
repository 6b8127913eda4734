// The text in which the classes of a scripted module travel: what is wrong in it is refused, whatever its hash says.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/base/testing/errors.h"
#include "src/rpc/call.h"
#include "src/runtime/script.h"
#include "tine/runtime.h"

namespace tine {
namespace {

using testing::HasSubstr;

constexpr const char* kCounter = R"(tine-script 1
class Cell ["Cell"]
slot value int
method get 1
class Counter ["Counter"]
slot cell C0
slot step int
slot seen List[int]
method next 0
function next(C1 self, int by=2) -> int
graph(%self : C1, %by : int):
  %c : C0 = prim::GetAttr[name="cell"](%self)
  %v : int = prim::CallMethod[name="get"](%c)
  %s : int = prim::GetAttr[name="step"](%self)
  %a : int = aten::mul.int(%s, %by)
  %r : int = aten::add.int(%v, %a)
  prim::SetAttr[name="step"](%self, %r)
  return (%r)
function get(C0 self) -> int
graph(%self : C0):
  %v : int = prim::GetAttr[name="value"](%self)
  return (%v)
)";

class ClassCode : public testing::Test {
 protected:
  // Imports it under the hash that it has: the first refusal tells that.
  std::vector<script::Class> import(const std::string& text) {
    const std::string before = "but its content is ";
    const std::string told = error_of([&] { (void)store.import_classes("00", text); });
    const size_t at = told.find(before);
    if (at == std::string::npos) throw ValueError(told);
    return store.import_classes(told.substr(at + before.size(), 64), text);
  }
  std::string refusal(const std::string& from, const std::string& to) {
    std::string text = kCounter;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return error_of([&] { (void)import(text); });
  }
  int64_t next(const std::vector<script::Class>& classes, const Value& counter,
               std::vector<Value> more = {}) {
    more.insert(more.begin(), counter);
    const script::Function& f = classes[1].methods.at(0).second;
    return store.start(f, store.bind(f, more, {})).get().as_int();
  }
  static Value counter(const std::vector<script::Class>& classes) {
    auto cell = detail::make_ref<Object>(classes[0].type, std::vector<Value>{40});
    return detail::make_ref<Object>(classes[1].type,
                                    std::vector<Value>{std::move(cell), 1, detail::make_ref<List>()});
  }

  Runtime runtime{{.num_threads = 1}};
  ScriptStore& store = runtime.scripts();
};

TEST_F(ClassCode, DefinesTypesAndMethodsThatCallEachOther) {
  const auto classes = import(kCounter);
  ASSERT_EQ(classes.size(), 2u);
  EXPECT_EQ(classes[1].name, "Counter");
  EXPECT_EQ(classes[1].facts, "[\"Counter\"]");
  EXPECT_EQ(classes[1].type->slots[0].type, classes[0].type);
  const Value self = counter(classes);
  EXPECT_EQ(next(classes, self), 42);
  EXPECT_EQ(next(classes, self, {3}), 40 + 42 * 3);
}

TEST_F(ClassCode, HasOneHashWhereverItHasBeen) {
  const auto classes = import(kCounter);
  const auto once = store.export_classes(classes);
  const auto again = store.import_classes(once->hash, once->text);
  EXPECT_EQ(store.export_classes(again)->hash, once->hash);
  Runtime other{{.num_threads = 1}};
  const auto there = other.scripts().import_classes(once->hash, once->text);
  EXPECT_EQ(other.scripts().export_classes(there)->hash, once->hash);
}

TEST_F(ClassCode, ThatIsHereAlreadyGivesTheSameFunctions) {
  const auto one = import(kCounter);
  const auto two = import(kCounter);
  EXPECT_TRUE(one[1].methods[0].second == two[1].methods[0].second);
  EXPECT_EQ(next(two, counter(one)), 42) << "a type is known by its name, which has the hash in it";
}

TEST_F(ClassCode, TakesNoObjectOfAnotherClass) {
  const auto classes = import(kCounter);
  EXPECT_THAT(error_of([&] {
                (void)next(classes, detail::make_ref<Object>(classes[0].type, std::vector<Value>{1}));
              }),
              HasSubstr("argument 'self' must be"));
}

TEST_F(ClassCode, WithAnotherContentThanItsHashSaysIsRefused) {
  const auto code = store.export_classes(import(kCounter));
  std::string text = code->text;
  text.replace(text.find("slot step int"), 9, "slot stop");
  EXPECT_THAT(error_of([&] { (void)store.import_classes(code->hash, text); }),
              HasSubstr("no attribute 'step'"));
  text = code->text;
  text.replace(text.find("=2"), 2, "=3");
  EXPECT_THAT(error_of([&] { (void)store.import_classes(code->hash, text); }), HasSubstr("it is refused"));
}

TEST_F(ClassCode, HoldsObjectsOfEarlierClassesAlone) {
  EXPECT_THAT(refusal("slot cell C0", "slot cell C1"), HasSubstr("no class C1 before its use"));
  EXPECT_THAT(refusal("slot cell C0", "slot cell List[C7]"), HasSubstr("no class C7"));
  EXPECT_THAT(refusal("slot cell C0", "slot cell Other"), HasSubstr("no class Other"));
  EXPECT_THAT(refusal("slot value int", "slot value C0"), HasSubstr("no class C0"));
}

TEST_F(ClassCode, IsRefusedWhereItIsNotWellFormed) {
  const char* const changes[][2] = {
      {"class Cell [\"Cell\"]", "class"},
      {"class Cell", "class a.b"},
      {"slot value int", "slot value"},
      {"slot value int", "slot  int"},
      {"slot value int", "slot value List[int"},
      {"method get 1", "method get 2"},
      {"method get 1", "method get -1"},
      {"method get 1", "method get x"},
      {"method get 1", "method g-t 1"},
      {"method get 1", "method get 1\nmethod get 0"},
      {"method get 1", "method get 0"},
      {"(C0 self)", "(C1 self)"},
      {"(C0 self)", "(Other self)"},
      {"%self : C0", "%self : C1"},
      {"%c : C0", "%c : C9"},
      {"[name=\"value\"]", "[name=\"values\"]"},
      {"%v : int = prim::GetAttr", "%v : Tensor = prim::GetAttr"},
      {"tine-script 1", "tine-script 2"},
      {"int by=2", "C0 by"},
  };
  for (const auto& [from, to] : changes) EXPECT_NE(refusal(from, to), "no error") << from << " -> " << to;
}

TEST_F(ClassCode, ThatCallsAMethodWhichIsNotInItFailsWhereItIsCalled) {
  std::string text = kCounter;
  text.replace(text.find("name=\"get\""), 10, "name=\"gone\"");
  const auto classes = import(text);
  EXPECT_THAT(error_of([&] { (void)next(classes, counter(classes)); }), HasSubstr("gone"));
}

TEST_F(ClassCode, ThatCallsAMethodWithOtherTypesFailsWhereItIsCalled) {
  std::string text = kCounter;
  text.replace(text.find("[name=\"get\"](%c)"), 16, "[name=\"next\"](%c)");
  const auto classes = import(text);
  EXPECT_THAT(error_of([&] { (void)next(classes, counter(classes)); }), HasSubstr("next"));
}

TEST_F(ClassCode, OfFunctionsAndOfClassesAreNotTakenForEachOther) {
  const auto classes = store.export_classes(import(kCounter));
  EXPECT_THAT(error_of([&] { (void)store.import_code(classes->hash, classes->text); }),
              HasSubstr("expected functions"));
  EXPECT_THAT(error_of([&] { (void)store.export_code(import(kCounter)[0].methods[0].second); }),
              HasSubstr("it uses a module"));
}

TEST_F(ClassCode, HasABoundedNumberOfClassesAndAttributes) {
  std::string many = "tine-script 1\n";
  for (int i = 0; i < 65'537; ++i) many += "class A \n";
  EXPECT_THAT(error_of([&] { (void)import(many); }), HasSubstr("more than 65536 classes"));
  std::string wide = "tine-script 1\nclass A \n";
  for (int i = 0; i < 16'385; ++i) wide += "slot a int\n";
  EXPECT_THAT(error_of([&] { (void)import(wide); }), HasSubstr("slot"));
}

TEST_F(ClassCode, HoldsOtherClassesToABoundedDepthAndSize) {
  const auto chain = [](int length, const char* more) {
    std::string text = "tine-script 1\nclass A \nslot x int\n";
    for (int i = 1; i < length; ++i) {
      text += fmt::format("class A \nslot x C{}\n", i - 1);
      if (*more) text += fmt::format("slot {} C{}\n", more, i - 1);
    }
    return text;
  };
  EXPECT_EQ(import(chain(256, "")).size(), 256u);
  for (const std::string& text : {chain(258, ""), chain(60'000, ""), chain(40, "y")})
    EXPECT_THAT(error_of([&] { (void)import(text); }), HasSubstr("is too large"));
  // The types of a second reading are compared with those of the first.
  EXPECT_EQ(import(chain(18, "y")).size(), 18u);
  EXPECT_EQ(import(chain(18, "y")).size(), 18u);
}

}  // namespace
}  // namespace tine

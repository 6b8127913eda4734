// An object dies with its last use, whichever instruction that is: while the function waits afterwards, the caller's
// reference is the only one.
#include <fmt/format.h>

#include "tests/script/fixture.h"

namespace tine::test {
namespace {

class Deaths : public Script {
 protected:
  Deaths() {
    options.object_type = [this](std::string_view name) { return name == "Thing" ? type : nullptr; };
  }
  // `use` is the last that needs %x; then the function waits.
  void dies_at(const std::string& param, const std::string& use, const Value& value) {
    SCOPED_TRACE(use);
    define("f", fmt::format(
                    "graph(%x : {}, %fut : Future[int]):\n{}\n  %v : int = aten::wait(%fut)\n  return (%v)\n",
                    param, use));
    Promise<Value> promise;
    const Future<Value> result = start("f", value, Value(promise.future()));
    EXPECT_FALSE(result.ready());
    EXPECT_TRUE(value.as_counted()->sole_owner());
    promise.set_value(Value(3));
    EXPECT_EQ(result.get().as_int(), 3);
    EXPECT_TRUE(value.as_counted()->sole_owner());
  }
  static Value list(std::vector<Value> items) { return detail::make_ref<List>(std::move(items)); }

  std::shared_ptr<const ObjectType> type = std::make_shared<const ObjectType>(
      "Thing", std::vector<ObjectType::Slot>{{"n", Type::integer()}, {"name", Type::string()}});
};

TEST_F(Deaths, AtEachInstructionThatReads) {
  const Value tuple = detail::make_ref<Tuple>(std::vector<Value>{1, "a"});
  dies_at("Tuple[int, str]", "  %a : int = prim::TupleIndex[index=0](%x)", tuple);
  dies_at("Tuple[int, str]", "  %a : str = prim::TupleIndex[index=1](%x)", tuple);
  dies_at("Tuple[int, str]", "  %a : int, %b : str = prim::TupleUnpack(%x)\n  %c : int = aten::len(%b)",
          tuple);
  dies_at("List[int]", "  %a : int, %b : int = prim::ListUnpack(%x)", list({1, 2}));
  dies_at("List[int]", "  %a : int = aten::len(%x)", list({1}));
  dies_at("Any", "  %a : bool = prim::isinstance[type=List[int]](%x)", list({1}));
  dies_at("Optional[List[int]]", "  %a : List[int] = prim::unchecked_cast(%x)\n  %b : int = aten::len(%a)",
          list({1}));
  dies_at("List[int]", "  %i : int = prim::Constant[value=0]()\n  %a : int = aten::__getitem__(%x, %i)",
          list({1}));
}

TEST_F(Deaths, AtAttributesOfAnObject) {
  const Value object(detail::make_ref<Object>(type, std::vector<Value>{7, "c"}));
  dies_at("Thing", "  %a : int = prim::GetAttr[name=\"n\"](%x)", object);
  dies_at("Thing", "  %a : str = prim::GetAttr[name=\"name\"](%x)\n  %b : int = aten::len(%a)", object);
  dies_at("Thing", "  %i : int = prim::Constant[value=5]()\n  prim::SetAttr[name=\"n\"](%x, %i)", object);
  EXPECT_EQ(object.as_object().slots[0].as_int(), 5);
}

TEST_F(Deaths, InWhatIsMadeOfItAndDiesItself) {
  dies_at("List[int]", "  %a : List[List[int]] = prim::ListConstruct(%x)\n  %b : int = aten::len(%a)",
          list({1}));
  dies_at("List[int]",
          "  %a : Tuple[List[int], List[int]] = prim::TupleConstruct(%x, %x)\n  %b : List[int] = "
          "prim::TupleIndex[index=0](%a)\n  %c : int = aten::len(%b)",
          list({1}));
  dies_at("List[int]",
          "  %k : str = prim::Constant[value=\"k\"]()\n  %a : Dict[str, List[int]] = prim::DictConstruct(%k, "
          "%x)\n  %b : int = aten::len(%a)",
          list({1}));
}

TEST_F(Deaths, InBranchesAndLoopsThatUseItLast) {
  dies_at("List[int]",
          "  %c : bool = prim::Constant[value=1]()\n  %r : int = prim::If(%c)\n    block0():\n      %n : int "
          "= aten::len(%x)\n      -> (%n)\n"
          "    block1():\n      %z : int = prim::Constant[value=0]()\n      -> (%z)",
          list({1}));
  dies_at("List[int]",
          "  %n : int = prim::Constant[value=3]()\n  %t : bool = prim::Constant[value=1]()\n  prim::Loop(%n, "
          "%t)\n    block0(%i : int):\n"
          "      %l : int = aten::len(%x)\n      -> (%t)",
          list({1}));
  dies_at("List[int]",
          "  %n : int = prim::Constant[value=3]()\n  %t : bool = prim::Constant[value=1]()\n  %y : List[int] "
          "= prim::Loop(%n, %t, %x)\n"
          "    block0(%i : int, %c : List[int]):\n      %l : int = aten::len(%c)\n      -> (%t, %c)\n  %e : "
          "int = aten::len(%y)",
          list({1}));
}

TEST_F(Deaths, InCallsAndForksThatGetIt) {
  define("g", "graph(%x : List[int]):\n  %n : int = aten::len(%x)\n  return (%n)\n");
  dies_at("List[int]", "  %r : int = prim::CallFunction[name=\"g\"](%x)", list({1}));
}

}  // namespace
}  // namespace tine::test

#include "src/value/ops/ops.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "src/tensor/generator.h"
#include "src/value/bind.h"
#include "src/value/op_context.h"
#include "src/value/ops/calls_for_tests.h"
#include "src/value/schema_parser.h"
#include "src/value/text.h"
#include "tine/future.h"

namespace tine::value {
namespace {

using testing::HasSubstr;

const OpTable& builtins() {
  static const OpTable& table = *[] {
    auto* t = new OpTable;
    add_builtin_operators(*t);
    return t;
  }();
  return table;
}

Value read_value(Parser& p, const OpTable& table);

std::vector<Value> read_values(Parser& p, const OpTable& table, std::string_view close) {
  std::vector<Value> out;
  while (!p.accept(close)) {
    out.push_back(read_value(p, table));
    if (!p.accept(",") && !p.looking_at(close)) p.fail("expected a comma");
  }
  return out;
}

Value read_value(Parser& p, const OpTable& table) {
  if (p.accept("tensor(")) {
    const std::vector<Value> args = read_values(p, table, ")");
    std::vector<Value> bound{args[0], args.size() > 1 ? args[1] : Value(), Value()};
    OpContext context;
    return table.find("aten::tensor")->kernel(context, bound.data());
  }
  if (p.looking_at("Enum(")) {
    const auto type = std::static_pointer_cast<const EnumType>(p.type());
    p.expect(".");
    return enum_member(type, static_cast<size_t>(type->index_of(p.name(false))));
  }
  if (p.accept("[")) return detail::make_ref<List>(read_values(p, table, "]"));
  if (p.accept("(")) return detail::make_ref<Tuple>(read_values(p, table, ")"));
  if (p.accept("{")) {
    auto dict = detail::make_ref<Dict>();
    while (!p.accept("}")) {
      Value key = read_value(p, table);
      p.expect(":");
      dict->set(std::move(key), read_value(p, table));
      (void)p.accept(",");
    }
    return dict;
  }
  return p.literal();
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.find("=>") != line.npos) out.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::vector<std::string_view> all_calls() {
  std::vector<std::string_view> out;
  for (const char* text : {kTensorCalls, kTextCalls, kPythonTextCalls, kProgramCalls}) {
    for (const std::string_view line : lines_of(text)) out.push_back(line);
  }
  return out;
}

// As the calls are written: `~` for the end of a line.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', '~');
  return text;
}

std::string outcome(const Call& call, Generator& generator) {
  OpContext context;
  context.generator = &generator;
  try {
    const Value result = tine::call(*call.op, context, call.args.data());
    EXPECT_TRUE(fits(result, call.op->schema.result_type()))
        << result.repr() << " is no " << call.op->schema.result_type()->str();
    return one_line(result.repr());
  } catch (const Error& e) {
    return fmt::format("{}: {}", name_of(e.kind()), e.message());
  }
}

}  // namespace

Call parse_call(const OpTable& table, std::string_view line) {
  Call call;
  const size_t arrow = line.rfind(" => ");
  Parser p(line.substr(0, arrow), "call");
  const std::string name(p.name(true));
  call.op = table.find(name);
  if (!call.op || call.op->schema.full_name() != name) p.fail("no such row");
  p.expect("(");
  std::vector<Value> args;
  std::vector<Keyword> keywords;
  while (!p.accept(")")) {
    const Parser before = p;
    const std::string_view keyword = p.name(false);
    if (!keyword.empty() && p.accept("=")) {
      keywords.emplace_back(keyword, read_value(p, table));
    } else {
      p = before;
      args.push_back(read_value(p, table));
    }
    if (!p.accept(",") && !p.looking_at(")")) p.fail("expected a comma");
  }
  p.expect_end();
  std::string why;
  if (!tine::bind(call.op->schema, args, keywords, Boundary::kPython, &call.args, &why)) p.fail(why);
  std::string_view rest = line.substr(arrow + 4);
  if (const size_t self = rest.find(" ; self "); self != rest.npos) {
    call.self = rest.substr(self + 8);
    rest = rest.substr(0, self);
  }
  call.expected = rest;
  return call;
}

namespace {

TEST(Operators, EverySchemaRoundTripsThroughText) {
  for (const Op* op : builtins().all()) {
    const std::string text = op->schema.str();
    EXPECT_EQ(Schema::parse(text).str(), text);
    EXPECT_EQ(builtins().find(op->schema.full_name()), op);
  }
}

TEST(Operators, WhatARowWritesItDeclares) {
  for (const Op* op : builtins().all()) {
    bool writes = false;
    for (const Argument& arg : op->schema.args) writes |= arg.written;
    EXPECT_FALSE(writes && op->traits.pure) << op->schema.str();
    if (op->schema.name.ends_with("_") && !op->schema.name.ends_with("__")) {
      EXPECT_TRUE(writes) << op->schema.str();
    }
  }
}

TEST(Operators, EachCallGivesWhatPythonAndPyTorchGive) {
  Generator generator(1);
  for (const std::string_view line : all_calls()) {
    try {
      const Call call = parse_call(builtins(), line);
      const std::string result = outcome(call, generator);
      if (call.expected == "*") {
        EXPECT_THAT(result, testing::Not(HasSubstr("Error: "))) << line;
      } else {
        EXPECT_EQ(result, call.expected) << line;
      }
      EXPECT_EQ(call.self.empty() ? "" : one_line(call.args[0].repr()), call.self) << line;
    } catch (const Error& e) {
      ADD_FAILURE() << line << "\n  " << e.message();
    }
  }
}

TEST(Operators, EveryRowIsCalledByATest) {
  // Rows that need more than a line of text have tests of their own below.
  std::set<std::string> called{"aten::wait", "aten::done", "aten::collect_all", "prim::Print", "aten::warn"};
  for (const std::string_view line : all_calls()) called.emplace(line.substr(0, line.find('(')));
  std::string missing;
  for (const Op* op : builtins().all()) {
    if (!called.contains(op->schema.full_name())) missing += op->schema.str() + "\n";
  }
  EXPECT_EQ(missing, "");
}

TEST(Operators, ACallLeavesNoReferenceBehind) {
  Generator generator(1);
  for (const std::string_view line : all_calls()) {
    Call call = parse_call(builtins(), line);
    std::vector<Value> kept = call.args;
    (void)outcome(call, generator);
    call.args.clear();
    for (size_t i = 0; i < kept.size(); ++i) {
      if (kept[i].tag() < Tag::kTensor) continue;
      // A default is shared with the schema; a list that was extended by itself holds itself.
      const Argument& arg = call.op->schema.args[i];
      if (arg.default_value && arg.default_value->tag() >= Tag::kTensor &&
          arg.default_value->as_counted() == kept[i].as_counted())
        continue;
      size_t shares = 0;
      for (const Value& v : kept) shares += v.tag() >= Tag::kTensor && v.as_counted() == kept[i].as_counted();
      const bool inserted = kept[0].is(Tag::kList) && i > 0;
      if (shares == 1 && !inserted && !kept[0].is(Tag::kDict)) {
        EXPECT_TRUE(kept[i].as_counted()->sole_owner()) << line << " argument " << i;
      }
    }
  }
}

TEST(Operators, WaitBlocksUntilTheFutureIsDoneAndRethrowsItsError) {
  OpContext context;
  const Op& wait = *builtins().find("aten::wait");
  EXPECT_TRUE(wait.traits.suspends);
  Promise<Value> promise;
  Value future(promise.future());
  EXPECT_FALSE(builtins().find("aten::done")->kernel(context, &future).as_bool());
  std::thread producer([&] { promise.set_value(Value("late")); });
  EXPECT_EQ(wait.kernel(context, &future).as_string(), "late");
  producer.join();
  EXPECT_TRUE(builtins().find("aten::done")->kernel(context, &future).as_bool());
  Value failed(make_failed<Value>(make_error(ErrorKind::kKey, "'k'")));
  EXPECT_THROW((void)wait.kernel(context, &failed), KeyError);
}

TEST(Operators, CollectAllGivesAFutureOfTheVeryFutures) {
  OpContext context;
  const Op& collect = *builtins().find("aten::collect_all");
  Promise<Value> first, second;
  const Value futures =
      detail::make_ref<List>(std::vector<Value>{Value(first.future()), Value(second.future())});
  const Future<Value> all = collect.kernel(context, &futures).to_future();
  first.set_value(Value(1));
  EXPECT_FALSE(all.ready());
  second.set_value(Value(2));
  const Value done = all.get();
  ASSERT_EQ(done.as_list().items.size(), 2u);
  EXPECT_EQ(done.as_list().items[1].to_future().get().as_int(), 2);
  const Value failing = detail::make_ref<List>(
      std::vector<Value>{Value(make_failed<Value>(make_error(ErrorKind::kKey, "'k'")))});
  EXPECT_THROW((void)collect.kernel(context, &failing).to_future().get(), KeyError);
}

TEST(Operators, PrintWritesOneLine) {
  OpContext context;
  Value args = detail::make_ref<List>(std::vector<Value>{"", "a", 1, 2.0, Value()});
  testing::internal::CaptureStdout();
  builtins().find("prim::Print")->kernel(context, &args);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), " a 1 2.0 None\n");
  Value warning[] = {"careful", 2};
  testing::internal::CaptureStderr();
  builtins().find("aten::warn")->kernel(context, warning);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "UserWarning: careful\n");
}

TEST(Operators, TheSameSeedGivesTheSameNumbers) {
  Generator generator;
  OpContext context;
  context.generator = &generator;
  std::vector<Value> bound;
  const auto draw = [&] {
    const Op& op = builtins().resolve("aten::rand", std::vector<Value>{4}, {}, Boundary::kPython, &bound);
    return call(op, context, bound.data()).repr();
  };
  const Value seed = 5;
  builtins().find("aten::manual_seed")->kernel(context, &seed);
  const std::string first = draw();
  EXPECT_NE(draw(), first);
  builtins().find("aten::manual_seed")->kernel(context, &seed);
  EXPECT_EQ(draw(), first);
  context.generator = nullptr;
  EXPECT_ANY_THROW(draw());
}

TEST(Operators, WhatPythonCallsResolvesToTheRowItMeans) {
  std::vector<Value> bound;
  const auto chosen = [&](std::string_view name, std::vector<Value> args,
                          std::vector<Keyword> keywords = {}) {
    return builtins().resolve(name, args, keywords, Boundary::kPython, &bound).schema.full_name();
  };
  const Value x = parse_call(builtins(), "aten::relu(tensor([1., 2.])) => *").args[0];
  EXPECT_EQ(chosen("aten::add", {x, x}), "aten::add.Tensor");
  EXPECT_EQ(chosen("aten::add", {x, 1}), "aten::add.Scalar");
  EXPECT_EQ(chosen("aten::add", {x, true}), "aten::add.Tensor");
  EXPECT_EQ(chosen("aten::add", {1, x}), "aten::add.Scalar_Tensor");
  EXPECT_EQ(chosen("aten::add", {x, x}, {{"alpha", 2}}), "aten::add.Tensor");
  EXPECT_EQ(chosen("aten::pow", {2, x}), "aten::pow.Scalar");
  EXPECT_EQ(chosen("aten::sum", {x}), "aten::sum");
  EXPECT_EQ(chosen("aten::sum", {x, 0}), "aten::sum.dim_IntList");
  EXPECT_EQ(chosen("aten::sum", {x}, {{"dim", 0}, {"keepdim", true}}), "aten::sum.dim_IntList");
  EXPECT_EQ(chosen("aten::max", {x}), "aten::max");
  EXPECT_EQ(chosen("aten::max", {x, 0}), "aten::max.dim");
  EXPECT_EQ(chosen("aten::max", {x, x}), "aten::max.other");
  EXPECT_EQ(chosen("aten::arange", {5}), "aten::arange");
  EXPECT_EQ(chosen("aten::arange", {0, 5}), "aten::arange.start");
  EXPECT_EQ(chosen("aten::arange", {0, 5, 2}), "aten::arange.start_step");
  EXPECT_EQ(chosen("aten::ones", {2, 3}), "aten::ones");
  EXPECT_EQ(chosen("aten::ones", {2, 3}, {{"dtype", static_cast<int64_t>(DType::kInt64)}}), "aten::ones");
  EXPECT_EQ(bound[0].repr(), "[2, 3]");
  EXPECT_EQ(chosen("aten::softmax", {x}, {{"dim", 0}}), "aten::softmax.int");
  EXPECT_EQ(chosen("aten::where", {x, 1, x}), "aten::where.ScalarSelf");
  EXPECT_EQ(chosen("aten::to", {x, static_cast<int64_t>(DType::kFloat64)}), "aten::to.dtype");
  EXPECT_EQ(chosen("aten::to", {x, "cpu"}), "aten::to.device");
  EXPECT_EQ(chosen("aten::log", {2.0}), "aten::log.float");
  EXPECT_EQ(chosen("aten::log", {x}), "aten::log");
}

}  // namespace
}  // namespace tine::value

#include "src/compile/register_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/base/testing/errors.h"

namespace tine::compile {
namespace {

// One scalar register (0), one object register (1), one constant, one type.
struct Code : RegisterCode {
  Code() : RegisterCode("f") {
    new_register(false);
    new_register(true);
    constant(Value(int64_t{7}));
    function_->types.push_back(Type::integer());
  }
  using RegisterCode::constant;
  using RegisterCode::jump;
  using RegisterCode::new_register;
  using RegisterCode::put;
  using RegisterCode::put_words;
};

void expect_wrong(const std::function<void(Code&)>& use, const char* says) {
  Code code;
  try {
    use(code);
    ADD_FAILURE() << "expected: " << says;
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), testing::HasSubstr("the code of 'f' would be wrong"));
    EXPECT_THAT(e.message(), testing::HasSubstr(says));
  }
}

TEST(RegisterCode, TakesInstructionsOfTheFormThatTheirRowSays) {
  Code code;
  code.put({Opcode::ADD_INT, 0, 0, 0});
  code.put({Opcode::ADD_INT_K, 0, 0, 0});
  code.put({Opcode::COPY, 1, 0});  // a scalar as an object
  code.put({Opcode::MOVE, 0, 1});  // an object that is known to be a scalar
  code.put({Opcode::IS_INSTANCE, 0, 1, 0});
  code.put({Opcode::WAIT, 1, 1, 1});
  code.put({Opcode::TUPLE, 1, 0, 2});
  code.put_words({code::kConstOperand, 1 | code::kLastUse});
}

TEST(RegisterCode, RefusesARegisterOfTheWrongKind) {
  expect_wrong([](Code& c) { c.put({Opcode::ADD_INT, 1, 0, 0}); }, "ADD_INT has 1 as its a");
  expect_wrong([](Code& c) { c.put({Opcode::ADD_INT, 0, 1, 0}); }, "ADD_INT has 1 as its b");
  expect_wrong([](Code& c) { c.put({Opcode::RELEASE, 0}); }, "RELEASE has 0 as its a");
  expect_wrong([](Code& c) { c.put({Opcode::TAKE, 1, 0}); }, "TAKE has 0 as its b");
  expect_wrong([](Code& c) { c.put({Opcode::LOAD, 0, 0}); }, "LOAD has 0 as its a");
}

TEST(RegisterCode, RefusesWhatIsNotThere) {
  expect_wrong([](Code& c) { c.put({Opcode::MOVE, 0, 2}); }, "MOVE has 2 as its b");
  expect_wrong([](Code& c) { c.put({Opcode::ADD_INT_K, 0, 0, 1}); }, "ADD_INT_K has 1 as its c");
  expect_wrong([](Code& c) { c.put({Opcode::CALL_OP, 1, 0, 0}); }, "CALL_OP has 0 as its b");
  expect_wrong([](Code& c) { c.put({Opcode::CALL, 1, 0, 0}); }, "CALL has 0 as its b");
  expect_wrong([](Code& c) { c.put({Opcode::GET_SLOT, 1, 1, 0}); }, "GET_SLOT has 0 as its c");
  expect_wrong([](Code& c) { c.put({Opcode::CHECK_TYPE, 1, 1}); }, "CHECK_TYPE has 1 as its b");
  expect_wrong([](Code& c) { c.put({Opcode::WAIT, 1, 1, 2}); }, "WAIT has 2 as its c");
  expect_wrong([](Code& c) { c.put({Opcode::NOT, 0, 0, 3}); }, "NOT has 3 as its c");
}

TEST(RegisterCode, RefusesOperandsThatCannotBeTaken) {
  expect_wrong([](Code& c) { c.put_words({2}); }, "the operand 0x2");
  expect_wrong([](Code& c) { c.put_words({0 | code::kLastUse}); }, "the operand 0x8000");
  expect_wrong([](Code& c) { c.put_words({1 | code::kConstOperand}); }, "the operand 0x4001");
}

TEST(RegisterCode, RefusesANearJumpForAFarOneAndTheOtherWayRound) {
  Label label;
  expect_wrong([&](Code& c) { c.jump({Opcode::JUMP}, label, true); }, "JUMP is not a near jump");
  expect_wrong([&](Code& c) { c.jump({Opcode::LOOP, 0, 0}, label, false); }, "LOOP is not a far jump");
}

TEST(RegisterCode, HasRoomForSoManyRegistersConstantsAndOperandsAndNoMore) {
  Code code;  // with two registers and a constant of its own
  EXPECT_EQ(error_of([&] {
              for (int i = 2; i < code::kMaxRegisters; ++i) code.new_register(i % 2 == 0);
            }),
            "no error");
  EXPECT_THAT(error_of([&] { code.new_register(true); }),
              testing::HasSubstr("'f' needs more than 16383 registers; split it into smaller functions"));
  EXPECT_EQ(error_of([&] {
              for (int i = 1; i < code::kMaxConstants; ++i) code.constant(Value(std::to_string(i)));
            }),
            "no error");
  EXPECT_EQ(code.constant(Value(int64_t{7})), 0) << "one that is there is not another one";
  EXPECT_THAT(error_of([&] { code.constant(Value("another")); }),
              testing::HasSubstr("'f' needs more than 16383 constants"));
  std::vector<uint16_t> operands(code::kMaxOperands, 0);
  EXPECT_EQ(error_of([&] { code.put_words(operands); }), "no error");
  operands.push_back(0);
  EXPECT_THAT(error_of([&] { code.put_words(operands); }),
              testing::HasSubstr("'f' needs more than 16383 operands"));
}

TEST(RegisterCode, AConstantIsThereOnceByItsKindAndBits) {
  Code code;
  const uint16_t zero = code.constant(Value(0.0));
  EXPECT_EQ(code.constant(Value(0.0)), zero);
  EXPECT_NE(code.constant(Value(-0.0)), zero);
  EXPECT_NE(code.constant(Value(int64_t{0})), zero);
  EXPECT_NE(code.constant(Value(false)), code.constant(Value(int64_t{0})));
  EXPECT_EQ(code.constant(Value()), code.constant(Value()));
  EXPECT_NE(code.constant(Value("a")), code.constant(Value("b")));
}

// The picture names each field that the form says is used, and no other; "as" and "the same" refer to another row.
TEST(Opcodes, HaveFormsThatAgreeWithTheirPictures) {
  for (const code::OpcodeRow& row : code::kOpcodes) {
    ASSERT_EQ(row.form.size(), 3u) << row.name;
    if (row.picture.find("as ") != std::string_view::npos || row.picture.starts_with("the same")) continue;
    std::string picture(row.picture);
    for (size_t i = 0; i < 3; ++i) {
      const char field = "abc"[i];
      const bool named = picture.find(std::string("[") + field) != std::string::npos ||
                         picture.find(std::string("(") + field + ")") != std::string::npos ||
                         picture.find(std::string("+= ") + field) != std::string::npos ||
                         picture.find(std::string("has ") + field + " ") != std::string::npos ||
                         picture.find(std::string("kind ") + field + " ") != std::string::npos ||
                         (i > 0 && picture.find("+= far") != std::string::npos);
      EXPECT_EQ(named, row.form[i] != '.')
          << row.name << " \"" << row.form << "\" " << field << ": " << picture;
      const bool constant = picture.find(std::string("k[") + field) != std::string::npos;
      EXPECT_TRUE(constant || row.form[i] != 'k') << row.name << " " << field;
    }
  }
}

TEST(Opcodes, SayHowManyOperandsFollow) {
  EXPECT_EQ(code::operands_after({Opcode::CALL_OP, 0, 0, 5}), 5);
  EXPECT_EQ(code::operands_after({Opcode::SET_SLOT, 0, 0, 1}), 1);
  EXPECT_EQ(code::operands_after({Opcode::ADD_INT, 0, 0, 5}), 0);
  EXPECT_EQ(code::operands_after({Opcode::LOOP, 0, 0, 0xfff0}), 0);
}

}  // namespace
}  // namespace tine::compile

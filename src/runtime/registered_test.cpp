// A worker that runs the functions that it has registered, and nothing else (JoinOptions::allow).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "src/runtime/rpc.h"
#include "src/runtime/workers_for_tests.h"
#include "tine/foreign.h"
#include "tine/rpc.h"
#include "tine/script.h"

namespace tine::rpc {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using testing::floats;
using testing::numbers;
using testing::options;
using testing::Workers;

constexpr std::string_view kPickle = "never to be read";

Value pickle(std::vector<Value> leaves = {}) {
  const auto bytes = std::as_bytes(std::span(kPickle));
  return tine::detail::Ref<Foreign>(tine::detail::make_ref<ForeignPayload>(
      std::vector<std::byte>(bytes.begin(), bytes.end()), std::move(leaves)));
}

// w1 allows registered functions alone; w0, which allows all, has a language whose exceptions travel encoded.
class Registered : public Workers {
 protected:
  void join() {
    std::thread other([&] {
      JoinOptions o = options(address_, 1, 2);
      o.allow = Allow::kRegistered;
      o.language = &language_;
      callee().join(std::move(o));
    });
    JoinOptions o = options(address_, 0, 2);
    o.language = &language_;
    caller().join(std::move(o));
    other.join();
  }
  std::string answer_of(const std::string& name, std::vector<Value> args = {}) {
    return describe(caller().call({.to = "w1", .name = name, .args = std::move(args)}).error());
  }

  struct OurError final : Error {
    using Error::Error;
  };
  class Codec final : public ForeignCodec {
   public:
    Value encode(const Value&, bool) override { throw TypeError("nothing to encode"); }
    bool owns(const std::exception_ptr& error) const noexcept override {
      try {
        std::rethrow_exception(error);
      } catch (const OurError&) {
        return true;
      } catch (...) {
        return false;
      }
    }
    ErrorBody encode_error(const std::exception_ptr& error) override {
      ErrorBody body = ErrorBody::of(error);
      body.module = module;
      body.qualname = "Ours";
      body.pickled.assign(9, std::byte{1});
      return body;
    }
    std::string module = "ours";
  };
  Codec codec_;
  Language language_{&codec_, [](IncomingCall call) { call.reply("it ran"); }};
};

TEST_F(Registered, FunctionsAreCalledAndTheirResultsKeptAndFetched) {
  callee().serve("scale", [](double x, double by) { return x * by; });
  join();
  EXPECT_EQ(caller().call("w1", "scale", 2.0, 3.0).get().to_float(), 6);
  EXPECT_EQ(caller().remote("w1", "scale", 2.0, 4.0).to_here().get().to_float(), 8);
}

TEST_F(Registered, FunctionsAreAllThatOthersMayRun) {
  callee().serve("scale", [](double x, double by) { return x * by; });
  join();
  EXPECT_THAT(
      answer_of("aten::numel", {floats({1})}),
      AllOf(HasSubstr("AuthError"), HasSubstr("'w1' does not run the operator aten::numel for others"),
            HasSubstr("allow=\"registered\""), HasSubstr("Worker::serve")));
  EXPECT_THAT(describe(caller().remote("w1", "aten::numel", floats({1})).to_here().error()),
              HasSubstr("does not run the operator"));
  EXPECT_THAT(answer_of("other"), AllOf(HasSubstr("AuthError"), HasSubstr("registered no function \"other\""),
                                        HasSubstr("it has \"scale\"")));
  const Destination to = destination(caller(), Value("w1"), kDefaultTimeout);
  const auto code = std::make_shared<const ScriptCode>(ScriptCode{"a hash", "a text"});
  EXPECT_THAT(describe(to.call(CallRequest::script("theirs", code, {})).error()),
              AllOf(HasSubstr("AuthError"), HasSubstr("the script function theirs")));
  const auto payload = tine::detail::Ref<ForeignPayload>::share(ForeignPayload::in(pickle()));
  EXPECT_THAT(describe(to.call(CallRequest::foreign("train", payload)).error()),
              AllOf(HasSubstr("AuthError"), HasSubstr("the function train"), Not(HasSubstr("it ran"))));
  // It calls others, and itself, as ever.
  EXPECT_EQ(callee().call("w0", "aten::numel", floats({1, 2})).get().to_int(), 2);
  EXPECT_EQ(callee().call("w1", "aten::numel", floats({1, 2})).get().to_int(), 2);
}

TEST_F(Registered, FunctionsTakeNoPickleAsAnArgumentHoweverDeepItLies) {
  bool ran = false;
  callee().serve("take", [&](Invocation) { ran = true; });
  join();
  const Value list = to_value(std::vector<Value>{1, pickle()});
  for (const Value& argument : {pickle(), list})
    EXPECT_THAT(answer_of("take", {argument}),
                AllOf(HasSubstr("AuthError"), HasSubstr("an argument of take"), HasSubstr("pickle")));
  EXPECT_FALSE(ran);
}

TEST_F(Registered, AnAnswerThatIsAPickleIsRefusedAndTheReferencesInItAreGivenBack) {
  caller().serve("give", [this] { return pickle({Value(caller().own(7))}); });
  join();
  EXPECT_THAT(describe(callee().call("w0", "give").error()),
              AllOf(HasSubstr("AuthError"), HasSubstr("the answer of worker 'w0' to give"),
                    HasSubstr("is or holds a pickle"), HasSubstr("allow=\"registered\"")));
  EXPECT_TRUE(eventually([&] { return caller().counts().references_owned == 0; }));
}

TEST_F(Registered, AnErrorOfAnotherLanguageComesAsTextAlone) {
  caller().serve("fail", []() -> int { throw OurError("as asked"); });
  join();
  const auto error = callee().call("w0", "fail").error();
  EXPECT_THAT(describe(error), HasSubstr("ours.Ours: as asked"));
  EXPECT_THROW(std::rethrow_exception(error), Error);
  try {
    std::rethrow_exception(error);
  } catch (const RemoteException&) {
    ADD_FAILURE() << "it still has what its language would decode";
  } catch (const Error&) {
  }
}

TEST_F(Registered, AClassOfPythonsOwnKeepsItsNameButNotItsPickle) {
  codec_.module = "builtins";
  caller().serve("fail", []() -> int { throw OurError("as asked"); });
  join();
  try {
    (void)callee().call("w0", "fail").get();
    FAIL();
  } catch (const RemoteException& e) {
    EXPECT_EQ(e.body().qualname, "Ours");
    EXPECT_EQ(e.message(), "as asked");
    EXPECT_TRUE(e.body().pickled.empty());
  }
}

}  // namespace
}  // namespace tine::rpc

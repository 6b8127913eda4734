// The register and its clients, without agents: over a transport within the process, where a test may also say what no
// client would.
#include "src/rpc/rendezvous.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "src/rpc/transport/in_process/in_process_transport.h"
#include "src/rpc/wire/error_body.h"
#include "src/rpc/wire/request.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Says what it likes to a register, and hears what that answers.
class Stranger final : public FrameHandler {
 public:
  void on_frame(Connection&, Frame& frame) noexcept override {
    BodyReader in(frame.body);
    ReceivedSegments none;
    const std::lock_guard lock(mutex_);
    answers_.push_back(frame.header.kind == FrameKind::kError ? describe(read_error(in, none).to_exception())
                                                              : "reply");
    changed_.notify_all();
  }
  void on_close(Connection&, const CloseInfo&) noexcept override {}
  std::string answer(size_t n = 1) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 20s, [&] { return answers_.size() >= n; })) return "no answer";
    return answers_[n - 1];
  }
  size_t answers() {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> answers_;
};

class RendezvousTest : public ::testing::Test {
 protected:
  static Identity identity(int rank, const char* secret = "the shared secret") {
    return {"w" + std::to_string(rank), 100 + static_cast<uint64_t>(rank),
            std::make_shared<const Secret>(secret)};
  }
  RendezvousOptions options(int rank, int world_size, std::chrono::milliseconds time = 60s) {
    RendezvousOptions o;
    o.self = {"w" + std::to_string(rank),
              rank,
              100 + static_cast<uint64_t>(rank),
              {{"test:" + std::to_string(rank), ""}}};
    o.world_size = world_size;
    o.address = address;
    o.deadline = Clock::now() + time;
    o.timeout_s = std::chrono::duration<double>(time).count();
    o.log = [this](const std::string& line) {
      const std::lock_guard lock(mutex);
      log += line + "\n";
    };
    return o;
  }
  // What enter() and wait_ready() threw; the names of the members when nothing.
  std::string meet(RendezvousOptions o, const Identity& who) {
    const auto transport = factory->make(loop, who);
    try {
      Rendezvous rendezvous(*transport, std::move(o));
      try {
        std::string names;
        for (const Member& m : rendezvous.enter())
          names += m.name + "=" + std::to_string(m.rank) + "@" + m.addresses.at(0).text + " ";
        rendezvous.wait_ready();
        return names;
      } catch (const Error& e) {
        rendezvous.fail(e.message());
        throw;
      }
    } catch (const Error& e) {
      return describe(e.to_exception_ptr());
    }
  }
  std::string meet(int rank, int world_size) { return meet(options(rank, world_size), identity(rank)); }
  // Rank 0 alone, with the time that it waits for others.
  std::thread register_for(int world_size, std::chrono::milliseconds time = 60s) {
    return std::thread([this, o = options(0, world_size, time)] { at_register = meet(o, identity(0)); });
  }

  detail::Ref<Connection> connect(int rank, const detail::Ref<Stranger>& ear) {
    strangers.push_back(factory->make(loop, identity(rank)));
    ConnectOptions connect;
    connect.retry = true;
    auto connection = strangers.back()->connect(address, connect).get();
    connection->start(ear);
    return connection;
  }
  static void say(Connection& connection, const char* name, const std::vector<Value>& args, uint64_t id,
                  Target target = Target::kControl) {
    PlainHooks hooks;
    RequestView view;
    view.target = target;
    view.name = name;
    view.args = args;
    OutFrame frame(FrameKind::kRequest, id);
    write_request(frame.body, view, hooks);
    EXPECT_EQ(connection.send(std::move(frame)), nullptr);
  }
  static Value list(std::vector<Value> items) { return detail::make_ref<List>(std::move(items)); }
  static Value one_address() { return list({list({"test:1", ""})}); }

  const std::string address = "inproc:meeting";
  const std::shared_ptr<const TransportFactory> factory = in_process_transport();
  IoLoop loop;
  std::mutex mutex;
  std::string log;
  std::string at_register;
  std::vector<std::unique_ptr<Transport>> strangers;
};

TEST_F(RendezvousTest, EveryWorkerGetsTheListByRankWhateverTheOrderTheyComeIn) {
  std::vector<std::string> got(3);
  std::vector<std::thread> threads;
  for (const int rank : {2, 0, 1})
    threads.emplace_back([&, rank] { got[static_cast<size_t>(rank)] = meet(rank, 3); });
  for (auto& t : threads) t.join();
  for (const std::string& names : got) EXPECT_EQ(names, "w0=0@test:0 w1=1@test:1 w2=2@test:2 ");
}

TEST_F(RendezvousTest, ANameThatIsTakenEndsItForAllWithBothWorkersNamed) {
  auto at_rank_0 = register_for(3);
  std::vector<std::string> errors(2);
  std::vector<std::thread> threads;
  for (const int rank : {1, 2}) {
    threads.emplace_back([&, rank] {
      RendezvousOptions o = options(rank, 3);
      o.self.name = "twin";
      Identity who = identity(rank);
      who.name = "twin";
      errors[static_cast<size_t>(rank - 1)] = meet(o, who);
    });
  }
  for (auto& t : threads) t.join();
  at_rank_0.join();
  errors.push_back(at_register);
  for (const std::string& e : errors)
    EXPECT_THAT(e, AllOf(HasSubstr("ValueError"), HasSubstr("'twin' is not unique"), HasSubstr("(rank 1"),
                         HasSubstr("(rank 2")));
}

TEST_F(RendezvousTest, AWorkerOfAnotherWorldSizeOrRankIsRefusedAndTheOthersGoOn) {
  auto at_rank_0 = register_for(2);
  EXPECT_THAT(meet(1, 3), HasSubstr("the world has 3 workers, rank 0 says 2"));
  EXPECT_THAT(meet(5, 2), HasSubstr("ranks go from 0 to 1"));
  EXPECT_EQ(meet(1, 2), "w0=0@test:0 w1=1@test:1 ");
  at_rank_0.join();
  EXPECT_EQ(at_register, "w0=0@test:0 w1=1@test:1 ");
}

TEST_F(RendezvousTest, AWrongSecretIsAnAuthErrorThereAndALineOfTheLogHere) {
  auto at_rank_0 = register_for(2);
  EXPECT_THAT(meet(options(1, 2), identity(1, "another secret")),
              AllOf(HasSubstr("AuthError"), HasSubstr("wrong secret")));
  EXPECT_EQ(meet(1, 2), "w0=0@test:0 w1=1@test:1 ");
  at_rank_0.join();
  EXPECT_THAT(log,
              AllOf(HasSubstr("refused at the rendezvous"), HasSubstr("'w1'"), HasSubstr("wrong secret")));
}

TEST_F(RendezvousTest, AClientThatGoesAfterItHasRegisteredEndsItForAll) {
  auto at_rank_0 = register_for(4);
  const auto ear = detail::make_ref<Stranger>(), other_ear = detail::make_ref<Stranger>();
  const auto goes = connect(1, ear), waits = connect(2, other_ear);
  const auto enter = [](Connection& connection, Stranger& heard, int rank) {
    say(connection, "register", {rank, 4, one_address()}, 1);
    say(connection, "nonsense", {}, 2);
    EXPECT_THAT(heard.answer(), HasSubstr("unknown rendezvous request"))
        << "so the first has been heard, too";
  };
  enter(*goes, *ear, 1);
  enter(*waits, *other_ear, 2);
  goes->close(nullptr);
  const std::string told = other_ear->answer(2);
  waits->close(nullptr);
  at_rank_0.join();
  for (const std::string& e : {at_register, told})
    EXPECT_THAT(e, AllOf(HasSubstr("'w1'"), HasSubstr("left before all were connected")));
}

TEST_F(RendezvousTest, AClientThatGoesBeforeItHasRegisteredIsNotMissed) {
  auto at_rank_0 = register_for(2);
  connect(1, detail::make_ref<Stranger>())->close(nullptr);
  EXPECT_EQ(meet(1, 2), "w0=0@test:0 w1=1@test:1 ");
  at_rank_0.join();
}

TEST_F(RendezvousTest, WhoIsMissingAtTheDeadlineIsNamedToAll) {
  auto at_rank_0 = register_for(3, 200ms);
  const std::string at_rank_1 = meet(1, 3);
  at_rank_0.join();
  EXPECT_THAT(at_register,
              AllOf(HasSubstr("DeadlineExceeded"), HasSubstr("rank 2 of 3 did not connect to " + address)));
  EXPECT_THAT(at_rank_1, HasSubstr("rank 2 of 3 did not connect"));
}

TEST_F(RendezvousTest, AWrongSecretIsToldToRank0AtTheDeadline) {
  auto at_rank_0 = register_for(2, 500ms);
  EXPECT_THAT(meet(options(1, 2), identity(1, "another secret")), HasSubstr("AuthError"));
  at_rank_0.join();
  EXPECT_THAT(at_register, AllOf(HasSubstr("DeadlineExceeded"),
                                 HasSubstr("the last connection that was refused"), HasSubstr("secret")));
}

TEST_F(RendezvousTest, RequestsThatNoClientMakesAreAnsweredWithWhatIsWrong) {
  auto at_rank_0 = register_for(2);
  const auto ear = detail::make_ref<Stranger>();
  const auto connection = connect(1, ear);
  uint64_t id = 0;
  const auto answer = [&](const char* name, const std::vector<Value>& args,
                          Target target = Target::kControl) {
    say(*connection, name, args, ++id, target);
    return ear->answer(id);
  };
  EXPECT_THAT(answer("f", {}, Target::kBuiltin), HasSubstr("takes only the requests of the rendezvous"));
  EXPECT_THAT(answer("register", {1, 2}),
              HasSubstr("unknown rendezvous request 'register' with 2 arguments"));
  EXPECT_THAT(answer("register", {"one", 2, one_address()}), HasSubstr("Error"));
  EXPECT_THAT(answer("register", {1, 2, list({})}), HasSubstr("0 addresses, expected 1 to 16"));
  EXPECT_THAT(answer("register", {1, 2, list({list({"a"})})}),
              HasSubstr("an address has 1 fields, expected 2"));
  EXPECT_THAT(answer("register", {1, 2, list({list({std::string(2000, 'a'), ""})})}),
              HasSubstr("expected 1 to 1024"));
  EXPECT_THAT(answer("register", {1, 2, Value(7)}), HasSubstr("Error"));
  EXPECT_THAT(answer("leave", {}), HasSubstr("unknown rendezvous request 'leave'"));
  connection->close(nullptr);
  // None of it counts as registered.
  EXPECT_EQ(meet(1, 2), "w0=0@test:0 w1=1@test:1 ");
  at_rank_0.join();
}

TEST_F(RendezvousTest, ReadyOfOneThatHasNotRegisteredMovesNobody) {
  auto at_rank_0 = register_for(2);
  const auto ear = detail::make_ref<Stranger>();
  const auto connection = connect(7, ear);
  say(*connection, "ready", {}, 1);
  EXPECT_EQ(meet(1, 2), "w0=0@test:0 w1=1@test:1 ");
  at_rank_0.join();
  EXPECT_EQ(ear->answers(), 0u);
  connection->close(nullptr);
}

TEST_F(RendezvousTest, AnInterruptEndsTheWaitOfEither) {
  RendezvousOptions alone = options(0, 2);
  alone.interrupted = [] { return true; };
  EXPECT_THAT(meet(alone, identity(0)), AllOf(HasSubstr("Cancelled"), HasSubstr("interrupted")));
  RendezvousOptions client = options(1, 2);
  client.interrupted = [] { return true; };
  EXPECT_THAT(meet(client, identity(1)), AllOf(HasSubstr("Cancelled"), HasSubstr("interrupted")));
}

}  // namespace
}  // namespace tine::rpc

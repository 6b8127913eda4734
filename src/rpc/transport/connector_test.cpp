// Peers that go between the dial and the end of the handshake, by each transport.
#include "src/rpc/transport/connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/rpc/transport/in_process/pipe_channel.h"
#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

// Dials a pipe whose other end the test holds.
class Dialled final : public Connector {
 public:
  Dialled(const Loop& loop, ConnectOptions options)
      : Connector(loop, {"client", 11, std::make_shared<const Secret>("the shared secret"), 0}, "test:there",
                  std::move(options)) {}

  // What becomes of each try; the last one goes for those that follow, too.
  std::vector<std::function<void(std::unique_ptr<Channel>)>> fates;
  std::atomic<size_t> tries{0};
  std::atomic<int> stopped{0};

 private:
  void try_once() override {
    const size_t n = std::min(tries++, fates.size() - 1);
    if (!fates[n]) return failed(ECONNREFUSED);
    auto [ours, theirs] = make_pipe();
    fates[n](std::move(theirs));
    connected(std::move(ours));
  }
  void stop_trying() noexcept override { ++stopped; }
};

class ConnectorTest : public testing::Test {
 protected:
  std::string error(ConnectOptions options,
                    std::vector<std::function<void(std::unique_ptr<Channel>)>> fates) {
    dialled = detail::make_ref<Dialled>(loop, std::move(options));
    dialled->fates = std::move(fates);
    const auto connection = Connector::start(dialled);
    if (!connection.wait_for(60s)) return "did not end";
    return describe(connection.error());
  }
  static void dies(std::unique_ptr<Channel> there) { there.reset(); }
  void stays(std::unique_ptr<Channel> there) { kept.push_back(std::move(there)); }

  IoLoop loop;
  detail::Ref<Dialled> dialled;
  std::vector<std::unique_ptr<Channel>> kept;
};

TEST_F(ConnectorTest, APeerThatDiesBetweenTheDialAndTheHandshakeIsNamed) {
  EXPECT_THAT(error({}, {dies}),
              AllOf(HasSubstr("PeerDied"), HasSubstr("test:there"), HasSubstr("handshake")));
  EXPECT_EQ(dialled->tries, 1u);
  EXPECT_EQ(dialled->stopped, 1);
}

TEST_F(ConnectorTest, ItIsTriedAgainWhenItsSuccessorMayCome) {
  ConnectOptions options;
  options.retry = true;
  options.deadline = Clock::now() + 500ms;
  EXPECT_THAT(error(options, {dies, nullptr, dies}), AllOf(HasSubstr("test:there"), HasSubstr("handshake")));
  EXPECT_GE(dialled->tries, 3u);
}

TEST_F(ConnectorTest, APeerThatSaysNothingIsGivenUpAtTheDeadlineAndIsNotTriedAgain) {
  ConnectOptions options;
  options.retry = true;
  options.deadline = Clock::now() + 50ms;
  EXPECT_THAT(error(options, {[this](auto there) { stays(std::move(there)); }}),
              AllOf(HasSubstr("DeadlineExceeded"), HasSubstr("test:there")));
  EXPECT_EQ(dialled->tries, 1u);
}

TEST_F(ConnectorTest, NobodyWhoListensIsNamedAtOnceUnlessItIsToRetry) {
  EXPECT_THAT(error({}, {nullptr}), AllOf(HasSubstr("cannot connect to test:there"), HasSubstr("refused")));
  ConnectOptions options;
  options.retry = true;
  options.deadline = Clock::now() + 50ms;
  EXPECT_THAT(error(options, {nullptr}), AllOf(HasSubstr("DeadlineExceeded"), HasSubstr("refused")));
  EXPECT_GE(dialled->tries, 2u);
}

TEST_F(ConnectorTest, AStoppedLoopConnectsNobody) {
  loop.stop();
  EXPECT_THAT(error({}, {nullptr}), AllOf(HasSubstr("Cancelled"), HasSubstr("test:there")));
}

TEST_F(ConnectorTest, TheEndOfTheLoopEndsTheHandshake) {
  dialled = detail::make_ref<Dialled>(loop, ConnectOptions());
  dialled->fates = {[this](auto there) { stays(std::move(there)); }};
  const auto connection = Connector::start(dialled);
  ASSERT_TRUE(eventually([&] { return dialled->tries == 1; }));
  loop.stop();
  ASSERT_TRUE(connection.wait_for(60s));
  EXPECT_THAT(describe(connection.error()), AllOf(HasSubstr("Cancelled"), HasSubstr("shutting down")));
}

TEST_F(ConnectorTest, TheEndOfTheLoopEndsAConnectorThatWaitsForItsNextTry) {
  ConnectOptions options;
  options.retry = true;
  dialled = detail::make_ref<Dialled>(loop, options);
  dialled->fates = {nullptr};
  const auto connection = Connector::start(dialled);
  ASSERT_TRUE(eventually([&] { return dialled->tries > 0; }));
  dialled = nullptr;  // its timers alone hold it, as they do anywhere else
  loop.stop();
  ASSERT_TRUE(connection.wait_for(60s));
  EXPECT_THAT(describe(connection.error()),
              AllOf(HasSubstr("Cancelled"), HasSubstr("test:there"), HasSubstr("shutting down")));
}

}  // namespace
}  // namespace tine::rpc

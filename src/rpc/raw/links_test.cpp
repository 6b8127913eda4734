// How nodes come to each other, and who is refused.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "src/rpc/raw/nodes_for_tests.h"
#include "src/rpc/rendezvous.h"
#include "src/rpc/transport/tls/test_keys.h"

namespace tine::rpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

template <class E>
std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const E& e) {
    return e.message();
  } catch (const std::exception& e) {
    ADD_FAILURE() << "another error: " << e.what();
    return {};
  }
  ADD_FAILURE() << "no error";
  return {};
}

RawCard card_of(const std::string& name, int id, const std::string& address) {
  RawCard card;
  card.worker.name = name;
  card.worker.id = id;
  card.incarnation = 7;
  card.addresses = {{address, ""}};
  return card;
}

class RawLinksTest : public ::testing::TestWithParam<Over> {
 protected:
  RawNodes nodes{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Over, RawLinksTest, ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(RawLinksTest, ConnectingToWhoIsThereAlreadyDoesNothing) {
  nodes.make(2);
  nodes[1]->connect(nodes[0]->card(), in(10s));
  nodes[0]->connect(nodes[1]->card(), in(10s));
  nodes[0]->connect(nodes[0]->card(), in(10s));
  EXPECT_EQ(nodes[0]->workers().size(), 2u);
  EXPECT_EQ(nodes[1].call(0, "x")->get().text(), "x");
}

TEST_P(RawLinksTest, OfTwoThatConnectToEachOtherAtOnceOneConnectionStaysAndNoCallIsLost) {
  for (int round = 0; round < 30; ++round) {
    RawNodes pair(GetParam());
    pair.add(0);
    pair.add(1);
    for (int id : {0, 1}) pair[id]->open();
    std::vector<std::thread> threads;
    for (int id : {0, 1}) {
      for (int twice = 0; twice < 2; ++twice) {
        threads.emplace_back([&, id] {
          pair[id]->connect(pair[1 - id]->card(), in(10s));
          for (int i = 0; i < 20; ++i) EXPECT_EQ(pair[id].call(1 - id, "x")->get().text(), "x");
        });
      }
    }
    for (auto& t : threads) t.join();
    for (int id : {0, 1}) {
      EXPECT_EQ(pair[id]->workers().size(), 2u);
      EXPECT_EQ(pair[id]->death_of(1 - id), "");
    }
  }
}

TEST_P(RawLinksTest, EightNodesThatAllConnectToAllMakeOneWorld) {
  constexpr int kNodes = 8;
  for (int id = 0; id < kNodes; ++id) nodes.add(id)->open();
  std::vector<std::thread> threads;
  for (int id = 0; id < kNodes; ++id) {
    threads.emplace_back([&, id] {
      for (int k = 1; k < kNodes; ++k) nodes[id]->connect(nodes[(id + k) % kNodes]->card(), in(20s));
      for (int to = 0; to < kNodes; ++to) EXPECT_EQ(nodes[id].call(to, "x")->get().text(), "x");
    });
  }
  for (auto& t : threads) t.join();
  for (int id = 0; id < kNodes; ++id) {
    EXPECT_EQ(nodes[id]->workers().size(), static_cast<size_t>(kNodes));
    EXPECT_TRUE(nodes[id].handler.deaths().empty());
  }
}

TEST_P(RawLinksTest, AWorkerThatLeftMayComeAgainWithItsNameAndId) {
  nodes.make(2);
  for (int round = 0; round < 5; ++round) {
    nodes.all.erase(1);
    nodes[0].handler.wait_for_deaths(static_cast<size_t>(round) + 1);
    EXPECT_THAT(nodes[0]->death_of(1), HasSubstr("worker 'w1' (id 1) has left"));
    nodes.add(1)->open();
    nodes.connect(1, 0);
    EXPECT_EQ(nodes[0]->death_of(1), "");
    EXPECT_EQ(nodes[0].call(1, "again")->get().text(), "again");
    EXPECT_EQ(nodes[1].call(0, "again")->get().text(), "again");
  }
}

TEST_P(RawLinksTest, TheIdOfOneThatWasRemovedMayBeAnothers) {
  nodes.make(2);
  nodes[0]->remove(1, "the group has shrunk");
  EXPECT_EQ(nodes[0]->workers().size(), 1u);
  EXPECT_THAT(nodes[0]->death_of(1), HasSubstr("worker 'w1' (id 1) was removed: the group has shrunk"));
  nodes[1].handler.wait_for_deaths(1);
  EXPECT_THAT(nodes[1]->death_of(0), HasSubstr("the group has shrunk"));
  RawNodes others(GetParam());
  auto& other = others.add(1, [](int, RawNodeOptions& o) { o.name = "another"; });
  other->open();
  other->connect(nodes[0]->card(), in(10s));
  EXPECT_EQ(nodes[0].call(1, "x")->get().text(), "x");
  EXPECT_EQ(nodes[0]->workers()[1].name, "another");
  // And who was removed may come back under another id only by another node.
  EXPECT_THAT(error_of<ValueError>([&] { nodes[1]->connect(nodes[0]->card(), in(10s)); }),
              HasSubstr("names and ids must be unique"));
}

TEST_P(RawLinksTest, WhoWasRemovedMayConnectAgain) {
  nodes.make(2);
  for (int round = 0; round < 20; ++round) {
    nodes[0]->remove(1, "a pause");
    nodes[0]->connect(nodes[1]->card(), in(10s));
    EXPECT_EQ(nodes[0].call(1, "x")->get().text(), "x");
  }
}

TEST_P(RawLinksTest, RemovingNobodyDoesNothing) {
  nodes.make(2);
  nodes[0]->remove(7, "nobody");
  nodes[0]->remove(0, "oneself");
  EXPECT_EQ(nodes[0]->workers().size(), 2u);
  EXPECT_EQ(nodes[0].call(0, "x")->get().text(), "x");
}

TEST_P(RawLinksTest, ANameOrIdThatIsTakenIsRefusedWithWordsOnBothSides) {
  nodes.make(2);
  RawNodes others(GetParam());
  for (const bool name : {true, false}) {
    auto& other = others.add(5, [&](int, RawNodeOptions& o) {
      o.name = name ? "w1" : "other";
      o.id = name ? 5 : 1;
    });
    const std::string who = name ? "worker 'w1' (id 5)" : "worker 'other' (id 1)";
    const std::string words =
        who + " cannot be connected to worker 'w0' (id 0), which is connected to worker 'w1' (id 1)";
    EXPECT_THAT(error_of<ValueError>([&] { other->connect(nodes[0]->card(), in(10s)); }), HasSubstr(words));
    nodes[0].wait_for_line(words);
    EXPECT_EQ(other->workers().size(), 1u);
  }
  auto& same = others.add(0, [](int, RawNodeOptions& o) { o.name = "zero"; });
  EXPECT_THAT(error_of<ValueError>([&] { same->connect(nodes[0]->card(), in(10s)); }),
              HasSubstr("worker 'zero' (id 0) wants to be connected to worker 'w0' (id 0)"));
  EXPECT_EQ(nodes[0]->workers().size(), 2u);
}

TEST_P(RawLinksTest, WhoConnectsToOneWhoseNameAndIdAnotherHasRefusesItWithWordsOnBothSides) {
  nodes.make(2);
  RawNodes others(GetParam());
  auto& twin = others.add(1);
  const std::string words =
      "worker 'w1' (id 1) cannot be connected to worker 'w0' (id 0), which is connected to worker 'w1' (id "
      "1): names and ids must be unique";
  EXPECT_THAT(error_of<ValueError>([&] { nodes[0]->connect(twin->card(), in(10s)); }), HasSubstr(words));
  EXPECT_THAT(twin.handler.wait_for_deaths(1)[0].why, HasSubstr(words));
  EXPECT_EQ(nodes[0].call(1, "x")->get().text(), "x");
}

TEST_P(RawLinksTest, AnotherProtocolIsRefusedWithWordsOnBothSides) {
  nodes.add(0, [](int, RawNodeOptions& o) { o.protocol = "torch 2.13.0"; });
  nodes.add(1, [](int, RawNodeOptions& o) { o.protocol = "torch 2.9.1"; });
  const std::string words =
      "worker 'w1' (id 1) speaks 'torch 2.9.1', worker 'w0' (id 0) speaks 'torch 2.13.0'";
  EXPECT_THAT(error_of<ValueError>([&] { nodes[1]->connect(nodes[0]->card(), in(10s)); }), HasSubstr(words));
  nodes[0].wait_for_line(words);
  EXPECT_EQ(nodes[0]->workers().size(), 1u);
}

TEST_P(RawLinksTest, AWrongSecretIsRefusedWithWordsOnBothSides) {
  nodes.add(0);
  nodes.add(1, [](int, RawNodeOptions& o) { o.secret = "not the secret of the others"; });
  EXPECT_THAT(error_of<AuthError>([&] { nodes[1]->connect(nodes[0]->card(), in(10s)); }),
              HasSubstr("wrong secret"));
  nodes[0].wait_for_line("wrong secret");
}

TEST_P(RawLinksTest, WhoWaitsForAWorkerIsToldThatOneWithAnotherSecretWasRefused) {
  nodes.add(0);
  nodes.add(1, [](int, RawNodeOptions& o) { o.secret = "not the secret of the others"; });
  std::string told;
  std::thread waits([&] { told = error_of<AuthError>([&] { nodes[0]->expect("w1", in(20s)); }); });
  (void)error_of<AuthError>([&] { nodes[1]->connect(nodes[0]->card(), in(10s)); });
  waits.join();
  EXPECT_THAT(told, AllOf(HasSubstr("'w1'"), HasSubstr("wrong secret")));
  // Once: the right one may yet come.
  EXPECT_THAT(error_of<DeadlineExceeded>([&] { nodes[0]->expect("w1", in(50ms)); }), HasSubstr("'w1'"));
}

TEST_P(RawLinksTest, ANodeIsSeenToLiveWithoutBeingMet) {
  nodes.add(0);
  nodes.add(1);
  const std::string card = nodes[1]->card();
  EXPECT_TRUE(nodes[0]->lives(card, in(10s)));
  EXPECT_EQ(nodes[0]->workers().size(), 1u);
  EXPECT_EQ(nodes[1]->workers().size(), 1u);
  nodes.connect(0, 1);
  EXPECT_TRUE(nodes[0]->lives(card, in(10s)));
  nodes[1]->close();
  wait_until("it is seen to be gone", [&] { return !nodes[0]->lives(card, in(10s)); });
}

// No more descriptors in this process.
struct NoDescriptors {
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
  rlimit before{};
};

TEST_P(RawLinksTest, WhatIsWantingHereIsNotTheDeathOfAnother) {
  nodes.add(0);
  nodes.add(1);
  const std::string card = nodes[1]->card();
  // The errors are looked at with descriptors: UndefinedBehaviorSanitizer needs one for each class that it checks first.
  const auto looking = [&] {
    const NoDescriptors none;
    (void)nodes[0]->lives(card, in(10s));
  };
  const auto connecting = [&] {
    const NoDescriptors none;
    nodes[0]->connect(card, in(10s));
  };
  EXPECT_THAT(error_of<SystemError>(looking), HasSubstr("Too many open files"));
  EXPECT_THAT(error_of<SystemError>(connecting), HasSubstr("Too many open files"));
  EXPECT_TRUE(nodes[0]->lives(card, in(10s)));
  nodes.connect(0, 1);
}

TEST_P(RawLinksTest, ANodeThatConnectsToAnAgentIsRefusedWithWordsOnBothSides) {
  nodes.add(0);
  // What an agent's rendezvous listens with.
  IoLoop loop;
  const Identity agent{"w1", 7, std::make_shared<const Secret>(secret_text())};
  const auto tcp = tcp_transport()->make(loop, agent);
  std::promise<std::string> refused;
  ListenOptions listen;
  listen.on_connection = [](const detail::Ref<Connection>& c) { c->close(nullptr); };
  listen.on_refused = [&](const std::exception_ptr& e, const std::string&) {
    refused.set_value(tine::describe(e));
  };
  const auto listener = tcp->listen("tcp://127.0.0.1:0", listen);
  const RawCard card = card_of("w1", 1, listener->address());
  EXPECT_THAT(error_of<AuthError>([&] { nodes[0]->connect(card.text(), in(10s)); }),
              AllOf(HasSubstr("it is an agent of tine's own RPC"), HasSubstr("we are a node of raw calls")));
  EXPECT_THAT(refused.get_future().get(),
              AllOf(HasSubstr("it is a node of raw calls"), HasSubstr("we are an agent of tine's own RPC")));
  listener->close();
}

TEST_P(RawLinksTest, AnAgentThatComesToANodeIsRefusedWithWordsOnBothSides) {
  nodes.add(0);
  Worker worker;
  AgentOptions options = worker.options(1, 2, tcp_address_of(*nodes[0].node));
  EXPECT_THAT(error_of<Error>([&] { worker.agent = Agent::start(std::move(options)); }),
              AllOf(HasSubstr("it is a node of raw calls"), HasSubstr("we are an agent of tine's own RPC")));
  EXPECT_THAT(nodes[0].wait_for_line("refused"),
              AllOf(HasSubstr("it is an agent of tine's own RPC"), HasSubstr("we are a node of raw calls")));
}

TEST_P(RawLinksTest, ANodeThatIsGoneIsToldAtOnce) {
  nodes.add(0);
  nodes.add(1);
  const std::string card = nodes[1]->card();
  nodes.all.erase(1);
  EXPECT_THAT(error_of<PeerDied>([&] { nodes[0]->connect(card, in(30s)); }),
              HasSubstr("worker 'w1' (id 1) cannot be reached"));
}

TEST_P(RawLinksTest, WhoNeverAnswersEndsAtTheDeadline) {
  nodes.add(0);
  const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t n = sizeof(a);
  ASSERT_EQ(::bind(silent, reinterpret_cast<sockaddr*>(&a), sizeof(a)), 0);
  ASSERT_EQ(::getsockname(silent, reinterpret_cast<sockaddr*>(&a), &n), 0);
  ASSERT_EQ(::listen(silent, 5), 0);
  const RawCard card = card_of("w1", 1, "tcp://127.0.0.1:" + std::to_string(ntohs(a.sin_port)));
  EXPECT_THAT(error_of<DeadlineExceeded>([&] { nodes[0]->connect(card.text(), in(100ms)); }),
              HasSubstr("worker 'w1' (id 1) could not be reached"));
  ::close(silent);
}

TEST_P(RawLinksTest, ANodeOfAnotherMachineThatListensAtLoopbackIsToldAtOnce) {
  nodes.add(0);
  RawCard card = card_of("w1", 1, "tcp://127.0.0.1:4711");
  card.addresses[0].reach = "elsewhere";
  EXPECT_THAT(
      error_of<ValueError>([&] { nodes[0]->connect(card.text(), in(10s)); }),
      HasSubstr("worker 'w1' (id 1) listens at tcp://127.0.0.1:4711 only, which worker 'w0' (id 0) cannot "
                "reach from where it is: start it with a host"));
}

TEST_P(RawLinksTest, WhoWaitsMayBeInterrupted) {
  nodes.add(0);
  EXPECT_THAT(error_of<Cancelled>([&] { nodes[0]->expect("nobody", in(30s), [] { return true; }); }),
              HasSubstr("interrupted"));
}

TEST_P(RawLinksTest, AWorkerThatDoesNotComeIsNamed) {
  nodes.add(0);
  EXPECT_THAT(error_of<DeadlineExceeded>([&] { nodes[0]->expect("nobody", in(20ms)); }),
              HasSubstr("worker 'nobody' did not connect to worker 'w0' (id 0) in time"));
}

TEST_P(RawLinksTest, WhoWaitsIsToldThatTheNodeWasClosed) {
  nodes.add(0);
  std::thread waiter([&] {
    EXPECT_THAT(error_of<Error>([&] { nodes[0]->expect("nobody", in(30s)); }),
                HasSubstr("it has been closed"));
  });
  std::this_thread::yield();
  nodes[0]->close();
  waiter.join();
  EXPECT_THAT(error_of<Error>([&] { nodes[0]->connect(nodes[0]->card(), in(1s)); }),
              HasSubstr("it has been closed"));
}

TEST(RawCardTest, ACardIsALineOfPrintableAsciiAndComesBack) {
  RawCard card = card_of("w\xc3\xb6rker 1%", 65535, "tcp://[::1]:4711");
  card.incarnation = 0xfedcba9876543210;
  card.addresses.insert(card.addresses.begin(), {"unix:@tine %", "boot/net:[1]"});
  card.protocol = std::string(256, '\x01');
  const std::string text = card.text();
  EXPECT_LE(text.size(), 4096u);
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; })) << text;
  for (const std::string& line : {text, text + "\n"}) {
    const RawCard back = RawCard::parse(line);
    EXPECT_EQ(back.worker, card.worker);
    EXPECT_EQ(back.incarnation, card.incarnation);
    EXPECT_EQ(back.addresses, card.addresses);
    EXPECT_EQ(back.protocol, card.protocol);
  }
}

TEST(RawCardTest, WhatIsNoCardIsRefused) {
  const std::string good = card_of("w1", 1, "tcp://127.0.0.1:1").text();
  for (const std::string& bad :
       {std::string(), std::string("hello"), std::string("tine-node"), good + " more",
        good.substr(0, good.size() / 2), std::string(5000, 'x'),
        std::string("tine-node 2 w1 70000 7 % tcp://h:1 %"), std::string("tine-node 2 % 1 7 % tcp://h:1 %"),
        std::string("tine-node 2 w1 1 zz % tcp://h:1 %"), std::string("tine-node 2 w1 1 7 %"),
        std::string("tine-node 2 w1 1 7 % tcp://h:1"), std::string("tine-node 2 w1 1 7 % % %"),
        std::string("tine-node 2 w%g 1 7 % tcp://h:1 %"), std::string("tine-node 2 w1 1 7 % tcp://h:1 %g"),
        good + std::string(3000, ' ')}) {
    EXPECT_THAT(error_of<ValueError>([&] { (void)RawNode::owner_of(bad); }),
                HasSubstr("is not a card of a tine node"))
        << bad;
  }
  EXPECT_THAT(error_of<ValueError>([&] { (void)RawNode::owner_of("tine-node 9 new and longer"); }),
              HasSubstr("speaks wire version 9, this one speaks 2: install the same version"));
}

TEST(RawNodeOptionsTest, WhatCannotBeIsRefused) {
  const auto refused = [](const std::function<void(RawNodeOptions&)>& change) {
    return error_of<ValueError>([&] { RawOne one(1, change); });
  };
  EXPECT_THAT(refused([](RawNodeOptions& o) { o.name = ""; }), HasSubstr("expected 1 to 128 bytes"));
  EXPECT_THAT(refused([](RawNodeOptions& o) { o.name = std::string(129, 'x'); }), HasSubstr("got 129"));
  EXPECT_THAT(refused([](RawNodeOptions& o) { o.id = -1; }), HasSubstr("its id is -1, expected 0 to 65535"));
  EXPECT_THAT(refused([](RawNodeOptions& o) { o.id = 65536; }), HasSubstr("its id is 65536"));
  EXPECT_THAT(refused([](RawNodeOptions& o) { o.handler = nullptr; }), HasSubstr("needs a handler"));
  EXPECT_THAT(refused([](RawNodeOptions& o) { o.protocol = std::string(257, 'x'); }),
              HasSubstr("has 257 bytes"));
  EXPECT_THAT(refused([](RawNodeOptions& o) { o.polling = std::chrono::microseconds(-1); }),
              HasSubstr("polling is -1 us"));
  EXPECT_THAT(refused([](RawNodeOptions& o) {
                o.host = "0.0.0.0";
                o.plaintext_beyond_loopback = true;
              }),
              HasSubstr("nobody can connect to"));
  EXPECT_THAT(error_of<AuthError>([] { RawOne one(1, [](RawNodeOptions& o) { o.host = "192.0.2.1"; }); }),
              AllOf(HasSubstr("plaintext_beyond_loopback"), HasSubstr("TINE_TLS_CERT")));
}

TEST(RawNodeOptionsTest, ACertificateIsForTheNodesName) {
  const auto with = [](const std::vector<std::string>& workers) {
    return [workers](RawNodeOptions& o) {
      o.transports = {"tcp"};
      o.tls = TestKeys::shared().make(workers);
    };
  };
  RawOne one(1, with({"w1"})), two(2, with({"w2"}));
  EXPECT_NO_THROW(one.node->connect(two.node->card(), Clock::now() + std::chrono::seconds(20)));
  EXPECT_THAT(error_of<AuthError>([&] { RawOne three(3, with({"w1"})); }),
              HasSubstr("is not for worker 'w3'"));
}

}  // namespace
}  // namespace tine::rpc::testing

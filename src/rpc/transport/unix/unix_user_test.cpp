// A unix socket whose other end is another user's. Needs root, which can become one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "src/rpc/transport/test_peers.h"
#include "src/rpc/transport/unix/unix_address.h"

namespace tine::rpc {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr uid_t kNobody = 65534;

// A process of another user, forked before there are threads. It begins when it is told to, and ends by what `act` returns.
class OtherUser {
 public:
  explicit OtherUser(const std::function<int()>& act) {
    EXPECT_EQ(::pipe(begin_), 0);
    pid_ = ::fork();
    if (pid_ != 0) return;
    char byte;
    ::_exit(::setuid(kNobody) == 0 && ::read(begin_[0], &byte, 1) == 1 ? act() : 100);
  }
  ~OtherUser() {
    if (pid_ > 0) static_cast<void>(end());
    ::close(begin_[0]);
    ::close(begin_[1]);
  }
  void begin() const { EXPECT_EQ(::write(begin_[1], "x", 1), 1); }
  int end() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
  }

 private:
  int begin_[2];
  pid_t pid_;
};

class UnixUser : public Conformance {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};
INSTANTIATE_TEST_SUITE_P(Over, UnixUser, testing::Values("abstract"));

TEST_P(UnixUser, OfAnotherProcessIsLookedAtBeforeAnythingItSaysIsRead) {
  OtherUser other([at = fresh()] {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const SocketAddress to = parse_unix(at);
    if (::connect(fd, to.get(), to.length) != 0) return 1;
    pollfd p{fd, POLLIN, 0};
    char byte;
    return ::poll(&p, 1, 20'000) == 1 && ::recv(fd, &byte, 1, 0) == 0 ? 0 : 2;
  });
  start_listening();
  other.begin();
  EXPECT_EQ(other.end(), 0) << "its connection is closed without a word";
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return refused.size() == 1;
  }));
  EXPECT_THAT(refused.front(), AllOf(HasSubstr("AuthError"), HasSubstr(address), HasSubstr("user 65534"),
                                     HasSubstr("and this process to user 0"), HasSubstr("\"tcp\"")));
  EXPECT_EQ(begin_connect().get()->peer().name, "server") << "those of this user still get in";
}

TEST_P(UnixUser, ThatListensIsLookedAtBeforeAnythingIsSaid) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  OtherUser other([&, at = fresh()] {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const SocketAddress here = parse_unix(at);
    if (::bind(fd, here.get(), here.length) != 0 || ::listen(fd, 1) != 0) return 1;
    if (::write(ready[1], "x", 1) != 1) return 2;
    const int in = ::accept(fd, nullptr, nullptr);
    pollfd p{in, POLLIN, 0};
    char byte;
    return ::poll(&p, 1, 20'000) == 1 && ::recv(in, &byte, 1, 0) == 0 ? 0 : 3;
  });
  start_loops();
  other.begin();
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_THAT(error_of(client_transport->connect(fresh(), {})),
              AllOf(HasSubstr("AuthError"), HasSubstr("refused the process that listens on " + fresh()),
                    HasSubstr("user 65534"), HasSubstr("and this process to user 0")));
  EXPECT_EQ(other.end(), 0) << "it was told nothing";
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace tine::rpc

#include "src/rpc/auth/secret.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "tine/error.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;

class KeyFile : public testing::Test {
 protected:
  KeyFile() {
    std::string pattern = testing::TempDir() + "/tine_key_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/a/b/auth_key";
  }
  ~KeyFile() override { std::filesystem::remove_all(folder_); }
  static std::string error_of(const std::string& path) {
    try {
      static_cast<void>(Secret::from_file(path));
    } catch (const AuthError& e) {
      return e.message();
    }
    return "no error";
  }
  std::string folder_, path_;
};

TEST_F(KeyFile, IsMadeOnFirstUseForItsOwnerAloneAndThenStays) {
  const auto first = Secret::from_file(path_);
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(first->bytes().size(), 64u);
  const auto second = Secret::from_file(path_);
  EXPECT_TRUE(std::ranges::equal(first->bytes(), second->bytes()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ + "/a/b"), {}), 1);
}

TEST_F(KeyFile, IsNotMadeInAHomeDirectoryThatDoesNotExist) {
  const std::string home = folder_ + "/nobody";
  EXPECT_THAT(error_of(home + "/.config/tine/auth_key"),
              testing::AllOf(HasSubstr(home + "/.config"), HasSubstr("TINE_AUTH_KEY")));
  EXPECT_FALSE(std::filesystem::exists(home));
}

TEST_F(KeyFile, MadeByManyAtOnceIsTheSameForAll) {
  std::vector<std::string> seen(8);
  std::vector<std::thread> threads;
  for (auto& text : seen) {
    threads.emplace_back([&] {
      const auto s = Secret::from_file(path_);
      text.assign(reinterpret_cast<const char*>(s->bytes().data()), s->bytes().size());
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 1u);
}

TEST_F(KeyFile, ThatOthersMayReadIsRefusedWithItsNameAndMode) {
  static_cast<void>(Secret::from_file(path_));
  ::chmod(path_.c_str(), 0640);
  EXPECT_THAT(error_of(path_), testing::AllOf(HasSubstr(path_), HasSubstr("0640")));
}

TEST_F(KeyFile, ThatIsALinkAFolderOrTooShortIsRefused) {
  static_cast<void>(Secret::from_file(path_));
  const std::string link = folder_ + "/link";
  std::filesystem::create_symlink(path_, link);
  EXPECT_THAT(error_of(link), HasSubstr("cannot be opened"));
  EXPECT_THAT(error_of(folder_), HasSubstr("not a regular file"));
  const std::string empty = folder_ + "/empty";
  ::close(::open(empty.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_THAT(error_of(empty), HasSubstr("this one has 0"));
}

TEST_F(KeyFile, IsNotLookedAtWhenTheEnvironmentNamesASecret) {
  ::setenv("TINE_AUTH_KEY", "a secret of the environment", 1);
  ::setenv("XDG_CONFIG_HOME", folder_.c_str(), 1);
  EXPECT_EQ(Secret::load()->bytes().size(), 27u);
  ::setenv("TINE_AUTH_KEY", "short", 1);
  EXPECT_THROW(static_cast<void>(Secret::load()), AuthError);
  ::unsetenv("TINE_AUTH_KEY");
  EXPECT_EQ(Secret::load()->bytes().size(), 64u);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/tine/auth_key"));
  ::unsetenv("XDG_CONFIG_HOME");
}

TEST(Secret, OfAWrongLengthIsToldHowLongItMustBe) {
  const auto words = [](size_t bytes) {
    try {
      static_cast<void>(Secret(std::string(bytes, 's')));
    } catch (const AuthError& e) {
      return e.message();
    }
    return std::string("no error");
  };
  EXPECT_THAT(words(7), testing::AllOf(HasSubstr("a secret has 8 to 4096 bytes, this one has 7"),
                                       HasSubstr("openssl rand -hex 32")));
  EXPECT_EQ(words(8), "no error");
  EXPECT_EQ(words(4096), "no error");
  EXPECT_THAT(words(4097), HasSubstr("this one has 4097"));
  ::setenv("TINE_AUTH_KEY", "short", 1);
  try {
    static_cast<void>(Secret::load());
    ADD_FAILURE() << "it was taken";
  } catch (const AuthError& e) {
    EXPECT_THAT(e.message(), HasSubstr("TINE_AUTH_KEY: a secret has 8 to 4096 bytes, this one has 5"));
  }
  ::unsetenv("TINE_AUTH_KEY");
}

}  // namespace
}  // namespace tine::rpc

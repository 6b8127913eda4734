// The modes of what is made for a secret, and the limits of one, at their edge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "src/rpc/auth/secret.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

class Modes : public testing::Test {
 protected:
  Modes() {
    std::string pattern = testing::TempDir() + "/tine_modes_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    before_ = ::umask(0);  // so that a mode is what was asked for
  }
  ~Modes() override {
    ::umask(before_);
    std::filesystem::remove_all(folder_);
  }
  static unsigned mode(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  std::string folder_;
  mode_t before_ = 0;
};

TEST_F(Modes, AreTheOwnersAloneForTheSecretAndTheFoldersThatAreMadeForIt) {
  static_cast<void>(Secret::from_file(folder_ + "/.config/tine/auth_key"));
  EXPECT_EQ(mode(folder_ + "/.config"), 0700U);
  EXPECT_EQ(mode(folder_ + "/.config/tine"), 0700U);
  EXPECT_EQ(mode(folder_ + "/.config/tine/auth_key"), 0600U);
}

TEST_F(Modes, OfASecretThatAnyoneElseMayReadOrWriteAreRefused) {
  const std::string path = folder_ + "/key";
  std::ofstream(path) << std::string(64, 'k');
  for (const unsigned bad : {0640U, 0620U, 0610U, 0604U, 0602U, 0601U, 0666U}) {
    ASSERT_EQ(::chmod(path.c_str(), bad), 0);
    EXPECT_THROW(static_cast<void>(Secret::from_file(path)), AuthError) << std::oct << bad;
  }
  for (const unsigned good : {0600U, 0400U}) {
    ASSERT_EQ(::chmod(path.c_str(), good), 0);
    EXPECT_EQ(Secret::from_file(path)->bytes().size(), 64U) << std::oct << good;
  }
}

TEST(Secret, HasAsManyBytesAsStatedAndNoFewerOrMore) {
  const auto size_of = [](size_t n) { return Secret(std::string(n, 's')).bytes().size(); };
  EXPECT_EQ(size_of(Secret::kMinBytes), Secret::kMinBytes);
  EXPECT_EQ(size_of(Secret::kMaxBytes), Secret::kMaxBytes);
  EXPECT_THROW(size_of(Secret::kMinBytes - 1), AuthError);
  EXPECT_THROW(size_of(Secret::kMaxBytes + 1), AuthError);
}

}  // namespace
}  // namespace tine::rpc

#include "src/cli/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace tine::cli {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Keys : public testing::Test {
 protected:
  Keys() {
    std::string pattern = testing::TempDir() + "/tine_keys_XXXXXX";
    root_ = fs::path(::mkdtemp(pattern.data())).lexically_normal();
    folder_ = root_ + "/keys";
  }
  ~Keys() override { fs::remove_all(root_); }
  std::string make(std::vector<std::string> workers, int days = 365) const {
    testing::internal::CaptureStdout();
    std::string error;
    try {
      EXPECT_EQ(make_keys({folder_, std::move(workers), days}), 0);
    } catch (const std::runtime_error& e) {
      error = e.what();
    }
    const std::string printed = testing::internal::GetCapturedStdout();
    return error.empty() ? printed : "error: " + error;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ostringstream all;
    all << std::ifstream(path(name)).rdbuf();
    return all.str();
  }
  static unsigned mode(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  // Whether the command accepts: `openssl` is another implementation of the standards' words.
  static bool runs(const std::string& command) {
    return std::system((command + " > /dev/null 2>&1").c_str()) == 0;
  }

  std::string root_, folder_;
};

TEST_F(Keys, LieInFilesThatOnlyTheirOwnerReads) {
  EXPECT_THAT(make({"w0", "w1"}),
              AllOf(HasSubstr("export TINE_TLS_CERT=" + path("w1.pem")),
                    HasSubstr("export TINE_TLS_KEY=" + path("w1.key")),
                    HasSubstr("export TINE_TLS_CA=" + path("ca.pem")), HasSubstr("keep it here")));
  EXPECT_EQ(mode(folder_), 0700U);
  for (const char* name : {"ca.pem", "ca.key", "w0.pem", "w0.key", "w1.pem", "w1.key"})
    EXPECT_EQ(mode(path(name)), 0600U) << name;
}

TEST_F(Keys, AreAsTheStandardsSayAndNameTheirWorkers) {
  make({"w0"});
  for (const char* purpose : {"sslclient", "sslserver"}) {
    EXPECT_TRUE(runs("openssl verify -x509_strict -purpose " + std::string(purpose) + " -CAfile " +
                     path("ca.pem") + " " + path("w0.pem")));
  }
  EXPECT_TRUE(runs("openssl x509 -in " + path("w0.pem") + " -noout -text | grep -q 'URI:tine:worker/w0$'"));
  EXPECT_TRUE(runs("test \"$(openssl x509 -in " + path("w0.pem") +
                   " -noout -pubkey)\" = \"$(openssl pkey -in " + path("w0.key") + " -pubout)\""));
}

TEST_F(Keys, WithoutNamesServeEveryWorkerForSoManyDays) {
  EXPECT_THAT(make({}, 3),
              AllOf(HasSubstr("For every worker (valid for 3 days)"), HasSubstr(path("any.pem"))));
  EXPECT_TRUE(runs("openssl x509 -in " + path("any.pem") + " -noout -text | grep -qF 'URI:tine:worker/*'"));
  EXPECT_TRUE(runs("openssl x509 -in " + path("any.pem") + " -noout -checkend 250000"));
  EXPECT_FALSE(runs("openssl x509 -in " + path("any.pem") + " -noout -checkend 260000"));
}

TEST_F(Keys, AreNeverOverwrittenAndThenNoneIsMade) {
  make({"w0"});
  const std::string key = text("w0.key"), authority = text("ca.pem");
  EXPECT_THAT(make({"w1", "w0"}), AllOf(HasSubstr("error: " + path("w0.pem") + " is there already"),
                                        HasSubstr("not overwritten")));
  EXPECT_FALSE(fs::exists(path("w1.pem")));
  EXPECT_EQ(text("w0.key"), key);
  // The authority that is there signs the next one.
  EXPECT_THAT(make({"w1"}), HasSubstr("Signed by the authority " + path("ca.pem")));
  EXPECT_EQ(text("ca.pem"), authority);
  EXPECT_TRUE(runs("openssl verify -CAfile " + path("ca.pem") + " " + path("w1.pem")));
}

TEST_F(Keys, NeedBothFilesOfAnAuthority) {
  make({"w0"});
  fs::remove(path("ca.key"));
  EXPECT_THAT(make({"w1"}), AllOf(HasSubstr(path("ca.pem") + " is there and " + path("ca.key") + " is not")));
}

TEST_F(Keys, AreNotMadeWhereOthersMayWrite) {
  fs::create_directory(folder_);
  ::chmod(folder_.c_str(), 0777);
  EXPECT_THAT(make({"w0"}), AllOf(HasSubstr("others may write into the folder"), HasSubstr("mode 0777")));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Keys, AreForNamesThatAreNamesOfFiles) {
  for (const char* bad : {"", "a/b", "../a", "-n", "a b", "ca"})
    EXPECT_THAT(make({bad}), HasSubstr("error:")) << bad;
  EXPECT_THAT(make({"w0", "w0"}), HasSubstr("named twice"));
  EXPECT_FALSE(fs::exists(folder_));
}

}  // namespace
}  // namespace tine::cli

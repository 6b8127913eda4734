// Files and options that no worker can start with.
#include "src/rpc/transport/tls/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "src/base/testing/errors.h"
#include "src/rpc/transport/tls/test_keys.h"

namespace tine::rpc {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TlsFiles : public testing::Test {
 protected:
  static std::string refused(const TlsOptions& options, int day = 0) {
    return refusal(
        [&] { return TlsContext::load(options, "w1", std::time(nullptr) + day * TestKeys::kDay); });
  }
  TestKeys keys;
  TlsOptions good = keys.make({"w1"});
};

TEST_F(TlsFiles, ThatAreRightAreTaken) {
  EXPECT_EQ(refused(good), "no error");
  EXPECT_THAT(TlsContext::load(good, "w1")->ours(), AllOf(HasSubstr(good.cert), HasSubstr("for worker w1")));
}

TEST_F(TlsFiles, ThatAreMissingAreNamed) {
  for (std::string TlsOptions::*const file : {&TlsOptions::cert, &TlsOptions::key, &TlsOptions::ca}) {
    TlsOptions bad = good;
    bad.*file = "/nowhere/file.pem";
    EXPECT_THAT(refused(bad), AllOf(HasSubstr("AuthError"),
                                    HasSubstr("file /nowhere/file.pem cannot be opened: No such file"),
                                    HasSubstr("tine keys")));
  }
}

TEST_F(TlsFiles, ThatHoldSomethingElseAreNamed) {
  keys.put("text", "not a certificate\n");
  for (std::string TlsOptions::*const file : {&TlsOptions::cert, &TlsOptions::key, &TlsOptions::ca}) {
    TlsOptions bad = good;
    bad.*file = keys.path("text");
    EXPECT_THAT(refused(bad),
                AllOf(HasSubstr("AuthError"), HasSubstr(keys.path("text")), HasSubstr("cannot be used")));
    bad.*file = "/dev/null";
    EXPECT_THAT(refused(bad), HasSubstr("is not a regular file"));
  }
}

TEST_F(TlsFiles, OfWhichTheKeyIsAnotherCertificatesAreRefused) {
  TlsOptions bad = good;
  bad.key = keys.make({"w2"}).key;
  EXPECT_THAT(refused(bad), AllOf(HasSubstr(bad.key), HasSubstr("the private key of " + good.cert)));
}

TEST_F(TlsFiles, OfWhichAllMayReadTheKeyAreRefused) {
  ::chmod(good.key.c_str(), 0644);
  EXPECT_THAT(refused(good), AllOf(HasSubstr(good.key), HasSubstr("every user of this machine (mode 0644)"),
                                   HasSubstr("chmod 600")));
  ::chmod(good.key.c_str(), 0640);  // a group's: as containers mount secrets
  EXPECT_EQ(refused(good), "no error");
}

TEST_F(TlsFiles, OfWhichTheKeyHasAPasswordAskNobodyForIt) {
  const std::string encrypted = keys.path("encrypted.key");
  ASSERT_EQ(
      ::system(("openssl pkey -in " + good.key + " -aes256 -passout pass:secret -out " + encrypted).c_str()),
      0);
  TlsOptions bad = good;
  bad.key = encrypted;
  EXPECT_THAT(refused(bad), AllOf(HasSubstr(encrypted), HasSubstr("without a password")));
}

TEST_F(TlsFiles, ForAnotherWorkerOrOutOfDateAreRefusedBeforeAnybodyIsAsked) {
  EXPECT_THAT(refused(keys.make({"w2", "w3"})),
              AllOf(HasSubstr("(for worker w2, worker w3, issued by"), HasSubstr("is not for worker 'w1'"),
                    HasSubstr("tine keys FOLDER w1")));
  EXPECT_THAT(refused(good, 3), HasSubstr("expired on"));
  EXPECT_THAT(refused(good, -3),
              AllOf(HasSubstr("is not valid before"), HasSubstr("the clock of this machine says")));
}

class TlsEnvironment : public testing::Test {
 protected:
  void TearDown() override {
    for (const char* name : {"TINE_TLS_CERT", "TINE_TLS_KEY", "TINE_TLS_CA"}) ::unsetenv(name);
  }
};

TEST_F(TlsEnvironment, IsTakenWhereNoOptionIsGiven) {
  EXPECT_TRUE(tls_options({}).empty());
  ::setenv("TINE_TLS_CERT", "c", 1);
  ::setenv("TINE_TLS_KEY", "k", 1);
  ::setenv("TINE_TLS_CA", "a", 1);
  EXPECT_EQ(tls_options({}).cert + tls_options({}).key + tls_options({}).ca, "cka");
  EXPECT_EQ(tls_options({"x", "y", "z"}).cert, "x");
}

TEST_F(TlsEnvironment, OrOptionsThatLackAPartAreRefusedAndThePartIsNamed) {
  EXPECT_THAT(refusal([] {
                return tls_options({"c", "k", ""});
              }),
              AllOf(HasSubstr("ValueError"), HasSubstr("all three: ca is not set;")));
  ::setenv("TINE_TLS_CERT", "c", 1);
  EXPECT_THAT(refusal([] { return tls_options({}); }),
              AllOf(HasSubstr("ValueError"),
                    HasSubstr("TINE_TLS_KEY and TINE_TLS_CA are not set in the environment")));
}

}  // namespace
}  // namespace tine::rpc

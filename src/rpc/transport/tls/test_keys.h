// For tests: an authority and certificates that it signs, in a folder of their own.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include "src/base/certificates.h"
#include "tine/tls.h"

namespace tine::rpc {

class TestKeys {
 public:
  static constexpr std::time_t kDay = 86'400;

  TestKeys() : authority_(make_authority({std::time(nullptr) - 40 * kDay, std::time(nullptr) + 400 * kDay})) {
    std::string pattern = ::testing::TempDir() + "/tine_keys_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    put("ca.pem", authority_.cert);
  }
  ~TestKeys() { std::filesystem::remove_all(folder_); }
  TestKeys(const TestKeys&) = delete;
  TestKeys& operator=(const TestKeys&) = delete;

  // One for every worker, made once.
  static TestKeys& shared() {
    static TestKeys keys;
    return keys;
  }
  TlsOptions any() {
    if (any_.empty()) any_ = make({"*"});
    return any_;
  }
  // A new certificate for these workers; it is valid from and until so many days from now.
  TlsOptions make(const std::vector<std::string>& workers, int from = -1, int until = 1) {
    const std::time_t now = std::time(nullptr);
    const Certificate made = make_certificate(authority_, workers, {now + from * kDay, now + until * kDay});
    const std::string name = std::to_string(++made_);
    put(name + ".pem", made.cert);
    put(name + ".key", made.key);
    return {path(name + ".pem"), path(name + ".key"), path("ca.pem")};
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    ::chmod(path(name).c_str(), 0600);
  }

 private:
  const Certificate authority_;
  std::string folder_;
  TlsOptions any_;
  int made_ = 0;
};

}  // namespace tine::rpc

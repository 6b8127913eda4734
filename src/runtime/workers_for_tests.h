// Workers of the public interface in one process, each of a Runtime of its own.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <latch>
#include <list>
#include <mutex>
#include <source_location>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "src/base/testing/errors.h"
#include "src/rpc/world_for_tests.h"
#include "tine/rpc.h"
#include "tine/runtime.h"
#include "tine/unobserved.h"

namespace tine::rpc::testing {

inline JoinOptions options(const FreeAddress& address, int rank, int size) {
  JoinOptions o;
  o.name = "w" + std::to_string(rank);
  o.rank = rank;
  o.world_size = size;
  o.address = address.text();
  o.secret = "a secret for tests";
  return o;
}

class Workers : public ::testing::Test {
 protected:
  void join(int size = 2, Seconds rpc_timeout = Seconds(60)) {
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size; ++rank) {
      threads.emplace_back([this, rank, size, rpc_timeout] {
        JoinOptions o = options(address_, rank, size);
        o.rpc_timeout = rpc_timeout;
        runtimes_[rank].rpc().join(std::move(o));
      });
    }
    for (auto& t : threads) t.join();
  }
  ~Workers() override {
    for (Runtime& r : runtimes_) r.rpc().leave_now();
  }
  rpc::Worker& operator[](int rank) { return runtimes_[rank].rpc(); }

  rpc::Worker& caller() { return (*this)[0]; }
  rpc::Worker& callee() { return (*this)[1]; }

  // A handler may still be on its way out of one when the test's body has ended.
  std::latch& latch(ptrdiff_t count) { return latches_.emplace_back(count); }

  std::list<std::latch> latches_;
  FreeAddress address_;
  Runtime runtimes_[3];
};

// The errors that nobody looked at while it lives, each as "file:line: text", without those that tests before it left behind.
class Reports {
 public:
  Reports() : before_(set_unobserved_error_hook(&note)) { take(); }
  ~Reports() { set_unobserved_error_hook(before_); }
  static std::vector<std::string> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(texts, {});
  }

 private:
  static void note(const std::exception_ptr& error, const std::source_location& where) noexcept {
    const std::lock_guard lock(mutex);
    texts.push_back(fmt::format("{}:{}: {}", where.file_name(), where.line(), describe(error)));
  }
  static inline std::mutex mutex;
  static inline std::vector<std::string> texts;
  const UnobservedErrorHook before_;
};

}  // namespace tine::rpc::testing

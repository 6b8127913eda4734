// Workers of the public interface in one process, each of a Runtime of its own.
#pragma once

#include <gtest/gtest.h>

#include <latch>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "src/base/testing/errors.h"
#include "src/rpc/world_for_tests.h"
#include "tine/rpc.h"
#include "tine/runtime.h"

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

}  // namespace tine::rpc::testing

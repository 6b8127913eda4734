// Nodes in one process, sinks that remember, and handlers by lambda, for tests and benchmarks.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "src/rpc/raw/node.h"
#include "src/rpc/world_for_tests.h"

namespace tine::rpc::testing {

using namespace std::chrono_literals;

inline TimePoint in(std::chrono::milliseconds t) { return Clock::now() + t; }

// How a call ended. Twice is a failure of the test.
struct Ended {
  bool ok = false;
  RawMessage reply;
  RawFailure failure;
  std::thread::id thread;
  [[nodiscard]] std::string text() const { return ok ? std::string(reply.body.text()) : failure.text; }
};

class Result final : public RawSink {
 public:
  void done(RawMessage reply) noexcept override {
    end({true, std::move(reply), {}, std::this_thread::get_id()});
  }
  void failed(RawFailure failure) noexcept override {
    end({false, {}, std::move(failure), std::this_thread::get_id()});
  }
  // Waits; a call that does not end is a failure of the test.
  Ended& get(std::chrono::milliseconds most = 20s) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, most, [this] { return times_ > 0; }))
      ADD_FAILURE() << "the call did not end";
    return ended_;
  }
  bool has_ended() {
    const std::lock_guard lock(mutex_);
    return times_ > 0;
  }
  ~Result() override { EXPECT_EQ(times_, 1) << "a sink was ended that often"; }

 private:
  void end(Ended ended) {
    const std::lock_guard lock(mutex_);
    ended_ = std::move(ended);
    ++times_;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int times_ = 0;
  Ended ended_;
};

class RawHandlers final : public RawHandler {
 public:
  std::function<void(RawCall)> on_call = [](RawCall call) { call.reply(std::move(call.message())); };
  std::function<bool(const RawMessage&)> here;
  std::function<void(const RawWorker&, const std::string&, bool)> on_death;

  bool inline_ok(const RawMessage& message) noexcept override { return here && here(message); }
  void handle(RawCall call) noexcept override { on_call(std::move(call)); }
  void died(const RawWorker& worker, const std::string& why, bool left) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      deaths_.push_back({worker, why, left});
    }
    changed_.notify_all();
    if (on_death) on_death(worker, why, left);
  }

  struct Death {
    RawWorker worker;
    std::string why;
    bool left;
  };
  std::vector<Death> wait_for_deaths(size_t n) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return deaths_.size() >= n; }));
    return deaths_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Death> deaths_;
};

inline std::string_view secret_text() { return "a secret for tests"; }

// One node with threads of its own.
struct RawOne {
  explicit RawOne(int id, const std::function<void(RawNodeOptions&)>& change = {}, int threads = 2)
      : blocking(threads), callbacks(threads) {
    RawNodeOptions o;
    o.name = "w" + std::to_string(id);
    o.id = id;
    o.handler = &handler;
    o.secret = secret_text();
    o.log = [this](const std::string& line) {
      const std::lock_guard lock(log_mutex);
      lines.push_back(line);
      logged.notify_all();
    };
    if (change) change(o);
    node = RawNode::Parts::start({blocking, callbacks}, std::move(o));
  }
  ~RawOne() { node = nullptr; }

  std::shared_ptr<Result> call(int to, RawMessage message, TimePoint deadline = kNoDeadline) {
    auto sink = std::make_shared<Result>();
    node->call(to, std::move(message), deadline, sink);
    return sink;
  }
  std::shared_ptr<Result> call(int to, std::string_view text, TimePoint deadline = kNoDeadline) {
    return call(to, RawMessage{1, RawBytes::copy(text), {}}, deadline);
  }
  // Until a line has that in it.
  std::string wait_for_line(std::string_view part) {
    std::unique_lock lock(log_mutex);
    std::string found;
    const bool come = logged.wait_for(lock, 20s, [&] {
      for (const auto& line : lines) {
        if (line.find(part) != std::string::npos) found = line;
      }
      return !found.empty();
    });
    EXPECT_TRUE(come) << "no line with: " << part;
    return found;
  }
  RawNode* operator->() const { return node.get(); }

  std::mutex log_mutex;
  std::condition_variable logged;
  std::vector<std::string> lines;
  RawHandlers handler;
  Threads blocking, callbacks;
  std::unique_ptr<RawNode> node;
};

inline void wait_until_gone(RawNode& node, int id) {
  for (const TimePoint end = in(20s); Clock::now() < end; std::this_thread::yield()) {
    const auto all = node.workers();
    if (std::none_of(all.begin(), all.end(), [&](const RawWorker& w) { return w.id == id; })) return;
  }
  ADD_FAILURE() << "worker " << id << " is still there";
}

}  // namespace tine::rpc::testing

// Nodes in one process, sinks that remember, and handlers by lambda, for tests and benchmarks.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "src/rpc/post.h"
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

// For calls whose end does not matter.
class Ignored final : public RawSink {
  void done(RawMessage) noexcept override {}
  void failed(RawFailure) noexcept override {}
};

class RawHandlers final : public RawHandler {
 public:
  std::function<void(RawCall)> on_call = [](RawCall call) { call.reply(std::move(call.message())); };
  std::function<bool(const RawMessage&)> here, late;
  std::function<void(const RawWorker&)> on_join;
  std::function<void(const RawWorker&, const std::string&, bool)> on_death;

  bool inline_ok(const RawMessage& message) noexcept override { return here && here(message); }
  bool late_ok(const RawMessage& message) noexcept override { return late && late(message); }
  void handle(RawCall call) noexcept override { on_call(std::move(call)); }
  void joined(const RawWorker& worker) noexcept override {
    if (on_join) on_join(worker);
  }
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
  std::vector<Death> deaths() {
    const std::lock_guard lock(mutex_);
    return deaths_;
  }
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

// Within the process: see RawOne.
inline void talk(RawNodeOptions& o, Over over) {
  if (over == Over::kTcp) o.transports = {"tcp"};
}
inline std::string tcp_address_of(const RawNode& node) {
  for (const Address& a : RawCard::parse(node.card()).addresses) {
    if (a.text.starts_with("tcp:")) return a.text;
  }
  return {};
}

// One node with threads of its own.
struct RawOne {
  // `transports`: instead of those that the options name.
  explicit RawOne(int id, const std::function<void(RawNodeOptions&)>& change = {}, int threads = 2,
                  TransportList transports = {})
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
    if (transports.empty())
      transports = transports_named(
          o.transports,
          {.host = o.host, .plaintext_beyond_loopback = o.plaintext_beyond_loopback, .tls = o.tls});
    parts = RawNode::Parts::make({blocking, callbacks, std::move(transports)}, std::move(o));
    node = std::make_unique<RawNode>(parts);
  }
  ~RawOne() {
    if (node) node->close();  // handlers that run use it until then
    node = nullptr;
    parts = nullptr;
  }

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
  std::shared_ptr<RawNode::Parts> parts;
  std::unique_ptr<RawNode> node;
};

// A node in a process of its own, which ends when this goes. Made while no other thread runs here.
class ChildNode {
 public:
  explicit ChildNode(int id, const std::function<void(RawNodeOptions&)>& change = {},
                     const std::function<void(RawOne&)>& use = {}) {
    int card[2], end[2];
    EXPECT_EQ(::pipe(card), 0);
    EXPECT_EQ(::pipe(end), 0);
    pid = ::fork();
    if (pid == 0) {
      ::close(end[1]);
      {
        RawOne one(id, change);
        if (use) use(one);
        one->open();
        if (::write(card[1], one->card().data(), one->card().size()) < 0) ::_exit(1);
        char byte;
        (void)!::read(end[0], &byte, 1);
      }
      ::_exit(0);
    }
    ::close(end[0]);
    ::close(card[1]);
    end_ = end[1];
    std::array<char, 4096> text;
    const ssize_t n = ::read(card[0], text.data(), text.size());
    this->card.assign(text.data(), static_cast<size_t>(std::max<ssize_t>(n, 0)));
    ::close(card[0]);
  }
  ~ChildNode() {
    ::close(end_);
    if (pid <= 0) return;
    ::kill(pid, SIGCONT);
    (void)::waitpid(pid, nullptr, 0);
  }
  void kill(int signal) const { ::kill(pid, signal); }

  pid_t pid = 0;
  std::string card;

 private:
  int end_ = -1;
};

// Any number of nodes by one transport.
class RawNodes {
 public:
  using Change = std::function<void(int id, RawNodeOptions&)>;
  explicit RawNodes(Over over) : over_(over) {}
  RawOne& add(int id, const Change& change = {}, int threads = 2) {
    auto& place = all[id];
    place = std::make_unique<RawOne>(
        id,
        [&](RawNodeOptions& o) {
          talk(o, over_);
          if (change) change(id, o);
        },
        threads, over_ == Over::kInProcess ? transports_over(over_) : TransportList());
    return *place;
  }
  // That many from 0, connected to each other and open.
  void make(int n, const Change& change = {}, int threads = 2) {
    for (int id = 0; id < n; ++id) add(id, change, threads);
    for (int id = 1; id < n; ++id) {
      for (int to = 0; to < id; ++to) connect(id, to);
    }
    for (auto& [id, one] : all) (*one)->open();
  }
  void connect(int from, int to) {
    (*this)[from]->connect((*this)[to]->card(), in(10s));
    (*this)[to]->expect("w" + std::to_string(from), in(10s));
  }
  RawOne& operator[](int id) { return *all.at(id); }

  std::map<int, std::unique_ptr<RawOne>> all;

 private:
  const Over over_;
};

// Keeps the calls that come, for later. A handler may outlive it, and drops what comes from then on.
class Kept {
 public:
  Kept() = default;
  ~Kept() {
    std::deque<RawCall> rest;
    const std::lock_guard lock(state_->mutex);
    state_->gone = true;
    rest.swap(state_->calls);
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  std::function<void(RawCall)> handler() {
    return [state = state_](RawCall call) {
      const std::lock_guard lock(state->mutex);
      if (state->gone) return;
      state->calls.push_back(std::move(call));
      state->changed.notify_all();
    };
  }
  RawCall take() {
    std::unique_lock lock(state_->mutex);
    if (!state_->changed.wait_for(lock, 20s, [this] { return !state_->calls.empty(); }))
      throw std::runtime_error("no call has come in 20 s");
    RawCall call = std::move(state_->calls.front());
    state_->calls.pop_front();
    return call;
  }
  void wait_for(size_t n) {
    std::unique_lock lock(state_->mutex);
    EXPECT_TRUE(state_->changed.wait_for(lock, 20s, [&] { return state_->calls.size() >= n; }));
  }
  size_t size() {
    const std::lock_guard lock(state_->mutex);
    return state_->calls.size();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<RawCall> calls;
    bool gone = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

template <class Condition>
void wait_until(const char* what, Condition condition) {
  if (!eventually(condition)) ADD_FAILURE() << "in a minute it did not come true that " << what;
}

}  // namespace tine::rpc::testing

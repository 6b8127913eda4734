// RawNode::Parts: what a node is made of, and how its parts find each other.
//
// A node holds calls until open(), then is open, closing and closed. Any thread may use it. The RawNode and the calls that came
// in share it; close() joins its loop's thread. The rest is as include/tine/rpc.h says. docs/spec/agent.md, "Raw calls".
#pragma once

#include <atomic>
#include <concepts>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/rpc/deadlines.h"
#include "src/rpc/raw/card.h"
#include "src/rpc/raw/members.h"
#include "src/rpc/transport/io_loop.h"
#include "src/rpc/transport/ways.h"

namespace tine::rpc {

class RawNode::Parts final : public std::enable_shared_from_this<RawNode::Parts> {
 public:
  // What a node is given by its owner.
  struct Means {
    Executor& handlers;
    Executor& callbacks;
    TransportList transports;
    Timer* timer = nullptr;  // null: one of its own
  };
  [[nodiscard]] static std::shared_ptr<Parts> make(const Means& means, RawNodeOptions options);
  [[nodiscard]] static std::unique_ptr<RawNode> start(const Means& means, RawNodeOptions options);
  Parts(const Means& means, RawNodeOptions options);

  void connect(std::string_view card, TimePoint deadline, const std::function<bool()>& interrupted);
  void expect(std::string_view name, TimePoint deadline, const std::function<bool()>& interrupted);
  bool lives(std::string_view card, TimePoint deadline, const std::function<bool()>& interrupted);
  void open() noexcept;
  void call(int to, RawMessage message, TimePoint deadline, std::shared_ptr<RawSink> sink) noexcept;
  bool wait_for_room(int to, TimePoint deadline) noexcept;
  void remove(int id, const std::string& why) noexcept;
  [[nodiscard]] std::string death_of(int id) const;
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] size_t retained_bytes() const noexcept { return loop_.recycler().kept(); }
  bool close(std::chrono::milliseconds bound, std::string_view failure) noexcept;

  // This process is a child of fork(2): threads, connections and locks are the parent's.
  [[nodiscard]] bool of_parent() const noexcept { return birth_.inherited(); }
  [[nodiscard]] bool closing() const noexcept { return closing_.load(std::memory_order_acquire); }
  [[nodiscard]] RawFailure closed_failure() const;

  // By peers.
  void introduced(RawPeer& peer, const Introduction& introduction) noexcept;
  void ended(RawPeer& peer, const CloseInfo& info) noexcept;
  // What it sent is malformed: a frame of that kind, for that reason.
  void malformed(RawPeer& peer, FrameKind kind, std::string_view reason) noexcept;
  void deliver(detail::Ref<RawCall::State> call, At at) noexcept;
  void log(std::string text) noexcept;
  // What words() says, unless there is no memory for it.
  template <std::invocable Words>
  void log(const Words& words) noexcept {
    try {
      log(std::string(words()));
    } catch (const std::bad_alloc&) {
      // The log does not fail what it tells of.
    }
  }

  const RawNodeOptions options;
  const Means means;
  const std::shared_ptr<Endings> endings;
  Activity handlers;  // that run, and what else calls the user
  std::atomic<uint64_t> begun{0};
  std::string card;
  RawMembers members;

 private:
  enum class Tried : uint8_t { kConnected, kReplaced };
  Tried try_connect(const RawCard& to, TimePoint deadline, const std::function<bool()>& interrupted);
  detail::Ref<Connection> open_connection(const RawCard& to, TimePoint deadline,
                                          const std::function<bool()>& interrupted);
  void accept(detail::Ref<Connection> connection) noexcept;
  void take_in(const detail::Ref<RawPeer>& peer, const Introduction& introduction,
               TimePoint patience) noexcept;
  void take_in_or_throw(const detail::Ref<RawPeer>& peer, const Introduction& introduction,
                        TimePoint patience);
  void look_at_waiting() noexcept;
  void listen();
  void lose(RawPeer& peer, const std::string& why, bool left) noexcept;
  // Until nothing of the user's runs but what this thread is in. False: the deadline came.
  bool wait_for_user(TimePoint deadline) noexcept;
  TimePoint sweep(TimePoint now) noexcept;
  void check_alive(const char* what) const;

  const Birth birth_;
  const Identity identity_;
  ConnectionOptions connection_;
  IoLoop loop_;
  Ways ways_;

 public:
  Deadlines deadlines;

 private:
  std::atomic<bool> closing_{false};
  std::atomic<bool> closed_{false};
  std::atomic<int> logging_{0};
  std::atomic<uint64_t> unlogged_{0};
  struct Waiting {
    detail::Ref<RawPeer> peer;
    Introduction introduction;
    TimePoint patience;
  };
  std::vector<Waiting> waiting_;  // for the end of who has their name or id; the loop's thread alone
  std::atomic<bool> holding_{true};
  Mutex mutex_;
  std::vector<detail::Ref<RawCall::State>> held_ TINE_GUARDED_BY(mutex_);

 public:
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
};

}  // namespace tine::rpc

// RawMembers: the workers that are connected to a node, that were, and that may become so (docs/spec/wire.md, section 6).
// It owns the peers that are taken in, and those that are introducing themselves.
//
// It is open, and then closed: from then on no peer is taken in. Any thread may use it. take_in() returns the reason of a
// refusal.
#pragma once

#include <deque>
#include <exception>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/raw/message.h"
#include "src/rpc/raw/peer.h"

namespace tine::rpc {

class RawMembers {
 public:
  struct Refusal {
    GoodbyeReason reason = GoodbyeReason::kRefused;
    std::string why;
    // Another has the name or id who lives as far as is known here: its end may be on its way.
    bool may_pass = false;
  };

  RawMembers(RawWorker self, uint64_t incarnation, std::string protocol)
      : self_(std::move(self)), incarnation_(incarnation), protocol_(std::move(protocol)) {}
  void set_self(detail::Ref<RawPeer> peer) { own_ = std::move(peer); }
  [[nodiscard]] const RawWorker& self() const noexcept { return self_; }
  [[nodiscard]] uint64_t incarnation() const noexcept { return incarnation_; }
  [[nodiscard]] const detail::Ref<RawPeer>& own() const noexcept { return own_; }

  // One that begins to introduce itself. False: closed.
  [[nodiscard]] bool add_stranger(const detail::Ref<RawPeer>& peer);
  // Makes a worker of it, or says why not. One that has connected to us is answered with our introduction before anybody
  // can find it.
  [[nodiscard]] std::optional<Refusal> take_in(const detail::Ref<RawPeer>& peer,
                                               const Introduction& introduction);
  // It is none any more; what death_of() says from now on. False: it was none. Nobody can find it, but its connection is there.
  bool remove(RawPeer& peer, const std::string& why) noexcept;
  // Its connection has ended.
  void closed(RawPeer& peer) noexcept;

  // Null: nobody of that id lives.
  [[nodiscard]] detail::Ref<RawPeer> find(int id) const;
  [[nodiscard]] bool has_name(std::string_view name) const;
  [[nodiscard]] bool has_incarnation(uint64_t incarnation) const;
  // The name or id of that worker is that of another life.
  [[nodiscard]] bool has_another(const RawWorker& who, uint64_t incarnation) const;
  [[nodiscard]] std::vector<RawWorker> workers() const;
  [[nodiscard]] std::vector<detail::Ref<RawPeer>> peers() const;
  // Why there is none of that id: its end, or nothing for one that never was.
  [[nodiscard]] std::optional<std::string> end_of(int id) const;
  [[nodiscard]] std::string words_for_absent(int id) const;
  [[nodiscard]] RawFailure failure_for_absent(int id) const noexcept;

  // At the handshake somebody was refused who calls itself so: for those who wait for it. The latest few are kept.
  void note_refusal(const std::string& claimed, const std::exception_ptr& why) noexcept;
  // Null: there was none, or another has taken it. With an AuthError alone.
  [[nodiscard]] std::exception_ptr take_refusal(std::string_view name);

  // A connection of ours to that node is being made. False: one is already.
  [[nodiscard]] bool begin_attempt(uint64_t incarnation);
  void end_attempt(uint64_t incarnation);

  // Nobody from now on. All whose connection is there.
  [[nodiscard]] std::vector<detail::Ref<RawPeer>> close();
  [[nodiscard]] bool all_closed() const;
  // Calls done() again when anything here has changed, without the lock. False: the deadline came.
  template <class Done>
  bool wait_until(TimePoint deadline, Done done) {
    for (;;) {
      uint64_t seen;
      {
        const MutexLock lock(mutex_);
        seen = changes_;
      }
      if (done()) return true;
      const MutexLock lock(mutex_);
      while (changes_ == seen) {
        if (!changed_.wait_until(mutex_, deadline) && changes_ == seen) return false;
      }
    }
  }

 private:
  [[nodiscard]] std::optional<Refusal> reason_against(const RawPeer& peer, const RawWorker& who,
                                                      const std::string& protocol) const
      TINE_REQUIRES(mutex_);
  void changed() TINE_REQUIRES(mutex_) {
    ++changes_;
    changed_.notify_all();
  }

  const RawWorker self_;
  const uint64_t incarnation_;
  const std::string protocol_;
  detail::Ref<RawPeer> own_;
  mutable Mutex mutex_;
  Condition changed_;
  uint64_t changes_ TINE_GUARDED_BY(mutex_) = 0;
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  std::unordered_map<int, detail::Ref<RawPeer>> living_ TINE_GUARDED_BY(mutex_);
  struct End {
    std::string name, why;
  };
  std::unordered_map<int, End> ends_ TINE_GUARDED_BY(mutex_);
  std::unordered_map<RawPeer*, detail::Ref<RawPeer>> connected_
      TINE_GUARDED_BY(mutex_);  // all whose connection is there
  std::set<uint64_t> attempts_ TINE_GUARDED_BY(mutex_);
  std::deque<std::pair<std::string, std::exception_ptr>> refusals_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::rpc

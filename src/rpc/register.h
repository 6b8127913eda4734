// Register: rank 0's list of the workers, and what it tells them (docs/spec/agent.md, "Rendezvous" and "Worlds that change").
// FixedRegister: until all are there. OpenRegister: for as long as rank 0 lives.
//
// A worker's connection is known as long as it is registering. enter() and ready() answer its calls, now or later; they
// throw what is to be answered at once. Any thread may call any member.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/transport/ways.h"
#include "tine/future.h"
#include "tine/value.h"

namespace tine::rpc {

struct Member {
  std::string name;
  int rank = 0;  // -1: the register chooses
  uint64_t incarnation = 0;
  std::vector<Address> addresses;
};

// "'w1' (rank 1, tcp://127.0.0.1:1)", for messages.
[[nodiscard]] std::string who(const Member& member);

// As they travel.
[[nodiscard]] Value to_value(const std::vector<Address>& addresses);
[[nodiscard]] std::vector<Address> to_addresses(const Value& value);
[[nodiscard]] Value to_value(const std::vector<Member>& members);
[[nodiscard]] std::vector<Member> to_members(const Value& value);
// The answer of a call. What cannot be sent goes to nobody: the connection is closing, and its end tells the other side.
void send_value(Connection& connection, uint64_t call, const Value& value);
void send_failure(Connection& connection, uint64_t call, const std::exception_ptr& error);

class Register : public detail::RefCounted {
 public:
  // `connection` is null for rank 0 itself. `world_size` 0: a world that changes.
  virtual void enter(Member member, Connection* connection, uint64_t call, int world_size) = 0;
  virtual void ready(Connection* connection, uint64_t call) = 0;
  // Whether that life is a member's.
  [[nodiscard]] virtual bool has(uint64_t incarnation) = 0;
  void opened();
  virtual void left(Connection& connection, const CloseInfo& info) noexcept = 0;
  // A connection that did not prove itself. Anybody can make one.
  virtual void refused(std::string why) = 0;
  // Tells everybody who waits.
  virtual void fail(const std::string& reason) noexcept = 0;
  // So that they have read it before the sockets close.
  void wait_until_left(TimePoint deadline);

 protected:
  void one_has_left() noexcept TINE_REQUIRES(mutex_);
  // Why `m` cannot be there beside `other`: they have a name or a rank in common. Empty: it can.
  [[nodiscard]] static std::string clash_of(const Member& m, const Member& other);

  Mutex mutex_;

 private:
  Condition closed_;
  int open_ TINE_GUARDED_BY(mutex_) = 0;  // connections
};

class FixedRegister final : public Register {
 public:
  FixedRegister(int world_size, std::string address);

  void enter(Member member, Connection* connection, uint64_t call, int world_size) override;
  void ready(Connection* connection, uint64_t call) override;
  [[nodiscard]] bool has(uint64_t) override { return true; }
  void left(Connection& connection, const CloseInfo& info) noexcept override;
  void refused(std::string why) override;
  void fail(const std::string& reason) noexcept override;

  // What is missing, and of whom.
  [[nodiscard]] std::string missing();
  [[nodiscard]] const Future<std::vector<Member>>& listed() const noexcept { return all_listed_; }
  [[nodiscard]] const Future<void>& go() const noexcept { return all_ready_; }

 private:
  struct Entry {
    Member member;
    detail::Ref<Connection> connection;  // null for rank 0 itself
    uint64_t call = 0;                   // waiting for its answer
    bool ready = false;
  };
  void fail_locked(const std::string& reason, ErrorKind kind = ErrorKind::kRuntime) noexcept
      TINE_REQUIRES(mutex_);
  void end_locked(const std::exception_ptr& error) noexcept TINE_REQUIRES(mutex_);
  std::string reason_against(const Member& m, int world_size, bool* taken) const TINE_REQUIRES(mutex_);

  const int world_size_;
  const std::string address_;
  bool went_ TINE_GUARDED_BY(mutex_) = false;
  bool ended_ TINE_GUARDED_BY(mutex_) = false;
  std::string failure_ TINE_GUARDED_BY(mutex_);
  std::map<int, Entry> entries_ TINE_GUARDED_BY(mutex_);
  std::vector<std::string> refused_ TINE_GUARDED_BY(mutex_);
  std::string stranger_ TINE_GUARDED_BY(mutex_);  // only the last is kept, for missing()
  Promise<std::vector<Member>> listed_;
  Promise<void> go_;
  const Future<std::vector<Member>> all_listed_ = listed_.future();
  const Future<void> all_ready_ = go_.future();
};

// Workers register one after the other: the next has its turn when the last one is connected to all, or has given up. So
// whoever has its turn is told all who are there, and nobody else comes meanwhile.
class OpenRegister final : public Register {
 public:
  // For the end of a worker whose name or rank another comes with.
  static constexpr std::chrono::seconds kPatience{1};

  struct Options {
    Member self;
    // Called under the register's lock: they must not call it, nor wait.
    std::function<void(const Member&)> expect;         // it is coming
    std::function<void(uint64_t incarnation)> forget;  // it is not
    std::function<void(TimePoint when, std::function<void()> work)> schedule;
    std::function<void(const std::string&)> log;  // may be empty
    // So long a worker may take to connect to all, when others wait for their turn.
    std::chrono::milliseconds turn{10000};
  };
  explicit OpenRegister(Options options);
  // Rank 0 serves: from now on workers have their turns.
  void open();

  void enter(Member member, Connection* connection, uint64_t call, int world_size) override;
  void ready(Connection* connection, uint64_t call) override;
  [[nodiscard]] bool has(uint64_t incarnation) override;
  void left(Connection& connection, const CloseInfo& info) noexcept override;
  void refused(std::string) override {}
  void fail(const std::string& reason) noexcept override;

  // That worker's connection to rank 0 has ended.
  void lost(uint64_t incarnation) noexcept;
  // Takes nobody any more, if there is nobody but rank 0. False: there is somebody, or one who registers.
  [[nodiscard]] bool end_if_alone();
  // Those who are there or register, but for rank 0: "'w1' (rank 1)".
  [[nodiscard]] std::string others();

 private:
  struct Waiting {
    Member member;
    detail::Ref<Connection> connection;
    uint64_t call = 0;
    TimePoint patience;  // until then the place may become free
  };
  [[nodiscard]] std::string reason_against_form(const Member& m, int world_size) const TINE_REQUIRES(mutex_);
  void refuse(const Waiting& waiting, const std::string& why) TINE_REQUIRES(mutex_);
  // Gives the turn to the first who can have it, and refuses those who have waited in vain.
  void advance() TINE_REQUIRES(mutex_);
  void advance_at(TimePoint when);
  void begin_turn(Waiting next) TINE_REQUIRES(mutex_);
  void end_turn() noexcept TINE_REQUIRES(mutex_);
  void turn_is_over(uint64_t number);

  const Options options_;
  bool is_open_ TINE_GUARDED_BY(mutex_) = false;
  std::string ended_ TINE_GUARDED_BY(mutex_);              // why it takes nobody any more
  std::map<int, Member> members_ TINE_GUARDED_BY(mutex_);  // by rank
  std::deque<Waiting> queue_ TINE_GUARDED_BY(mutex_);
  std::vector<Waiting> turn_ TINE_GUARDED_BY(mutex_);  // one or none
  uint64_t turns_ TINE_GUARDED_BY(mutex_) = 0;
};

}  // namespace tine::rpc

// Connector: one connection on its way, from connect() to a proven Connection or an error.
//
// It tries, again while nobody listens if the options say so, until the deadline; then the channel proves itself. How a
// channel comes about is the transport's. All members but start() and the destructor run on the loop's thread.
#pragma once

#include <memory>
#include <string>

#include "src/rpc/transport/channel.h"
#include "src/rpc/transport/transport.h"

namespace tine::rpc {

class Connector : public detail::RefCounted {
 public:
  // Begins on the loop's thread. The future fails with Cancelled when the loop has stopped.
  [[nodiscard]] static Future<detail::Ref<Connection>> start(const detail::Ref<Connector>& connector);

 protected:
  Connector(const Loop& loop, const Identity& identity, std::string address, ConnectOptions options);
  // Between two tries only its timers hold it: a loop that ends drops them.
  ~Connector() override;

  // Calls connected() or failed(), at once or later.
  virtual void try_once() = 0;
  // The try that is under way ends without either.
  virtual void stop_trying() noexcept = 0;

  void connected(std::unique_ptr<Channel> channel) noexcept;
  // By that errno.
  void failed(int error) noexcept;
  void give_up(std::exception_ptr error) noexcept;
  void loop_ends() noexcept;
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] Loop& loop() noexcept { return loop_; }

 private:
  [[nodiscard]] std::exception_ptr shutting_down() const noexcept;
  void begin() noexcept;
  void next_try() noexcept;
  void pause() noexcept;
  void proven(detail::Ref<Connection> connection, std::exception_ptr error) noexcept;

  Loop loop_;
  const Identity identity_;
  const std::string address_;
  ConnectOptions options_;
  Promise<detail::Ref<Connection>> promise_;
  std::chrono::milliseconds pause_;
  TimerId timer_;
  int last_error_ = 0;
  bool finished_ = false;
};

}  // namespace tine::rpc

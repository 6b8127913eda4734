// A worker alone, whose calls to itself wait for ever: for tests of Calls.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "src/rpc/calls.h"
#include "src/rpc/transport/io_loop.h"

namespace tine::rpc {

class Nobody final : public Peer::Events, public ControlHandler {
 public:
  void on_frame(Peer&, Frame&, At) noexcept override {}
  void on_death(Peer&, const CloseInfo&) noexcept override {}
  std::shared_ptr<void> alive() override { return {}; }
  void serve_control(const detail::Ref<IncomingState>&) override {}
};

class CallsToOneself : public ::testing::Test {
 protected:
  CallsToOneself() {
    Peer::Options options;
    options.max_calls = 100;
    options.pool = options.callbacks = &here_;
    world_.fill({detail::make_ref<Peer>(WorkerInfo{"w0", 0}, 100, true, options, nobody_)});
    references_.share(owner_, calls);
    server_.ready(owner_, nobody_);
    calls.share(owner_);
  }
  ~CallsToOneself() override {
    loop_.stop();
    world_.peer(0)->die(make_error(ErrorKind::kAbandoned, "the test is over"));
    server_.close();
  }
  Server::Options server_options() {
    Server::Options o;
    o.executor = o.blocking = o.callbacks = &here_;
    o.hold = true;
    return o;
  }
  Future<Value> call(TimePoint deadline) {
    return calls.call(*world_.peer(0), CallRequest::script("f", nullptr, {}), deadline);
  }

 private:
  InlineExecutor here_;
  Nobody nobody_;
  const std::shared_ptr<void> owner_ = std::make_shared<int>(0);
  World world_{"w0", 0, 100};
  RRefTable references_{world_};
  Server server_{world_, references_, server_options()};

  IoLoop loop_;

 protected:
  Calls calls{world_, references_, server_, Seconds(60), here_, [this]() -> Loop& { return loop_; }};
};

}  // namespace tine::rpc

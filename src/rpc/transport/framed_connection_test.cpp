// The reader's role of src/rpc/transport/framed_connection.h against events that come while it is handed over.
#include "src/rpc/transport/framed_connection.h"

#include <atomic>
#include <functional>
#include <utility>

#include "src/rpc/transport/in_process/pipe_channel.h"
#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

// A channel that lets a test act between a reader's last look and the moment at which it frees the role.
class Watched final : public Channel {
 public:
  explicit Watched(std::unique_ptr<Channel> inner) noexcept : inner_(std::move(inner)) {}

  bool watch(const Loop& loop, detail::Ref<ChannelEvents> events) override {
    return inner_->watch(loop, detail::make_ref<Counted>(*this, std::move(events)));
  }
  void unwatch() noexcept override { inner_->unwatch(); }
  void retire() noexcept override { inner_->retire(); }
  Outcome try_read(std::span<const iovec> pieces) noexcept override { return inner_->try_read(pieces); }
  bool arm() noexcept override {
    const bool unread = inner_->arm();
    if (const auto act = std::exchange(armed, nullptr)) act();
    return unread;
  }
  void disarm() noexcept override { inner_->disarm(); }
  Outcome try_write(std::span<const iovec> pieces) noexcept override { return inner_->try_write(pieces); }
  void want_writable(bool want) noexcept override { inner_->want_writable(want); }
  void end_output() noexcept override { inner_->end_output(); }
  void bound_unread(size_t bytes) noexcept override { inner_->bound_unread(bytes); }
  bool has_unread() const noexcept override { return inner_->has_unread(); }
  void break_off() noexcept override { inner_->break_off(); }
  void close() noexcept override { inner_->close(); }
  void leave() noexcept override { inner_->leave(); }

  std::function<void()> armed;  // called once, by the thread that arms
  std::atomic<int> told{0};     // events that the connection has been told of

 private:
  class Counted final : public ChannelEvents {
   public:
    Counted(Watched& channel, detail::Ref<ChannelEvents> inner) noexcept
        : channel_(channel), inner_(std::move(inner)) {}
    void readable() noexcept override {
      inner_->readable();
      ++channel_.told;
    }
    void writable() noexcept override { inner_->writable(); }
    void loop_ends() noexcept override { inner_->loop_ends(); }

   private:
    Watched& channel_;
    const detail::Ref<ChannelEvents> inner_;
  };

  const std::unique_ptr<Channel> inner_;
};

TEST(FramedConnection, AnEventThatFindsTheRoleTakenIsNotLost) {
  IoLoop near_loop, far_loop;
  auto [near_end, far_end] = make_pipe();
  auto owned_channel = std::make_unique<Watched>(std::move(near_end));
  Watched& channel = *owned_channel;
  const auto near = detail::make_ref<FramedConnection>(near_loop, std::move(owned_channel), PeerInfo{},
                                                       ConnectionOptions{});
  const auto far =
      detail::make_ref<FramedConnection>(far_loop, std::move(far_end), PeerInfo{}, ConnectionOptions{});
  const auto got = detail::make_ref<Recorder>();
  near->start(got);
  far->start(detail::make_ref<Recorder>());
  // The channel's first event, for what may have come before it was watched.
  const int before = channel.told;
  bool event_came = false;
  channel.armed = [&] {
    // The waiting thread has looked for the last time and has the role. A frame comes, and the loop is told of it.
    EXPECT_EQ(far->send(request(1, "late")), nullptr);
    event_came = eventually([&] { return channel.told > before; });
  };
  int looks = 0;
  auto done = [&] { return ++looks > 1; };
  (void)near->try_poll(Clock::now() + std::chrono::seconds(1), done);
  EXPECT_TRUE(event_came) << "no event came while the role was taken: the test tests nothing";
  got->wait_for(1);
  near->close(nullptr);
  far->close(nullptr);
  got->wait_closed();
  near_loop.stop();
  far_loop.stop();
}

}  // namespace
}  // namespace tine::rpc

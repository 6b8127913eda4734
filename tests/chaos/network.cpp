#include "tests/chaos/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "src/rpc/transport/acceptor.h"
#include "src/rpc/transport/connector.h"
#include "src/rpc/transport/in_process/pipe_channel.h"
#include "src/rpc/wire/frame.h"
#include "tine/error.h"
#include "tine/foreign.h"

namespace tine::chaos {

using rpc::Channel;
using rpc::Loop;

namespace {

using Pieces = std::span<const iovec>;

uint64_t bytes_of(Pieces pieces) noexcept {
  uint64_t all = 0;
  for (const iovec& piece : pieces) all += piece.iov_len;
  return all;
}

// The first `bytes` of them.
std::vector<iovec> first_of(Pieces pieces, uint64_t bytes) {
  std::vector<iovec> out;
  for (const iovec& piece : pieces) {
    if (bytes == 0) break;
    out.push_back({piece.iov_base, static_cast<size_t>(std::min<uint64_t>(piece.iov_len, bytes))});
    bytes -= out.back().iov_len;
  }
  return out;
}

// Up to out.size() of them from `at` on.
size_t copy_from(Pieces pieces, uint64_t at, std::span<std::byte> out) noexcept {
  size_t copied = 0;
  for (const iovec& piece : pieces) {
    if (at >= piece.iov_len) {
      at -= piece.iov_len;
      continue;
    }
    const size_t n = std::min<size_t>(piece.iov_len - at, out.size() - copied);
    std::memcpy(out.data() + copied, static_cast<const std::byte*>(piece.iov_base) + at, n);
    copied += n;
    at = 0;
    if (copied == out.size()) break;
  }
  return copied;
}

constexpr size_t kLongestName = 12;  // of a control request: as much of it as is looked at

// docs/spec/wire.md: a request's body is an array of five; the first is the target, the second the name, here a short text.
std::string name_of_request(std::span<const std::byte> body) {
  switch (static_cast<rpc::Target>(body[1])) {
    case rpc::Target::kFetch: return "fetch";
    case rpc::Target::kControl: {
      const size_t length = static_cast<size_t>(body[2]) & 0x1f;
      const auto* const name = reinterpret_cast<const char*>(body.data() + 3);
      return "control " + std::string(name, std::min(length, body.size() - 3));
    }
    default: return "request";
  }
}

}  // namespace

const char* name_of(Fault fault) noexcept {
  switch (fault) {
    case Fault::kCut: return "the connection is cut";
    case Fault::kReset: return "the connection is reset";
    case Fault::kSilence: return "silence between them";
    case Fault::kSenderDies: return "the sender dies";
    case Fault::kReceiverDies: return "the receiver dies";
    case Fault::kSenderStops: return "the sender is stopped";
    case Fault::kReceiverStops: return "the receiver is stopped";
  }
  return "?";
}

struct Network::Switchboard {
  struct Place {
    std::weak_ptr<rpc::Acceptor> acceptor;
    int worker = -1;
  };
  std::map<std::string, Place> places;
};

// Direction 0 is from the one that connected.
struct Network::Wire {
  struct Direction {
    int from = -1, to = -1;
    TimePoint late_until{};
    uint64_t written = 0;       // bytes
    uint64_t next_message = 0;  // begins there
    // The reader's.
    std::optional<Loop> loop;
    detail::Ref<rpc::ChannelEvents> events;
  };
  std::array<Direction, 2> directions;
  bool lost = false;
  TimePoint silent_until{};
  std::array<std::weak_ptr<Channel>, 2>
      ends;  // kept by whoever breaks them off: meanwhile another thread may go on
};

class FaultyChannel final : public Channel {
 public:
  FaultyChannel(std::shared_ptr<Network> network, std::shared_ptr<Network::Wire> wire, int end,
                std::unique_ptr<Channel> inner)
      : network_(std::move(network)), wire_(std::move(wire)), end_(end), inner_(std::move(inner)) {
    wire_->ends[static_cast<size_t>(end_)] = inner_;
  }
  ~FaultyChannel() override { in().events = nullptr; }

  bool watch(const Loop& loop, detail::Ref<rpc::ChannelEvents> events) override {
    in().loop = loop;
    in().events = events;
    const bool watched = inner_->watch(loop, std::move(events));
    if (is_late()) network_->wake_at(due(), wire_, 1 - end_);
    return watched;
  }
  void unwatch() noexcept override {
    const auto dropped = std::move(in().events);
    inner_->unwatch();
  }
  void retire() noexcept override {
    const auto dropped = std::move(in().events);
    inner_->retire();
  }
  Outcome try_read(Pieces pieces) noexcept override {
    if (wire_->lost) return {.what = What::kEnded, .error = ECONNRESET};
    if (is_late()) return {.what = What::kNothingNow};
    const uint32_t most = network_->plan_.most_read_at_once;
    if (most == 0) return inner_->try_read(pieces);
    return inner_->try_read(first_of(pieces, 1 + network_->simulation_.pick(most)));
  }
  bool arm() noexcept override {
    if (wire_->lost) return true;
    if (!is_late()) return inner_->arm();
    network_->wake_at(due(), wire_, 1 - end_);
    return false;
  }
  void disarm() noexcept override { inner_->disarm(); }
  Outcome try_write(Pieces pieces) noexcept override {
    const auto own = network_;  // the channel may be gone behind a fault
    const auto wire = wire_;
    auto& out = wire->directions[static_cast<size_t>(end_)];
    const uint64_t offered = bytes_of(pieces);
    const Plan::Step* step = nullptr;
    uint64_t through = offered;
    while (!step && out.next_message < out.written + offered) {
      const uint64_t at = out.next_message - out.written;
      std::string name = "handshake";
      uint64_t length = offered - at;
      std::array<std::byte, rpc::kHeaderBytes + 3 + kLongestName> head{};
      rpc::FrameHeader header;
      if (copy_from(pieces, at, head) >= rpc::kHeaderBytes &&
          rpc::decode_header(std::span(head).first<rpc::kHeaderBytes>(), rpc::kDefaultMaxPayload, &header)
              .empty()) {
        name = header.kind == rpc::FrameKind::kRequest
                   ? name_of_request(std::span(head).subspan(rpc::kHeaderBytes))
                   : std::string(rpc::name_of(header.kind));
        length = rpc::kHeaderBytes + header.payload_bytes;
      }
      out.next_message += length;
      step = own->at_message(out.from, out.to, name);
      if (step) through = at + step->bytes % (length + 1);
    }
    through = std::min(through, offered);
    Outcome outcome{.what = What::kMoved};
    if (through > 0) outcome = inner_->try_write(first_of(pieces, through));
    if (outcome.what == What::kMoved) out.written += outcome.bytes;
    if (outcome.bytes > 0 && own->plan_.late_one_in != 0 && own->simulation_.one_in(own->plan_.late_one_in)) {
      const auto latest = static_cast<uint32_t>(own->plan_.latest.count());
      out.late_until =
          std::max(out.late_until, own->simulation_.now() + Clock::duration(own->simulation_.pick(latest)));
    }
    if (step) {
      own->happens(*step, wire, end_);
      if (outcome.bytes == 0) return {.what = What::kNothingNow};
    }
    return outcome;
  }
  void want_writable(bool want) noexcept override { inner_->want_writable(want); }
  void end_output() noexcept override { inner_->end_output(); }
  void bound_unread(size_t bytes) noexcept override { inner_->bound_unread(bytes); }
  bool has_unread() const noexcept override { return !is_late() && inner_->has_unread(); }
  void break_off() noexcept override { inner_->break_off(); }
  void close() noexcept override {
    in().events = nullptr;
    inner_->close();
  }
  void leave() noexcept override { inner_->leave(); }

 private:
  // What comes to this end.
  Network::Wire::Direction& in() const noexcept { return wire_->directions[static_cast<size_t>(1 - end_)]; }
  TimePoint due() const noexcept { return std::max(in().late_until, wire_->silent_until); }
  bool is_late() const noexcept { return !wire_->lost && due() > network_->simulation_.now(); }

  const std::shared_ptr<Network> network_;
  const std::shared_ptr<Network::Wire> wire_;
  const int end_;
  const std::shared_ptr<Channel> inner_;
};

class FaultyListener final : public rpc::Listener {
 public:
  FaultyListener(std::shared_ptr<Network> network, std::shared_ptr<rpc::Acceptor> acceptor)
      : network_(std::move(network)), acceptor_(std::move(acceptor)) {}
  ~FaultyListener() override { close(); }
  const std::string& address() const noexcept override { return acceptor_->address(); }
  void close() noexcept override {
    network_->board_->places.erase(acceptor_->address());
    acceptor_->close();
  }

 private:
  const std::shared_ptr<Network> network_;
  const std::shared_ptr<rpc::Acceptor> acceptor_;
};

class FaultyConnector final : public rpc::Connector {
 public:
  FaultyConnector(const Loop& loop, const rpc::Identity& identity, std::shared_ptr<Network> network,
                  int worker, std::string address, rpc::ConnectOptions options)
      : Connector(loop, identity, std::move(address), std::move(options)),
        network_(std::move(network)),
        worker_(worker) {}

 private:
  void try_once() override {
    const auto found = network_->board_->places.find(address());
    if (found == network_->board_->places.end()) return failed(ECONNREFUSED);
    const int to = found->second.worker;
    const auto acceptor = found->second.acceptor.lock();
    if (!acceptor || network_->is_dead(worker_) || network_->is_dead(to)) return failed(ECONNREFUSED);
    auto [ours, theirs] = rpc::make_pipe();
    auto wire = std::make_shared<Network::Wire>();
    wire->directions[0].from = wire->directions[1].to = worker_;
    wire->directions[0].to = wire->directions[1].from = to;
    network_->wires_.push_back(wire);
    auto here = std::make_unique<FaultyChannel>(network_, wire, 0, std::move(ours));
    const auto there = std::make_shared<std::unique_ptr<Channel>>(
        std::make_unique<FaultyChannel>(network_, wire, 1, std::move(theirs)));
    if (!acceptor->loop().post(
            [acceptor, there] { acceptor->accepted(std::move(*there), acceptor->address()); }))
      return failed(ECONNREFUSED);
    connected(std::move(here));
  }
  void stop_trying() noexcept override {}

  const std::shared_ptr<Network> network_;
  const int worker_;
};

class FaultyTransport final : public rpc::Transport {
 public:
  FaultyTransport(const Loop& loop, rpc::Identity identity, std::shared_ptr<Network> network, int worker)
      : loop_(loop), identity_(std::move(identity)), network_(std::move(network)), worker_(worker) {}
  std::string_view scheme() const noexcept override { return "inproc"; }
  detail::Ref<rpc::Listener> listen(const std::string& address, rpc::ListenOptions options) override {
    auto acceptor = std::make_shared<rpc::Acceptor>(loop_, identity_, std::move(options), address);
    network_->board_->places[address] = {acceptor, worker_};
    return detail::make_ref<FaultyListener>(network_, std::move(acceptor));
  }
  Future<detail::Ref<rpc::Connection>> connect(const std::string& address,
                                               rpc::ConnectOptions options) override {
    return rpc::Connector::start(
        detail::make_ref<FaultyConnector>(loop_, identity_, network_, worker_, address, std::move(options)));
  }
  std::string own_address(const std::string&) const override { return fmt::format("inproc:w{}", worker_); }
  std::string reach(const std::string&) const override { return "here"; }

 private:
  const Loop loop_;
  const rpc::Identity identity_;
  const std::shared_ptr<Network> network_;
  const int worker_;
};

class FaultyFactory final : public rpc::TransportFactory {
 public:
  FaultyFactory(std::shared_ptr<Network> network, int worker)
      : network_(std::move(network)), worker_(worker) {}
  std::unique_ptr<rpc::Transport> make(const Loop& loop, rpc::Identity identity) const override {
    network_->workers_[identity.incarnation] = worker_;
    return std::make_unique<FaultyTransport>(loop, std::move(identity), network_, worker_);
  }

 private:
  const std::shared_ptr<Network> network_;
  const int worker_;
};

Network::Network(Simulation& simulation, Plan plan)
    : simulation_(simulation), plan_(std::move(plan)), board_(std::make_shared<Switchboard>()) {}
Network::~Network() = default;

std::shared_ptr<const rpc::TransportFactory> Network::factory(int worker) {
  return std::make_shared<FaultyFactory>(shared_from_this(), worker);
}

int Network::worker_of(uint64_t incarnation) const {
  const auto found = workers_.find(incarnation);
  return found == workers_.end() ? -1 : found->second;
}

void Network::begin() {
  pthread_create(
      &thread_, nullptr,
      [](void* network) -> void* {
        static_cast<Network*>(network)->deliver();
        return nullptr;
      },
      this);
}

void Network::end() {
  ends_ = true;
  simulation_.wake(this);
  pthread_join(thread_, nullptr);
}

void Network::deliver() {
  while (!ends_) {
    TimePoint next = kNoDeadline;
    for (const Wakeup& w : wakeups_) next = std::min(next, w.when);
    if (next > simulation_.now()) {
      (void)simulation_.wait(this, next);
      continue;
    }
    const auto due =
        std::find_if(wakeups_.begin(), wakeups_.end(), [&](const Wakeup& w) { return w.when == next; });
    const Wakeup wakeup = *due;
    wakeups_.erase(due);
    if (const auto wire = wakeup.wire.lock()) wake_reader(wire, wakeup.direction);
  }
}

void Network::wake_at(TimePoint when, const std::shared_ptr<Wire>& wire, int direction) {
  if (when == kNoDeadline) return;
  wakeups_.push_back({when, wire, direction});
  simulation_.wake(this);
}

// On its loop's thread, as all events are.
void Network::wake_reader(const std::shared_ptr<Wire>& wire, int direction) {
  auto& reader = wire->directions[static_cast<size_t>(direction)];
  if (!reader.loop) return;
  Loop loop = *reader.loop;
  (void)loop.post([wire, direction] {
    if (const auto events = wire->directions[static_cast<size_t>(direction)].events) events->readable();
  });
}

const Plan::Step* Network::at_message(int from, int to, const std::string& name) {
  simulation_.trace(fmt::format("w{} -> w{} {}", from, to, name));
  const Plan::Step* found = nullptr;
  for (Plan::Step& step : plan_.steps) {
    if (step.count == 0 || !name.starts_with(step.message)) continue;
    if (--step.count == 0 && !found) found = &step;
  }
  return found;
}

void Network::happens(const Plan::Step& step, const std::shared_ptr<Wire>& wire, int direction) {
  const auto& way = wire->directions[static_cast<size_t>(direction)];
  const int from = way.from, to = way.to;
  simulation_.trace(fmt::format("** between w{} and w{}: {}", from, to, name_of(step.fault)));
  touched_.insert({from, to});
  parted_ = parted_ || (step.fault != Fault::kSenderDies && step.fault != Fault::kReceiverDies);
  switch (step.fault) {
    case Fault::kCut: return cut(wire, false);
    case Fault::kReset: return cut(wire, true);
    case Fault::kSilence:
      wire->silent_until = step.time == Clock::duration::max() ? kNoDeadline : simulation_.now() + step.time;
      for (int d = 0; d < 2; ++d) wake_at(wire->silent_until, wire, d);
      return;
    case Fault::kSenderDies: return kill(from);
    case Fault::kReceiverDies: return kill(to);
    case Fault::kSenderStops: return simulation_.stop(from, simulation_.now() + step.time);
    case Fault::kReceiverStops: return simulation_.stop(to, simulation_.now() + step.time);
  }
}

void Network::kill(int worker) {
  touched_.insert(worker);
  dead_.insert(worker);
  const auto wires = wires_;
  for (const auto& weak : wires) {
    const auto wire = weak.lock();
    if (wire && (wire->directions[0].from == worker || wire->directions[0].to == worker)) cut(wire, false);
  }
  prune();
}

void Network::cut(const std::shared_ptr<Wire>& wire, bool loses) {
  wire->lost = wire->lost || loses;
  wire->silent_until = {};
  for (const auto& weak : wire->ends) {
    if (const auto end = weak.lock()) end->break_off();
  }
  for (int d = 0; d < 2; ++d) wake_reader(wire, d);
}

void Network::prune() {
  std::erase_if(wires_, [](const auto& wire) { return wire.expired(); });
}

}  // namespace tine::chaos

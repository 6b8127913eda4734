// What a proven peer of an agent says in the bodies of its frames: requests of all targets, messages about references, and
// references and script code within values. Each is read or refused with an error. Whatever was read, nothing of it is left once the
// peer has died: no entry, no pin.
//
// The input is a row of frames: kind (an index), number of body bytes (16 bits), the body.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "src/rpc/payload.h"
#include "src/rpc/rref_table.h"
#include "src/rpc/wire/request.h"

namespace {

using namespace tine::rpc;
using tine::Value;

// Worker 0 of three; the others say what the input says.
class Here final : public Workers, public Fetcher {
 public:
  Here() : table(*this) { table.share(life_, *this); }
  int rank() const noexcept override { return 0; }
  uint64_t incarnation() const noexcept override { return 1; }
  const WorkerInfo& self() const noexcept override { return infos_[0]; }
  bool is_rank(int rank) const noexcept override { return rank >= 0 && rank < 3; }
  WorkerInfo info_of_life(int rank, uint64_t incarnation) const override {
    if (rank < 0 || rank > 2 || incarnation != incarnation_of(rank))
      throw tine::ValueError("an earlier life");
    return infos_[static_cast<size_t>(rank)];
  }
  std::string name_of_life(uint64_t incarnation) const override {
    return incarnation - 1 < infos_.size() ? infos_[incarnation - 1].name : "";
  }
  bool lives(uint64_t incarnation) const noexcept override {
    return incarnation != 1 && incarnation - 1 < dead.size() && !dead[incarnation - 1];
  }
  void tell(int, uint64_t, OutFrame) noexcept override {}
  tine::Future<Value> fetch(const Reference&, tine::TimePoint) override { return {}; }
  static uint64_t incarnation_of(int rank) noexcept { return 1 + static_cast<uint64_t>(rank); }
  tine::Future<Value> next_items(const Reference&, std::string, int64_t, tine::TimePoint) override {
    return {};
  }
  tine::TimePoint deadline_after(Seconds) const override { return tine::kNoDeadline; }

  std::array<bool, 3> dead{};
  RRefTable table;

 private:
  const std::shared_ptr<void> life_ = std::make_shared<int>();
  const std::array<WorkerInfo, 3> infos_{WorkerInfo{"w0", 0}, WorkerInfo{"w1", 1}, WorkerInfo{"w2", 2}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Here here;
  std::array<PeerCodes, 2> codes;
  {
    std::vector<Request> requests;  // they hold what they carry
    for (size_t at = 0; at + 3 <= size;) {
      const uint8_t kind = data[at];
      const size_t wanted = data[at + 1] | static_cast<size_t>(data[at + 2]) << 8;
      at += 3;
      const auto* const first = reinterpret_cast<const std::byte*>(data + at);
      const std::span body(first, std::min(wanted, size - at));
      at += body.size();
      const int from = 1 + (kind >> 4) % 2;
      switch (kind % 4) {
        case 0: {
          WireHooks hooks(here.table, from, &codes[static_cast<size_t>(from - 1)]);
          std::vector<tine::detail::Ref<Buffer>> buffers;
          ReceivedSegments none(std::move(buffers));
          const auto creates = Request::creates_of(body);
          try {
            Request request;
            request.read(body, none, hooks);
            if (request.creates && creates != request.creates) std::abort();
            for (const Value& arg : request.args) {
              const CodeValue* const code = CodeValue::in(arg);
              if (code && code->code()->hash.size() != kCodeHashBytes) std::abort();
            }
            if (request.creates && request.creates->owner == 0)
              static_cast<void>(here.table.create(*request.creates, from));
            requests.push_back(std::move(request));
          } catch (const tine::Error&) {
          }
          break;
        }
        default: {
          constexpr FrameKind kKinds[] = {FrameKind::kLease, FrameKind::kForkDone, FrameKind::kRelease};
          Frame frame;
          frame.header.kind = kKinds[kind % 4 - 1];
          if ((kind & 0x0c) == 0x0c)
            frame.header.kind = kind & 0x10 ? FrameKind::kTaken : FrameKind::kOwnerLost;
          frame.body = body;
          static_cast<void>(here.table.on_frame(from, frame));
        }
      }
    }
  }
  for (const int rank : {1, 2}) {
    here.dead[static_cast<size_t>(rank)] = true;
    here.table.worker_died(rank, Here::incarnation_of(rank),
                           tine::make_error(tine::ErrorKind::kPeerDied, "the end"));
  }
  if (here.table.entries() != 0 || here.table.pinned() != 0) std::abort();
  return 0;
}

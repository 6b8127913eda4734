#include "src/rpc/placement.h"

#include "src/value/cost.h"

namespace tine::rpc {

Place place_for(const Work& work, At at) noexcept {
  const bool reader = at == At::kReader;
  switch (work.kind) {
    case Work::Kind::kRead: return reader && work.bytes > kReadHere ? Place::kPool : Place::kHere;
    case Work::Kind::kAgents: return Place::kHere;
    case Work::Kind::kOperator: return work.nanoseconds <= kShort ? Place::kHere : Place::kPool;
    case Work::Kind::kScript: return reader && !work.brings_code ? Place::kHereForASlice : Place::kPool;
    case Work::Kind::kWrite: return work.bytes > kWriteHere ? Place::kPool : Place::kHere;
    case Work::Kind::kEncode: return Place::kCallbacks;
    case Work::Kind::kHandler: break;
  }
  return Place::kHandler;
}

}  // namespace tine::rpc

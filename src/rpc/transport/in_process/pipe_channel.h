// PipeChannel: a Channel between two ends in one process. Bytes go through memory, events by eventfd(2).
//
// Each direction is a ring of bytes with a flag that says whether its reader is armed and one that says whether its writer
// waits for room. The one that changes what such a flag is about takes it back and rings the other side's bell. All of it is
// guarded by the direction's lock, so
//    armed and unread bytes  =>  the bell has been rung since, or the last arm() returned true.
#pragma once

#include <memory>
#include <utility>

#include "src/rpc/transport/channel.h"

namespace tine::rpc {

// Throws SystemError when there is no descriptor left, std::bad_alloc.
[[nodiscard]] std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>> make_pipe();

}  // namespace tine::rpc

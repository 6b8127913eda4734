// A message of torch.distributed.rpc as a raw message of tine, and back.
//
// State      None.
// Threads    Both functions from any thread; neither takes the interpreter's lock for plain tensors.
// Ordering   The tensors keep their order.
// Ownership  encode() shares the tensors' memory until the message has been written. decode()'s tensors own what they
//            lie in, and may be written.
// Errors     encode(): c10::Error for what cannot be sent, which says what to write instead. decode(): c10::Error for
//            bytes that encode() did not write; nothing is read or made beyond them.
// Cost       A copy of what is small (kInline), none of the rest: strided tensors of the CPU are sent from where they
//            lie, each storage once, strides kept. What spans more than twice its elements is packed first.
// Source     torch/csrc/distributed/rpc/tensorpipe_utils.h, for what is kept: dtype, strides, requires_grad, sharing.
#pragma once

#include <torch/csrc/distributed/rpc/message.h>

#include "tine/raw.h"

namespace tine::pytorch {

using torch::distributed::rpc::Message;

// Whose memory the receiver gets.
enum class Memory {
  kShared,  // the sender's, written to a connection
  kCopied,  // a copy, since the message goes to this very process, where nobody else copies
};

[[nodiscard]] rpc::RawMessage encode(const c10::intrusive_ptr<Message>& message, Memory memory);
[[nodiscard]] c10::intrusive_ptr<Message> decode(rpc::RawMessage raw);

}  // namespace tine::pytorch

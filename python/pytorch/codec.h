// A message of torch.distributed.rpc as a raw message of tine, and back. It keeps dtype, strides, requires_grad and
// shared storages, as torch/csrc/distributed/rpc/tensorpipe_utils.h does, and the order of the tensors.
//
// Any thread may call both functions; neither takes the interpreter's lock for plain tensors. encode() shares the
// tensors' memory until the message has been written; its c10::Error for something that cannot be sent says what to write
// instead. The tensors of decode() own their memory and may be written to. decode() throws c10::Error for bytes that
// encode() did not write, and never reads or makes anything beyond them.
//
// Small tensors (kInline) are copied. All others are sent from where they lie: strided tensors of the CPU, each storage
// once, with their strides. A tensor that spans more than twice its elements is packed first.
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

// The names of PyTorch's message types: for errors and for the faulty agent's options.
#pragma once

#include <torch/csrc/distributed/rpc/message.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace tine::pytorch {

using torch::distributed::rpc::MessageType;

#define TINE_TYPE(name) \
  std::pair<std::string_view, MessageType> { #name, MessageType::name }
inline constexpr std::array kMessageTypes{
    TINE_TYPE(SCRIPT_CALL),
    TINE_TYPE(SCRIPT_RET),
    TINE_TYPE(PYTHON_CALL),
    TINE_TYPE(PYTHON_RET),
    TINE_TYPE(SCRIPT_REMOTE_CALL),
    TINE_TYPE(PYTHON_REMOTE_CALL),
    TINE_TYPE(REMOTE_RET),
    TINE_TYPE(SCRIPT_RREF_FETCH_CALL),
    TINE_TYPE(PYTHON_RREF_FETCH_CALL),
    TINE_TYPE(SCRIPT_RREF_FETCH_RET),
    TINE_TYPE(PYTHON_RREF_FETCH_RET),
    TINE_TYPE(RREF_USER_DELETE),
    TINE_TYPE(RREF_FORK_REQUEST),
    TINE_TYPE(RREF_CHILD_ACCEPT),
    TINE_TYPE(RREF_ACK),
    TINE_TYPE(FORWARD_AUTOGRAD_REQ),
    TINE_TYPE(FORWARD_AUTOGRAD_RESP),
    TINE_TYPE(BACKWARD_AUTOGRAD_REQ),
    TINE_TYPE(BACKWARD_AUTOGRAD_RESP),
    TINE_TYPE(CLEANUP_AUTOGRAD_CONTEXT_REQ),
    TINE_TYPE(CLEANUP_AUTOGRAD_CONTEXT_RESP),
    TINE_TYPE(RUN_WITH_PROFILING_REQ),
    TINE_TYPE(RUN_WITH_PROFILING_RESP),
    TINE_TYPE(RREF_BACKWARD_REQ),
    TINE_TYPE(RREF_BACKWARD_RESP),
    TINE_TYPE(EXCEPTION),
};
#undef TINE_TYPE

[[nodiscard]] inline std::string name_of(MessageType type) {
  for (const auto& [name, known] : kMessageTypes) {
    if (known == type) return std::string(name);
  }
  return "a message of type " + std::to_string(static_cast<int>(type));
}

}  // namespace tine::pytorch

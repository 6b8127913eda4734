// Encryption: what an encrypted channel knows of its other side. Handshake binds its proofs to it (docs/spec/wire.md, section 1).
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace tine::rpc {

class Encryption {
 public:
  using Binding = std::array<std::byte, 32>;

  // Bytes that the two ends of this channel have, and those of no other one: whoever decrypts and encrypts anew between them
  // has others with each. Constant once a byte of the other side has been read.
  [[nodiscard]] virtual const Binding& binding() const noexcept = 0;
  // Why the other side's certificate does not stand for the worker of that name; empty when it does.
  [[nodiscard]] virtual std::string objection_to(std::string_view worker) const = 0;
  // Why the channel ended where errno says too little, the end of a sentence about the other side; else empty.
  [[nodiscard]] virtual std::string why_ended() const = 0;

 protected:
  ~Encryption() = default;
};

}  // namespace tine::rpc

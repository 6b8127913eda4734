// Before a peer has proven anything it is a stranger's bytes: a handshake, of either side, takes any bytes in any pieces and is
// done, goes on, or has failed with an error that names the address. Without the secret it is never done. A card is a text
// from anywhere: it is read to the same card again, or refused.
//
// The first byte: bit 0 the side, bit 1 whether a real peer answers, whose bytes are then changed; 0xFF: a card follows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "src/rpc/auth/handshake.h"
#include "src/rpc/auth/secret.h"
#include "src/rpc/raw/card.h"
#include "src/rpc/wire/frame.h"

namespace {

using namespace tine::rpc;

Handshake make(Handshake::Role role, const char* name) {
  static const auto secret = std::make_shared<const Secret>("the secret of the fuzzer");
  Handshake::Config config;
  config.role = role;
  config.name = name;
  config.incarnation = 7;
  config.secret = secret;
  config.address = "tcp://fuzz:1";
  config.low_version = config.high_version = kWireVersion;
  return Handshake(std::move(config));
}

// At most `most` bytes. False: it takes none now.
size_t give(Handshake& to, const std::byte* bytes, size_t most) {
  if (to.state() != Handshake::State::kGoing) return 0;
  const auto input = to.input();
  const size_t n = std::min(most, input.size());
  if (n == 0) return 0;
  std::memcpy(input.data(), bytes, n);
  to.received(n);
  if (to.state() == Handshake::State::kFailed) {
    try {
      std::rethrow_exception(to.error());
    } catch (const tine::Error& e) {
      if (std::string(e.what()).find("fuzz") == std::string::npos) std::abort();
    }
  }
  return n;
}

void read_card(const std::string& text) {
  try {
    const RawCard card = RawCard::parse(text);
    const std::string again = card.text();
    if (RawCard::parse(again).text() != again) std::abort();
  } catch (const tine::ValueError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t how = data[0];
  ++data;
  --size;
  if (how == 0xFF) {
    read_card({reinterpret_cast<const char*>(data), size});
    return 0;
  }
  const auto role = (how & 1) != 0 ? Handshake::Role::kInitiator : Handshake::Role::kAcceptor;
  Handshake here = make(role, "here");
  if ((how & 2) == 0) {
    // A stranger, in pieces of any length.
    for (size_t at = 0; at < size;) {
      here.written(here.output().size());
      const size_t piece = std::min<size_t>(1 + (how >> 2) % 64, size - at);
      const size_t n = give(here, reinterpret_cast<const std::byte*>(data + at), piece);
      if (n == 0) break;
      at += n;
    }
    if (here.state() == Handshake::State::kDone) std::abort();
    here.ended("closed the connection");
    return 0;
  }
  // Somebody in between, who changes what the peer says: byte after byte, by what the input says.
  Handshake there =
      make(role == Handshake::Role::kInitiator ? Handshake::Role::kAcceptor : Handshake::Role::kInitiator,
           "there");
  size_t at = 0;
  bool changed = false;
  for (int turn = 0; turn < 64; ++turn) {
    for (Handshake* const from : {&there, &here}) {
      Handshake& to = from == &there ? here : there;
      while (!from->output().empty()) {
        std::byte one = from->output()[0];
        if (from == &there && at < size) {
          changed = changed || data[at] != 0;
          one ^= static_cast<std::byte>(data[at++]);
        }
        from->written(1);
        if (give(to, &one, 1) == 0) break;
      }
    }
  }
  // Whatever was changed is covered by the proofs.
  if (changed && here.state() == Handshake::State::kDone && there.state() == Handshake::State::kDone)
    std::abort();
  if (!changed && here.state() != Handshake::State::kDone) std::abort();
  return 0;
}

// The agent's part in writing and reading the values of a frame: foreign payloads, references, errors (docs/spec/wire.md,
// section 3; docs/spec/rref.md).
//
// WireHooks belong to one frame, and are used by one thread at a time. What they exported is undone unless the frame was sent.
// Each reference that a frame carries is kept by the frame until its last byte is written, so what giving the reference up would
// send cannot overtake it. They throw TypeError for what cannot travel, and ValueError for bytes that mean nothing.
// docs/spec/wire.md, section 3; docs/spec/rref.md.
#pragma once

#include <vector>

#include "src/rpc/call.h"
#include "src/rpc/peer.h"
#include "src/rpc/rref_table.h"
#include "src/rpc/wire/value_codec.h"

namespace tine::rpc {

class WireHooks final : public ValueHooks {
 public:
  WireHooks(RRefTable& references, Peer& peer) noexcept
      : references_(references), peer_(peer.info.id), codes_(&peer.codes), told_(&peer) {}
  // Without a connection, for tests.
  WireHooks(RRefTable& references, int peer, PeerCodes* codes = nullptr) noexcept
      : references_(references), peer_(peer), codes_(codes) {}
  ~WireHooks() { undo(); }
  WireHooks(const WireHooks&) = delete;
  WireHooks& operator=(const WireHooks&) = delete;

  void write(BodyWriter& out, const Value& value) override;
  Value read(ExtType type, std::span<const std::byte> bytes, detail::Ref<Buffer> segment) override;
  Value read_reference(std::span<const std::byte> bytes);

  // To be asked after all has been read, so that each reference in it was counted, or its parent told: there was a reference to
  // an owner that is not known here; or something that only another language can read, into which nobody has looked
  // yet, and this worker takes none from others.
  [[nodiscard]] bool must_refuse() const noexcept {
    return unknown_ || (has_foreign_ && !references_.workers().takes_foreign());
  }
  // The ValueError or AuthError that says so of `what`.
  [[nodiscard]] std::exception_ptr refusal_of(std::string_view what) const;

  // The frame is written and about to be sent.
  void hand_over(OutFrame& frame);
  void sent() noexcept { exports_.clear(); }
  void undo() noexcept;
  // write() met a foreign object that only the codec can encode.
  [[nodiscard]] bool needs_codec() const noexcept { return needs_codec_; }

 private:
  void write_code(BodyWriter& out, const CodeValue& value);
  Value read_code(std::string_view hash, std::string_view text);

  RRefTable& references_;
  int peer_;
  PeerCodes* codes_;
  Peer* told_ = nullptr;
  bool needs_codec_ = false;
  bool has_foreign_ = false;
  std::exception_ptr unknown_;  // of the first reference to an owner that is not known here
  std::vector<RRefTable::Export> exports_;
  std::vector<detail::Ref<Reference>> carried_;
};

// The payload's bytes as a request begins with them.
[[nodiscard]] ForeignBytes bytes_of(const ForeignPayload& payload);
// A value in last position: a payload is followed by the values lifted out of it.
void write_last_value(BodyWriter& out, const Value& value, ValueHooks& hooks);
[[nodiscard]] Value read_last_value(BodyReader& in, ReceivedSegments& segments, ValueHooks& hooks);

// The peer says that it has the code of that hash. False when the frame is not well-formed.
[[nodiscard]] bool on_code_known(Peer& from, const Frame& frame) noexcept;

// Answers that call with an error; with its first words alone when the whole of it is beyond a limit.
void tell_error(Peer& caller, uint64_t call, const ErrorBody& error) noexcept;

[[nodiscard]] ErrorBody error_body_of(const std::exception_ptr& error);
// The error with which another worker answered that call, with a hop for it. The hops of the calls that the callee made
// count from the beginning of the same first call from now on.
// `takes_foreign`: else the class that another language gave it is not looked for, unless Python itself has it, and the
// encoded object is dropped: both may run code. The class then stands in the message.
[[nodiscard]] std::exception_ptr error_from(ErrorBody body, const CallState& call, TimePoint now,
                                            bool takes_foreign = true);

}  // namespace tine::rpc

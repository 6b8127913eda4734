// TlsChannel: a Channel that encrypts what goes through another one, by TLS 1.3 (RFC 8446). Both sides prove a certificate.
//
// It shakes hands within try_read() and try_write(), which move nothing until that is done; then it is open; then ended, in
// good order or by an error, for which why_ended() has words. Each record that is written is encrypted at once and so can't be
// taken back: what the channel below has no room for waits in a buffer of at most kMostTaken bytes and a little, and leaves by
// the loop. Nothing is taken while something waits there.
//
// SSL objects know no two threads. A reader and a writer share one for one record (16 KiB) at a time, some microseconds. A
// stranger costs a buffer of 64 KiB, the state of OpenSSL and a signature, until the handshake's deadline.
//
// After kRecordsPerKey records a side goes on with another key (RFC 8446, section 5.5).
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/transport/channel.h"
#include "src/rpc/transport/encryption.h"
#include "src/rpc/transport/tls/certificate_words.h"
#include "src/rpc/transport/tls/tls_context.h"

namespace tine::rpc {

class TlsChannel final : public Channel, public Encryption {
 public:
  enum class End : uint8_t { kClient, kServer };  // kClient: this end begins
  static constexpr uint64_t kRecordsPerKey = uint64_t{1} << 23;

  TlsChannel(std::shared_ptr<const TlsContext> context, End end, std::unique_ptr<Channel> inner,
             uint64_t records_per_key = kRecordsPerKey);
  ~TlsChannel() override;

  bool watch(const Loop& loop, detail::Ref<ChannelEvents> events) override;
  void unwatch() noexcept override { inner_->unwatch(); }
  void retire() noexcept override { inner_->retire(); }
  Outcome try_read(std::span<const iovec> pieces) noexcept override;
  bool arm() noexcept override;
  void disarm() noexcept override { inner_->disarm(); }
  Outcome try_write(std::span<const iovec> pieces) noexcept override;
  void want_writable(bool want) noexcept override;
  void end_output() noexcept override;
  void bound_unread(size_t bytes) noexcept override;
  bool has_unread() const noexcept override;
  void break_off() noexcept override { inner_->break_off(); }
  void close() noexcept override;
  void leave() noexcept override TINE_NO_THREAD_SAFETY_ANALYSIS;
  const Encryption* encryption() const noexcept override { return this; }

  const Binding& binding() const noexcept override { return binding_; }
  std::string objection_to(std::string_view worker) const override;
  std::string why_ended() const override;

  // OpenSSL's SSL_CTX_set_verify callback.
  static int on_verified(int ok, x509_store_ctx_st* store) noexcept;

 private:
  class Events;
  struct Bio;  // its functions read and write for OpenSSL
  enum class State : uint8_t { kShaking, kOpen, kEnded };

  [[nodiscard]] bool receive() noexcept TINE_REQUIRES(ssl_mutex_);
  [[nodiscard]] bool shake() noexcept TINE_REQUIRES(ssl_mutex_);
  [[nodiscard]] Outcome read_record(void* to, size_t size) noexcept TINE_REQUIRES(ssl_mutex_);
  [[nodiscard]] bool write_record(const void* from, size_t size) noexcept TINE_REQUIRES(ssl_mutex_);
  void hear_why() noexcept;
  void fail(int error_of_ssl) noexcept TINE_REQUIRES(ssl_mutex_);
  [[nodiscard]] std::string words_for_failure(unsigned long error, bool was_open) const
      TINE_REQUIRES(ssl_mutex_);
  [[nodiscard]] bool buffered() const noexcept TINE_REQUIRES(ssl_mutex_);

  // What of out_ the channel below takes: kMoved is all of it.
  [[nodiscard]] Outcome flush() noexcept;
  [[nodiscard]] Outcome flush_locked() noexcept TINE_REQUIRES(out_mutex_);
  void update_want() noexcept TINE_REQUIRES(out_mutex_);

  const std::shared_ptr<const TlsContext> context_;
  const OpenSsl& api_;
  const End end_;
  const std::unique_ptr<Channel> inner_;
  const uint64_t records_per_key_;

  mutable Mutex ssl_mutex_;
  SslPtr ssl_ TINE_GUARDED_BY(ssl_mutex_);
  State state_ TINE_GUARDED_BY(ssl_mutex_) = State::kShaking;
  Outcome ended_ TINE_GUARDED_BY(ssl_mutex_);  // once it has
  std::string why_ TINE_GUARDED_BY(ssl_mutex_);
  uint64_t records_ TINE_GUARDED_BY(ssl_mutex_) = 0;  // written with this key
  // What has come and OpenSSL has not taken.
  std::unique_ptr<std::byte[]> in_ TINE_GUARDED_BY(ssl_mutex_);
  size_t in_begin_ TINE_GUARDED_BY(ssl_mutex_) = 0, in_end_ TINE_GUARDED_BY(ssl_mutex_) = 0;
  bool heard_ TINE_GUARDED_BY(ssl_mutex_) = false;           // anything at all
  bool speaks_plainly_ TINE_GUARDED_BY(ssl_mutex_) = false;  // what was heard is tine without TLS
  bool wire_ended_ TINE_GUARDED_BY(ssl_mutex_) = false;
  int wire_error_ TINE_GUARDED_BY(ssl_mutex_) = 0;
  int refused_ TINE_GUARDED_BY(ssl_mutex_) = 0;  // why a certificate of the other side was: X509_V_ERR_...
  CertificateFacts refused_facts_ TINE_GUARDED_BY(ssl_mutex_);
  // Set before the state is kOpen, then constant.
  Binding binding_{};
  CertificateFacts theirs_;

  // A writer's, where pieces are put together to a record.
  std::vector<std::byte> record_;
  std::atomic<size_t> most_taken_;

  mutable Mutex out_mutex_;                                 // after ssl_mutex_ where both are held
  std::vector<std::byte> out_ TINE_GUARDED_BY(out_mutex_);  // encrypted
  size_t out_begin_ TINE_GUARDED_BY(out_mutex_) = 0;
  int broken_ TINE_GUARDED_BY(out_mutex_) = 0;  // errno: the channel below takes nothing more
  bool is_open_ TINE_GUARDED_BY(out_mutex_) = false;
  bool ending_ TINE_GUARDED_BY(out_mutex_) = false;  // end_output() has been called
  bool wants_ TINE_GUARDED_BY(out_mutex_) = false;   // who uses this channel
  bool rings_ TINE_GUARDED_BY(out_mutex_) = false;   // what is buffered has yet to be told of
  bool asked_ TINE_GUARDED_BY(out_mutex_) = false;   // the channel below
};

}  // namespace tine::rpc

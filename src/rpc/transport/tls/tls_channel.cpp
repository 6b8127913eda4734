#include "src/rpc/transport/tls/tls_channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "src/rpc/transport/held_events.h"
#include "src/rpc/wire/frame.h"
#include "src/rpc/wire/handshake.h"

namespace tine::rpc {
namespace {

constexpr size_t kRecord = size_t{16} << 10;  // the most plain text that one holds
constexpr size_t kInBytes = size_t{64} << 10;
constexpr size_t kMostTaken = size_t{256} << 10;  // by one try_write()
constexpr size_t kMostRead = size_t{256} << 10;   // by one try_read()
constexpr std::string_view kExporterLabel = "EXPORTER-tine-rpc";

Channel::Outcome moved(size_t bytes) noexcept { return {.bytes = bytes}; }
Channel::Outcome nothing_now() noexcept { return {.what = Channel::What::kNothingNow}; }
Channel::Outcome ended(int error) noexcept { return {.what = Channel::What::kEnded, .error = error}; }

}  // namespace

// Called by OpenSSL within a function of the channel that has ssl_mutex_; the analysis cannot see that.
struct TlsChannel::Bio {
  static TlsChannel& of(bio_st* bio) noexcept {
    return *static_cast<TlsChannel*>(find_openssl(nullptr)->BIO_get_data(bio));
  }
  static int read(bio_st* bio, char* to, int size) noexcept TINE_NO_THREAD_SAFETY_ANALYSIS {
    TlsChannel& self = of(bio);
    self.api_.BIO_clear_flags(bio, ossl::kBioFlagsRetry);
    if (self.in_begin_ == self.in_end_ && !self.receive()) {
      if (!self.wire_ended_) self.api_.BIO_set_flags(bio, ossl::kBioRead | ossl::kBioShouldRetry);
      return self.wire_ended_ ? 0 : -1;
    }
    const size_t n = std::min(static_cast<size_t>(size), self.in_end_ - self.in_begin_);
    std::memcpy(to, self.in_.get() + self.in_begin_, n);
    self.in_begin_ += n;
    return static_cast<int>(n);
  }
  static int write(bio_st* bio, const char* from, int size) noexcept {
    TlsChannel& self = of(bio);
    self.api_.BIO_clear_flags(bio, ossl::kBioFlagsRetry);
    const auto* const bytes = reinterpret_cast<const std::byte*>(from);
    try {
      const MutexLock lock(self.out_mutex_);
      self.out_.insert(self.out_.end(), bytes, bytes + size);
    } catch (const std::bad_alloc&) {
      return -1;  // and the channel fails
    }
    return size;
  }
  static long control(bio_st* bio, int what, long, void*) noexcept TINE_NO_THREAD_SAFETY_ANALYSIS {
    constexpr int kEof = 2;  // BIO_CTRL_EOF
    return what == ossl::kBioCtrlFlush || (what == kEof && of(bio).wire_ended_) ? 1 : 0;
  }
  static const bio_method_st* method(const OpenSsl& api) noexcept {
    static const bio_method_st* const made = [&] {
      bio_method_st* const m = api.BIO_meth_new(ossl::kBioTypeSourceSink | 0x7f, "a channel of tine");
      if (m) {
        api.BIO_meth_set_read(m, read);
        api.BIO_meth_set_write(m, write);
        api.BIO_meth_set_ctrl(m, control);
      }
      return m;
    }();
    return made;
  }
};

// What the loop tells the channel below, told to who watches this one. Told last: that may be the end of the channel.
class TlsChannel::Events final : public ChannelEvents {
 public:
  Events(TlsChannel& channel, detail::Ref<ChannelEvents> told) noexcept
      : channel_(channel), told_(std::move(told)) {}

 private:
  void readable() noexcept override { told_->readable(); }
  void writable() noexcept override {
    bool rings, room;
    {
      const MutexLock lock(channel_.out_mutex_);
      rings = std::exchange(channel_.rings_, false);
      const Outcome flushed = channel_.flush_locked();
      room = channel_.wants_ &&
             (flushed.what == What::kEnded || (flushed.what == What::kMoved && channel_.is_open_));
    }
    const detail::Ref<ChannelEvents> told = told_;
    if (rings) told->readable();
    if (room) told->writable();
  }
  void loop_ends() noexcept override { told_->loop_ends(); }

  TlsChannel& channel_;  // whom they tell owns it
  const detail::Ref<ChannelEvents> told_;
};

TlsChannel::TlsChannel(std::shared_ptr<const TlsContext> context, End end, std::unique_ptr<Channel> inner,
                       uint64_t records_per_key)
    : context_(std::move(context)),
      api_(context_->ssl()),
      end_(end),
      inner_(std::move(inner)),
      records_per_key_(records_per_key),
      ssl_(api_.SSL_new(context_->get())),
      most_taken_(kMostTaken) {
  const bio_method_st* const method = Bio::method(api_);
  bio_st* const bio = ssl_ && method ? api_.BIO_new(method) : nullptr;
  if (!bio) throw std::bad_alloc();
  api_.BIO_set_data(bio, this);
  api_.BIO_set_init(bio, 1);
  api_.SSL_set_bio(ssl_.get(), bio, bio);
  api_.SSL_set_ex_data(ssl_.get(), 0, this);
  if (end == End::kClient) {
    api_.SSL_set_connect_state(ssl_.get());
  } else {
    api_.SSL_set_accept_state(ssl_.get());
  }
}

TlsChannel::~TlsChannel() = default;

int TlsChannel::on_verified(int ok, x509_store_ctx_st* store) noexcept {
  if (ok == 1) return 1;
  const OpenSsl& api = *find_openssl(nullptr);
  const auto* const ssl = static_cast<const ssl_st*>(
      api.X509_STORE_CTX_get_ex_data(store, api.SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto note = [&](TlsChannel& self) TINE_NO_THREAD_SAFETY_ANALYSIS {
    self.refused_ = api.X509_STORE_CTX_get_error(store);
    try {
      self.refused_facts_ = CertificateFacts::of(api, api.X509_STORE_CTX_get_current_cert(store));
    } catch (const std::bad_alloc&) {
      // Then it is refused with fewer words.
    }
  };
  if (auto* const self = ssl ? static_cast<TlsChannel*>(api.SSL_get_ex_data(ssl, 0)) : nullptr) note(*self);
  return 0;
}

// --- reading

// Into in_, which is empty.
bool TlsChannel::receive() noexcept {
  if (!in_) in_.reset(new (std::nothrow) std::byte[kInBytes]);
  if (!in_) {
    wire_ended_ = true;
    wire_error_ = ENOMEM;
    return false;
  }
  const iovec piece{in_.get(), kInBytes};
  const Outcome came = inner_->try_read({&piece, 1});
  if (came.what == What::kEnded) {
    wire_ended_ = true;
    wire_error_ = came.error;
  }
  if (came.what != What::kMoved) return false;
  in_begin_ = 0;
  in_end_ = came.bytes;
  if (std::exchange(heard_, true)) return true;
  // No record of TLS begins like that.
  const size_t n = std::min(came.bytes, kHandshakeMagic.size());
  speaks_plainly_ = std::memcmp(in_.get(), kHandshakeMagic.data(), n) == 0;
  wire_ended_ = speaks_plainly_;
  return !speaks_plainly_;
}

bool TlsChannel::buffered() const noexcept {
  return state_ != State::kEnded && ssl_ && (in_begin_ != in_end_ || api_.SSL_pending(ssl_.get()) > 0);
}

// True once the channel is open.
bool TlsChannel::shake() noexcept {
  if (state_ != State::kShaking || !ssl_) return state_ == State::kOpen;
  api_.ERR_clear_error();
  const int done = api_.SSL_do_handshake(ssl_.get());
  if (done != 1) {
    const int error = api_.SSL_get_error(ssl_.get(), done);
    if (error != ossl::kErrorWantRead && error != ossl::kErrorWantWrite) fail(error);
    static_cast<void>(flush());  // the last words as well: an alert
    return false;
  }
  const bool exported = api_.SSL_export_keying_material(
                            ssl_.get(), reinterpret_cast<unsigned char*>(binding_.data()), binding_.size(),
                            kExporterLabel.data(), kExporterLabel.size(), nullptr, 0, 0) == 1;
  try {
    theirs_ = CertificateFacts::of(api_, X509Ptr(api_.SSL_get1_peer_certificate(ssl_.get())).get());
  } catch (const std::bad_alloc&) {
    // It stands for nobody then.
  }
  if (!exported) {
    fail(ossl::kErrorSsl);
    return false;
  }
  state_ = State::kOpen;
  const MutexLock lock(out_mutex_);
  is_open_ = true;
  static_cast<void>(flush_locked());
  return true;
}

Channel::Outcome TlsChannel::read_record(void* to, size_t size) noexcept {
  if (state_ == State::kShaking && !shake() && state_ == State::kShaking) return nothing_now();
  if (state_ == State::kEnded) return ended_;
  api_.ERR_clear_error();
  size_t n = 0;
  const int read = api_.SSL_read_ex(ssl_.get(), to, size, &n);
  if (read == 1) return moved(n);
  const int error = api_.SSL_get_error(ssl_.get(), read);
  if (error == ossl::kErrorWantRead || error == ossl::kErrorWantWrite) return nothing_now();
  if (error == ossl::kErrorZeroReturn) {
    state_ = State::kEnded;
    ended_ = ended(wire_error_);
  } else {
    fail(error);
    static_cast<void>(flush());
  }
  return ended_;
}

Channel::Outcome TlsChannel::try_read(std::span<const iovec> pieces) noexcept {
  size_t all = 0;
  for (const iovec& piece : pieces) {
    for (size_t at = 0; at < piece.iov_len;) {
      if (all >= kMostRead) return moved(all);
      Outcome in;
      {
        const MutexLock lock(ssl_mutex_);
        in = read_record(static_cast<std::byte*>(piece.iov_base) + at, piece.iov_len - at);
      }
      if (in.what != What::kMoved) return all != 0 ? moved(all) : in;  // an end comes again
      at += in.bytes;
      all += in.bytes;
    }
  }
  return moved(all);
}

bool TlsChannel::watch(const Loop& loop, detail::Ref<ChannelEvents> events) {
  if (!inner_->watch(loop, detail::make_ref<Events>(*this, std::move(events)))) return false;
  const MutexLock lock(ssl_mutex_);
  if (!buffered()) return true;
  // No byte that comes tells of these. That the channel below has room does.
  const MutexLock out_lock(out_mutex_);
  rings_ = true;
  update_want();
  return true;
}

bool TlsChannel::arm() noexcept {
  const bool below = inner_->arm();
  const MutexLock lock(ssl_mutex_);
  return buffered() || below;
}

bool TlsChannel::has_unread() const noexcept {
  if (inner_->has_unread()) return true;
  const MutexLock lock(ssl_mutex_);
  return buffered();
}

// --- writing

bool TlsChannel::write_record(const void* from, size_t size) noexcept {
  if (state_ == State::kEnded && ended_.error != 0) return false;
  if (!ssl_) return false;
  api_.ERR_clear_error();
  if (++records_ > records_per_key_) {
    records_ = 0;
    static_cast<void>(api_.SSL_key_update(ssl_.get(), ossl::kKeyUpdateNotRequested));
  }
  size_t n = 0;
  const int wrote = api_.SSL_write_ex(ssl_.get(), from, size, &n);
  if (wrote == 1 && n == size) return true;
  fail(api_.SSL_get_error(ssl_.get(), wrote));
  return false;
}

Channel::Outcome TlsChannel::try_write(std::span<const iovec> pieces) noexcept {
  {
    const MutexLock lock(ssl_mutex_);
    if (state_ == State::kShaking && !shake() && state_ == State::kShaking) return nothing_now();
    if (state_ == State::kEnded && ended_.error != 0) return ended_;
  }
  if (const Outcome before = flush(); before.what != What::kMoved) {
    if (before.what == What::kEnded) hear_why();
    return before;
  }
  const size_t most = most_taken_.load(std::memory_order_relaxed);
  size_t taken = 0;
  auto piece = pieces.begin();
  size_t at = 0;  // in that piece
  while (piece != pieces.end() && taken < most) {
    std::span<const std::byte> record(static_cast<const std::byte*>(piece->iov_base) + at,
                                      piece->iov_len - at);
    if (record.size() >= kRecord || std::next(piece) == pieces.end()) {
      record = record.first(std::min(record.size(), kRecord));
      at += record.size();
      if (at == piece->iov_len) ++piece, at = 0;
    } else {
      record_.clear();
      while (piece != pieces.end() && record_.size() < kRecord) {
        const auto* const from = static_cast<const std::byte*>(piece->iov_base) + at;
        const size_t n = std::min(kRecord - record_.size(), piece->iov_len - at);
        try {
          record_.insert(record_.end(), from, from + n);
        } catch (const std::bad_alloc&) {
          if (record_.empty()) return taken != 0 ? moved(taken) : ended(ENOMEM);
          break;
        }
        at += n;
        if (at == piece->iov_len) ++piece, at = 0;
      }
      record = record_;
    }
    if (record.empty()) continue;
    const MutexLock lock(ssl_mutex_);
    if (!write_record(record.data(), record.size()))
      return ended_.what == What::kEnded ? ended_ : ended(EPIPE);
    taken += record.size();
  }
  if (const Outcome after = flush(); after.what == What::kEnded) {
    hear_why();
    return after;
  }
  return moved(taken);
}

// The other side takes nothing more. What it said last may be why: an alert. Text that lies before it stays unread.
void TlsChannel::hear_why() noexcept {
  const MutexLock lock(ssl_mutex_);
  if (state_ != State::kOpen || !ssl_) return;
  api_.ERR_clear_error();
  char byte;
  size_t n = 0;
  const int seen = api_.SSL_peek_ex(ssl_.get(), &byte, 1, &n);
  if (seen != 1 && api_.SSL_get_error(ssl_.get(), seen) == ossl::kErrorSsl) fail(ossl::kErrorSsl);
}

Channel::Outcome TlsChannel::flush() noexcept {
  const MutexLock lock(out_mutex_);
  return flush_locked();
}

Channel::Outcome TlsChannel::flush_locked() noexcept {
  while (out_begin_ != out_.size() && broken_ == 0) {
    const iovec piece{out_.data() + out_begin_, out_.size() - out_begin_};
    const Outcome out = inner_->try_write({&piece, 1});
    if (out.what == What::kEnded) broken_ = out.error != 0 ? out.error : EPIPE;
    if (out.what == What::kMoved) out_begin_ += out.bytes;
    if (out.what == What::kNothingNow) break;
  }
  const bool is_empty = out_begin_ == out_.size() || broken_ != 0;
  if (is_empty) {
    out_.clear();
    out_begin_ = 0;
    if (std::exchange(ending_, false)) inner_->end_output();
  }
  update_want();
  if (broken_ != 0) return ended(broken_);
  return is_empty ? Outcome{} : nothing_now();
}

void TlsChannel::update_want() noexcept {
  const bool want = rings_ || !out_.empty() || (wants_ && (is_open_ || broken_ != 0));
  if (want != asked_) inner_->want_writable(asked_ = want);
}

void TlsChannel::want_writable(bool want) noexcept {
  const MutexLock lock(out_mutex_);
  wants_ = want;
  update_want();
}

void TlsChannel::bound_unread(size_t bytes) noexcept {
  most_taken_.store(std::min(bytes, kMostTaken), std::memory_order_relaxed);
  inner_->bound_unread(bytes);
}

// --- the end

void TlsChannel::end_output() noexcept {
  {
    const MutexLock lock(ssl_mutex_);
    api_.ERR_clear_error();
    if (state_ == State::kOpen && ssl_) static_cast<void>(api_.SSL_shutdown(ssl_.get()));
  }
  const MutexLock lock(out_mutex_);
  ending_ = true;
  static_cast<void>(flush_locked());
}

void TlsChannel::close() noexcept {
  {
    const MutexLock lock(ssl_mutex_);
    ssl_ = nullptr;
    in_ = nullptr;
    in_begin_ = in_end_ = 0;
  }
  inner_->close();
}

// Memory is left, too: OpenSSL's locks are as the fork found them.
void TlsChannel::leave() noexcept {
  static_cast<void>(ssl_.release());
  inner_->leave();
}

void TlsChannel::fail(int error_of_ssl) noexcept {
  const bool was_open = state_ == State::kOpen;
  state_ = State::kEnded;
  ended_ = ended(EPROTO);
  const unsigned long error = api_.ERR_get_error();
  try {
    why_ = words_for_failure(error, was_open);
  } catch (const std::bad_alloc&) {
    // Then errno has to do.
  }
  if (why_.empty() && wire_ended_) ended_ = ended(wire_error_);
  if (why_.empty() && !wire_ended_ && error_of_ssl == ossl::kErrorSyscall) ended_ = ended(ENOMEM);
  if (!speaks_plainly_ || end_ != End::kServer) return;
  // In the only words that it understands.
  const auto refusal = make_refusal(RefusalCode::kNeedsTls, kWireVersion, kWireVersion);
  const MutexLock lock(out_mutex_);
  try {
    out_.assign(refusal.begin(), refusal.end());
  } catch (const std::bad_alloc&) {
    out_.clear();
  }
}

std::string TlsChannel::words_for_failure(unsigned long error, bool was_open) const {
  if (speaks_plainly_)
    return fmt::format("it speaks to us in plain text, and we speak TLS: {}", kTlsForAllOrNone);
  if (refused_ != 0)
    return "refused: " + words_for_refusal(api_, refused_, refused_facts_, context_->ca(), context_->now());
  const auto reason = static_cast<int>(error & 0x7fffff);  // ERR_GET_REASON
  if (error == 0) return {};
  if (reason > ossl::kAlertReasons && reason < ossl::kAlertReasons + 256)
    return "it " + words_for_alert(reason - ossl::kAlertReasons, context_->ours());
  if (reason == ossl::kNoPeerCertificate) return fmt::format("it has no certificate: {}", kTlsForAllOrNone);
  if (wire_ended_) return {};  // it went, and that is all
  const char* const text = api_.ERR_reason_error_string(error);
  return fmt::format(
      fmt::runtime(was_open ? "what came is not what it encrypted ({}): it was changed on the way"
                            : "what it sends is not a handshake of TLS 1.3 ({})"),
      text ? text : "no reason given");
}

std::string TlsChannel::objection_to(std::string_view worker) const {
  if (theirs_.is_for(worker)) return {};
  return fmt::format(
      "its certificate ({}) is not for worker '{}': a certificate names its workers as URIs "
      "tine:worker/NAME, as "
      "`tine keys` makes them",
      theirs_.describe(), worker);
}

std::string TlsChannel::why_ended() const {
  const MutexLock lock(ssl_mutex_);
  return why_;
}

}  // namespace tine::rpc

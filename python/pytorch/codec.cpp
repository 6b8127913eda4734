#include "codec.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/distributed/rpc/utils.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

// The body:
//
//   Head | Tensor, its sizes, its strides | ... | Block | ... | payload, if inline | inline blocks
//
// A block is a piece of memory that tensors lie in: inline or a part of a segment.
namespace tine::pytorch {
namespace {

namespace trpc = torch::distributed::rpc;

// Below this size a copy costs less than a segment of its own, on both sides.
constexpr size_t kInline = 2048;
constexpr size_t kInlineTogether = size_t{1} << 20;
// A frame has at most 65,536 segments. Further tensors are packed into one.
constexpr size_t kSegments = 60'000;
constexpr size_t kAlign = 64;
// A view of less keeps its gaps.
constexpr size_t kWorthPacking = 8192;
constexpr uint32_t kMagic = 0x31707974;  // "typ1"
constexpr uint32_t kIsInline = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kNoBlock = std::numeric_limits<uint32_t>::max();

struct Head {
  uint32_t magic;
  uint32_t tensors;
  uint32_t blocks;
  uint32_t payload_segment;  // or kIsInline
  uint64_t payload_size;
  uint64_t others_size;  // of the tensors that PyTorch itself serialised, in the last segment; 0: none
};

enum class Kind : uint8_t {
  kPlain,      // sizes and strides follow
  kOther,      // the next of those that PyTorch itself serialised
  kUndefined,  // at::Tensor()
};

enum Flags : uint8_t { kRequiresGrad = 1, kConj = 2, kNeg = 4 };

struct TensorHead {
  Kind kind;
  int8_t dtype;
  uint8_t flags;
  uint8_t dim;
  uint32_t block;   // or kNoBlock
  uint64_t offset;  // of the first element, in bytes
};

struct Block {
  uint32_t segment;  // or kIsInline
  uint32_t unused;
  uint64_t offset;  // in the segment, a multiple of kAlign; inline ones are contiguous
  uint64_t size;
};

// ---- out

// What the segments of one message point into.
struct Kept {
  c10::intrusive_ptr<Message> message;  // none when all of it is copied
  std::vector<at::Tensor> tensors;      // packed copies
  std::vector<at::DataPtr> memory;      // copies
  std::string others;
};

// Releases of PyTorch that know names of dimensions.
template <class Tensor>
bool is_named(const Tensor& t) {
  if constexpr (requires { t.has_names(); }) {
    return t.has_names();
  } else {
    return false;
  }
}

bool is_plain(const at::Tensor& t) {
  // Dense memory of the CPU with nothing in front of it: no subclass that dispatches, no functorch, no zero tensor.
  static const c10::DispatchKeySet kDense = [] {
    const c10::InferenceMode not_here(false);
    return at::detail::empty_cpu({0}, at::kFloat).key_set() |
           c10::DispatchKeySet({c10::DispatchKey::Conjugate, c10::DispatchKey::Negative});
  }();
  if (!t.device().is_cpu() || t.layout() != at::kStrided || !t.has_storage()) return false;
  if (((t.key_set() | kDense) - kDense).highestPriorityTypeId() != c10::DispatchKey::Undefined) return false;
  return !t.is_quantized() && !t.is_nested() && !is_named(t) && t.dim() <= 255;
}

// The bytes from the first element to the end of the last, for tensors with elements.
size_t span_of(const at::Tensor& t) {
  size_t last = 0;
  for (int64_t i = 0; i < t.dim(); ++i) {
    last += static_cast<size_t>(t.size(i) - 1) * static_cast<size_t>(t.stride(i));
  }
  return (last + 1) * t.element_size();
}

size_t begin_of(const at::Tensor& t) { return static_cast<size_t>(t.storage_offset()) * t.element_size(); }

// The part of a storage that tensors of the message lie in.
struct Piece {
  const c10::StorageImpl* storage;
  size_t begin, end;
  bool ours;  // packed: nobody else's memory
  std::vector<uint32_t> tensors;
};

class Encoder {
 public:
  Encoder(const c10::intrusive_ptr<Message>& message, Memory memory)
      : message_(message), memory_(memory), kept_(std::make_shared<Kept>()) {
    if (memory == Memory::kShared) kept_->message = message;
  }

  rpc::RawMessage run() {
    const std::vector<at::Tensor>& tensors = message_->tensors();
    heads_.resize(tensors.size());
    plain_.resize(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) look_at(tensors[i], i);
    join_pieces();
    for (const Piece& piece : pieces_) add_block(piece);
    if (!others_.empty()) kept_->others = trpc::wireSerialize({}, others_);
    return finish();
  }

 private:
  void look_at(const at::Tensor& t, size_t i) {
    TensorHead& head = heads_[i];
    head = {.kind = Kind::kUndefined, .dtype = 0, .flags = 0, .dim = 0, .block = kNoBlock, .offset = 0};
    if (!t.defined()) return;
    TORCH_CHECK(
        t.device().is_cpu() || t.is_meta(), "tine sends tensors of the CPU, but tensor ", i,
        " of this message is on ", t.device(),
        ": send tensor.cpu() and move it to a device where it has arrived; tine has no device maps yet");
    if (!is_plain(t)) {
      TORCH_CHECK(!t.is_meta(), "tensor ", i,
                  " of this message is on the device meta, which has no data to send: "
                  "send its shape and dtype and make it with torch.empty(..., device=\"meta\") there");
      head.kind = Kind::kOther;
      others_.push_back(t);
      return;
    }
    plain_[i] = t;
    const size_t span = t.numel() == 0 ? 0 : span_of(t);
    // A program that resizes a storage leaves the tensors in it without memory.
    TORCH_CHECK(span == 0 || begin_of(t) + span <= t.storage().nbytes(), "tensor ", i,
                " of this message needs ", begin_of(t) + span, " bytes of its storage, which has ",
                t.storage().nbytes(),
                ": resize the storage back, or send a clone made before it was resized");
    // Much of the span belongs to no element, so only the elements are sent.
    const bool packed = span >= kWorthPacking && span > 2 * static_cast<size_t>(t.numel()) * t.element_size();
    if (packed) {
      plain_[i] = t.detach().clone(at::MemoryFormat::Contiguous);
      kept_->tensors.push_back(plain_[i]);
    }
    const at::Tensor& sent = plain_[i];
    head.kind = Kind::kPlain;
    head.dtype = static_cast<int8_t>(t.scalar_type());
    head.flags = static_cast<uint8_t>((t.requires_grad() ? kRequiresGrad : 0) | (sent.is_conj() ? kConj : 0) |
                                      (sent.is_neg() ? kNeg : 0));
    head.dim = static_cast<uint8_t>(t.dim());
    if (t.numel() == 0) return;
    const size_t begin = begin_of(sent);
    pieces_.push_back({sent.storage().unsafeGetStorageImpl(), begin, begin + span_of(sent), packed, {}});
    pieces_.back().tensors.push_back(static_cast<uint32_t>(i));
  }

  // Tensors that overlap travel in one piece, and so does a whole storage if it is not mostly gaps. So views that share memory
  // still share it at the receiver.
  void join_pieces() {
    if (pieces_.size() < 2) return;
    std::stable_sort(pieces_.begin(), pieces_.end(), [](const Piece& a, const Piece& b) {
      return std::tie(a.storage, a.begin) < std::tie(b.storage, b.begin);
    });
    std::vector<Piece> joined;
    for (size_t first = 0; first < pieces_.size();) {
      size_t past = first;
      size_t end = 0;
      size_t together = 0;
      for (; past < pieces_.size() && pieces_[past].storage == pieces_[first].storage; ++past) {
        together += pieces_[past].end - pieces_[past].begin;
        end = std::max(end, pieces_[past].end);
      }
      const bool whole = end - pieces_[first].begin <= 2 * together;
      for (size_t i = first; i < past; ++i) {
        if (i > first && (whole || pieces_[i].begin < joined.back().end)) {
          joined.back().end = std::max(joined.back().end, pieces_[i].end);
          joined.back().tensors.insert(joined.back().tensors.end(), pieces_[i].tensors.begin(),
                                       pieces_[i].tensors.end());
        } else {
          joined.push_back(std::move(pieces_[i]));
        }
      }
      first = past;
    }
    pieces_ = std::move(joined);
  }

  void add_block(const Piece& piece) {
    // Dtypes of several sizes may share a storage: each offset stays a multiple of each.
    const size_t begin = piece.begin / 16 * 16;
    const size_t size = piece.end - begin;
    const auto number = static_cast<uint32_t>(blocks_.size());
    for (const uint32_t i : piece.tensors) {
      heads_[i].block = number;
      heads_[i].offset = begin_of(plain_[i]) - begin;
    }
    const auto* bytes = static_cast<const std::byte*>(piece.storage->data()) + begin;
    if (size <= kInline && inline_bytes_ + size <= kInlineTogether) {
      blocks_.push_back({kIsInline, 0, 0, size});
      inline_bytes_ += size;
      inline_.push_back({bytes, size});
      return;
    }
    if (segments_.size() >= kSegments) {
      blocks_.push_back({static_cast<uint32_t>(kSegments), 0, packed_bytes_, size});
      packed_.push_back({bytes, size});
      packed_bytes_ += (size + kAlign - 1) / kAlign * kAlign;
      return;
    }
    blocks_.push_back({static_cast<uint32_t>(segments_.size()), 0, 0, size});
    // Memory without an owner (torch.from_blob) may be gone when the message is written, so it is copied.
    const bool owned = memory_ != Memory::kCopied && piece.storage->data_ptr().get_context() != nullptr;
    if (piece.ours) {
      // A packed copy, which this message alone holds.
      segments_.push_back(rpc::RawBytes::owned({const_cast<std::byte*>(bytes), size}, kept_));
    } else if (owned) {
      segments_.emplace_back(std::span(bytes, size), kept_);
    } else {
      add_copy({bytes, size});
    }
  }

  void add_copy(std::span<const std::byte> bytes) {
    std::byte* const copy = room(bytes.size());
    std::memcpy(copy, bytes.data(), bytes.size());
    segments_.push_back(rpc::RawBytes::owned({copy, bytes.size()}, kept_));
  }

  std::byte* room(size_t size) {
    kept_->memory.push_back(c10::GetCPUAllocator()->allocate(size));
    return static_cast<std::byte*>(kept_->memory.back().get());
  }

  rpc::RawMessage finish() {
    if (packed_bytes_ > 0) {
      std::byte* at = room(packed_bytes_);
      segments_.push_back(rpc::RawBytes::owned({at, packed_bytes_}, kept_));
      for (const std::span<const std::byte> piece : packed_) {
        std::memcpy(at, piece.data(), piece.size());
        at += (piece.size() + kAlign - 1) / kAlign * kAlign;
      }
    }
    const std::vector<char>& payload = message_->payload();
    const bool payload_inline = payload.size() <= kInline * 8;
    Head head{.magic = kMagic,
              .tensors = static_cast<uint32_t>(heads_.size()),
              .blocks = static_cast<uint32_t>(blocks_.size()),
              .payload_segment = payload_inline ? kIsInline : static_cast<uint32_t>(segments_.size()),
              .payload_size = payload.size(),
              .others_size = kept_->others.size()};
    if (!payload_inline) {
      const auto bytes = std::as_bytes(std::span(payload.data(), payload.size()));
      if (memory_ == Memory::kCopied) {
        add_copy(bytes);
      } else {
        segments_.emplace_back(bytes, kept_);
      }
    }
    if (!kept_->others.empty()) {
      segments_.emplace_back(std::as_bytes(std::span(kept_->others.data(), kept_->others.size())), kept_);
    }

    size_t size = sizeof head + heads_.size() * sizeof(TensorHead) + blocks_.size() * sizeof(Block) +
                  (payload_inline ? payload.size() : 0) + inline_bytes_;
    for (const TensorHead& t : heads_) size += 2 * sizeof(int64_t) * t.dim;
    // libstdc++ 11 has no make_shared_for_overwrite.
    const std::shared_ptr<std::byte[]> body(new std::byte[size]);
    at_ = body.get();
    put(&head, sizeof head);
    for (size_t i = 0; i < heads_.size(); ++i) {
      put(&heads_[i], sizeof heads_[i]);
      if (heads_[i].kind != Kind::kPlain) continue;
      put(plain_[i].sizes().data(), heads_[i].dim * sizeof(int64_t));
      put(plain_[i].strides().data(), heads_[i].dim * sizeof(int64_t));
    }
    put(blocks_.data(), blocks_.size() * sizeof(Block));
    if (payload_inline) put(payload.data(), payload.size());
    for (const std::span<const std::byte> piece : inline_) put(piece.data(), piece.size());

    rpc::RawMessage raw;
    raw.tag = static_cast<uint32_t>(message_->type());
    raw.body = rpc::RawBytes(std::span<const std::byte>(body.get(), size), body);
    raw.segments = std::move(segments_);
    return raw;
  }

  void put(const void* from, size_t size) {
    if (size > 0) std::memcpy(at_, from, size);
    at_ += size;
  }

  const c10::intrusive_ptr<Message>& message_;
  const Memory memory_;
  std::shared_ptr<Kept> kept_;
  std::vector<TensorHead> heads_;
  std::vector<at::Tensor> plain_;  // what is sent of each
  std::vector<at::Tensor> others_;
  std::vector<Piece> pieces_;
  std::vector<Block> blocks_;
  std::vector<std::span<const std::byte>> inline_, packed_;
  size_t inline_bytes_ = 0, packed_bytes_ = 0;
  std::vector<rpc::RawBytes> segments_;
  std::byte* at_ = nullptr;
};

// ---- in

#define TINE_WELL_FORMED(condition)                                                          \
  TORCH_CHECK(condition, "a message of torch.distributed.rpc arrived malformed (" #condition \
                         " does not hold): do all workers run the same releases of tine and torch?")

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}
  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::span<const std::byte> take(size_t size) {
    TINE_WELL_FORMED(size <= rest_.size());
    const std::span<const std::byte> taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

 private:
  std::span<const std::byte> rest_;
};

using Owner = std::shared_ptr<const void>;

c10::Storage storage_over(std::span<std::byte> bytes, const Owner& owner) {
  at::DataPtr data(
      bytes.data(), new Owner(owner), [](void* context) { delete static_cast<Owner*>(context); }, at::kCPU);
  return {c10::Storage::use_byte_size_t(), bytes.size(), std::move(data), c10::GetCPUAllocator(),
          /*resizable=*/true};
}

c10::Storage storage_of_copy(std::span<const std::byte> bytes) {
  at::DataPtr data = c10::GetCPUAllocator()->allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(data.get(), bytes.data(), bytes.size());
  return {c10::Storage::use_byte_size_t(), bytes.size(), std::move(data), c10::GetCPUAllocator(),
          /*resizable=*/true};
}

bool is_plain_dtype(int8_t code) {
  if (code < 0 || code >= static_cast<int8_t>(c10::ScalarType::NumOptions)) return false;
  const auto type = static_cast<c10::ScalarType>(code);
  return type != c10::ScalarType::Undefined && !c10::isQIntType(type);
}

// Whether sizes and strides stay within `room` elements.
bool fits(at::IntArrayRef sizes, at::IntArrayRef strides, uint64_t room) {
  unsigned __int128 last = 0;
  unsigned __int128 count = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0 || strides[i] < 0) return false;
    count *= static_cast<uint64_t>(sizes[i]);
    if (count > std::numeric_limits<int64_t>::max()) return false;
  }
  if (count == 0) return true;
  for (size_t i = 0; i < sizes.size(); ++i) {
    last += static_cast<unsigned __int128>(sizes[i] - 1) * static_cast<uint64_t>(strides[i]);
    if (last >= room) return false;
  }
  return room > 0;
}

class Decoder {
 public:
  explicit Decoder(rpc::RawMessage raw) : raw_(std::move(raw)) {}

  c10::intrusive_ptr<Message> run() {
    Reader reader(raw_.body.bytes());
    const auto head = reader.take<Head>();
    TINE_WELL_FORMED(head.magic == kMagic);
    TINE_WELL_FORMED(head.tensors <= raw_.body.size() / sizeof(TensorHead));
    TINE_WELL_FORMED(head.blocks <= raw_.body.size() / sizeof(Block));
    std::vector<std::pair<TensorHead, std::span<const std::byte>>> tensors;
    tensors.reserve(head.tensors);
    for (uint32_t i = 0; i < head.tensors; ++i) {
      const auto tensor = reader.take<TensorHead>();
      const size_t shape = tensor.kind == Kind::kPlain ? 2 * sizeof(int64_t) * tensor.dim : 0;
      tensors.emplace_back(tensor, reader.take(shape));
    }
    std::vector<Block> blocks(head.blocks);
    for (Block& block : blocks) block = reader.take<Block>();

    std::span<const std::byte> payload;
    if (head.payload_segment == kIsInline) {
      payload = reader.take(head.payload_size);
    } else {
      payload = segment(head.payload_segment).bytes();
      TINE_WELL_FORMED(payload.size() == head.payload_size);
    }
    // Inline blocks must be contiguous, so that no more bytes are copied than came.
    for (const Block& block : blocks) {
      const bool is_inline = block.segment == kIsInline;
      storages_.push_back(is_inline ? storage_of_copy(reader.take(block.size)) : storage(block));
    }
    take_others(head);

    std::vector<at::Tensor> out;
    out.reserve(tensors.size());
    for (const auto& [tensor, shape] : tensors) out.push_back(make(tensor, shape));
    const auto* chars = reinterpret_cast<const char*>(payload.data());
    return c10::make_intrusive<Message>(std::vector<char>(chars, chars + payload.size()), std::move(out),
                                        static_cast<trpc::MessageType>(raw_.tag));
  }

 private:
  rpc::RawBytes& segment(uint32_t number) {
    TINE_WELL_FORMED(number < raw_.segments.size());
    return raw_.segments[number];
  }

  c10::Storage storage(const Block& block) {
    rpc::RawBytes& bytes = segment(block.segment);
    TINE_WELL_FORMED(block.offset <= bytes.size() && block.size <= bytes.size() - block.offset);
    TINE_WELL_FORMED(block.offset % kAlign == 0);
    return storage_over(bytes.writable().subspan(block.offset, block.size), bytes.owner());
  }

  void take_others(const Head& head) {
    if (head.others_size == 0) return;
    TINE_WELL_FORMED(!raw_.segments.empty());
    const rpc::RawBytes& bytes = raw_.segments.back();
    TINE_WELL_FORMED(bytes.size() == head.others_size);
    others_ = trpc::wireDeserialize(bytes.bytes().data(), bytes.size()).second;
  }

  at::Tensor make(const TensorHead& head, std::span<const std::byte> shape) {
    if (head.kind == Kind::kUndefined) return {};
    if (head.kind == Kind::kOther) {
      TINE_WELL_FORMED(next_other_ < others_.size());
      return std::move(others_[next_other_++]);
    }
    TINE_WELL_FORMED(head.kind == Kind::kPlain);
    TINE_WELL_FORMED(is_plain_dtype(head.dtype));
    const auto type = static_cast<c10::ScalarType>(head.dtype);
    c10::SmallVector<int64_t, 10> numbers(2 * size_t{head.dim});
    if (!numbers.empty()) std::memcpy(numbers.data(), shape.data(), shape.size());
    const at::IntArrayRef sizes(numbers.data(), head.dim);
    const at::IntArrayRef strides(numbers.data() + head.dim, head.dim);
    const size_t item = c10::elementSize(type);

    c10::Storage storage;
    if (head.block == kNoBlock) {
      TINE_WELL_FORMED(fits(sizes, strides, 0));
      storage = storage_of_copy({});
    } else {
      TINE_WELL_FORMED(head.block < storages_.size());
      storage = storages_[head.block];
      TINE_WELL_FORMED(head.offset <= storage.nbytes() && head.offset % item == 0);
      TINE_WELL_FORMED(fits(sizes, strides, (storage.nbytes() - head.offset) / item));
    }
    at::Tensor t = at::detail::make_tensor<c10::TensorImpl>(
        std::move(storage), c10::DispatchKeySet(c10::DispatchKey::CPU), c10::scalarTypeToTypeMeta(type));
    t.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides, static_cast<int64_t>(head.offset / item));
    const bool complex = c10::isComplexType(type);
    if (head.flags & kConj) {
      TINE_WELL_FORMED(complex);
      t._set_conj(true);
    }
    if (head.flags & kNeg) t._set_neg(true);
    if (head.flags & kRequiresGrad) {
      TINE_WELL_FORMED(complex || c10::isFloatingType(type));
      t.set_requires_grad(true);
    }
    return t;
  }

  rpc::RawMessage raw_;
  std::vector<c10::Storage> storages_;
  std::vector<at::Tensor> others_;
  size_t next_other_ = 0;
};

}  // namespace

rpc::RawMessage encode(const c10::intrusive_ptr<Message>& message, Memory memory) {
  return Encoder(message, memory).run();
}

c10::intrusive_ptr<Message> decode(rpc::RawMessage raw) { return Decoder(std::move(raw)).run(); }

}  // namespace tine::pytorch

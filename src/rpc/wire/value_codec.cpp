#include "src/rpc/wire/value_codec.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "tine/error.h"
#include "tine/tensor.h"

namespace tine::rpc {
namespace {

static_assert(std::endian::native == std::endian::little, "elements travel as they lie in memory");

constexpr size_t kMaxRank = 32;

[[noreturn]] void too_deep() {
  throw ValueError(fmt::format(
      "a value to be sent is nested more than {} deep: it contains itself, or has to be sent in another form",
      kMaxNesting));
}

void write_tensor(BodyWriter& out, const Tensor& given) {
  if (!given.defined()) throw ValueError("an undefined Tensor cannot be sent");
  const Tensor t = given.contiguous();
  const auto sizes = t.sizes();
  if (sizes.size() > kMaxRank) {
    throw ValueError(
        fmt::format("a tensor of {} dimensions cannot be sent, at most {}", sizes.size(), kMaxRank));
  }
  const size_t bytes = static_cast<size_t>(t.numel()) * size_of(t.dtype());
  const bool inline_elements = bytes <= kInlineTensorBytes;
  const size_t fixed = inline_elements ? 2 : 6;
  uint32_t segment = 0;
  if (!inline_elements) {
    segment = out.segment({{static_cast<const std::byte*>(t.data()), bytes},
                           detail::Ref<detail::RefCounted>::share(t.impl()),
                           t.data() != given.data()});
  }
  const auto type = inline_elements ? ExtType::kTensor : ExtType::kTensorSegment;
  std::byte* p = out.ext(static_cast<int8_t>(type), fixed + 8 * sizes.size() + (inline_elements ? bytes : 0));
  p[0] = static_cast<std::byte>(t.dtype());
  p[1] = static_cast<std::byte>(sizes.size());
  if (!inline_elements) put_le<uint32_t>(p + 2, segment);
  p += fixed;
  for (int64_t size : sizes) {
    put_le<int64_t>(p, size);
    p += 8;
  }
  if (inline_elements && bytes != 0) std::memcpy(p, t.data(), bytes);
}

struct Writer {
  BodyWriter& out;
  ValueHooks& hooks;

  void write(const Value& value, int depth) {
    if (depth > kMaxNesting) too_deep();
    switch (value.tag()) {
      case Tag::kNone: return out.nil();
      case Tag::kBool: return out.boolean(value.as_bool());
      case Tag::kInt: return out.integer(value.as_int());
      case Tag::kFloat: return out.real(value.as_float());
      case Tag::kTensor: return write_tensor(out, value.as_tensor());
      case Tag::kString: return out.str(value.as_string());
      case Tag::kList: {
        const auto& items = value.as_list().items;
        out.array(items.size());
        for (const Value& item : items) write(item, depth + 1);
        return;
      }
      case Tag::kTuple: {
        const auto& items = value.as_tuple().items;
        out.array(items.size() + 1);
        *out.ext(static_cast<int8_t>(ExtType::kTuple), 1) = std::byte{0};
        for (const Value& item : items) write(item, depth + 1);
        return;
      }
      case Tag::kDict: {
        const auto& items = value.as_dict().items();
        out.map(items.size());
        for (const auto& [key, item] : items) {
          write(key, depth + 1);
          write(item, depth + 1);
        }
        return;
      }
      case Tag::kFuture: throw TypeError("Can not pickle torch.futures.Future");
      case Tag::kObject:
      case Tag::kRRef:
      case Tag::kForeign: return hooks.write(out, value);
    }
  }
};

struct TensorHead {
  DType dtype;
  Shape sizes;
  Shape strides;
  size_t bytes;
};

DType read_dtype(std::byte b, size_t at) {
  switch (static_cast<int8_t>(b)) {
    case 0: return DType::kUInt8;
    case 4: return DType::kInt64;
    case 6: return DType::kFloat32;
    case 7: return DType::kFloat64;
    case 11: return DType::kBool;
    default: break;
  }
  throw ValueError(fmt::format("the tensor at byte {} has dtype {}, which is none of 0, 4, 6, 7, 11", at,
                               static_cast<int>(static_cast<int8_t>(b))));
}

// `fixed`: where the sizes start.
TensorHead read_head(std::span<const std::byte> in, size_t fixed, size_t at) {
  if (in.size() < fixed)
    throw ValueError(fmt::format("the tensor at byte {} has {} bytes, too few", at, in.size()));
  TensorHead head;
  head.dtype = read_dtype(in[0], at);
  const size_t rank = std::to_integer<size_t>(in[1]);
  if (rank > kMaxRank || in.size() < fixed + 8 * rank) {
    throw ValueError(fmt::format("the tensor at byte {} has rank {} in {} bytes, which does not fit", at,
                                 rank, in.size()));
  }
  head.sizes.resize(rank);
  head.strides.resize(rank);
  size_t bytes = size_of(head.dtype);
  for (size_t i = 0; i < rank; ++i) {
    head.sizes[i] = get_le<int64_t>(in.data() + fixed + 8 * i);
    if (head.sizes[i] < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(head.sizes[i]), &bytes)) {
      throw ValueError(fmt::format("the tensor at byte {} has size {} in dimension {}, which cannot be", at,
                                   head.sizes[i], i));
    }
  }
  int64_t stride = 1;
  for (size_t i = rank; i-- > 0;) {
    head.strides[i] = stride;
    stride *= std::max<int64_t>(head.sizes[i], 1);
  }
  head.bytes = bytes;
  return head;
}

// Any other byte in a bool is undefined behaviour for whoever reads it.
void check_bools(const TensorHead& head, std::span<const std::byte> bytes, size_t at) {
  if (head.dtype != DType::kBool) return;
  for (std::byte b : bytes) {
    if (b > std::byte{1}) {
      throw ValueError(fmt::format("the bool tensor at byte {} has an element {}", at, static_cast<int>(b)));
    }
  }
}

Tensor read_inline_tensor(std::span<const std::byte> in, size_t at) {
  const TensorHead head = read_head(in, 2, at);
  in = in.subspan(2 + 8 * head.sizes.size());
  if (head.bytes != in.size()) {
    throw ValueError(fmt::format("the tensor at byte {} brings {} bytes of elements, its sizes make {}", at,
                                 in.size(), head.bytes));
  }
  check_bools(head, in, at);
  Tensor t = Tensor::empty(head.sizes, head.dtype);
  if (!in.empty()) std::memcpy(t.data(), in.data(), in.size());
  return t;
}

Tensor read_segment_tensor(std::span<const std::byte> in, ReceivedSegments& segments, size_t at) {
  const TensorHead head = read_head(in, 6, at);
  if (in.size() != 6 + 8 * head.sizes.size()) {
    throw ValueError(fmt::format("the tensor at byte {} has {} bytes too many", at,
                                 in.size() - 6 - 8 * head.sizes.size()));
  }
  detail::Ref<Buffer> buffer = segments.take(get_le<uint32_t>(in.data() + 2));
  if (buffer->size() != head.bytes) {
    throw ValueError(fmt::format("the tensor at byte {} has a segment of {} bytes, its sizes make {}", at,
                                 buffer->size(), head.bytes));
  }
  check_bools(head, buffer->bytes(), at);
  void* data = buffer->data();
  return Tensor::from_blob(data, head.sizes, head.strides, head.dtype,
                           [buffer = std::move(buffer)]() mutable { buffer = nullptr; });
}

struct Reader {
  BodyReader& in;
  ReceivedSegments& segments;
  ValueHooks& hooks;

  Value read(int depth) {
    using Type = BodyReader::Type;
    if (depth > kMaxNesting) {
      throw ValueError(
          fmt::format("the message's body is nested more than {} deep at byte {}", kMaxNesting, in.offset()));
    }
    switch (in.peek()) {
      case Type::kNil: in.nil(); return {};
      case Type::kBool: return in.boolean();
      case Type::kInt: return in.integer();
      case Type::kReal: return in.real();
      case Type::kStr: return in.str();
      case Type::kArray: return read_array(depth);
      case Type::kMap: return read_map(depth);
      case Type::kExt: return read_ext();
      case Type::kBin:
      case Type::kEnd: break;
    }
    in.fail("a value");
  }

  Value read_array(int depth) {
    size_t count = in.array();
    bool tuple = false;
    if (count > 0 && in.peek() == BodyReader::Type::kExt) {
      BodyReader ahead = in;
      if (ahead.ext().type == static_cast<int8_t>(ExtType::kTuple)) {
        in = ahead;
        tuple = true;
        --count;
      }
    }
    std::vector<Value> items;
    // Not all at once: the count is the peer's word, and a Value is larger than the byte that proves it.
    items.reserve(std::min<size_t>(count, 4096));
    for (; count > 0; --count) items.push_back(read(depth + 1));
    if (tuple) return detail::make_ref<Tuple>(std::move(items));
    return detail::make_ref<List>(std::move(items));
  }

  Value read_map(int depth) {
    size_t count = in.map();
    auto dict = detail::make_ref<Dict>();
    for (; count > 0; --count) {
      const size_t at = in.offset();
      Value key = read(depth + 1);
      if (!(key.is_string() || key.is_int() || key.is_bool() || key.is_float())) {
        throw ValueError(fmt::format("the dict key at byte {} is a {}, expected a str, int, bool or float",
                                     at, name_of(key.tag())));
      }
      Value item = read(depth + 1);
      dict->set(std::move(key), std::move(item));
    }
    return dict;
  }

  Value read_ext() {
    const size_t at = in.offset();
    const BodyReader::Ext ext = in.ext();
    const auto type = static_cast<ExtType>(ext.type);
    switch (type) {
      case ExtType::kTensor: return read_inline_tensor(ext.bytes, at);
      case ExtType::kTensorSegment: return read_segment_tensor(ext.bytes, segments, at);
      case ExtType::kForeignSegment: {
        if (ext.bytes.size() != 5) {
          throw ValueError(
              fmt::format("the ext of type 5 at byte {} has {} bytes, expected 5", at, ext.bytes.size()));
        }
        auto segment = segments.take(get_le<uint32_t>(ext.bytes.data() + 1));
        return hooks.read(type, ext.bytes, std::move(segment));
      }
      case ExtType::kForeign:
      case ExtType::kRRef:
      case ExtType::kObject: return hooks.read(type, ext.bytes, nullptr);
      case ExtType::kTuple: break;
    }
    throw ValueError(
        fmt::format("the message's body has an ext of type {} at byte {}, which is no value", ext.type, at));
  }
};

}  // namespace

void ValueHooks::write(BodyWriter&, const Value& value) {
  throw TypeError(fmt::format("a value of type {} cannot be sent to another worker", name_of(value.tag())));
}

Value ValueHooks::read(ExtType type, std::span<const std::byte>, detail::Ref<Buffer>) {
  throw ValueError(fmt::format("a value of ext type {} was received, which this worker cannot read",
                               static_cast<int>(type)));
}

void write_value(BodyWriter& out, const Value& value, ValueHooks& hooks) {
  Writer{out, hooks}.write(value, 0);
}

Value read_value(BodyReader& in, ReceivedSegments& segments, ValueHooks& hooks) {
  return Reader{in, segments, hooks}.read(0);
}

}  // namespace tine::rpc

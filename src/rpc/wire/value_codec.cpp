#include "src/rpc/wire/value_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <unordered_map>

#include "src/value/text.h"
#include "tine/error.h"
#include "tine/tensor.h"
#include "tine/type.h"

namespace tine::rpc {
namespace {

static_assert(std::endian::native == std::endian::little, "elements travel as they lie in memory");

constexpr size_t kMaxRank = 64;  // what a tensor can have here
constexpr unsigned kStrided = 0x80;
// Up to so many bytes what lies between a view's elements is not worth a copy, however much of it there is.
constexpr int64_t kSmallExtent = 8192;
// A decoded object beside its place in what holds it, and what it points to.
constexpr size_t kObjectBytes = 64;
constexpr size_t kListBytes = 48;
constexpr size_t kDictBytes = 80;
// A class takes up to so many bytes for each of its definition: 128 were measured for `(A?,A?,...)`, where every three bytes
// make two types, and the vector of the tuple has just grown. The rest is for what the parser notes of each, and for
// unified(). Enums and long names take far less.
constexpr size_t kTimesDefinition = 160;
// A type that unified() makes anew, and each of its elements.
constexpr size_t kTypeBytes = 192;
constexpr size_t kTypeElementBytes = 16;
// How a class is named behind its marker: by its definition, or by the number of one that stood before in this value.
constexpr std::byte kDefined{0};
constexpr std::byte kNumbered{1};

[[noreturn]] void too_deep() {
  throw ValueError(fmt::format(
      "a value to be sent is nested more than {} deep: it contains itself, or has to be sent in another form",
      kMaxNesting));
}

// A tensor as it travels: from its first element on, `bytes` bytes of memory.
struct Travelling {
  Tensor tensor;                     // whose memory it is
  std::span<const int64_t> strides;  // empty: row-major
  size_t bytes;
  Shape own_strides;  // of a copy
};

// In the order of its elements in memory, without what lies between them; expanded dimensions stay so.
Travelling compacted(const Tensor& t) {
  const auto sizes = t.sizes();
  const auto strides = t.strides();
  std::vector<size_t> order;  // from the largest stride to the smallest
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (strides[i] != 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return strides[a] > strides[b]; });
  Shape dense_sizes, from;
  for (const size_t i : order) {
    dense_sizes.push_back(sizes[i]);
    from.push_back(strides[i]);
  }
  Travelling out;
  out.tensor = t.as_strided(dense_sizes, from, t.storage_offset()).contiguous();
  out.own_strides.assign(sizes.size(), 0);
  int64_t stride = 1;
  for (size_t k = order.size(); k-- > 0;) {
    out.own_strides[order[k]] = stride;
    stride *= sizes[order[k]];
  }
  out.bytes = static_cast<size_t>(out.tensor.numel()) * size_of(t.dtype());
  // Mostly it is row-major now, and as short to describe.
  int64_t row_major = 1;
  bool plain = true;
  for (size_t i = sizes.size(); i-- > 0;) {
    plain &= sizes[i] == 1 || out.own_strides[i] == row_major;
    row_major *= sizes[i];
  }
  if (!plain) out.strides = out.own_strides;
  return out;
}

// Any other byte in a bool is undefined behaviour for whoever reads it.
bool are_bools(std::span<const std::byte> bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b <= std::byte{1}; });
}

Travelling travelling(const Tensor& t) {
  const size_t width = size_of(t.dtype());
  if (t.is_contiguous() && (t.numel() != 0 || t.dim() == 0)) {
    return {t, {}, static_cast<size_t>(t.numel()) * width, {}};
  }
  // An empty tensor keeps its strides, which bring no elements.
  if (t.numel() == 0) return {t, t.strides(), 0, {}};
  const auto sizes = t.sizes();
  const auto strides = t.strides();
  int64_t reached = 1;  // cannot overflow: it is memory that is there
  int64_t elements = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    reached += (sizes[i] - 1) * strides[i];
    if (strides[i] != 0 && __builtin_mul_overflow(elements, sizes[i], &elements)) elements = reached;
  }
  const size_t bytes = static_cast<size_t>(reached) * width;
  const bool dense = reached <= elements;
  if (!dense && static_cast<int64_t>(bytes) > kSmallExtent && reached / 2 > elements) return compacted(t);
  // Between the elements of a bool view of other memory there may be anything.
  if (!dense && t.dtype() == DType::kBool && !are_bools({static_cast<const std::byte*>(t.data()), bytes})) {
    return compacted(t);
  }
  return {t, strides, bytes, {}};
}

void write_tensor(BodyWriter& out, const Tensor& t) {
  if (!t.defined()) throw ValueError("an undefined Tensor cannot be sent");
  const auto sizes = t.sizes();
  if (sizes.size() > kMaxRank) {
    throw ValueError(
        fmt::format("a tensor of {} dimensions cannot be sent, at most {}", sizes.size(), kMaxRank));
  }
  const Travelling what = travelling(t);
  const bool inline_elements = what.bytes <= kInlineTensorBytes;
  const size_t fixed = inline_elements ? 2 : 6;
  const auto* const data = static_cast<const std::byte*>(what.tensor.data());
  uint32_t segment = 0;
  if (!inline_elements) {
    segment = out.segment({{data, what.bytes},
                           detail::Ref<detail::RefCounted>::share(what.tensor.impl()),
                           what.tensor.impl() != t.impl()});
  }
  const auto type = inline_elements ? ExtType::kTensor : ExtType::kTensorSegment;
  const size_t numbers = sizes.size() + what.strides.size();
  std::byte* p = out.ext(static_cast<int8_t>(type), fixed + 8 * numbers + (inline_elements ? what.bytes : 0));
  p[0] = static_cast<std::byte>(t.dtype());
  p[1] = static_cast<std::byte>(sizes.size() | (what.strides.empty() ? 0 : kStrided));
  if (!inline_elements) put_le<uint32_t>(p + 2, segment);
  p += fixed;
  for (const auto& values : {sizes, what.strides}) {
    for (const int64_t value : values) {
      put_le<int64_t>(p, value);
      p += 8;
    }
  }
  if (inline_elements && what.bytes != 0) std::memcpy(p, data, what.bytes);
}

void write_text(BodyWriter& out, const Value& text) {
  const std::string& s = text.as_string();
  if (s.size() <= kInlineTextBytes) return out.str(s);
  const uint32_t number =
      out.segment({std::as_bytes(std::span(s)), detail::Ref<detail::RefCounted>::share(text.as_counted())});
  put_le<uint32_t>(out.ext(static_cast<int8_t>(ExtType::kTextSegment), 4), number);
}

struct Writer {
  BodyWriter& out;
  ValueHooks& hooks;
  // That were defined before. Most values have none.
  struct Classes {
    std::vector<const Type*> all;
    std::unordered_map<const Type*, uint32_t> numbers;  // of these, and of types that are equal to one

    uint32_t number_of(const Type& type) {
      const auto [at, is_new] = numbers.try_emplace(&type, 0);
      if (is_new) {
        const auto known = std::find_if(all.begin(), all.end(), [&](const Type* t) {
          return t->name == type.name && equal(t->shared_from_this(), type.shared_from_this());
        });
        at->second = static_cast<uint32_t>(known - all.begin());
      }
      return at->second;
    }
  };
  std::unique_ptr<Classes> classes = {};

  // `member`: of an enum.
  void write_class(ExtType ext, const Type& type, std::optional<uint32_t> member) {
    if (!classes) classes = std::make_unique<Classes>();
    const uint32_t number = classes->number_of(type);
    const bool defined = number == classes->all.size();
    const std::string text = defined ? type.definition() : std::string();
    std::byte* p = out.ext(static_cast<int8_t>(ext), (member ? 4 : 0) + 1 + (defined ? text.size() : 4));
    if (member) {
      put_le<uint32_t>(p, *member);
      p += 4;
    }
    *p++ = defined ? kDefined : kNumbered;
    if (!defined) return put_le<uint32_t>(p, number);
    std::memcpy(p, text.data(), text.size());
    classes->all.push_back(&type);
  }

  void write(const Value& value, int depth) {
    if (depth > kMaxNesting) too_deep();
    switch (value.tag()) {
      case Tag::kNone: return out.nil();
      case Tag::kBool: return out.boolean(value.as_bool());
      case Tag::kInt: return out.integer(value.as_int());
      case Tag::kFloat: return out.real(value.as_float());
      case Tag::kTensor: return write_tensor(out, value.as_tensor());
      case Tag::kString: return write_text(out, value);
      case Tag::kList: {
        const auto& items = value.as_list().items;
        out.array(items.size());
        for (const Value& item : items) write(item, depth + 1);
        return;
      }
      case Tag::kTuple: {
        const auto& items = value.as_tuple().items;
        out.array(items.size() + 1);
        if (const auto& type = value.as_tuple().type) {
          write_class(ExtType::kNamedTuple, *type, {});
        } else {
          *out.ext(static_cast<int8_t>(ExtType::kTuple), 1) = std::byte{0};
        }
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
      case Tag::kEnum:
        return write_class(ExtType::kEnum, *value.as_enum().type,
                           static_cast<uint32_t>(value.as_enum().index));
      case Tag::kFuture: throw TypeError("Can not pickle torch.futures.Future");
      case Tag::kObject:
      case Tag::kRRef:
      case Tag::kForeign: return hooks.write(out, value);
    }
  }
};

struct TensorHead {
  DType dtype;
  bool strided;
  size_t rank;
  int64_t elements;  // that it brings
  size_t numbers;    // bytes of sizes and strides
  // Of each dimension. Not a Shape each: most tensors that lie in a body are small, and memory for these would take longer
  // than all else.
  std::array<int64_t, kMaxRank> size, stride;

  [[nodiscard]] std::span<const int64_t> sizes() const noexcept { return std::span(size).first(rank); }
  [[nodiscard]] std::span<const int64_t> strides() const noexcept { return std::span(stride).first(rank); }
  [[nodiscard]] size_t bytes() const noexcept { return static_cast<size_t>(elements) * size_of(dtype); }
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
  const size_t rank = head.rank = std::to_integer<size_t>(in[1]) & ~size_t{kStrided};
  head.strided = (std::to_integer<unsigned>(in[1]) & kStrided) != 0;
  head.numbers = 8 * rank * (head.strided ? 2 : 1);
  if (rank > kMaxRank || in.size() < fixed + head.numbers) {
    throw ValueError(fmt::format("the tensor at byte {} has rank {} in {} bytes, which does not fit", at,
                                 rank, in.size()));
  }
  const auto number = [&](size_t i) { return get_le<int64_t>(in.data() + fixed + 8 * i); };
  // Both products, in bytes: of all sizes, and of those that are not 0, by which strides are computed.
  const auto width = static_cast<int64_t>(size_of(head.dtype));
  int64_t row_major = width, reached = 1, reach = 0;
  bool empty = false;
  for (size_t i = rank; i-- > 0;) {
    const int64_t size = head.size[i] = number(i);
    empty |= size == 0;
    head.stride[i] = head.strided ? number(rank + i) : row_major / width;
    if (size < 0 || __builtin_mul_overflow(row_major, std::max<int64_t>(size, 1), &row_major)) {
      throw ValueError(
          fmt::format("the tensor at byte {} has size {} in dimension {}, which is impossible", at, size, i));
    }
    if (head.stride[i] < 0 ||
        __builtin_mul_overflow(std::max<int64_t>(size, 1) - 1, head.stride[i], &reach) ||
        __builtin_add_overflow(reached, reach, &reached) ||
        reached > std::numeric_limits<int64_t>::max() / width) {
      throw ValueError(
          fmt::format("the tensor at byte {} has stride {} in dimension {} of size {}, which is impossible",
                      at, head.stride[i], i, size));
    }
  }
  head.elements = empty ? 0 : reached;
  return head;
}

void check_elements(const TensorHead& head, std::span<const std::byte> bytes, size_t at) {
  if (head.bytes() != bytes.size()) {
    throw ValueError(fmt::format("the tensor at byte {} brings {} bytes of elements, its sizes{} make {}", at,
                                 bytes.size(), head.strided ? " and strides" : "", head.bytes()));
  }
  if (head.dtype != DType::kBool || are_bools(bytes)) return;
  const auto bad = std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; });
  throw ValueError(fmt::format("the bool tensor at byte {} has an element {}", at, static_cast<int>(*bad)));
}

Tensor read_inline_tensor(std::span<const std::byte> in, size_t at) {
  const TensorHead head = read_head(in, 2, at);
  in = in.subspan(2 + head.numbers);
  check_elements(head, in, at);
  // Strides are laid over the memory as it came, with what lies between the elements.
  const bool as_it_came = head.strided && head.elements != 0;
  const Tensor t = Tensor::empty(as_it_came ? std::span(&head.elements, 1) : head.sizes(), head.dtype);
  if (!in.empty()) std::memcpy(t.data(), in.data(), in.size());
  return head.strided ? t.as_strided(head.sizes(), head.strides(), 0) : t;
}

Tensor read_segment_tensor(std::span<const std::byte> in, ReceivedSegments& segments, size_t at) {
  const TensorHead head = read_head(in, 6, at);
  if (in.size() != 6 + head.numbers) {
    throw ValueError(
        fmt::format("the tensor at byte {} has {} bytes too many", at, in.size() - 6 - head.numbers));
  }
  detail::Ref<Buffer> buffer = segments.take(get_le<uint32_t>(in.data() + 2));
  // What is checked must not be changed afterwards.
  if (buffer->is_lent() && head.dtype == DType::kBool) {
    const detail::Ref<Buffer> own = Buffer::make(Recycler::of_process(), buffer->size());
    std::memcpy(own->data(), buffer->data(), buffer->size());
    buffer = own;
  }
  check_elements(head, buffer->bytes(), at);
  void* data = buffer->data();
  return Tensor::from_blob(data, head.sizes(), head.strides(), head.dtype,
                           [buffer = std::move(buffer)]() mutable { buffer = nullptr; });
}

// A string of at most one byte is the same object for all: there may be as many as the body has bytes.
Value text_of(BodyReader& in, std::string_view text) {
  static const auto& kShort = *[] {
    auto* all = new std::array<Value, 129>;
    for (size_t i = 0; i < 128; ++i) (*all)[i] = Value(std::string(1, static_cast<char>(i)));
    (*all)[128] = Value(std::string());
    return all;
  }();
  if (text.empty()) return kShort[128];
  if (text.size() == 1 && static_cast<unsigned char>(text[0]) < 128)
    return kShort[static_cast<unsigned char>(text[0])];
  in.charge(kObjectBytes + text.size());
  return text;
}

// A text of the sender's, for an error.
std::string shortened(std::string text) {
  constexpr size_t kShown = 200;
  if (text.size() > kShown) text.replace(kShown, std::string::npos, "...");
  return text;
}

struct Reader {
  BodyReader& in;
  ReceivedSegments& segments;
  ValueHooks& hooks;
  // That were defined before. Most values have none.
  struct Classes {
    std::vector<TypePtr> all;
    std::unordered_map<std::string, TypePtr> by_definition;  // also those inside others
  };
  std::unique_ptr<Classes> classes = {};

  // With one object for each class, however often it is defined, also inside others. So a field and a value of its class are
  // compared by it, and not member by member for each value. `done`: the classes inside one that are unified already.
  TypePtr unified(const TypePtr& type, std::unordered_map<const Type*, TypePtr>& done) {
    const bool is_class = !type->name.empty() && (type->kind == TypeKind::kEnum || type->named_tuple());
    if (is_class) {
      if (const auto known = done.find(type.get()); known != done.end()) return known->second;
    }
    std::vector<TypePtr> of;
    of.reserve(type->of.size());
    bool as_it_was = true;
    for (const TypePtr& t : type->of) {
      of.push_back(unified(t, done));
      as_it_was = as_it_was && of.back() == t;
    }
    if (!as_it_was) in.charge(kTypeBytes + kTypeElementBytes * of.size());
    TypePtr whole = as_it_was ? type : type->over(std::move(of));
    if (!is_class) return whole;
    std::string definition = whole->definition();
    in.charge(kObjectBytes + definition.size());
    const auto first = classes->by_definition.try_emplace(std::move(definition), std::move(whole)).first;
    return done[type.get()] = first->second;
  }
  TypePtr read_class(std::span<const std::byte> bytes, size_t at) {
    if (bytes.size() == 5 && bytes[0] == kNumbered) {
      if (const auto number = get_le<uint32_t>(bytes.data() + 1); classes && number < classes->all.size())
        return classes->all[number];
    } else if (!bytes.empty() && bytes[0] == kDefined) {
      in.charge(bytes.size() * kTimesDefinition);
      try {
        std::unordered_map<const Type*, TypePtr> done;
        if (!classes) classes = std::make_unique<Classes>();
        classes->all.push_back(
            unified(parse_type({reinterpret_cast<const char*>(bytes.data() + 1), bytes.size() - 1}), done));
      } catch (const SyntaxError& error) {
        throw ValueError(fmt::format("the class at byte {}: {}", at, error.message()));
      }
      return classes->all.back();
    }
    throw ValueError(fmt::format("the class at byte {} is neither defined nor the number of one before", at));
  }
  static Value named_tuple(const TypePtr& type, std::vector<Value> items, size_t at) {
    const NamedTupleType* const named = type->named_tuple();
    const bool good = named && !named->name.empty() && items.size() == type->of.size() &&
                      std::equal(items.begin(), items.end(), type->of.begin(), fits);
    if (!good) {
      throw ValueError(fmt::format("the tuple at byte {} is not what its class says: {}", at,
                                   shortened(type->definition())));
    }
    return tuple_of(std::move(items), *type);
  }
  Value read_enum(std::span<const std::byte> bytes, size_t at) {
    if (bytes.size() < 5) throw ValueError(fmt::format("the enum at byte {} is too short", at));
    const TypePtr type = read_class(bytes.subspan(4), at);
    const auto member = get_le<uint32_t>(bytes.data());
    if (type->kind != TypeKind::kEnum || member >= static_cast<const EnumType&>(*type).members.size())
      throw ValueError(fmt::format("the enum at byte {} is not a member of {}", at, shortened(type->str())));
    return enum_member(std::static_pointer_cast<const EnumType>(type), member);
  }

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
      case Type::kStr: return text_of(in, in.str());
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
    TypePtr of_class;
    const size_t at = in.offset();
    if (count > 0 && in.peek() == BodyReader::Type::kExt) {
      // A list may begin with any ext, such as a tensor, so this one is read only if it marks a tuple.
      BodyReader ahead = in;
      const BodyReader::Ext ext = ahead.ext();
      const bool named = ext.type == static_cast<int8_t>(ExtType::kNamedTuple);
      if (named || ext.type == static_cast<int8_t>(ExtType::kTuple)) {
        in = ahead;
        tuple = true;
        --count;
        // Before the elements: classes are numbered in the order in which they stand.
        if (named) of_class = read_class(ext.bytes, at);
      }
    }
    in.charge(kListBytes);
    std::vector<Value> items;
    items.reserve(count);
    for (; count > 0; --count) items.push_back(read(depth + 1));
    if (of_class) return named_tuple(of_class, std::move(items), at);
    if (tuple) return detail::make_ref<Tuple>(std::move(items));
    return detail::make_ref<List>(std::move(items));
  }

  Value read_map(int depth) {
    size_t count = in.map();
    in.charge(kDictBytes);
    auto dict = detail::make_ref<Dict>();
    for (; count > 0; --count) {
      const size_t at = in.offset();
      Value key = read(depth + 1);
      if (!(key.is_string() || key.is_int() || key.is_bool() || key.is_float() || key.is(Tag::kEnum))) {
        throw ValueError(
            fmt::format("the dict key at byte {} is a {}, expected a str, int, bool, float or enum", at,
                        name_of(key.tag())));
      }
      Value item = read(depth + 1);
      const size_t before = dict->size();
      dict->set(key, std::move(item));
      // NaN is equal to no key, so it may come again.
      if (dict->size() == before) {
        throw ValueError(fmt::format("the dict key {} at byte {} comes a second time", brief(key), at));
      }
    }
    return dict;
  }

  Value read_ext() {
    const size_t at = in.offset();
    const BodyReader::Ext ext = in.ext();
    const auto type = static_cast<ExtType>(ext.type);
    in.charge(kObjectBytes + ext.bytes.size());
    switch (type) {
      case ExtType::kTensor: return read_inline_tensor(ext.bytes, at);
      case ExtType::kTensorSegment: return read_segment_tensor(ext.bytes, segments, at);
      case ExtType::kForeignSegment:
      case ExtType::kCodeSegment: {
        const size_t before = type == ExtType::kCodeSegment ? kCodeHashBytes : 1;
        if (ext.bytes.size() != before + 4) {
          throw ValueError(fmt::format("the ext of type {} at byte {} has {} bytes, expected {}", ext.type,
                                       at, ext.bytes.size(), before + 4));
        }
        auto segment = segments.take(get_le<uint32_t>(ext.bytes.data() + before));
        return hooks.read(type, ext.bytes, std::move(segment));
      }
      case ExtType::kTextSegment: {
        if (ext.bytes.size() != 4) {
          throw ValueError(
              fmt::format("the ext of type 8 at byte {} has {} bytes, expected 4", at, ext.bytes.size()));
        }
        const detail::Ref<Buffer> segment = segments.take(get_le<uint32_t>(ext.bytes.data()));
        const auto text = segment->bytes();
        return std::string(reinterpret_cast<const char*>(text.data()), text.size());
      }
      case ExtType::kForeign:
      case ExtType::kRRef:
      case ExtType::kCode: return hooks.read(type, ext.bytes, nullptr);
      case ExtType::kEnum: return read_enum(ext.bytes, at);
      case ExtType::kNamedTuple:
      case ExtType::kTuple: break;
    }
    throw ValueError(fmt::format("the message's body has an ext of type {} at byte {}, which is not a value",
                                 ext.type, at));
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

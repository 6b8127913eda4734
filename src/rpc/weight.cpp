#include "src/rpc/weight.h"

#include <algorithm>

#include "src/rpc/wire/value_codec.h"
#include "tine/foreign.h"

namespace tine::rpc {
namespace {

constexpr int64_t kEach = 16;
constexpr int64_t kBeside = 64;  // what stands in a body for what travels beside it

class Scales {
 public:
  Scales(Weight weight, int64_t* budget) noexcept : weight_(weight), budget_(*budget) {}

  // Lists may hold themselves: what lies deeper than values that can travel weighs nothing.
  bool put(const Value& value, int depth) noexcept {
    if (!take(kEach)) return false;
    if (depth > kMaxNesting) return true;
    const auto all = [&](std::span<const Value> items) {
      return std::all_of(items.begin(), items.end(), [&](const Value& v) { return put(v, depth + 1); });
    };
    switch (value.tag()) {
      case Tag::kString: return put(value.as_string().size(), kInlineTextBytes);
      case Tag::kTensor: {
        const Tensor& t = value.as_tensor();
        return take(weight_ == Weight::kHeld ? t.numel() * static_cast<int64_t>(size_of(t.dtype()))
                                             : kBeside);
      }
      case Tag::kList: return all(value.as_list().items);
      case Tag::kTuple: return all(value.as_tuple().items);
      case Tag::kObject: return all(value.as_object().slots);
      case Tag::kDict: {
        const auto& items = value.as_dict().items();
        return std::all_of(items.begin(), items.end(), [&](const auto& item) {
          return put(item.first, depth + 1) && put(item.second, depth + 1);
        });
      }
      case Tag::kForeign: {
        const ForeignPayload* const payload = ForeignPayload::in(value);
        if (!payload) return put_code(value);
        const size_t inline_bytes = weight_ == Weight::kCopied ? SIZE_MAX : kInlineForeignBytes;
        return put(payload->bytes().size(), inline_bytes) && all(payload->leaves());
      }
      default: return true;
    }
  }

 private:
  bool take(int64_t bytes) noexcept { return (budget_ -= bytes) >= 0; }
  bool put_code(const Value& value) noexcept {
    const CodeValue* const code = CodeValue::in(value);
    return !code || put(code->code()->text.size(), kInlineForeignBytes);
  }
  // More than `inline_bytes` travel beside the body, from where they lie.
  bool put(size_t bytes, size_t inline_bytes) noexcept {
    return take(bytes > inline_bytes && weight_ != Weight::kHeld ? kBeside : static_cast<int64_t>(bytes));
  }

  const Weight weight_;
  int64_t& budget_;
};

}  // namespace

bool takes_at_most(const Value& value, Weight weight, int64_t* budget) noexcept {
  return Scales(weight, budget).put(value, 0);
}

}  // namespace tine::rpc

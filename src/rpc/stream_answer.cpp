#include "src/rpc/stream_answer.h"

#include "tine/foreign.h"

namespace tine::rpc {
namespace {

Value list_of(std::vector<Value> items) { return Value(detail::make_ref<List>(std::move(items))); }
Value tuple_of(std::vector<Value> items) { return Value(detail::make_ref<Tuple>(std::move(items))); }

std::span<const Value> items_in(const Value& value, Tag tag) {
  if (!value.is(tag)) throw ValueError("an answer that is not the next items of a stream");
  return tag == Tag::kTuple ? value.as_tuple().items : std::span<const Value>(value.as_list().items);
}

}  // namespace

Value make_stream_answer(std::vector<Value> items) {
  std::vector<Value> beside;
  for (size_t i = 0; i < items.size(); ++i) {
    const ForeignPayload* const payload = ForeignPayload::in(items[i]);
    if (!payload || payload->leaves().empty()) continue;
    beside.push_back(tuple_of({static_cast<int64_t>(i), list_of(payload->leaves())}));
    items[i] = ForeignPayload::with_leaves(items[i], {});
  }
  return tuple_of({list_of(std::move(items)), list_of(std::move(beside))});
}

std::vector<Value> read_stream_answer(const Value& answer) {
  const std::span<const Value> parts = items_in(answer, Tag::kTuple);
  if (parts.size() != 2) throw ValueError("an answer that is not the next items of a stream");
  const std::span<const Value> plain = items_in(parts[0], Tag::kList);
  std::vector<Value> items(plain.begin(), plain.end());
  for (const Value& entry : items_in(parts[1], Tag::kList)) {
    const std::span<const Value> pair = items_in(entry, Tag::kTuple);
    if (pair.size() != 2 || !pair[0].is_int() || pair[0].as_int() < 0 ||
        static_cast<size_t>(pair[0].as_int()) >= items.size())
      throw ValueError("values beside an item of a stream that is not there");
    Value& item = items[static_cast<size_t>(pair[0].as_int())];
    if (!ForeignPayload::in(item)) throw ValueError("values beside an item of a stream that has none");
    const std::span<const Value> leaves = items_in(pair[1], Tag::kList);
    item = ForeignPayload::with_leaves(item, std::vector<Value>(leaves.begin(), leaves.end()));
  }
  return items;
}

}  // namespace tine::rpc

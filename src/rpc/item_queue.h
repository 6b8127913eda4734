// ItemQueue: items of a stream that wait to be sent or to be taken, in order, and what they weigh. Its owner has the lock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "src/rpc/weight.h"

namespace tine::rpc {

class ItemQueue {
 public:
  // At either end of a stream no more is asked for while so much waits.
  static constexpr int64_t kFull = int64_t{16} << 20;
  struct Item {
    // Without the lock: it looks at all of the value.
    explicit Item(Value v) noexcept : value(std::move(v)) {
      int64_t left = kFull;
      (void)takes_at_most(value, Weight::kHeld, &left);
      weight = kFull - std::max<int64_t>(left, 0);
    }
    Value value;
    int64_t weight;  // kFull at most
  };

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] bool is_full() const noexcept { return weight_ >= kFull; }
  [[nodiscard]] const Value& front() const noexcept { return items_.front().value; }
  void push(Item item) {
    items_.push_back(std::move(item));
    weight_ += items_.back().weight;
  }
  Item pop() noexcept {
    Item item = std::move(items_.front());
    items_.pop_front();
    weight_ -= item.weight;
    return item;
  }

 private:
  std::deque<Item> items_;
  int64_t weight_ = 0;
};

}  // namespace tine::rpc

#include "src/rpc/served_stream.h"

#include <fmt/format.h>

#include "src/base/mutex.h"
#include "src/rpc/call.h"
#include "src/rpc/item_queue.h"
#include "src/rpc/stream_answer.h"
#include "tine/detail/serving.h"

namespace tine::rpc {
namespace {

constexpr int64_t kAnswerBytes = int64_t{64} << 10;

using Source = detail::Ref<detail::StreamSource<Value>>;

class StreamItems final : public detail::RefCounted, private detail::Node, private Task {
 public:
  StreamItems(Source source, size_t credit, Executor& handlers, Executor& callbacks, std::string what)
      : Node(&kOps),
        source_(std::move(source)),
        credit_(static_cast<int64_t>(credit)),
        handlers_(handlers),
        callbacks_(callbacks),
        what_(std::move(what)) {}

  void start() {
    bool runs = false;
    {
      const MutexLock lock(mutex_);
      runs = wake();
    }
    if (runs) post();
  }

  Future<Value> next(int64_t taken) {
    std::optional<Future<Value>> answer;
    std::vector<Value> items;
    bool runs = false;
    {
      const MutexLock lock(mutex_);
      if (taken < taken_ || taken > given_) {
        throw ValueError(fmt::format("{}: a reader that has taken {} items of a stream that has given {}",
                                     what_, taken, given_));
      }
      if (asked_ && !asked_->cancelled())
        throw Error(fmt::format("{}: the last items that were asked for have not come yet", what_));
      asked_.reset();
      taken_ = taken;
      items = take();
      if (items.empty() && failure_) {
        answer = make_failed<Value>(failure_);
      } else if (items.empty() && !over_) {
        asked_.emplace();
        answer = asked_->future();
      }
      runs = wake();
    }
    if (runs) post();
    return answer ? *answer : make_ready(make_stream_answer(std::move(items)));
  }

  void close() noexcept {
    ItemQueue items;
    std::optional<Promise<Value>> asked;
    {
      const MutexLock lock(mutex_);
      closed_ = true;
      std::swap(items, items_);
      asked.swap(asked_);
    }
    retain();
    handlers_.post(closing_);
  }

 private:
  class Closing final : public Task {
   public:
    explicit Closing(StreamItems& items) noexcept : items_(items) {}
    void run() noexcept override {
      const auto items = detail::Ref<StreamItems>::adopt(&items_);
      items->source_->close();
    }
    void abandon() noexcept override { run(); }
    // Without a handler thread: its code must not run on the thread that posted it, which may read a connection.
    void refuse(const std::exception_ptr&) noexcept override { items_.callbacks_.post(*this); }

   private:
    StreamItems& items_;
  };

  // Whether the source is to be asked by somebody, who is then the caller.
  bool wake() TINE_REQUIRES(mutex_) {
    if (runs_ || over_ || has_enough()) return false;
    return runs_ = true;
  }
  bool has_enough() const TINE_REQUIRES(mutex_) {
    return closed_ || made_ - taken_ >= credit_ || items_.is_full();
  }
  std::vector<Value> take() TINE_REQUIRES(mutex_) {
    std::vector<Value> items;
    for (int64_t weight = 0; !items_.empty() && weight < kAnswerBytes;) {
      ItemQueue::Item item = items_.pop();
      weight += item.weight;
      items.push_back(std::move(item.value));
    }
    given_ += static_cast<int64_t>(items.size());
    return items;
  }

  void post() noexcept {
    retain();
    handlers_.post(*this);
  }
  void run() noexcept override {
    const auto self = detail::Ref<StreamItems>::adopt(this);
    if (pending_.valid() && !absorb(std::exchange(pending_, {}))) return;
    for (;;) {
      {
        const MutexLock lock(mutex_);
        if (has_enough()) {
          runs_ = false;
          return;
        }
      }
      Future<std::optional<Value>> item;
      try {
        item = source_->next();
      } catch (...) {
        return end(std::current_exception());
      }
      if (!item.ready()) {
        pending_ = item;
        retain();
        item.state()->subscribe(this);
        return;
      }
      if (!absorb(std::move(item))) return;
    }
  }
  void abandon() noexcept override {
    refuse(make_error(ErrorKind::kAbandoned, fmt::format("{}: its worker is ending", what_)));
  }
  void refuse(const std::exception_ptr& why) noexcept override {
    const auto self = detail::Ref<StreamItems>::adopt(this);
    end(why);
  }
  static void item_done(detail::Node* node, detail::StateBase&) noexcept {
    const auto self = detail::Ref<StreamItems>::adopt(static_cast<StreamItems*>(node));
    self->post();
  }

  // False when the stream is over.
  bool absorb(Future<std::optional<Value>> done) noexcept try {
    std::optional<Value> item = done.get();
    if (!item) {
      end(nullptr);
      return false;
    }
    if (holds_future(*item)) throw_future_cannot_travel("an item of " + what_);
    ItemQueue::Item weighed(*std::move(item));
    std::optional<Promise<Value>> asked;
    std::vector<Value> items;
    {
      const MutexLock lock(mutex_);
      ++made_;
      items_.push(std::move(weighed));
      if (asked_) {
        if (!asked_->cancelled()) items = take();
        asked.swap(asked_);
      }
    }
    if (!items.empty()) (void)asked->set_value(make_stream_answer(std::move(items)));
    return true;
  } catch (...) {
    end(std::current_exception());
    return false;
  }

  void end(std::exception_ptr failure) noexcept {
    std::optional<Promise<Value>> asked;
    {
      const MutexLock lock(mutex_);
      runs_ = false;
      over_ = true;
      failure_ = failure;
      asked.swap(asked_);
    }
    if (!asked) return;
    if (failure) {
      (void)asked->set_error(std::move(failure));
    } else {
      (void)asked->set_value(make_stream_answer({}));
    }
  }

  static constexpr detail::NodeOps kOps{&StreamItems::item_done, false};

  const Source source_;
  const int64_t credit_;
  Executor& handlers_;
  Executor& callbacks_;
  const std::string what_;
  Closing closing_{*this};
  Future<std::optional<Value>> pending_;  // of whoever runs
  Mutex mutex_;
  ItemQueue items_ TINE_GUARDED_BY(mutex_);
  // Items that the source made, that were sent, that the reader took.
  int64_t made_ TINE_GUARDED_BY(mutex_) = 0, given_ TINE_GUARDED_BY(mutex_) = 0,
                taken_ TINE_GUARDED_BY(mutex_) = 0;
  bool runs_ TINE_GUARDED_BY(mutex_) = false;  // somebody asks the source
  bool over_ TINE_GUARDED_BY(mutex_) = false;
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  std::exception_ptr failure_ TINE_GUARDED_BY(mutex_);
  std::optional<Promise<Value>> asked_ TINE_GUARDED_BY(mutex_);
};

// What a function answered: to be read by one reader.
class AnsweredStream final : public Foreign {
 public:
  explicit AnsweredStream(Stream<Value> items) noexcept : items(std::move(items)) {}
  [[nodiscard]] std::string type_name() const override { return "stream"; }
  [[nodiscard]] std::string repr() const override { return "<a stream>"; }
  Stream<Value> items;
};

class ServedStream final : public Foreign {
 public:
  explicit ServedStream(detail::Ref<StreamItems> i) noexcept : items(std::move(i)) {}
  ~ServedStream() override { items->close(); }
  [[nodiscard]] std::string type_name() const override { return "served stream"; }
  [[nodiscard]] std::string repr() const override { return "<a served stream>"; }
  const detail::Ref<StreamItems> items;
};

template <class T>
T* in(const Value& value) noexcept {
  return value.is(Tag::kForeign) ? dynamic_cast<T*>(&value.as_foreign()) : nullptr;
}

}  // namespace

bool is_stream(const Value& answer) noexcept { return in<AnsweredStream>(answer) != nullptr; }

Value serve_stream(const Value& answer, size_t credit, Executor& handlers, Executor& callbacks,
                   const std::string& what) {
  AnsweredStream* const stream = in<AnsweredStream>(answer);
  if (!stream) {
    throw TypeError(fmt::format(
        "{} returned {}, which is not a stream: what is called by Worker::stream() (in Python "
        "rpc.stream) returns a tine::Stream, or is a generator in Python",
        what, answer.is(Tag::kForeign) ? answer.as_foreign().type_name() : name_of(answer.tag())));
  }
  auto items = detail::make_ref<StreamItems>(stream->items.leak_source(), credit, handlers, callbacks, what);
  items->start();
  return detail::Ref<Foreign>(detail::make_ref<ServedStream>(std::move(items)));
}

Future<Value> next_items(const Value& stream, int64_t taken) {
  const ServedStream* const served = in<ServedStream>(stream);
  if (!served) throw TypeError("the next items were asked of a value that is not a stream");
  return served->items->next(taken);
}

}  // namespace tine::rpc

namespace tine::detail {

Value served_stream(Stream<Value> items) {
  return Ref<Foreign>(make_ref<rpc::AnsweredStream>(std::move(items)));
}

}  // namespace tine::detail

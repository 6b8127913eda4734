// The states that then(), and_then(), or_else(), finally() and collect_all() return. Included by future.h.
//
// A continuation is its result's state, the closure and the node in one object. The source's list owns one
// reference to it, its Future another. It destroys the closure as soon as that has run.
#pragma once

#include "tine/future.h"

namespace tine::detail {

enum class Mode { kThen, kAndThen, kOrElse, kFinally };

template <Mode M, class T, class F>
struct ResultOf;
// A callback that takes `const Future<T>&` is lent the future without touching its count.
template <class T, class F>
using ThenArgument =
    std::conditional_t<std::is_invocable_v<F, const Future<T>&>, const Future<T>&, Future<T>>;
template <class T, class F>
struct ResultOf<Mode::kThen, T, F> {
  using type = std::invoke_result_t<F, ThenArgument<T, F>>;
};
template <class T, class F>
struct ResultOf<Mode::kAndThen, T, F> {
  using type = std::invoke_result_t<F, const T&>;
};
template <class F>
struct ResultOf<Mode::kAndThen, void, F> {
  using type = std::invoke_result_t<F>;
};
template <class T, class F>
struct ResultOf<Mode::kOrElse, T, F> {
  using type = std::invoke_result_t<F, std::exception_ptr>;
};
template <class T, class F>
struct ResultOf<Mode::kFinally, T, F> {
  using type = T;
};

template <class R>
struct Flat {
  using type = R;
};
template <class R>
struct Flat<Future<R>> {
  using type = R;
};
template <Mode M, class R>
using Flattened = typename std::conditional_t<M == Mode::kThen, std::type_identity<R>, Flat<R>>::type;

// Copies the outcome of a done state into a pending one of the same type. `later` here and below: see
// StateBase::fail.
template <class T>
void forward_outcome(State<T>& from, State<T>& to, Node** later = nullptr) noexcept {
  if (from.outcome() != Outcome::kValue) {
    to.fail(from.error(), later);
    return;
  }
  try {
    if constexpr (std::is_copy_constructible_v<Payload<T>>) {
      to.construct(from.value());
    } else {
      to.construct(std::move(from.value()));
    }
  } catch (...) {
    to.fail(std::current_exception(), later);
    return;
  }
  to.publish(later);
}

// Calls f, destroys it and completes `to` with what it returned or threw: in this order, so that who waits finds
// nothing left of the closure, whose destructor may use what the waiter is about to destroy.
template <class R, class F, class... Args>
void complete_with(State<R>& to, Node** later, F& f, Args&&... args) noexcept {
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<R>) {
      std::invoke(std::move(f), std::forward<Args>(args)...);
      to.construct();
    } else {
      to.construct(std::invoke(std::move(f), std::forward<Args>(args)...));
    }
  } catch (...) {
    error = std::current_exception();
  }
  f.~F();
  if (error) [[unlikely]] {
    to.fail(std::move(error), later);
  } else {
    to.publish(later);
  }
}

template <Mode M, class T, class F>
class Continuation : public State<Flattened<M, typename ResultOf<M, T, F>::type>>, protected Node {
 public:
  using Returned = typename ResultOf<M, T, F>::type;
  using R = Flattened<M, Returned>;

  template <class G>
  Continuation(WaitHelper* helper, G&& f, const NodeOps* ops = &kOps)
      : State<R>(helper, 2),
        Node(ops),
        f_(std::forward<G>(f)) {}  // the source's list and the result's Future
  ~Continuation() override {}

  Node* node() noexcept { return this; }

 protected:
  // Runs the closure and completes this state, with the reference of the source's list.
  Chained invoke(State<T>& source) noexcept {
    bool waits_for_inner = false;
    Node* later = nullptr;
    // finally's closure runs even when its result was cancelled or abandoned.
    if (M != Mode::kFinally && this->done()) {
      f_.~F();
    } else if constexpr (M == Mode::kThen) {
      Future<T> lent(Ref<State<T>>::adopt(&source));
      complete_with<R>(*this, &later, f_, static_cast<ThenArgument<T, F>>(lent));
      (void)lent.leak_state();
    } else if constexpr (M == Mode::kAndThen) {
      if (source.outcome() != Outcome::kValue) {
        f_.~F();
        this->fail(source.error(), &later);
      } else if constexpr (std::is_void_v<T>) {
        waits_for_inner = run_flat(&later);
      } else {
        waits_for_inner = run_flat(&later, static_cast<const T&>(source.value()));
      }
    } else if constexpr (M == Mode::kOrElse) {
      if (source.outcome() == Outcome::kValue) {
        f_.~F();
        forward_outcome<T>(source, *this, &later);
      } else {
        waits_for_inner = run_flat(&later, source.error());
      }
    } else {
      std::exception_ptr error;
      try {
        std::invoke(std::move(f_));
      } catch (...) {
        error = std::current_exception();
      }
      f_.~F();
      if (error) {
        this->fail(std::move(error), &later);
      } else {
        forward_outcome<T>(source, *this, &later);
      }
    }
    if (!waits_for_inner) return {this, later};
    subscribe_inner();
    return {};
  }

  static Chained run(Node* node, StateBase& done) noexcept {
    return static_cast<Continuation*>(node)->invoke(static_cast<State<T>&>(done));
  }
  static constexpr NodeOps kOps{nullptr, true, false, &Continuation::run};

 private:
  template <class... Args>
  bool run_flat(Node** later, Args&&... args) noexcept {
    if constexpr (is_future<Returned>) {
      std::exception_ptr error;
      try {
        inner_ = std::invoke(std::move(f_), std::forward<Args>(args)...);
        if (!inner_.valid())
          error = make_error(ErrorKind::kValue, "the callback returned a Future without a state");
      } catch (...) {
        error = std::current_exception();
      }
      f_.~F();
      if (!error) return true;
      this->fail(std::move(error), later);
    } else {
      complete_with<R>(*this, later, f_, std::forward<Args>(args)...);
    }
    return false;
  }

  static Chained run_inner(Node* node, StateBase& done) noexcept {
    auto* self = static_cast<Continuation*>(node);
    Node* later = nullptr;
    forward_outcome<R>(static_cast<State<R>&>(done), *self, &later);
    return {self, later};
  }
  static constexpr NodeOps kInnerOps{nullptr, false, false, &Continuation::run_inner};

  void subscribe_inner() noexcept {
    if constexpr (is_future<Returned>) {
      this->become(&kInnerOps);
      const Future<R> inner = std::exchange(inner_, {});
      inner.state()->subscribe(this);
    }
  }

  struct Nothing {};
  union {
    F f_;  // destroyed by invoke
  };
  [[no_unique_address]] std::conditional_t<is_future<Returned>, Future<R>, Nothing> inner_;
};

// The same, run by an executor.
template <Mode M, class T, class F>
class PostedContinuation final : public Continuation<M, T, F>, private Task {
 public:
  template <class G>
  PostedContinuation(WaitHelper* helper, Executor& executor, G&& f)
      : Continuation<M, T, F>(helper, std::forward<G>(f), &kPostOps), executor_(executor) {}

 private:
  static void post(Node* node, StateBase& done) noexcept {
    auto* self = static_cast<PostedContinuation*>(static_cast<Continuation<M, T, F>*>(node));
    self->source_ = Ref<State<T>>::share(static_cast<State<T>*>(&done));
    self->executor_.post(*self);
  }
  void run() noexcept override {
    const Ref<State<T>> source = std::move(source_);
    // On top of waits, as a forked task.
    if (low_stack()) [[unlikely]]
      this->fail(too_deep_error(this->where()));
    run_chain(this->invoke(*source));
  }
  void abandon() noexcept override {
    this->fail(make_error(ErrorKind::kAbandoned, "the executor shut down before it ran the callback"));
    run();
  }
  static constexpr NodeOps kPostOps{&PostedContinuation::post, false};

  Executor& executor_;
  Ref<State<T>> source_;
};

template <class C, class T, class... Args>
auto attach(State<T>* source, const std::source_location& where, ContextData* context, Args&&... args) {
  auto* c = new C(source->helper(), std::forward<Args>(args)...);
  c->made_at(where);
  Future<typename C::R> result(Ref<State<typename C::R>>::adopt(c));
  source->subscribe(c->node());
  if (context) join_context(*result.state(), *context);
  return result;
}

template <Mode M, class T, class F>
auto continue_with(State<T>* source, const std::source_location& where, F&& f) {
  if (ContextData* context = current_context()) [[unlikely]] {
    using G = InContext<std::decay_t<F>>;
    return attach<Continuation<M, T, G>>(source, where, context, G(ContextRef(context), std::forward<F>(f)));
  }
  return attach<Continuation<M, T, std::decay_t<F>>>(source, where, nullptr, std::forward<F>(f));
}

template <Mode M, class T, class F>
auto continue_with(State<T>* source, const std::source_location& where, Executor& executor, F&& f) {
  if (ContextData* context = current_context()) [[unlikely]] {
    using G = InContext<std::decay_t<F>>;
    return attach<PostedContinuation<M, T, G>>(source, where, context, executor,
                                               G(ContextRef(context), std::forward<F>(f)));
  }
  return attach<PostedContinuation<M, T, std::decay_t<F>>>(source, where, nullptr, executor,
                                                           std::forward<F>(f));
}

template <class T>
class CollectState final : public State<std::vector<Future<T>>> {
 public:
  explicit CollectState(std::vector<Future<T>> futures)
      : State<std::vector<Future<T>>>(futures.empty() ? nullptr : futures.front().state()->helper()),
        left_(futures.size()),
        futures_(std::move(futures)),
        nodes_(std::allocator<Input>().allocate(futures_.size())) {}
  ~CollectState() override { std::allocator<Input>().deallocate(nodes_, size_); }

  void start() {
    size_ = futures_.size();
    if (size_ == 0) {
      this->emplace(std::move(futures_));
      return;
    }
    this->retain();  // the inputs' reference, dropped by the last of them
    // Not futures_: the last input may complete, and move it away, while this loop runs.
    const std::vector<Future<T>> inputs = futures_;
    for (size_t i = 0; i < size_; ++i) {
      inputs[i].state()->subscribe(std::construct_at(&nodes_[i], this));
    }
  }

 private:
  struct Input final : Node {
    explicit Input(CollectState* o) noexcept : Node(&kOps), owner(o) {}
    static void run(Node* node, StateBase&) noexcept {
      CollectState* owner = static_cast<Input*>(node)->owner;
      if (owner->left_.fetch_sub(1, std::memory_order_acq_rel) == 1) owner->complete();
    }
    static constexpr NodeOps kOps{&Input::run, false};
    CollectState* owner;
  };

  void complete() noexcept {
    std::exception_ptr first;
    for (const Future<T>& future : futures_) {
      if (future.state()->outcome() != Outcome::kValue) {
        first = future.state()->error();
        break;
      }
    }
    if (first) {
      futures_.clear();
      this->fail(std::move(first));
    } else {
      this->emplace(std::move(futures_));
    }
    this->release();
  }

  std::atomic<size_t> left_;
  std::vector<Future<T>> futures_;
  Input* nodes_;
  size_t size_ = futures_.size();
};

}  // namespace tine::detail

namespace tine {

#define TINE_DEFINE_CONTINUATION(name, mode)                                                             \
  template <class T>                                                                                     \
  template <class F>                                                                                     \
  auto Future<T>::name(F&& f, std::source_location where) const {                                        \
    return detail::continue_with<detail::Mode::mode>(state_.get(), where, std::forward<F>(f));           \
  }                                                                                                      \
  template <class T>                                                                                     \
  template <class F>                                                                                     \
  auto Future<T>::name(Executor& executor, F&& f, std::source_location where) const {                    \
    return detail::continue_with<detail::Mode::mode>(state_.get(), where, executor, std::forward<F>(f)); \
  }
TINE_DEFINE_CONTINUATION(then, kThen)
TINE_DEFINE_CONTINUATION(and_then, kAndThen)
TINE_DEFINE_CONTINUATION(or_else, kOrElse)
TINE_DEFINE_CONTINUATION(finally, kFinally)
#undef TINE_DEFINE_CONTINUATION

template <class T>
Future<std::vector<Future<T>>> collect_all(std::vector<Future<T>> futures, std::source_location where) {
  for (const Future<T>& future : futures) {
    if (!future.valid()) throw ValueError("collect_all: a Future without a state was passed");
  }
  auto state = detail::make_ref<detail::CollectState<T>>(std::move(futures));
  state->made_at(where);
  state->start();
  detail::join_current_context(*state);
  return Future<std::vector<Future<T>>>(std::move(state));
}

}  // namespace tine

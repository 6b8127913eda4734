// The states that then(), and_then(), or_else() and finally() return. Included by future.h.
//
// A continuation is its result's state, the callback and the node in one object. It begins with two references: one of the
// source's list, one of its Future. The callback is destroyed before the result is done, because its destructor may use what
// the thread that waits for the result is about to destroy.
#pragma once

#include "tine/detail/continuing.h"
#include "tine/future.h"

namespace tine::detail {

// Makes `to` become what a failed or cancelled state became. For `later`, here and below, see StateBase::fail.
inline void forward_failure(Owning, StateBase& from, StateBase& to, Node** later) noexcept {
  const Outcome outcome = from.outcome();
  if (outcome == Outcome::kError) {
    to.fail(owning, from.error(), later);
  } else {
    to.cancel(owning, outcome, later);
  }
}

// Makes `to` become what a done state became.
template <class T>
void forward_outcome(State<T>& from, State<T>& to, Node** later) noexcept {
  if (from.outcome() != Outcome::kValue) return forward_failure(owning, from, to, later);
  try {
    if constexpr (std::is_copy_constructible_v<Payload<T>>) {
      to.construct(from.value());
    } else {
      to.construct(std::move(from.value()));
    }
  } catch (...) {
    to.fail(owning, std::current_exception(), later);
    return;
  }
  to.publish(owning, later);
}

// Calls f and destroys it. Returns what it threw; or null, and then `to` has a value that is still to be published.
template <class R, class F, class... Args>
[[nodiscard]] std::exception_ptr construct_from(State<R>& to, F& f, Args&&... args) noexcept {
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
  return error;
}

// Call is the callback, and what a language has to say about it:
//   Source, Result                   the types of the futures
//   kChains                          what waits for the result may run after enter() has returned
//   mode(), enter(), drop()          as in Continuing
//   call(to, source, &error, &inner) as in Continuing; the value is constructed in `to`
//   forward(from, to, later)         for what `wants` leaves out, and after Gives::kSource
//   forward_inner(from, to, later)   after Gives::kFuture
//   refused()                        why enter() found no place
template <class Call>
class Continuation : public State<typename Call::Result>,
                     protected Node,
                     private Continuing<Continuation<Call>> {
 public:
  using R = typename Call::Result;
  using Source = State<typename Call::Source>;

  template <class... Args>
  explicit Continuation(WaitHelper* helper, Args&&... args)
      : Continuation(helper, &kOps, std::forward<Args>(args)...) {}

  Node* node() noexcept { return this; }
  // Null for any other node.
  [[nodiscard]] static Continuation* of(Node* node, const NodeOps* more = nullptr) noexcept {
    const NodeOps* const ops = node->ops();
    return ops == &kOps || ops == &kInnerOps || ops == more ? static_cast<Continuation*>(node) : nullptr;
  }
  [[nodiscard]] const Call& callback() const noexcept { return call_; }

  using Continuing<Continuation>::wants;
  // With the reference of the source's list.
  Chained settle(Source& source) noexcept {
    Node* later = nullptr;
    if (!Continuing<Continuation>::settle(source, Call::kChains ? &later : nullptr)) return {};
    return {this, later};
  }

 protected:
  template <class... Args>
  Continuation(WaitHelper* helper, const NodeOps* ops, Args&&... args)
      : State<R>(helper, 2), Node(ops), call_(std::forward<Args>(args)...) {}

 private:
  friend class Continuing<Continuation>;
  using Inner = Ref<State<R>>;

  [[nodiscard]] Mode mode() const noexcept { return call_.mode(); }
  static bool succeeded(const Source& source) noexcept { return source.outcome() == Outcome::kValue; }
  template <class Body>
  bool enter(Body body) noexcept {
    return call_.enter(body);
  }
  Gives call(Source& source, std::exception_ptr* error, Inner* inner) noexcept {
    return call_.call(*this, source, error, inner);
  }
  void drop() noexcept { call_.drop(); }
  void publish(Node** later) noexcept { State<R>::publish(owning, later); }
  void fail(std::exception_ptr error, Node** later) noexcept {
    StateBase::fail(owning, std::move(error), later);
  }
  void forward(Source& source, Node** later) noexcept { Call::forward(source, *this, later); }
  void refuse(Node** later) noexcept { fail(Call::refused(), later); }
  // False: it has failed.
  bool follow(Inner inner, Node** later) noexcept {
    if (inner.get() == this) {
      fail(make_error(ErrorKind::kValue, "the callback returned the very Future that it completes"), later);
      return false;
    }
    this->become(&kInnerOps);
    inner->subscribe(this);
    return true;
  }

  static Chained run(Node* node, StateBase& done) noexcept {
    return static_cast<Continuation*>(node)->settle(static_cast<Source&>(done));
  }
  static Chained run_inner(Node* node, StateBase& done) noexcept {
    auto* const self = static_cast<Continuation*>(node);
    Node* later = nullptr;
    Call::forward_inner(static_cast<State<R>&>(done), *self, Call::kChains ? &later : nullptr);
    return {self, later};
  }
  static constexpr NodeOps kOps{nullptr, true, false, &Continuation::run};
  static constexpr NodeOps kInnerOps{nullptr, false, false, &Continuation::run_inner};

  Call call_;
};

// The same, with the callback called by somebody else. Post<Self> has post(self, source), which sees to it that
// settle() or decline() is called once, and kUser: whether post() is kept from a CallbackGate.
template <class Call, template <class> class Post>
class PostedContinuation final : public Continuation<Call>, private Post<PostedContinuation<Call, Post>> {
  using Poster = Post<PostedContinuation>;
  using Source = typename Continuation<Call>::Source;

 public:
  template <class By, class... Args>
  PostedContinuation(WaitHelper* helper, By&& by, Args&&... args)
      : Continuation<Call>(helper, &kPostOps, std::forward<Args>(args)...), Poster(std::forward<By>(by)) {}

  [[nodiscard]] static Continuation<Call>* of(Node* node) noexcept {
    return Continuation<Call>::of(node, &kPostOps);
  }
  // Null for one that is run in place.
  [[nodiscard]] static const Poster* poster_of(Node* node) noexcept {
    return node->ops() == &kPostOps ? cast(node) : nullptr;
  }
  // The one to whom it was posted will not call the callback. That of finally runs in any case: here.
  void decline(Source& source, std::exception_ptr error) noexcept {
    this->StateBase::fail(owning, std::move(error));
    run_chain(this->settle(source));
  }

 private:
  friend Poster;
  static PostedContinuation* cast(Node* node) noexcept {
    return static_cast<PostedContinuation*>(static_cast<Continuation<Call>*>(node));
  }
  static Chained post(Node* node, StateBase& done) noexcept {
    auto* const self = cast(node);
    return static_cast<Poster*>(self)->post(*self, static_cast<Source&>(done));
  }
  static constexpr NodeOps kPostOps{nullptr, Poster::kUser, false, &PostedContinuation::post};
};

// --- in C++

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

template <Mode M, class T, class F>
class Closure {
  using Returned = typename ResultOf<M, T, F>::type;

 public:
  using Source = T;
  using Result = Flattened<M, Returned>;
  static constexpr bool kChains = true;

  template <class G>
  explicit Closure(G&& f) : f_(std::forward<G>(f)) {}
  ~Closure() {}

  static constexpr Mode mode() noexcept { return M; }
  template <class Body>
  static bool enter(Body& body) noexcept {
    body();
    return true;
  }
  static std::exception_ptr refused() noexcept { return nullptr; }
  void drop() noexcept { f_.~F(); }

  Gives call(State<Result>& to, State<T>& source, std::exception_ptr* error,
             Ref<State<Result>>* inner) noexcept {
    if constexpr (M == Mode::kThen) {
      Future<T> lent(Ref<State<T>>::adopt(&source));
      *error = construct_from(to, f_, static_cast<ThenArgument<T, F>>(lent));
      (void)lent.leak_state();
      return *error ? Gives::kError : Gives::kValue;
    } else if constexpr (M == Mode::kOrElse) {
      return flattened(to, error, inner, source.error());
    } else if constexpr (M == Mode::kFinally) {
      try {
        std::invoke(std::move(f_));
      } catch (...) {
        *error = std::current_exception();
      }
      f_.~F();
      return *error ? Gives::kError : Gives::kSource;
    } else if constexpr (std::is_void_v<T>) {
      return flattened(to, error, inner);
    } else {
      return flattened(to, error, inner, static_cast<const T&>(source.value()));
    }
  }
  static void forward(State<T>& from, State<Result>& to, Node** later) noexcept {
    if constexpr (M == Mode::kOrElse || M == Mode::kFinally) {
      forward_outcome<T>(from, to, later);
    } else {
      forward_failure(owning, from, to, later);
    }
  }
  static void forward_inner(State<Result>& from, State<Result>& to, Node** later) noexcept {
    forward_outcome<Result>(from, to, later);
  }

 private:
  template <class... Args>
  Gives flattened(State<Result>& to, std::exception_ptr* error, Ref<State<Result>>* inner,
                  Args&&... args) noexcept {
    if constexpr (is_future<Returned>) {
      try {
        Future<Result> future = std::invoke(std::move(f_), std::forward<Args>(args)...);
        if (!future.valid()) throw ValueError("the callback returned a Future without a state");
        *inner = Ref<State<Result>>::adopt(future.leak_state());
      } catch (...) {
        *error = std::current_exception();
      }
      f_.~F();
      return *error ? Gives::kError : Gives::kFuture;
    } else {
      *error = construct_from(to, f_, std::forward<Args>(args)...);
      return *error ? Gives::kError : Gives::kValue;
    }
  }

  union {
    F f_;  // destroyed by call() or drop(), one of which is called once
  };
};

template <class Self>
class ByExecutor : private Task {
 public:
  // post() may run under a gate, because an executor takes a task on any thread. A callback that is not wanted is posted as
  // well: a thread that reads a connection must not destroy a user's closure.
  static constexpr bool kUser = false;

  explicit ByExecutor(Executor& executor) noexcept : executor_(executor) {}

  template <class Source>
  Chained post(Self&, Source& source) noexcept {
    source_ = Ref<StateBase>::share(&source);
    executor_.post(*this);
    return {};
  }

 private:
  void run() noexcept override {
    // It may run inside a wait, like a forked task, and needs a stack.
    if (low_stack()) [[unlikely]]
      return refuse(too_deep_error(self().where()));
    const Ref<StateBase> source = std::move(source_);
    run_chain(self().settle(source_of(source)));
  }
  void abandon() noexcept override {
    refuse(make_error(ErrorKind::kAbandoned, "the executor shut down before it ran the callback"));
  }
  void refuse(const std::exception_ptr& why) noexcept override {
    const Ref<StateBase> source = std::move(source_);
    self().decline(source_of(source), why);
  }
  Self& self() noexcept { return static_cast<Self&>(*this); }
  static auto& source_of(const Ref<StateBase>& source) noexcept {
    return static_cast<typename Self::Source&>(*source);
  }

  Executor& executor_;
  Ref<StateBase> source_;
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
    return attach<Continuation<Closure<M, T, G>>>(source, where, context,
                                                  G(ContextRef(context), std::forward<F>(f)));
  }
  return attach<Continuation<Closure<M, T, std::decay_t<F>>>>(source, where, nullptr, std::forward<F>(f));
}

template <Mode M, class T, class F>
auto continue_with(State<T>* source, const std::source_location& where, Executor& executor, F&& f) {
  if (ContextData* context = current_context()) [[unlikely]] {
    using G = InContext<std::decay_t<F>>;
    return attach<PostedContinuation<Closure<M, T, G>, ByExecutor>>(
        source, where, context, executor, G(ContextRef(context), std::forward<F>(f)));
  }
  return attach<PostedContinuation<Closure<M, T, std::decay_t<F>>, ByExecutor>>(source, where, nullptr,
                                                                                executor, std::forward<F>(f));
}

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

}  // namespace tine

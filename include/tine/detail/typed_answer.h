// TypedAnswer: the future of a call's result as a C++ value. It becomes what the future of the Value becomes, with the value
// converted; to cancel it is to cancel that one, and so the call. One allocation.
#pragma once

#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "tine/convert.h"
#include "tine/detail/continuation.h"

namespace tine::detail {

// Whether from_value<T>() compiles, and to_value() of a T unless it is void.
template <class T>
concept FromValue = requires(Value v) {
  Conversion<T>::from(std::move(v));
};
template <class T>
inline constexpr bool kTravels = FromValue<T>&& requires(T v) {
  Conversion<T>::to(std::move(v));
};
template <>
inline constexpr bool kTravels<void> = true;

// `what`: whose result it is.
[[noreturn]] TINE_API void refuse_result(const std::string& what, const Error& why);

template <class R>
class TypedAnswer final : public State<R> {
 public:
  TypedAnswer(Future<Value> answer, std::string what, const std::source_location& where)
      : State<R>(answer.state()->helper(), 2), answer_(std::move(answer)), what_(std::move(what)) {
    this->made_at(where);
  }

  [[nodiscard]] static Future<R> of(Future<Value> answer, std::string what,
                                    const std::source_location& where) {
    auto* const self = new TypedAnswer(std::move(answer), std::move(what), where);
    Future<R> result(Ref<State<R>>::adopt(self));
    join_current_context(*self);
    self->subscribe(&self->own_end_);
    self->answer_.state()->subscribe(&self->answered_);
    return result;
  }
  [[nodiscard]] std::string subject() const override { return answer_.state()->subject(); }

 private:
  struct Answered final : Node {
    explicit Answered(TypedAnswer& s) noexcept : Node(&kOps), self(s) {}
    static void run(Node* node, StateBase& done) noexcept {
      const auto self = Ref<TypedAnswer>::adopt(&static_cast<Answered*>(node)->self);
      if (!self->done()) self->settle(static_cast<State<Value>&>(done));
      done.observe();
    }
    // It keeps books until it has run: so settle() sees whether the error was observed before.
    static constexpr NodeOps kOps{&Answered::run, false, true};
    TypedAnswer& self;
  };
  struct OwnEnd final : Node {
    explicit OwnEnd(TypedAnswer& s) noexcept : Node(&kOps), self(s) {}
    static void run(Node* node, StateBase& done) noexcept {
      if (done.outcome() == Outcome::kCancelled || done.outcome() == Outcome::kDeadline)
        static_cast<OwnEnd*>(node)->self.answer_.cancel();
    }
    static constexpr NodeOps kOps{&OwnEnd::run, false, true};
    TypedAnswer& self;
  };

  void settle(State<Value>& answer) noexcept {
    const Ref<StateBase> mine = Ref<StateBase>::share(this);
    if (answer.outcome() != Outcome::kValue) {
      // Such as that of a call that this worker's own end gave up.
      if (answer.observed()) this->observe();
      return forward_failure(owning, answer, *this, nullptr);
    }
    try {
      if constexpr (std::is_void_v<R>) {
        this->construct();
      } else {
        this->construct(from_value<R>(answer.value()));
      }
    } catch (const Error& e) {
      this->fail(owning, refused(e));
      return;
    } catch (...) {
      this->fail(owning, std::current_exception());
      return;
    }
    this->publish(owning);
  }
  [[nodiscard]] std::exception_ptr refused(const Error& why) const noexcept {
    try {
      refuse_result(what_, why);
    } catch (...) {
      return std::current_exception();
    }
  }

  const Future<Value> answer_;
  const std::string what_;
  Answered answered_{*this};
  OwnEnd own_end_{*this};
};

// `where`: the place that the report of an error names which nobody looks at. Nobody else has `answer` yet if it becomes the
// result itself.
template <class R>
[[nodiscard]] Future<R> typed_answer(Future<Value> answer, std::string what,
                                     const std::source_location& where) {
  if constexpr (std::is_same_v<R, Value>) {
    answer.state()->made_at(where);
    answer.state()->show();
    return answer;
  } else {
    return TypedAnswer<R>::of(std::move(answer), std::move(what), where);
  }
}

}  // namespace tine::detail

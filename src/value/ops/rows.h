// Rows: an operator table being filled; makes kernels of lambdas.
//
// Parameters   Tensor -> const Tensor&; Tensor? -> Tensor (undefined for None); Tensor[] -> const Tensors&
//              int, float, bool, str -> int64_t, double, bool, const std::string&; with `?` std::optional
//              Scalar -> Scalar; ScalarType -> DType; int[] -> const Ints&; lists and dicts -> List&, Dict&
//              anything -> const Value&
// Results      Tensor, numbers, std::string, Value as they are; std::vector and std::pair become list and tuple;
//              void is None.
// add() refuses a lambda whose parameters do not match the schema, so kernels need not check their arguments.
#pragma once

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "src/value/cost.h"
#include "src/value/op_context.h"
#include "tine/operators.h"
#include "tine/scalar.h"

namespace tine::value {

// The ints of an int[]; eight fit without allocation.
class Ints {
 public:
  explicit Ints(const Value& list);
  Ints(const Ints&) = delete;
  Ints& operator=(const Ints&) = delete;
  operator std::span<const int64_t>() const noexcept {  // NOLINT: a span is what it stands for
    return {many_.empty() ? few_ : many_.data(), size_};
  }

 private:
  static constexpr size_t kFew = 8;
  int64_t few_[kFew];
  std::vector<int64_t> many_;
  size_t size_ = 0;  // 0 for None
};
using Tensors = std::vector<Tensor>;

using detail::to_dtype;
[[nodiscard]] inline Scalar to_scalar(const Value& v) {
  return v.is_float() ? Scalar(v.as_float()) : v.is_bool() ? Scalar(v.as_bool()) : Scalar(v.as_int());
}
[[nodiscard]] Tensors to_tensors(const Value& list);

// How a C++ parameter of type T is read from a Value, and which schema types it may stand for.
template <class T>
struct In;
#define TINE_IN(T, test, expression)                                     \
  template <>                                                            \
  struct In<T> {                                                         \
    static bool accepts([[maybe_unused]] const Type& t) { return test; } \
    static decltype(auto) read(const Value& v) { return expression; }    \
  }
TINE_IN(const Tensor&, t.kind == TypeKind::kTensor, (v.as_tensor()));
TINE_IN(Tensor, t.kind == TypeKind::kOptional && t.of[0]->kind == TypeKind::kTensor,
        v.is_tensor() ? v.as_tensor() : Tensor());
TINE_IN(const Tensors&, t.kind == TypeKind::kList, to_tensors(v));
TINE_IN(int64_t, t.kind == TypeKind::kInt, v.as_int());
TINE_IN(double, t.kind == TypeKind::kFloat, v.as_float());
TINE_IN(bool, t.kind == TypeKind::kBool, v.as_bool());
TINE_IN(const std::string&, t.kind == TypeKind::kStr, (v.as_string()));
TINE_IN(std::string, t.kind == TypeKind::kStr, (v.as_string()));
TINE_IN(Scalar, t.kind == TypeKind::kNumber, to_scalar(v));
TINE_IN(DType, t.kind == TypeKind::kInt, to_dtype(v.as_int()));
TINE_IN(const Ints&, (t.kind == TypeKind::kOptional ? *t.of[0] : t).kind == TypeKind::kList, Ints(v));
TINE_IN(List&, t.kind == TypeKind::kList, (v.as_list()));
TINE_IN(Dict&, t.kind == TypeKind::kDict, (v.as_dict()));
TINE_IN(const Value&, true, (v));
#undef TINE_IN
template <class T>
struct In<std::optional<T>> {
  static bool accepts(const Type& t) { return t.kind == TypeKind::kOptional && In<T>::accepts(*t.of[0]); }
  static std::optional<T> read(const Value& v) {
    return v.is_none() ? std::nullopt : std::optional<T>(In<T>::read(v));
  }
};

template <class T>
[[nodiscard]] Value out(T&& result) {
  using Plain = std::remove_cvref_t<T>;
  if constexpr (std::same_as<Plain, Scalar>) {
    return to_value(result);
  } else if constexpr (std::same_as<Plain, size_t>) {
    return Value(static_cast<int64_t>(result));
  } else {
    return Value(std::forward<T>(result));
  }
}
template <class T>
[[nodiscard]] Value out(std::vector<T> items) {
  std::vector<Value> values;
  values.reserve(items.size());
  for (auto&& item : items) values.push_back(out(T(std::move(item))));
  return Value(detail::make_ref<List>(std::move(values)));
}
template <class A, class B>
[[nodiscard]] Value out(std::pair<A, B> both) {
  std::vector<Value> values;
  values.reserve(2);
  values.push_back(out(std::move(both.first)));
  values.push_back(out(std::move(both.second)));
  return Value(detail::make_ref<Tuple>(std::move(values)));
}

template <class F, class R, class... P>
struct Lambda {
  static_assert(std::is_empty_v<F>, "a kernel captures nothing");
  static constexpr size_t kArgs = sizeof...(P);
  static Value run(OpContext& c, const Value* args) {
    return [&]<size_t... I>(std::index_sequence<I...>) { return call(c, In<P>::read(args[I])...); }
    (std::index_sequence_for<P...>());
  }
  static bool matches(const Schema& schema) {
    size_t i = 0;
    return schema.args.size() == kArgs && (true && ... && In<P>::accepts(*schema.args[i++].type));
  }

 private:
  template <class... A>
  static Value call(OpContext& c, A&&... args) {
    const auto invoke = [&]() -> R {
      if constexpr (std::is_invocable_v<F, OpContext&, A...>) {
        return F{}(c, std::forward<A>(args)...);
      } else {
        return F{}(std::forward<A>(args)...);
      }
    };
    if constexpr (std::is_void_v<R>) {
      invoke();
      return {};
    } else {
      return out(invoke());
    }
  }
};
template <class F, class R, class... P>
Lambda<F, R, P...> lambda_of(R (F::*)(OpContext&, P...) const);
template <class F, class R, class... P>
Lambda<F, R, P...> lambda_of(R (F::*)(P...) const);

class Rows {
 public:
  explicit Rows(OpTable& table) : table_(table) {}
  template <class F>
  void pure(Cost cost, std::string_view schema, F) {
    add<F>(schema, {.cost = cost});
  }
  template <class F>
  void view(Cost cost, std::string_view schema, F) {
    add<F>(schema, {.aliases_input = true, .cost = cost});
  }
  template <class F>
  void effect(Cost cost, std::string_view schema, F) {
    add<F>(schema, {.pure = false, .cost = cost});
  }
  // Writes into its first argument and returns it.
  template <class F>
  void write(Cost cost, std::string_view schema, F) {
    add<F>(schema, {.pure = false, .aliases_input = true, .cost = cost});
  }
  template <class F>
  void add(std::string_view schema, OpTraits traits) {
    using L = decltype(lambda_of(&F::operator()));
    check(table_.add(schema, &L::run, traits).schema, &L::matches);
  }

 private:
  static void check(const Schema& schema, bool (*matches)(const Schema&));
  OpTable& table_;
};

}  // namespace tine::value

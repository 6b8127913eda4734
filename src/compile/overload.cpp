#include "src/compile/overload.h"

#include <fmt/core.h>

#include <algorithm>

#include "src/compile/suggest.h"
#include "src/value/unify.h"

namespace tine::compile {
namespace {

using How = InputSource::How;

constexpr int kLastRound = 3;

// Whether one row takes the arguments in one round. A search asks many rows and needs no reasons, so a reason is put into
// words only if `why` is not null.
class RowFit {
 public:
  RowFit(const Schema& row, std::span<const ArgumentType> args, int round, std::string* why)
      : params_(row.args), row_(row), args_(args), round_(round), why_(why) {}

  bool run(Choice* choice) {
    choice->inputs.assign(params_.size(), {.how = How::kDefault});
    given_.assign(params_.size(), false);
    for (size_t a = 0; a < args_.size(); ++a) {
      const std::optional<size_t> param = parameter_of(a);
      if (!param) return false;
      given_[*param] = true;
      InputSource& input = choice->inputs[*param];
      input = {.how = How::kAsIs, .arg = a};
      if (!fit(*param, &input)) return refuse_type(*param, a);
      if (input.how == How::kWrap) a += wrap_those_after(*param, &input);
    }
    for (size_t p = 0; p < params_.size(); ++p) {
      if (!given_[p] && !params_[p].default_value)
        return refuse([&] { return fmt::format("it needs a value for `{}`", params_[p].name); });
    }
    choice->result = substitute(row_.result_type(), bindings_);
    if (!choice->result) return refuse([] { return std::string("its result type cannot be told"); });
    // For numbers of known types such a row would lose the type of the result, so it waits for the last round.
    return choice->result->kind != TypeKind::kNumber || number_given_ || round_ == kLastRound;
  }

 private:
  bool refuse(auto&& reason) {
    if (why_) *why_ = reason();
    return false;
  }

  // The parameter that an argument is for; arguments by position take the parameters in order.
  std::optional<size_t> parameter_of(size_t a) {
    const std::string_view name = args_[a].name;
    if (name.empty()) {
      if (position_ < params_.size() && !params_[position_].keyword_only) return position_++;
      refuse([&] {
        const auto most =
            std::count_if(params_.begin(), params_.end(), [](const auto& p) { return !p.keyword_only; });
        const auto got =
            std::count_if(args_.begin(), args_.end(), [](const auto& x) { return x.name.empty(); });
        return fmt::format("it takes at most {} positional argument{}, got {}", most, most == 1 ? "" : "s",
                           got);
      });
      return std::nullopt;
    }
    const int index = row_.index_of(name);
    if (index < 0) {
      refuse([&] {
        std::vector<std::string> names;
        for (const auto& p : params_) names.push_back(p.name);
        return fmt::format("it has no argument `{}`{}", name, did_you_mean(name, names));
      });
      return std::nullopt;
    }
    if (given_[static_cast<size_t>(index)]) {
      refuse([&] { return fmt::format("`{}` is given twice", name); });
      return std::nullopt;
    }
    return static_cast<size_t>(index);
  }

  // Binds the row's type variables by the first argument that tells them; a later one must agree.
  bool fit(size_t param, InputSource* input) {
    const ArgumentType& arg = args_[input->arg];
    const TypePtr& pattern = params_[param].type;
    number_given_ = number_given_ || arg.type->kind == TypeKind::kNumber;
    // Null while a variable in it is open: then only a match can say what it is.
    const TypePtr known = has_variable(pattern) ? substitute(pattern, bindings_) : pattern;
    if (known ? is_subtype(arg.type, known) : match(pattern, arg.type, &bindings_)) return true;
    if (round_ == 0) return false;
    const TypePtr& open = known ? known : pattern;
    const TypePtr& want = open->kind == TypeKind::kOptional ? open->of[0] : open;
    const TypePtr& written = pattern->kind == TypeKind::kOptional ? pattern->of[0] : pattern;
    if (want->kind == TypeKind::kList && known) return fit_list(arg, want, written, input);
    // max((a, b)): of a tuple of one type.
    if (want->kind == TypeKind::kList && arg.type->kind == TypeKind::kTuple && !arg.type->of.empty() &&
        std::all_of(arg.type->of.begin(), arg.type->of.end(),
                    [&](const TypePtr& t) { return equal(t, arg.type->of[0]); })) {
      input->how = How::kTupleToList;
      input->list = Type::list(arg.type->of[0]);
      return match(want, input->list, &bindings_);
    }
    if (round_ >= 2 && want->kind == TypeKind::kFloat && arg.type->kind == TypeKind::kInt) {
      input->how = How::kToFloat;
      return true;
    }
    return false;
  }

  // A variable that happens to be bound to a list does not ask for one: `(1, 2)` is not an element of a List[List[int]].
  static bool fit_list(const ArgumentType& arg, const TypePtr& want, const TypePtr& written,
                       InputSource* input) {
    input->list = want;
    if (arg.empty_list) {
      input->how = How::kEmptyList;
      return true;
    }
    if (written->kind == TypeKind::kVariable) return false;
    const TypePtr& element = want->of[0];
    const auto element_fits = [&](const TypePtr& t) {
      return is_subtype(t, element) || (element->kind == TypeKind::kFloat && t->kind == TypeKind::kInt);
    };
    if (arg.type->kind == TypeKind::kTuple && !arg.type->of.empty() &&
        std::all_of(arg.type->of.begin(), arg.type->of.end(), element_fits)) {
      input->how = How::kTupleToList;
      return true;
    }
    // x.view(2, 3), x.sum(0). A list of whatever elements is not written number by number: `xs + 1` adds no element.
    if (has_variable(written)) return false;
    if ((element->kind == TypeKind::kInt || element->kind == TypeKind::kFloat) && element_fits(arg.type)) {
      input->how = How::kWrap;
      return true;
    }
    return false;
  }

  // x.view(2, 3) writes a list number by number. The numbers after the first belong to the list too, if no other parameter
  // could take them by position. Returns how many more arguments that are.
  size_t wrap_those_after(size_t param, InputSource* input) const {
    const bool last = param + 1 == params_.size() || params_[param + 1].keyword_only;
    if (!last || !args_[input->arg].name.empty()) return 0;
    const TypePtr& element = input->list->of[0];
    size_t next = input->arg + 1;
    while (next < args_.size() && args_[next].name.empty() &&
           (args_[next].type->kind == TypeKind::kInt || is_subtype(args_[next].type, element)))
      ++next;
    input->count = next - input->arg;
    return input->count - 1;
  }

  bool refuse_type(size_t param, size_t a) {
    return refuse([&] {
      TypePtr want = substitute(params_[param].type, bindings_);
      if (!want) want = params_[param].type;
      const TypePtr& got = args_[a].type;
      const bool only_none = got->kind == TypeKind::kOptional && is_subtype(got->of[0], want);
      return fmt::format("expected {} for `{}`, got {}{}", want->str(), params_[param].name, got->str(),
                         only_none ? args_[a].help : "");
    });
  }

  const std::vector<Argument>& params_;
  const Schema& row_;
  const std::span<const ArgumentType> args_;
  const int round_;
  std::string* const why_;
  TypeBindings bindings_;
  std::vector<bool> given_;
  size_t position_ = 0;  // the next parameter that an argument by position takes
  bool number_given_ = false;
};

}  // namespace

bool has_variable(const TypePtr& type) {
  return type->kind == TypeKind::kVariable || std::any_of(type->of.begin(), type->of.end(), has_variable);
}

std::optional<Choice> choose_overload(std::span<const Schema* const> rows,
                                      std::span<const ArgumentType> args) {
  Choice choice;
  for (int round = 0; round <= kLastRound; ++round) {
    for (choice.row = 0; choice.row < rows.size(); ++choice.row) {
      if (RowFit(*rows[choice.row], args, round, nullptr).run(&choice)) return choice;
    }
  }
  return std::nullopt;
}

std::string why_no_overload(std::span<const Schema* const> rows, std::span<const ArgumentType> args) {
  std::string all;
  Choice unused;
  for (const Schema* row : rows) {
    std::string reason;
    if (RowFit(*row, args, kLastRound, &reason).run(&unused)) continue;
    if (rows.size() == 1) return fmt::format(": {}\n    {}", reason, row->str());
    all += fmt::format("\n    {}\n      {}", row->str(), reason);
  }
  return all;
}

}  // namespace tine::compile

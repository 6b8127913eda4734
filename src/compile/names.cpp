#include "src/compile/names.h"

#include <fmt/core.h>

#include <algorithm>
#include <unordered_map>

#include "src/compile/builtins.h"
#include "src/compile/suggest.h"

namespace tine::compile {

void Names::fail(Span span, std::string_view message) const {
  throw_at(ErrorKind::kSyntax, SourceSpan(source_, span), as_written(message));
}

namespace {

std::string without_space_and_number(std::string_view word) {
  constexpr std::string_view kSpace = "__tine__.", kRegistry = "registry", kNumber = "___tine_";
  const auto after_digits = [&](size_t i) {
    return std::min(word.find_first_not_of("0123456789", i), word.size());
  };
  if (word.starts_with(kSpace)) {
    word.remove_prefix(kSpace.size());
    const size_t end = word.starts_with(kRegistry) ? after_digits(kRegistry.size()) : 0;
    if (end > kRegistry.size() && word.substr(end).starts_with('.')) word.remove_prefix(end + 1);
  }
  std::string shown(word);
  if (const size_t number = word.find(kNumber); number != std::string_view::npos)
    shown.erase(number, after_digits(number + kNumber.size()) - number);
  return shown;
}

}  // namespace

std::string as_written(std::string_view message) {
  constexpr std::string_view kWord = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
  std::unordered_map<std::string, std::string_view> met;  // as it is shown -> as it is
  std::string shown;
  for (size_t i = 0; i < message.size();) {
    const size_t begin = std::min(message.find_first_of(kWord, i), message.size());
    const size_t end = std::min(message.find_first_not_of(kWord, begin), message.size());
    shown += message.substr(i, begin - i);
    const std::string_view word = message.substr(begin, end - begin);
    const auto [known, first] = met.emplace(without_space_and_number(word), word);
    if (!first && known->second != word) shown += "another ";
    shown += known->first;
    i = end;
  }
  return shown;
}

Resolved Names::resolve(std::string_view dotted) const {
  Resolved r = resolver_ ? resolver_->resolve(dotted) : Resolved(Missing{});
  // The language's own names have no module, so the module of a function may define them as something else.
  if (!std::holds_alternative<Missing>(r) || dotted.find('.') != std::string_view::npos) return r;
  return resolve_language(dotted);
}

Resolved Names::usable(std::string_view dotted, Span span, Span name_span,
                       const std::vector<std::string>& variables) const {
  Resolved r = resolve(dotted);
  if (std::holds_alternative<Missing>(r)) undefined(dotted, name_span, variables);
  if (const auto* refused = std::get_if<Refused>(&r)) fail(span, refused->why);
  return r;
}

Resolved Names::method(const ObjectType& type, std::string_view name) const {
  return resolver_ ? resolver_->method(type, name) : Resolved(Missing{});
}

std::optional<Submodules> Names::submodules(const Type& object) const {
  return resolver_ ? resolver_->submodules(static_cast<const ObjectType&>(object)) : std::nullopt;
}

std::vector<std::string> Names::candidates(std::string_view dotted) const {
  return resolver_ ? resolver_->candidates(dotted) : std::vector<std::string>();
}

void Names::undefined(std::string_view dotted, Span span, const std::vector<std::string>& variables) const {
  const size_t dot = dotted.rfind('.');
  std::vector<std::string> names = candidates(dotted);
  if (dot == std::string_view::npos) {
    names.insert(names.end(), variables.begin(), variables.end());
    std::sort(names.begin(), names.end());  // of equally near names the first is offered
    for (std::string& name : language_names()) names.push_back(std::move(name));
    fail(span, fmt::format("undefined name `{}`{}", dotted, did_you_mean(dotted, names)));
  }
  const std::string_view last = dotted.substr(dot + 1);
  const std::string_view place = dotted.substr(0, dot);
  const auto can_be_used = [&](const std::string& name) {
    const Resolved r = resolve(fmt::format("{}.{}", place, name));
    return !std::holds_alternative<Missing>(r) && !std::holds_alternative<Refused>(r);
  };
  fail(span, fmt::format("`{}` has no `{}` that a script can use{}", place, last,
                         did_you_mean(last, names, can_be_used)));
}

std::string dotted_name(const syntax::Expr& e) {
  if (const auto* n = syntax::is<syntax::Name>(e)) return std::string(n->id);
  if (const auto* a = syntax::is<syntax::Attribute>(e)) {
    std::string base = dotted_name(*a->object);
    if (base.empty()) return base;
    base += '.';
    base += a->name;
    return base;
  }
  return {};
}

}  // namespace tine::compile

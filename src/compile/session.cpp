#include "src/compile/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "src/compile/annotations.h"
#include "src/compile/builtins.h"
#include "src/compile/function_compiler.h"
#include "src/compile/suggest.h"
#include "src/compile/text_types.h"
#include "src/syntax/parser.h"

namespace tine::compile {
namespace {

// The def that is asked for: by its name, by "Class.name", or as the only one there is.
const syntax::FunctionDef& find_def(const syntax::Module& module, const FunctionSource& from) {
  const auto whole = [&] { return SourceSpan(module.source, module.source->first_line, 1); };
  std::string wanted = from.def_name;
  std::vector<std::string> names;
  const syntax::FunctionDef* only = nullptr;
  const auto look = [&](const std::vector<syntax::FunctionDef>& defs,
                        std::string_view prefix) -> const syntax::FunctionDef* {
    for (const auto& f : defs) {
      std::string name = fmt::format("{}{}", prefix, f.name);
      if (name == wanted || f.name == wanted) return &f;
      names.push_back(std::move(name));
      only = &f;
    }
    return nullptr;
  };
  if (const auto* f = look(module.functions, "")) return *f;
  for (const auto& c : module.classes) {
    if (const auto* f = look(c.methods, fmt::format("{}.", c.name))) return *f;
  }
  if (!wanted.empty()) {
    throw_at(ErrorKind::kSyntax, whole(),
             fmt::format("this source has no `def {}`{}", wanted, did_you_mean(wanted, names)));
  }
  if (names.empty()) throw_at(ErrorKind::kSyntax, whole(), "this source has no `def`");
  if (names.size() > 1) {
    throw_at(ErrorKind::kSyntax, whole(),
             fmt::format("this source has {} defs; name the one to compile", names.size()));
  }
  return *only;
}

std::string called_from(std::string_view callee, std::string_view caller, const SourceSpan& where) {
  return fmt::format("\n'{}' is being compiled since it was called from '{}' ({})", callee, caller,
                     where.str());
}

}  // namespace

std::shared_ptr<const syntax::Module> Session::parsed(const std::shared_ptr<const Source>& source) {
  auto& module = modules_[source.get()];
  if (!module) {
    module = std::make_shared<const syntax::Module>(syntax::parse(source));
    sources_.push_back(source);
  }
  return module;
}

Unit& Session::declare(const FunctionSource& source) {
  if (const auto found = by_name_.find(source.qualified_name); found != by_name_.end()) return *found->second;
  const auto module = parsed(source.source);
  const syntax::FunctionDef& def = find_def(*module, source);
  const Names names(source.source, source.resolver.get());

  Schema schema;
  schema.name = source.qualified_name;
  bool first = true;
  for (const syntax::Param& p : def.params) {
    Argument a;
    a.name = std::string(p.name);
    a.keyword_only = p.keyword_only;
    if (first && source.self) {
      a.type = source.self;
    } else {
      a.type = p.annotation ? annotation_type(*p.annotation, names) : Type::tensor();
    }
    if (p.default_value) {
      const auto known = std::find_if(source.defaults.begin(), source.defaults.end(),
                                      [&](const auto& d) { return d.first == p.name; });
      // Python has evaluated it already; without Python it must be a constant of the text.
      Value value = known != source.defaults.end() ? known->second : constant_value(*p.default_value, names);
      if (value.is_int() && (a.type->kind == TypeKind::kFloat || (a.type->kind == TypeKind::kOptional &&
                                                                  a.type->of[0]->kind == TypeKind::kFloat))) {
        value = value.to_float();
      }
      if (!fits(value, a.type)) {
        names.fail(
            p.default_value->span,
            fmt::format("the default of `{}` is {}, but the parameter is {}{}", p.name, type_of(value)->str(),
                        a.type->str(), p.annotation ? "" : " (a parameter without annotation is a Tensor)"));
      }
      a.default_value = std::move(value);
    }
    schema.args.push_back(std::move(a));
    first = false;
  }
  if (source.self && def.params.empty())
    names.fail(def.name_span, "a method has at least the parameter `self`");

  Unit& unit = units_.emplace_back();
  unit.from = source;
  unit.module = module;
  unit.def = &def;
  unit.result.span = SourceSpan(source.source, def.span);
  unit.result.docstring = def.docstring;
  if (def.returns) {
    const TypePtr type = annotation_type(*def.returns, names);
    if (type->kind != TypeKind::kNone) schema.returns.push_back(type);
    unit.declares_result = true;
  }
  unit.result.schema = std::move(schema);
  by_name_.emplace(source.qualified_name, &unit);
  return unit;
}

const Schema& Session::signature(const FunctionRef& function, const SourceSpan& where) {
  const auto found = by_name_.find(function.qualified_name);
  if (found == by_name_.end() && library_) {
    if (const Schema* schema = library_->find(function.qualified_name)) return *schema;
  }
  if (found == by_name_.end() && !function.source) {
    throw_at(
        ErrorKind::kSyntax, where,
        fmt::format(
            "the function `{}` has no source here and is not compiled yet; a function of another Runtime is "
            "brought here by script::load() of its exported() text",
            function.qualified_name));
  }
  const auto declared = [&]() -> Unit& {
    try {
      Unit& made = declare(*function.source);
      made.caller = current_;
      made.called_at = where;
      return made;
    } catch (const SyntaxError&) {
      const std::string& name = function.source->qualified_name;
      rethrow_with_callers(current_, called_from(name.substr(name.rfind('.') + 1), shown(*current_), where));
    }
  };
  Unit& unit = found != by_name_.end() ? *found->second : declared();
  // A function that declares its result type need not be compiled before its callers. So functions may call one another in a
  // circle.
  if (!unit.declares_result && unit.state != Unit::State::kDone) {
    if (unit.state == Unit::State::kCompiling) {
      throw_at(ErrorKind::kSyntax, where,
               fmt::format(
                   "`{0}` calls itself before its result type is known; write it: `def {0}(...) -> Tensor:`",
                   unit.def->name));
    }
    compile(unit);
  }
  return unit.result.schema;
}

bool Session::knows(std::string_view qualified_name) const {
  return by_name_.contains(std::string(qualified_name)) || (library_ && library_->find(qualified_name));
}

void Session::compile(Unit& unit) {
  unit.state = Unit::State::kCompiling;
  // Compilations nest: a call of a function without a declared result type compiles that function first.
  Unit* const before = std::exchange(current_, &unit);
  try {
    compile_function(*this, unit);
  } catch (const SyntaxError&) {
    rethrow_with_callers(&unit, {});
  }
  current_ = before;
  unit.state = Unit::State::kDone;
}

std::string Session::shown(const Unit& unit) {
  const std::string name(unit.def->name);
  if (!unit.from.self) return name;
  const std::string& type = unit.from.self->name;
  return fmt::format("{}.{}", type.substr(type.rfind('.') + 1), name);
}

void Session::rethrow_with_callers(const Unit* last, std::string told) {
  // The error passes each function that is being compiled on its way out. The innermost one adds the whole chain.
  if (!std::exchange(callers_told_, true)) {
    for (const Unit* unit = last; unit && unit->caller; unit = unit->caller)
      told += called_from(shown(*unit), shown(*unit->caller), unit->called_at);
    if (!told.empty()) {
      try {
        throw;
      } catch (const SyntaxError& error) {
        std::rethrow_exception(make_error(ErrorKind::kSyntax, error.message() + told));
      }
    }
  }
  throw;
}

std::vector<CompiledFunction> Session::finish() {
  // By index, because compiling declares more functions. The elements of a deque do not move.
  for (size_t i = 0; i < units_.size(); ++i) {
    if (units_[i].state == Unit::State::kDeclared) compile(units_[i]);
  }
  std::vector<CompiledFunction> results;
  results.reserve(units_.size());
  for (Unit& unit : units_) results.push_back(std::move(unit.result));
  return results;
}

std::vector<CompiledFunction> compile(const OpTable& ops, std::span<const FunctionSource> functions,
                                      const Library* library) {
  Session session(ops, library);
  for (const FunctionSource& f : functions) session.declare(f);
  return session.finish();
}

std::vector<CompiledFunction> compile_text(const OpTable& ops, std::shared_ptr<const Source> source,
                                           std::string_view prefix, const Library* library,
                                           std::shared_ptr<Resolver> others) {
  const syntax::Module module = syntax::parse(source);
  auto resolver = std::make_shared<TextResolver>(ops, module, prefix, std::move(others));
  const Names names(source, resolver.get());
  for (const syntax::ClassDef& c : module.classes) {
    std::optional<TypeName> type = text_type(c, prefix, names);
    if (!type)
      names.fail(c.name_span,
                 "classes are not supported in scripts yet; write functions, or a module in Python");
    if (!resolver->types.emplace(std::string(c.name), *std::move(type)).second)
      names.fail(c.name_span, fmt::format("`{}` is defined twice in this source", c.name));
  }
  std::vector<std::shared_ptr<const FunctionSource>> functions;
  for (const syntax::FunctionDef& f : module.functions) {
    std::string name(f.name);
    if (resolver->functions.contains(name)) {
      throw_at(ErrorKind::kSyntax, SourceSpan(source, f.name_span),
               fmt::format("`{}` is defined twice in this source", name));
    }
    functions.push_back(std::make_shared<const FunctionSource>(
        FunctionSource{fmt::format("{}.{}", prefix, name), source, name, resolver, nullptr}));
    resolver->functions.emplace(std::move(name), functions.back());
  }
  if (functions.empty())
    throw_at(ErrorKind::kSyntax, SourceSpan(source, source->first_line, 1), "this source has no `def`");
  Session session(ops, library);
  for (const auto& f : functions) session.declare(*f);
  return session.finish();
}

}  // namespace tine::compile

#include "src/compile/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "src/compile/annotations.h"
#include "src/compile/builtins.h"
#include "src/compile/function_compiler.h"
#include "src/compile/suggest.h"
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
      std::string name = def_name(f, prefix);
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

// In a class method the first parameter means the class.
class ClassParameter final : public Resolver {
 public:
  ClassParameter(std::string_view name, const FunctionSource& method)
      : name_(name), cls_(method.cls), others_(method.resolver) {}
  Resolved resolve(std::string_view dotted) override {
    return dotted == name_ ? Resolved(TypeName{cls_}) : others_->resolve(dotted);
  }
  Resolved method(const ObjectType& type, std::string_view name) override {
    return others_->method(type, name);
  }
  std::optional<Submodules> submodules(const ObjectType& type) override { return others_->submodules(type); }
  std::vector<std::string> candidates(std::string_view dotted) override {
    return others_->candidates(dotted);
  }

 private:
  const std::string name_;
  const std::shared_ptr<const ObjectType> cls_;
  const std::shared_ptr<Resolver> others_;
};

std::string called_from(std::string_view callee, std::string_view caller, const SourceSpan& where) {
  return fmt::format("\n'{}' is being compiled since it was called from '{}' ({})", callee, caller,
                     where.str());
}

}  // namespace

Session::Session(const OpTable& ops, const Library* library, std::shared_ptr<const syntax::Module> text)
    : ops(ops), library_(library) {
  if (text) modules_.emplace(text->source.get(), std::move(text));
}

std::shared_ptr<const syntax::Module> Session::parsed(const std::shared_ptr<const Source>& source) {
  auto& module = modules_[source.get()];
  if (!module) module = std::make_shared<const syntax::Module>(syntax::parse(source));
  return module;
}

Unit& Session::declare(const FunctionSource& source) {
  if (const auto found = by_name_.find(source.qualified_name); found != by_name_.end()) return *found->second;
  const auto module = parsed(source.source);
  const syntax::FunctionDef& def = find_def(*module, source);
  const Names names(source.source, source.resolver.get());

  Schema schema;
  schema.name = source.qualified_name;
  if (source.cls && def.params.empty())
    names.fail(def.name_span, "a class method has at least the parameter `cls`");
  bool first = true;
  for (const syntax::Param& p : std::span(def.params).subspan(source.cls ? 1 : 0)) {
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
        names.fail(p.default_value->span,
                   fmt::format("the default of `{}` is {}, but the parameter is {}{}{}", p.name,
                               type_of(value)->str(), a.type->str(),
                               p.annotation ? "" : " (a parameter without annotation is a Tensor)",
                               value.is_none()
                                   ? fmt::format("; write `{}: Optional[{}] = None`", p.name, a.type->str())
                                   : std::string()));
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
  if (source.cls) unit.from.resolver = std::make_shared<ClassParameter>(def.params[0].name, source);
  unit.module = module;
  unit.def = &def;
  unit.result.span = SourceSpan(source.source, def.span);
  unit.result.docstring = def.docstring;
  if (def.returns) {
    const TypePtr type = annotation_type(*def.returns, names);
    if (source.self && def.name == "__init__" && type->kind != TypeKind::kNone)
      names.fail(def.returns->span, fmt::format("`__init__` returns None, not {}", type->str()));
    if (type->kind != TypeKind::kNone) schema.returns.push_back(type);
    unit.declares_result = true;
  }
  unit.result.schema = std::move(schema);
  by_name_.emplace(source.qualified_name, &unit);
  return unit;
}

Unit& Session::unit_of(const FunctionRef& function, const SourceSpan& where) {
  if (const auto found = by_name_.find(function.qualified_name); found != by_name_.end())
    return *found->second;
  if (!function.source) {
    throw_at(
        ErrorKind::kSyntax, where,
        fmt::format(
            "the function `{}` has no source here and is not compiled yet; a function of another Runtime is "
            "brought here by script::load() of its exported() text",
            function.qualified_name));
  }
  try {
    Unit& made = declare(*function.source);
    made.caller = current_;
    made.called_at = where;
    return made;
  } catch (const SyntaxError&) {
    const std::string& name = function.source->qualified_name;
    rethrow_with_callers(current_, called_from(name.substr(name.rfind('.') + 1), shown(*current_), where));
  }
}

const Schema& Session::signature(const FunctionRef& function, const SourceSpan& where) {
  if (library_ && !by_name_.contains(function.qualified_name)) {
    if (const Schema* schema = library_->find(function.qualified_name)) return *schema;
  }
  Unit& unit = unit_of(function, where);
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

bool Session::compile_now(const FunctionRef& function, const SourceSpan& where) {
  Unit& unit = unit_of(function, where);
  if (unit.state == Unit::State::kDeclared) compile(unit);
  return unit.state == Unit::State::kDone;
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
  return as_written(fmt::format("{}.{}", type.substr(type.rfind('.') + 1), name));
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

ObjectType::Method Session::method_in_interface(const FunctionSource& source) {
  const Unit& unit = declare(source);
  const auto refuse = [&](Span span, std::string_view why) {
    throw_at(ErrorKind::kSyntax, SourceSpan(source.source, span), why);
  };
  if (unit.def->params.empty())
    refuse(unit.def->name_span, "a method of an interface has at least the parameter `self`");
  if (!unit.declares_result)
    refuse(unit.def->name_span,
           fmt::format("a method of an interface declares its result: `def {}(...) -> Tensor:`",
                       unit.def->name));
  for (const syntax::StmtPtr& s : unit.def->body) {
    const auto* const text =
        s->kind == syntax::StmtKind::kExpr ? syntax::as<syntax::ExprStmt>(*s).value.get() : nullptr;
    if (s->kind != syntax::StmtKind::kPass &&
        !(text && (text->kind == syntax::ExprKind::kString || text->kind == syntax::ExprKind::kEllipsis)))
      refuse(s->span, "the methods of an interface have no body; write `pass`");
  }
  const Schema& schema = unit.result.schema;
  ObjectType::Method method{std::string(unit.def->name), {}, schema.result_type()};
  for (size_t i = 1; i < schema.args.size(); ++i)
    method.parameters.emplace_back(schema.args[i].name, schema.args[i].type);
  return method;
}

ObjectType::Method signature_in_interface(const OpTable& ops, const FunctionSource& method) {
  return Session(ops, nullptr).method_in_interface(method);
}

std::vector<CompiledFunction> compile_text(const OpTable& ops, std::shared_ptr<const Source> source,
                                           std::string_view prefix, const Library* library,
                                           std::shared_ptr<Resolver> others,
                                           std::shared_ptr<Resolver>* names) {
  auto text = std::make_shared<const syntax::Module>(syntax::parse(source));
  auto resolver = std::make_shared<TextResolver>(ops, text, prefix, std::move(others));
  const auto functions = TextResolver::sources(resolver);
  if (functions.empty())
    throw_at(ErrorKind::kSyntax, SourceSpan(source, source->first_line, 1), "this source has no `def`");
  if (names) *names = resolver;
  Session session(ops, library, std::move(text));
  for (const auto& f : functions) session.declare(*f);
  return session.finish();
}

}  // namespace tine::compile

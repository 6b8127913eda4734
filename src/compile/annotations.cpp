#include "src/compile/annotations.h"

#include <fmt/core.h>

#include <limits>

#include "src/compile/builtins.h"
#include "src/compile/suggest.h"
#include "src/syntax/parser.h"

namespace tine::compile {
namespace {

class Annotations {
 public:
  explicit Annotations(const Names& names) : names_(names) {}

  TypePtr type(const syntax::Expr& e) {
    using syntax::ExprKind;
    switch (e.kind) {
      case ExprKind::kNone: return Type::none();
      case ExprKind::kString: {  // a type in quotes
        const auto& s = syntax::as<syntax::String>(e);
        if (s.body.end <= s.body.begin) fail(e.span, "expected a type between the quotes");
        if (++quotes_ > kMaxQuotes) fail(e.span, "a type in quotes inside quotes");
        quoted_.push_back(syntax::parse_expression(names_.source(), s.body));
        return type(*quoted_.back());
      }
      case ExprKind::kName:
      case ExprKind::kAttribute: return named(e);
      case ExprKind::kSubscript: return generic(syntax::as<syntax::Subscript>(e));
      case ExprKind::kBinary: {
        const auto& b = syntax::as<syntax::Binary>(e);
        if (b.op == syntax::BinaryOp::kOr) return Type::union_of({type(*b.left), type(*b.right)});
        break;
      }
      default: break;
    }
    fail(e.span, "expected a type, as in `int`, `Tensor`, `List[int]` or `Optional[str]`");
  }

 private:
  static constexpr int kMaxQuotes = 50;

  [[noreturn]] void fail(Span span, std::string_view message) const { names_.fail(span, message); }

  Resolved resolved(const syntax::Expr& e, std::string* dotted) {
    *dotted = dotted_name(e);
    if (dotted->empty()) fail(e.span, "expected the name of a type");
    return names_.resolve(*dotted);
  }

  TypePtr named(const syntax::Expr& e) {
    std::string name;
    const Resolved r = resolved(e, &name);
    if (const auto* t = std::get_if<TypeName>(&r)) return t->type;
    if (const auto* g = std::get_if<GenericName>(&r)) {
      switch (g->generic) {
        case Generic::kTuple:
          fail(e.span, fmt::format("`{}` needs its element types, as in `Tuple[int, Tensor]`", name));
        case Generic::kDict:
          fail(e.span, fmt::format("`{}` needs its key and value types, as in `Dict[str, Tensor]`", name));
        case Generic::kUnion: fail(e.span, fmt::format("`{0}` needs its types, as in `{0}[int, str]`", name));
        default: fail(e.span, fmt::format("`{0}` needs its element type, as in `{0}[Tensor]`", name));
      }
    }
    if (const auto* c = std::get_if<Constant>(&r); c && c->value.is_none()) return Type::none();
    if (const auto* refused = std::get_if<Refused>(&r)) fail(e.span, refused->why);
    if (std::holds_alternative<Missing>(r)) {
      std::vector<std::string> names = language_names();
      for (std::string& c : names_.candidates(name)) names.push_back(std::move(c));
      const size_t dot = name.rfind('.');
      fail(e.span, fmt::format("undefined type `{}`{}", name,
                               did_you_mean(dot == std::string::npos ? name : name.substr(dot + 1), names)));
    }
    fail(e.span, fmt::format("`{}` is not a type", name));
  }

  TypePtr generic(const syntax::Subscript& s) {
    std::string name;
    const Resolved r = resolved(*s.object, &name);
    const auto* g = std::get_if<GenericName>(&r);
    if (!g) {
      if (const auto* refused = std::get_if<Refused>(&r)) fail(s.object->span, refused->why);
      if (std::holds_alternative<Missing>(r))
        return named(*s.object);  // fails with the message for an unknown name
      fail(s.object->span, fmt::format("`{}` takes no types in brackets", name));
    }
    // The language reads List[(int, str)] as List[int, str], as Python does.
    std::vector<TypePtr> of;
    const auto add = [&](const syntax::Expr& e) { of.push_back(type(e)); };
    const auto* tuple =
        s.indices.size() == 1 && !s.comma ? syntax::is<syntax::Tuple>(*s.indices.front()) : nullptr;
    if (tuple) {
      for (const auto& e : tuple->items) add(*e);
    } else {
      if (g->generic == Generic::kTuple && s.indices.size() == 2 &&
          s.indices[1]->kind == syntax::ExprKind::kEllipsis) {
        fail(s.indices[1]->span,
             "a tuple has a fixed length in scripts; use `List[T]` for any number of elements");
      }
      for (const auto& e : s.indices) add(*e);
    }
    const auto count = [&](size_t n) {
      if (of.size() != n)
        fail(s.span, fmt::format("`{}` takes {} type{}, got {}", name, n, n == 1 ? "" : "s", of.size()));
    };
    switch (g->generic) {
      case Generic::kList: count(1); return Type::list(of[0]);
      case Generic::kDict:
        count(2);
        if (const std::string why = key_refusal(*of[0]); !why.empty()) fail(s.span, why);
        return Type::dict(of[0], of[1]);
      case Generic::kTuple: return Type::tuple(std::move(of));
      case Generic::kOptional: count(1); return Type::optional(of[0]);
      case Generic::kUnion:
        if (of.empty()) fail(s.span, fmt::format("`{0}` needs its types, as in `{0}[int, str]`", name));
        return Type::union_of(std::move(of));
      case Generic::kFuture: count(1); return Type::future(of[0]);
      case Generic::kRRef: count(1); return Type::rref(of[0]);
      case Generic::kFinal: count(1); return of[0];
    }
    fail(s.span, "expected a type");
  }

  const Names& names_;
  int quotes_ = 0;
  std::vector<syntax::ExprPtr> quoted_;
};

}  // namespace

TypePtr annotation_type(const syntax::Expr& e, const Names& names) { return Annotations(names).type(e); }

Value constant_value(const syntax::Expr& e, const Names& names) {
  using syntax::ExprKind;
  switch (e.kind) {
    case ExprKind::kNone: return {};
    case ExprKind::kTrue: return true;
    case ExprKind::kFalse: return false;
    case ExprKind::kInt: return syntax::as<syntax::Int>(e).value;
    case ExprKind::kFloat: return syntax::as<syntax::Float>(e).value;
    case ExprKind::kString: return syntax::as<syntax::String>(e).value;
    case ExprKind::kUnary: {
      const auto& u = syntax::as<syntax::Unary>(e);
      const Value v = constant_value(*u.operand, names);
      if (u.op == syntax::UnaryOp::kNeg && v.is_int() && v.as_int() != std::numeric_limits<int64_t>::min())
        return -v.as_int();
      if (u.op == syntax::UnaryOp::kNeg && v.is_float()) return -v.as_float();
      if (u.op == syntax::UnaryOp::kNot && v.is_bool()) return !v.as_bool();
      break;
    }
    case ExprKind::kTuple:
    case ExprKind::kList: {
      const bool tuple = e.kind == ExprKind::kTuple;
      std::vector<Value> items;
      for (const auto& item :
           tuple ? syntax::as<syntax::Tuple>(e).items : syntax::as<syntax::List>(e).items) {
        items.push_back(constant_value(*item, names));
      }
      if (tuple) return detail::make_ref<Tuple>(std::move(items));
      return detail::make_ref<List>(std::move(items));
    }
    case ExprKind::kName:
    case ExprKind::kAttribute:
      if (const std::string name = dotted_name(e); !name.empty()) {
        const Resolved r = names.resolve(name);
        if (const auto* c = std::get_if<Constant>(&r)) return c->value;
      }
      break;
    default: break;
  }
  names.fail(e.span, "expected a constant, as in `3`, `-1.5`, `\"sum\"`, `None` or `(1, 2)`");
}

std::string key_refusal(const Type& key) {
  switch (key.kind) {
    case TypeKind::kStr:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kBool:
    case TypeKind::kEnum: return {};
    default:
      return fmt::format("the keys of a dict must be str, int, float, bool or an enum, not {}", key.str());
  }
}

}  // namespace tine::compile

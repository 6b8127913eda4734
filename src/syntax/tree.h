// Tree: what the parser makes of source text. Nothing in it is resolved or typed yet. The names of the nodes are those of
// Python's ast module.
//
// A parent owns its children, in the order of the text. Names are views into the text of the Source, which the Module
// shares. A finished tree is not changed any more, so any number of threads may read it. No tree is higher than
// kMaxHeight: recursion over it is safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/source.h"

namespace tine::syntax {

inline constexpr int kMaxHeight = 300;   // of an expression
inline constexpr int kMaxNesting = 100;  // of blocks, and of brackets
inline constexpr size_t kMaxParameters = 255;

enum class ExprKind : uint8_t {
  kName,
  kNone,
  kTrue,
  kFalse,
  kInt,
  kFloat,
  kString,
  kFString,
  kEllipsis,
  kTuple,
  kList,
  kDict,
  kListComp,
  kDictComp,
  kUnary,
  kBinary,
  kBoolOp,
  kCompare,
  kTernary,
  kAttribute,
  kSubscript,
  kSlice,
  kCall,
  kStarred,
};
enum class UnaryOp : uint8_t { kNeg, kPos, kInvert, kNot };
enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kFloorDiv,
  kMod,
  kPow,
  kAnd,
  kOr,
  kXor,
  kShl,
  kShr,
  kMatMul
};
enum class CompareOp : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe, kIs, kIsNot, kIn, kNotIn };
[[nodiscard]] std::string_view name_of(UnaryOp op) noexcept;    // "-"
[[nodiscard]] std::string_view name_of(BinaryOp op) noexcept;   // "+"
[[nodiscard]] std::string_view name_of(CompareOp op) noexcept;  // "not in"

struct Expr {
  ExprKind kind;
  Span span;
  int height = 1;
  explicit Expr(ExprKind k) : kind(k) {}
  virtual ~Expr() = default;
};
using ExprPtr = std::unique_ptr<Expr>;

template <ExprKind K>
struct ExprOf : Expr {
  static constexpr ExprKind kKind = K;
  ExprOf() : Expr(K) {}
};
template <class T>
[[nodiscard]] const T& as(const Expr& e) noexcept {
  return static_cast<const T&>(e);
}
template <class T>
[[nodiscard]] const T* is(const Expr& e) noexcept {
  return e.kind == T::kKind ? static_cast<const T*>(&e) : nullptr;
}

struct Name : ExprOf<ExprKind::kName> {
  std::string_view id;
};
struct Literal : Expr {
  using Expr::Expr;
};  // None, True, False, Ellipsis
struct Int : ExprOf<ExprKind::kInt> {
  int64_t value = 0;
};
struct Float : ExprOf<ExprKind::kFloat> {
  double value = 0;
};
struct String : ExprOf<ExprKind::kString> {
  std::string value;
  Span body;  // the text between the quotes; empty when pieces were joined
};
struct FString : ExprOf<ExprKind::kFString> {
  std::vector<ExprPtr> parts;  // Strings and fields in turn
};
struct Tuple : ExprOf<ExprKind::kTuple> {
  std::vector<ExprPtr> items;
};
struct List : ExprOf<ExprKind::kList> {
  std::vector<ExprPtr> items;
};
struct Dict : ExprOf<ExprKind::kDict> {
  std::vector<ExprPtr> keys, values;
};
// A generator expression too: it stands for the list of its values.
struct ListComp : ExprOf<ExprKind::kListComp> {
  ExprPtr element, target, iterable;
  std::vector<ExprPtr> conditions;
};
struct DictComp : ExprOf<ExprKind::kDictComp> {
  ExprPtr key, value, target, iterable;
  std::vector<ExprPtr> conditions;
};
struct Unary : ExprOf<ExprKind::kUnary> {
  UnaryOp op = UnaryOp::kNeg;
  ExprPtr operand;
};
struct Binary : ExprOf<ExprKind::kBinary> {
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr left, right;
};
struct BoolOp : ExprOf<ExprKind::kBoolOp> {
  bool is_and = true;
  ExprPtr left, right;
};
struct Compare : ExprOf<ExprKind::kCompare> {  // first ops[0] rest[0] ops[1] rest[1] ...
  ExprPtr first;
  std::vector<CompareOp> ops;
  std::vector<ExprPtr> rest;
};
struct Ternary : ExprOf<ExprKind::kTernary> {
  ExprPtr condition, then, otherwise;
};
struct Attribute : ExprOf<ExprKind::kAttribute> {
  ExprPtr object;
  std::string_view name;
  Span name_span;
};
struct Subscript : ExprOf<ExprKind::kSubscript> {
  ExprPtr object;
  std::vector<ExprPtr> indices;  // more than one, or a comma: x[i, j]
  bool comma = false;
};
struct Slice : ExprOf<ExprKind::kSlice> {
  ExprPtr lower, upper, step;
};  // each may be null
struct Keyword {
  std::string_view name;
  Span span;
  ExprPtr value;
};
struct Call : ExprOf<ExprKind::kCall> {
  ExprPtr callee;
  std::vector<ExprPtr> args;
  std::vector<Keyword> keywords;
};

// `*value` among arguments, targets, or the items of a list or tuple; nowhere else.
struct Starred : ExprOf<ExprKind::kStarred> {
  ExprPtr value;
};

enum class StmtKind : uint8_t {
  kAssign,
  kAnnAssign,
  kAugAssign,
  kExpr,
  kIf,
  kWhile,
  kFor,
  kBreak,
  kContinue,
  kReturn,
  kPass,
  kRaise,
  kAssert,
  kWith,
  kDelete,
};
struct Stmt {
  StmtKind kind;
  Span span;
  explicit Stmt(StmtKind k) : kind(k) {}
  virtual ~Stmt() = default;
};
using StmtPtr = std::unique_ptr<Stmt>;
using Body = std::vector<StmtPtr>;

template <StmtKind K>
struct StmtOf : Stmt {
  static constexpr StmtKind kKind = K;
  StmtOf() : Stmt(K) {}
};
template <class T>
[[nodiscard]] const T& as(const Stmt& s) noexcept {
  return static_cast<const T&>(s);
}

struct Assign : StmtOf<StmtKind::kAssign> {  // a = b = value
  std::vector<ExprPtr> targets;
  ExprPtr value;
};
struct AnnAssign : StmtOf<StmtKind::kAnnAssign> {
  ExprPtr target, annotation, value;  // value may be null
};
struct AugAssign : StmtOf<StmtKind::kAugAssign> {
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr target, value;
};
struct ExprStmt : StmtOf<StmtKind::kExpr> {
  ExprPtr value;
};
struct If : StmtOf<StmtKind::kIf> {  // `elif` is an If alone in `otherwise`
  ExprPtr condition;
  Body then, otherwise;
};
struct While : StmtOf<StmtKind::kWhile> {
  ExprPtr condition;
  Body body;
};
struct For : StmtOf<StmtKind::kFor> {
  ExprPtr target, iterable;
  Body body;
};
struct Break : StmtOf<StmtKind::kBreak> {};
struct Continue : StmtOf<StmtKind::kContinue> {};
struct Pass : StmtOf<StmtKind::kPass> {};
struct Return : StmtOf<StmtKind::kReturn> {
  ExprPtr value;
};  // may be null
struct Raise : StmtOf<StmtKind::kRaise> {
  ExprPtr exception;
};
struct Assert : StmtOf<StmtKind::kAssert> {
  ExprPtr condition, message;
};  // message may be null

struct With
    : StmtOf<StmtKind::kWith> {  // of several items, the second is a With alone in the body of the first
  ExprPtr context, target;       // target may be null
  Body body;
};
struct Delete : StmtOf<StmtKind::kDelete> {
  std::vector<ExprPtr> targets;
};

struct Param {
  std::string_view name;
  Span span;
  ExprPtr annotation, default_value;  // each may be null
  bool keyword_only = false;
};
struct FunctionDef {
  std::string_view name;
  Span name_span, span;  // span: the head, from `def` to the colon
  std::vector<ExprPtr> decorators;
  std::vector<Param> params;
  ExprPtr returns;  // may be null
  std::string docstring;
  Body body;
};
struct Field {  // `name: type = default` in a class
  std::string_view name;
  Span span;
  ExprPtr annotation, default_value;
};
struct ClassDef {
  std::string_view name;
  Span name_span;
  std::vector<ExprPtr> bases, decorators;
  std::vector<Field> fields;
  std::vector<FunctionDef> methods;
};
struct Import {  // `import a.b as c`: module "a.b", name "", alias "c"; `from a import b`: "a", "b", "b"
  std::string module, name, alias;
  Span span;
};
struct Module {
  std::shared_ptr<const Source> source;
  std::vector<FunctionDef> functions;
  std::vector<ClassDef> classes;
  std::vector<Import> imports;
};

}  // namespace tine::syntax

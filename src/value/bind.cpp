#include "src/value/bind.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/value/text.h"
#include "tine/detail/fits.h"

namespace tine {
namespace {

// ---- conversions at a boundary

// What the conversion of one argument may take into account.
struct Site {
  Boundary boundary;
  DType float_tensor;  // the dtype of a float that becomes a tensor
  int list_size;       // of the parameter: 2 for int[2]
  bool written;        // the operator writes into it: a converted copy would lose that
};

bool is_scalar_tensor(const Value& v) {
  return v.is_tensor() && v.as_tensor().defined() && v.as_tensor().dim() == 0;
}

// Arguments from outside a script: Python, RPC.
bool is_python(const Site& site) { return site.boundary != Boundary::kScript; }

bool convert(const Value& v, const TypePtr& type, const Site& site, Value* out);

bool convert_items(std::span<const Value> items, const Type& type, const Site& site,
                   std::vector<Value>* out) {
  const Site inner{site.boundary, site.float_tensor, 0, false};
  out->reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const TypePtr& element = type.kind == TypeKind::kTuple ? type.of[i] : type.of[0];
    // A list of numbers is not converted to a list of tensors.
    if (element->kind == TypeKind::kTensor && !items[i].is_tensor()) return false;
    if (!convert(items[i], element, inner, &out->emplace_back())) return false;
  }
  return true;
}

bool convert_to_list(const Value& v, const Type& type, const Site& site, Value* out) {
  const bool python = is_python(site);
  std::vector<Value> items;
  if (v.is(Tag::kList) || v.is(Tag::kTuple)) {
    if (!python || site.written) return false;
    const std::span<const Value> source =
        v.is(Tag::kList) ? std::span<const Value>(v.as_list().items) : v.as_tuple().items;
    if (!convert_items(source, type, site, &items)) return false;
  } else {
    const TypeKind element = type.of[0]->kind;
    // One number for a list. In a script this needs a size in the schema (int[2]); from Python any int[] takes it, as
    // in x.view(6).
    if (element != TypeKind::kInt && element != TypeKind::kFloat) return false;
    if (!python && site.list_size == 0) return false;
    Value one;
    if (!convert(v, type.of[0], {site.boundary, site.float_tensor, 0, false}, &one)) return false;
    items.assign(static_cast<size_t>(std::max(1, site.list_size)), one);
  }
  *out = Value(detail::make_ref<List>(std::move(items)));
  return true;
}

bool convert_to_number(const Value& v, TypeKind kind, const Site& site, Value* out) {
  if (v.is_bool()) {
    *out = kind == TypeKind::kInt     ? Value(static_cast<int64_t>(v.as_bool()))
           : kind == TypeKind::kFloat ? Value(v.as_bool() ? 1.0 : 0.0)
                                      : v;
    return true;
  }
  if (!is_scalar_tensor(v)) return false;
  // The tracer records the tensor, which stands for the number.
  if (site.boundary == Boundary::kRecorded) {
    *out = v;
    return true;
  }
  const Tensor& t = v.as_tensor();
  const bool floating = is_floating(t.dtype());
  if (kind == TypeKind::kFloat || (kind == TypeKind::kNumber && floating)) {
    *out = Value(t.item_as_double());
  } else if (floating) {
    return false;
  } else {
    *out = kind == TypeKind::kNumber && t.dtype() == DType::kBool ? Value(t.item_as_bool())
                                                                  : Value(t.item_as_int());
  }
  return true;
}

bool convert(const Value& v, const TypePtr& type, const Site& site, Value* out) {
  if (fits(v, type)) {
    *out = v;
    return true;
  }
  const bool python = is_python(site);
  switch (type->kind) {
    case TypeKind::kOptional: return convert(v, type->of[0], site, out);
    case TypeKind::kFloat:
      if (v.is_int()) {
        *out = Value(static_cast<double>(v.as_int()));
        return true;
      }
      [[fallthrough]];
    case TypeKind::kInt:
    case TypeKind::kNumber: return python && convert_to_number(v, type->kind, site, out);
    case TypeKind::kBool:
      if (!python || !is_scalar_tensor(v) || v.as_tensor().dtype() != DType::kBool) return false;
      *out = site.boundary == Boundary::kRecorded ? v : Value(v.as_tensor().item_as_bool());
      return true;
    case TypeKind::kTensor:
      if (!python || site.written) return false;
      if (v.is_bool()) {
        *out = Value(Tensor::scalar(v.as_bool()));
      } else if (v.is_int()) {
        *out = Value(Tensor::scalar(v.as_int()));
      } else if (v.is_float()) {
        *out = Value(Tensor::scalar(v.as_float(), site.float_tensor));
      } else {
        return false;
      }
      return true;
    case TypeKind::kList: return convert_to_list(v, *type, site, out);
    case TypeKind::kTuple: {
      if (!v.is(Tag::kTuple) || v.as_tuple().items.size() != type->of.size()) return false;
      std::vector<Value> items;
      if (!convert_items(v.as_tuple().items, *type, site, &items)) return false;
      // From Python a tuple of the right elements will do for a named one, as in PyTorch.
      *out = tuple_of(std::move(items), *type);
      return true;
    }
    // From Python the value of a member stands for it: those of an IntEnum are ints there.
    case TypeKind::kEnum: *out = with_classes(v, type); return python && fits(*out, type);
    case TypeKind::kUnion:
      return std::any_of(type->of.begin(), type->of.end(),
                         [&](const TypePtr& member) { return convert(v, member, site, out); });
    default: return false;
  }
}

// Binds one call to one schema; as long as `converts` is false, only what fits as it is.
class Binder {
 public:
  Binder(const Schema& schema, std::span<const Value> args, std::span<const Keyword> keywords,
         Boundary boundary, bool converts, std::vector<Value>* bound, std::string* why)
      : schema_(schema),
        args_(args),
        keywords_(keywords),
        converts_(converts),
        bound_(*bound),
        why_(why),
        site_{boundary, DType::kFloat32, 0, false} {}

  bool run() {
    const size_t n = schema_.args.size();
    bound_.clear();
    bound_.resize(n);
    if (converts_) {
      // A float that becomes a tensor must not lose digits beside a float64 tensor.
      const auto is_double = [](const Value& v) {
        return v.is_tensor() && v.as_tensor().defined() && v.as_tensor().dtype() == DType::kFloat64;
      };
      if (std::any_of(args_.begin(), args_.end(), is_double)) site_.float_tensor = DType::kFloat64;
    }
    size_t given = 0;
    if (!positional(&given)) return false;
    return named(given);
  }

 private:
  template <class... Args>
  bool refuse(fmt::format_string<Args...> text, Args&&... args) {
    if (why_) *why_ = fmt::format(text, std::forward<Args>(args)...);
    return false;
  }

  bool set(size_t i, const Value& v) {
    const Argument& arg = schema_.args[i];
    bool ok;
    if (fits_at_once(v, arg)) {
      bound_[i] = v;
      return true;
    }
    if (converts_) {
      site_.list_size = arg.list_size;
      site_.written = arg.written;
      ok = convert(v, arg.type, site_, &bound_[i]);
    } else {
      ok = fits(v, arg.type);
      if (ok) bound_[i] = v;
    }
    return ok || refuse("argument '{}' must be {}, not {}", arg.name, arg.type->str(), brief(v));
  }

  bool positional(size_t* given) {
    size_t most = 0;
    while (most < schema_.args.size() && !schema_.args[most].keyword_only) ++most;
    if (converts_ && is_python(site_) && most > 0 && args_.size() > most && takes_rest(most - 1)) {
      auto rest = detail::make_ref<List>(
          std::vector<Value>(args_.begin() + static_cast<ptrdiff_t>(most) - 1, args_.end()));
      args_ = args_.first(most - 1);
      bound_[most - 1] = Value(std::move(rest));
      *given = most;
    } else {
      *given = args_.size();
    }
    if (args_.size() > most) {
      return refuse("takes {} positional argument{} but {} {} given", most, most == 1 ? "" : "s",
                    args_.size(), args_.size() == 1 ? "was" : "were");
    }
    for (size_t i = 0; i < args_.size(); ++i) {
      if (!set(i, args_[i])) return false;
    }
    return true;
  }

  // `x.view(2, 3)`: the trailing ints are the last parameter, an int[].
  bool takes_rest(size_t last) {
    return takes_single_ints(schema_.args[last]) &&
           std::all_of(args_.begin() + static_cast<ptrdiff_t>(last), args_.end(), [this](const Value& v) {
             return v.is_int() || (site_.boundary == Boundary::kRecorded && is_scalar_tensor(v));
           });
  }

  int parameter(std::string_view keyword) {
    int i = schema_.index_of(keyword);
    if (i < 0 && is_python(site_)) {
      // As in PyTorch: the name in its documents, and NumPy's.
      if (keyword == "input") i = schema_.index_of("self");
      if (keyword == "axis") i = schema_.index_of("dim");
    }
    return i;
  }

  bool named(size_t given) {
    // A bit for each of the first 64 parameters. Beyond them the keywords are searched.
    uint64_t seen = 0;
    for (const auto& [name, v] : keywords_) {
      const int i = parameter(name);
      if (i < 0) return refuse("got an unexpected keyword argument '{}'", name);
      const auto index = static_cast<size_t>(i);
      if (index < given || (index < 64 && (seen >> index & 1)))
        return refuse("got multiple values for argument '{}'", name);
      if (index < 64) seen |= uint64_t{1} << index;
      if (!set(index, v)) return false;
    }
    for (size_t i = given; i < schema_.args.size(); ++i) {
      const Argument& arg = schema_.args[i];
      const bool here = i < 64 ? (seen >> i & 1)
                               : std::any_of(keywords_.begin(), keywords_.end(),
                                             [&](const Keyword& k) { return k.first == arg.name; });
      if (here) continue;
      if (!arg.default_value)
        return refuse("missing value for argument '{}' ({})", arg.name, arg.type->str());
      bound_[i] = *arg.default_value;
    }
    return true;
  }

  const Schema& schema_;
  std::span<const Value> args_;
  std::span<const Keyword> keywords_;
  const bool converts_;
  std::vector<Value>& bound_;
  std::string* why_;
  Site site_;
};

}  // namespace

bool bind_positions(const Schema& schema, std::span<const Value> args, std::vector<Value>* bound) {
  const Argument* params = schema.args.data();
  const size_t n = schema.args.size();
  if (args.size() > n) return false;
  for (size_t i = 0; i < args.size(); ++i) {
    const auto tag = static_cast<unsigned>(args[i].tag());
    if (params[i].keyword_only) return false;
    // The tag alone decides nearly all cases. Only then does fits() look into lists and dicts.
    if (fits_at_once(args[i], params[i])) continue;
    if (!(params[i].possible >> tag & 1) || !fits(args[i], params[i].type)) return false;
  }
  for (size_t i = args.size(); i < n; ++i) {
    if (!params[i].default_value) return false;
  }
  bound->clear();
  bound->reserve(n);
  for (const Value& v : args) bound->push_back(v);
  for (size_t i = args.size(); i < n; ++i) bound->push_back(*params[i].default_value);
  return true;
}

bool bind_as_it_is(const Schema& schema, std::span<const Value> args, std::span<const Keyword> keywords,
                   Boundary boundary, std::vector<Value>* bound) {
  return Binder(schema, args, keywords, boundary, false, bound, nullptr).run();
}

bool bind(const Schema& schema, std::span<const Value> args, std::span<const Keyword> keywords,
          Boundary boundary, std::vector<Value>* bound, std::string* why) {
  if (Binder(schema, args, keywords, boundary, true, bound, why).run()) return true;
  bound->clear();
  return false;
}

}  // namespace tine

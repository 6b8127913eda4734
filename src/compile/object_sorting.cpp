#include "src/compile/object_sorting.h"

#include <fmt/core.h>

namespace tine::compile {
namespace {

// A merge sort: stable, also in reverse, as Python's.
constexpr const char* kText = R"(
def sorted_(xs: List[_Element], reverse: bool = False) -> List[_Element]:
    if len(xs) < 2:
        return xs[:]
    half = len(xs) // 2
    a = sorted_(xs[:half], reverse)
    b = sorted_(xs[half:], reverse)
    made: List[_Element] = []
    i = 0
    j = 0
    while i < len(a) and j < len(b):
        if a[i] < b[j] if reverse else b[j] < a[i]:
            made.append(b[j])
            j += 1
        else:
            made.append(a[i])
            i += 1
    made.extend(a[i:])
    made.extend(b[j:])
    return made

def sort_(xs: List[_Element], reverse: bool = False) -> None:
    made = sorted_(xs, reverse)
    for i in range(len(made)):
        xs[i] = made[i]
)";

class SortingNames final : public Resolver, public std::enable_shared_from_this<SortingNames> {
 public:
  SortingNames(TypePtr element, std::shared_ptr<Resolver> others)
      : element_(std::move(element)), others_(std::move(others)) {}
  FunctionRef function(const char* name) {
    static const auto& source = *new auto(std::make_shared<const Source>("<sort>", kText));
    return {fmt::format("{}.list.{}", element_->name, name),
            std::make_shared<const FunctionSource>(FunctionSource{
                fmt::format("{}.list.{}", element_->name, name), source, name, shared_from_this(), nullptr})};
  }
  Resolved resolve(std::string_view dotted) override {
    if (dotted == "_Element") return TypeName{element_};
    return dotted == "sorted_" ? Resolved(function("sorted_")) : Missing{};
  }
  Resolved method(const ObjectType& type, std::string_view name) override {
    return others_ ? others_->method(type, name) : Missing{};
  }

 private:
  const TypePtr element_;
  const std::shared_ptr<Resolver> others_;
};

}  // namespace

FunctionRef sorting_of(const TypePtr& element, bool in_place, std::shared_ptr<Resolver> names) {
  return std::make_shared<SortingNames>(held_type(element), std::move(names))
      ->function(in_place ? "sort_" : "sorted_");
}

}  // namespace tine::compile

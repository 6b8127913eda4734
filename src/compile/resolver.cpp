#include "tine/resolver.h"

namespace tine::script {

Resolver::~Resolver() = default;
Resolved Resolver::method(const ObjectType&, std::string_view) { return Missing{}; }
std::optional<Submodules> Resolver::submodules(const ObjectType&) { return std::nullopt; }
std::vector<std::string> Resolver::candidates(std::string_view) { return {}; }

}  // namespace tine::script

#include "src/rpc/transport/ways.h"

#include <fmt/format.h>

#include <algorithm>

namespace tine::rpc {
namespace {

std::string_view scheme_of(std::string_view address) { return address.substr(0, address.find(':')); }

}  // namespace

std::string what_is_wrong_with(const std::vector<Address>& addresses) {
  if (addresses.empty() || addresses.size() > kMaxAddresses)
    return fmt::format("it has {} addresses, expected 1 to {}", addresses.size(), kMaxAddresses);
  for (const Address& a : addresses) {
    if (a.text.empty() || std::max(a.text.size(), a.reach.size()) > kMaxAddressBytes)
      return fmt::format(
          "one of its addresses has {} bytes, and {} that say from where it can be reached; "
          "expected 1 to {}, and at most {}",
          a.text.size(), a.reach.size(), kMaxAddressBytes, kMaxAddressBytes);
  }
  return {};
}

std::string text_of(const std::vector<Address>& addresses) {
  std::string text;
  for (const Address& a : addresses) text += (text.empty() ? "" : " or ") + a.text;
  return text;
}

Ways::Ways(const TransportList& list, const Loop& loop, const Identity& identity) {
  if (list.empty())
    throw ValueError(fmt::format(
        "worker '{}' was given no transport: it can neither reach others nor be reached", identity.name));
  for (const auto& factory : list) transports_.push_back(factory->make(loop, identity));
}

Ways::~Ways() { close(); }

Transport& Ways::for_address(const std::string& address) const {
  std::string known;
  for (const auto& transport : transports_) {
    if (transport->scheme() == scheme_of(address)) return *transport;
    known += fmt::format("{}{}:", known.empty() ? "" : ", ", transport->scheme());
  }
  throw ValueError(fmt::format(
      "'{}' is not an address of a transport that this worker has: expected one that begins with {}", address,
      known));
}

std::string Ways::meeting_at(const std::string& host) const {
  for (const auto& transport : transports_) {
    if (transport->scheme() == "tcp") return fmt::format("tcp://{}:0", host.empty() ? "127.0.0.1" : host);
  }
  if (!host.empty())
    throw ValueError(fmt::format("no transport leads to other machines: \"?host={}\" needs \"tcp\"", host));
  return transports_.front()->own_address({}) + "-register";
}

std::vector<Address> Ways::listen(const std::string& meeting, const ListenOptions& options) {
  std::vector<Address> addresses;
  for (const auto& transport : transports_) {
    listeners_.push_back(transport->listen(transport->own_address(meeting), options));
    const std::string& text = listeners_.back()->address();
    addresses.push_back({text, transport->reach(text)});
  }
  return addresses;
}

void Ways::close() noexcept {
  for (const auto& listener : listeners_) listener->close();
}

std::vector<Ways::Way> Ways::to(const std::vector<Address>& addresses) const {
  std::vector<Way> ways;
  for (const auto& transport : transports_) {
    for (const Address& a : addresses) {
      if (scheme_of(a.text) != transport->scheme()) continue;
      if (a.reach.empty() || a.reach == transport->reach(a.text)) ways.push_back({transport.get(), a.text});
    }
  }
  return ways;
}

}  // namespace tine::rpc

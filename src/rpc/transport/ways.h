// Ways: how this worker is reached, and how it reaches others: the transports of a list, made for one loop and identity.
//
// A worker listens with every transport of its list and publishes the addresses. Another worker goes through its own list,
// nearest first, and takes the first transport for which an address was published that can be reached from where it is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/rpc/transport/transport.h"

namespace tine::rpc {

// As published: where a worker listens, and from where that can be reached (Transport::reach). Empty: from everywhere.
struct Address {
  std::string text;
  std::string reach;

  friend bool operator==(const Address&, const Address&) = default;
};
// What another worker may publish at most.
inline constexpr size_t kMaxAddresses = 16;
inline constexpr size_t kMaxAddressBytes = 1024;  // of each of the two texts
// What is wrong with such a list; empty when nothing is.
[[nodiscard]] std::string what_is_wrong_with(const std::vector<Address>& addresses);
// "tcp://127.0.0.1:1 or unix:@name", for messages.
[[nodiscard]] std::string text_of(const std::vector<Address>& addresses);

class Ways {
 public:
  // ValueError for an empty list.
  Ways(const TransportList& list, const Loop& loop, const Identity& identity);
  ~Ways();
  Ways(const Ways&) = delete;
  Ways& operator=(const Ways&) = delete;

  // The one for an address that a user gave. ValueError that names those there are.
  [[nodiscard]] Transport& for_address(const std::string& address) const;

  // An address for rank 0's register, for those who can reach `host`; empty: this machine alone.
  [[nodiscard]] std::string meeting_at(const std::string& host) const;
  // Listens at an address of its own with each, for those who can reach `meeting`. What to publish. Once; throws as
  // Transport::listen does.
  [[nodiscard]] std::vector<Address> listen(const std::string& meeting, const ListenOptions& options);
  // No new connections. Nothing happens the second time.
  void close() noexcept;

  struct Way {
    Transport* transport;
    std::string address;
  };
  // To a worker that listens there; nearest first. Empty: it cannot be reached from here.
  [[nodiscard]] std::vector<Way> to(const std::vector<Address>& addresses) const;

 private:
  std::vector<std::unique_ptr<Transport>> transports_;
  std::vector<detail::Ref<Listener>> listeners_;
};

}  // namespace tine::rpc

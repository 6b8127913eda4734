#include "src/rpc/raw/card.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "src/rpc/wire/frame.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr std::string_view kMagic = "tine-node";
constexpr size_t kFields = 6;  // and two of each address

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '%') {
      out += c;
    } else {
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out.empty() ? "%" : out;
}

template <class T>
bool read_number(std::string_view text, T* out, int base) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out, base);
  return error == std::errc() && end == text.data() + text.size();
}

bool unescape(std::string_view text, std::string* out) {
  if (text == "%") return true;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      *out += text[i];
      continue;
    }
    unsigned char c = 0;
    if (i + 2 >= text.size() || !read_number(text.substr(i + 1, 2), &c, 16)) return false;
    *out += static_cast<char>(c);
    i += 2;
  }
  return true;
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw ValueError(fmt::format("'{}{}' is not a card of a tine node: {}", text.substr(0, 80),
                               text.size() > 80 ? "..." : "", why));
}

}  // namespace

std::string describe(const RawWorker& worker) {
  return fmt::format("worker '{}' (id {})", worker.name, worker.id);
}

std::string RawCard::text() const {
  std::string text = fmt::format("{} {} {} {} {:016x} {}", kMagic, kWireVersion, escape(worker.name),
                                 worker.id, incarnation, escape(protocol));
  for (const Address& a : addresses) text += fmt::format(" {} {}", escape(a.text), escape(a.reach));
  return text;
}

RawCard RawCard::parse(std::string_view text) {
  std::vector<std::string_view> fields;
  if (text.size() > kMaxRawCardBytes)
    refuse(text, fmt::format("it has {} bytes, at most {} are expected", text.size(), kMaxRawCardBytes));
  std::string_view rest = text;
  while (!rest.empty() && (rest.back() == '\n' || rest.back() == '\r')) rest.remove_suffix(1);
  while (!rest.empty()) {
    const size_t space = std::min(rest.find(' '), rest.size());
    fields.push_back(rest.substr(0, space));
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  if (fields.size() < 2 || fields[0] != kMagic)
    refuse(text,
           fmt::format(
               "it does not begin with '{}'; pass the text that RawNode::card() of the other worker returns",
               kMagic));
  int version = 0;
  if (!read_number(fields[1], &version, 10)) refuse(text, "its version is not a number");
  if (version != kWireVersion) {
    throw ValueError(fmt::format(
        "the card is of a worker that speaks wire version {}, this one speaks {}: install the same "
        "version of tine for all workers of the world",
        version, kWireVersion));
  }
  if (fields.size() < kFields || (fields.size() - kFields) % 2 != 0) {
    refuse(text,
           fmt::format("it has {} fields, expected {} and two for each address", fields.size(), kFields));
  }
  RawCard card;
  if (!unescape(fields[2], &card.worker.name) || card.worker.name.empty() ||
      card.worker.name.size() > kMaxRawNameBytes)
    refuse(text, fmt::format("its name must have 1 to {} bytes", kMaxRawNameBytes));
  if (!read_number(fields[3], &card.worker.id, 10) || card.worker.id < 0 || card.worker.id > kMaxRawId)
    refuse(text, fmt::format("its id is '{}', expected 0 to {}", fields[3], kMaxRawId));
  if (!read_number(fields[4], &card.incarnation, 16) || card.incarnation == 0)
    refuse(text, "its incarnation is not a number");
  const auto bad_field = [&] { refuse(text, "one of its fields is not percent-encoded correctly"); };
  if (!unescape(fields[5], &card.protocol)) bad_field();
  for (size_t i = kFields; i < fields.size(); i += 2) {
    Address& a = card.addresses.emplace_back();
    if (!unescape(fields[i], &a.text) || !unescape(fields[i + 1], &a.reach)) bad_field();
  }
  if (const std::string bad = what_is_wrong_with(card.addresses); !bad.empty()) refuse(text, bad);
  return card;
}

}  // namespace tine::rpc

// Reading and writing of the byte strings that core/ defines: log entries, configurations, records.
// Numbers are LEB128 varints or fixed big-endian; strings carry their length. A reader that has
// seen one broken field stays failed, so that decoders check once at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace atlas::core {

inline void put_varint(std::string& out, std::uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out.push_back(static_cast<char>(v));
}

inline void put_string(std::string& out, std::string_view s) {
  put_varint(out, s.size());
  out.append(s);
}

/// Eight bytes, most significant first, so that byte order is number order.
inline void put_big_endian(std::string& out, std::uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}

/// Consumes a view from the front.
class byte_reader {
 public:
  explicit byte_reader(std::string_view in) : in_(in) {}

  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) break;
      const auto byte = static_cast<unsigned char>(in_.front());
      in_.remove_prefix(1);
      v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return v;
    }
    failed_ = true;
    return 0;
  }

  std::uint8_t byte() {
    if (in_.empty()) {
      failed_ = true;
      return 0;
    }
    const auto v = static_cast<std::uint8_t>(in_.front());
    in_.remove_prefix(1);
    return v;
  }

  /// View into the bytes given to the constructor.
  std::string_view string() {
    const std::uint64_t size = varint();
    if (failed_ || size > in_.size()) {
      failed_ = true;
      return {};
    }
    const auto s = in_.substr(0, size);
    in_.remove_prefix(size);
    return s;
  }

  [[nodiscard]] bool failed() const { return failed_; }
  /// Everything was read and nothing was broken.
  [[nodiscard]] bool complete() const { return !failed_ && in_.empty(); }
  [[nodiscard]] std::string_view rest() const { return in_; }

 private:
  std::string_view in_;
  bool failed_ = false;
};

}  // namespace atlas::core

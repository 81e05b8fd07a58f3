// Who waits for which ticket: an open table in which a look-up is nearly always one step, without a
// heap allocation per request. Tickets rise by one; they are spread over the table, because
// neighbours would form one long run, and taking the first of a run costs a walk to its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace atlas::net {

class session;

/// Requests that a session makes for a large blob, and answers itself.
enum class transfer_part : std::uint8_t { none, up, down };

/// A request in flight.
struct ticket_entry {
  std::uint64_t ticket = 0;  ///< 0 = empty place
  session* who = nullptr;    ///< null once the client has gone
  /// Untagged: number in the session's order; tagged: index in its list; of a part: its number.
  std::uint64_t place = 0;
  std::size_t bytes = 0;     ///< memory of the request, for the limit on all of them
  std::uint32_t values = 0;  ///< how many values it reads
  bool tagged = false;
  bool stream = false;  ///< answered by any number of replies
  transfer_part part = transfer_part::none;
  std::string tag;
};

class ticket_table {
 public:
  ticket_table() : places_(64) {}

  /// `entry.ticket` is not 0 and not in the table.
  void put(ticket_entry&& entry);
  /// The entry of `ticket`, null if there is none. Valid until the next put or take.
  [[nodiscard]] ticket_entry* find(std::uint64_t ticket);
  /// Removes the entry of `ticket` and returns it; its ticket is 0 if there was none.
  [[nodiscard]] ticket_entry take(std::uint64_t ticket);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  [[nodiscard]] std::size_t home(std::uint64_t ticket) const {
    // Fibonacci hashing: the high bits of a product with 2^64 / golden ratio.
    return static_cast<std::size_t>((ticket * 0x9E3779B97F4A7C15u) >> 32) & (places_.size() - 1);
  }
  [[nodiscard]] std::size_t behind(std::size_t at) const { return (at + 1) & (places_.size() - 1); }
  [[nodiscard]] std::size_t place_of(std::uint64_t ticket) const;
  void close_gap(std::size_t gap);

  std::vector<ticket_entry> places_;  // a power of two, at most half full
  std::size_t size_ = 0;
};

}  // namespace atlas::net

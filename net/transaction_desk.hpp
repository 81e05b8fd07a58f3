// The transaction that a connection is putting together: lines are checked and kept until COMMIT,
// which is one request to the backend. Pure; the session owns one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/transaction.hpp"
#include "net/gateway.hpp"

namespace atlas::net {

class transaction_desk {
 public:
  [[nodiscard]] bool is_open() const { return open_; }
  /// True if `line` is one for `add`, as far as its first word tells.
  [[nodiscard]] static bool is_step(std::string_view line);
  /// True if `line` is no step but may be said while a transaction is open: TXN and PRINCIPAL.
  [[nodiscard]] static bool may_stand_in(std::string_view line);

  [[nodiscard]] client_reply begin();
  /// IF, PUT, DEL or INCR. A line that is refused spoils the whole transaction: whoever sent it
  /// meant it to be in.
  [[nodiscard]] client_reply add(std::string_view line);
  /// Refuses a line that is no command at all, with the same consequence.
  [[nodiscard]] client_reply spoil(std::string why);
  [[nodiscard]] client_reply abort();
  /// Closes the transaction. True: `request` is what must be done; false: `refusal` says why not.
  [[nodiscard]] bool commit(client_request& request, client_reply& refusal);
  /// Memory of what is queued: input that is not submitted.
  [[nodiscard]] std::size_t held_bytes() const {
    return bytes_ + steps_.size() * sizeof(core::txn_step);
  }
  /// What to say to another command while the transaction is open.
  [[nodiscard]] static client_reply busy();

  static constexpr std::size_t bytes_max = 1 << 20;

 private:
  bool open_ = false;
  std::vector<core::txn_step> steps_;
  std::size_t bytes_ = 0;  // keys and values of steps_
  std::string first_error_;
};

}  // namespace atlas::net

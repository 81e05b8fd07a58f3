// What a chosen log makes of an empty table, slot by slot, the naive way: rows with versions and
// which request was executed where. core/'s state machine must agree with it after every slot.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/entry.hpp"

namespace atlas::sim {

struct model_row {
  std::string value;
  std::uint64_t version = 0;
  friend bool operator==(const model_row&, const model_row&) = default;
};
using model_rows = std::map<std::string, model_row, std::less<>>;

class table_model {
 public:
  /// Applies the next slot. Throws `sim_failure` if a request is executed a second time or a
  /// `fresh` batch (of the owner that got it chosen) is stamped no later than those before it
  /// (§10); `where` names the slot.
  void apply(const core::entry& value, bool fresh, const std::string& where);

  /// Rows after slot `upto`, which was applied.
  [[nodiscard]] const model_rows& after(core::slot upto) const { return history_[upto.value]; }
  /// Principals of all executed commands; clients use each one once.
  [[nodiscard]] const std::set<std::string>& executed() const { return executed_; }
  /// Nothing of the log may be executed or read any more.
  [[nodiscard]] bool is_closed() const { return closed_; }
  /// Commands in the log that were not executed, because they were before or are too old.
  [[nodiscard]] std::uint64_t repeats() const { return repeats_; }
  [[nodiscard]] std::uint64_t no_ops() const { return no_ops_; }

 private:
  struct origin {
    core::boot_epoch boot;
    core::sequence floor;
    std::set<core::sequence> done;
  };
  /// False: the command must not be executed (§8).
  bool admit(const core::command& c);

  std::vector<model_rows> history_{1};  ///< [s] is after slot s
  std::map<core::node_id, origin> origins_;
  std::set<std::string> executed_;
  core::stamp last_stamp_;
  bool closed_ = false;
  std::uint64_t repeats_ = 0;
  std::uint64_t no_ops_ = 0;
};

}  // namespace atlas::sim

// The search of check_linearizable(): one small breadth-first closure per return.
#include "tests/support/linearizability.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace atlas::linear {
namespace {

constexpr unsigned lanes_max = 64;
constexpr std::uint32_t absent = 0;
/// Any value that no read sees from now on.
constexpr std::uint32_t unread = ~0u;

/// Operations in flight that took effect (by lane), the register's value, and how many writes of
/// unknown outcome were spent, by the value they leave. Worlds with the same future are one.
struct world {
  std::uint64_t done = 0;
  std::uint32_t value = absent;
  std::map<std::uint32_t, std::uint32_t> spent;
  std::uint32_t written = absent;  ///< the value even where it is `unread`; for people only
  friend bool operator<(const world& a, const world& b) {
    return std::tie(a.done, a.value, a.spent) < std::tie(b.done, b.value, b.spent);
  }
};

struct event {
  std::uint64_t when;
  bool is_return;
  std::size_t op;
  friend auto operator<=>(const event&, const event&) = default;
};

class key_checker {
 public:
  explicit key_checker(std::vector<operation> ops) : ops_(std::move(ops)) {}

  verdict run() {
    std::vector<event> events;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      const auto& o = ops_[i];
      if (!o.returned && o.what == op_kind::get) continue;  // says nothing
      events.push_back({o.invoked, false, i});
      if (o.returned) events.push_back({*o.returned, true, i});
    }
    name_values();
    count_uses();
    // At the same instant an invocation comes before a return: the two overlap.
    std::sort(events.begin(), events.end());
    worlds_.insert(world{});
    for (const auto& e : events) {
      if (!e.is_return) {
        if (!invoke(e.op)) return {false, "more than 64 operations in flight on one key"};
        if (!welcome(e.op)) return {false, explain(e.op)};
      } else if (!settle(e.op)) {
        return {false, explain(e.op)};
      }
    }
    return {};
  }

 private:
  void name_values() {
    std::map<std::string, std::uint32_t> names;
    values_.assign(ops_.size(), absent);
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      if (ops_[i].what == op_kind::erase || !ops_[i].value) continue;
      const auto next = static_cast<std::uint32_t>(names.size() + 1);
      values_[i] = names.emplace(*ops_[i].value, next).first->second;
    }
  }

  void count_uses() {
    reads_left_.assign(ops_.size() + 1, 0);
    writes_left_.assign(ops_.size() + 1, 0);
    for (std::size_t i = 0; i < ops_.size(); ++i)
      if (ops_[i].what != op_kind::get)
        ++writes_left_[values_[i]];
      else if (ops_[i].returned)
        ++reads_left_[values_[i]];
  }

  bool invoke(std::size_t op) {
    if (!ops_[op].returned) {
      ++available_[values_[op]];
      return true;
    }
    for (unsigned lane = 0; lane < lanes_max; ++lane) {
      if (open_.contains(lane)) continue;
      open_.emplace(lane, op);
      return true;
    }
    return false;
  }

  /// Every world takes in `op`, which begins. False if none can.
  bool welcome(std::size_t op) {
    std::set<world> settled;
    for (world w : worlds_) {
      if (ops_[op].what == op_kind::get && !is_readable(w, values_[op])) continue;
      settle_down(w);
      settled.insert(std::move(w));
    }
    if (settled.empty()) return false;
    worlds_ = std::move(settled);
    return true;
  }

  /// Reads of `value` that `w` has not placed, of those in flight and those to come.
  [[nodiscard]] std::uint32_t reads_left(const world& w, std::uint32_t value) const {
    auto left = reads_left_[value];
    for (const auto& [lane, op] : open_)
      if (ops_[op].what == op_kind::get && values_[op] == value) left -= (w.done >> lane) & 1;
    return left;
  }

  /// Places what can have no better place than now. A read that fits the value changes nothing. A
  /// write that nobody will read does not either, where the value is not read any more, or directly
  /// before another write (`is_changing`). All of this would cost a world for each subset of them.
  void settle_down(world& w, bool is_changing = false) const {
    for (const auto& [lane, op] : open_)
      if (ops_[op].what == op_kind::get && values_[op] == w.value)
        w.done |= std::uint64_t{1} << lane;
    const bool is_unread = w.value == unread || reads_left(w, w.value) == 0;
    if (is_unread) w.value = unread;
    if (!is_unread && !is_changing) return;
    for (const auto& [lane, op] : open_) {
      if (ops_[op].what == op_kind::get || reads_left(w, values_[op]) != 0) continue;
      w.done |= std::uint64_t{1} << lane;
      w.written = values_[op];
    }
  }

  /// Whether a read of `value` can ever be placed: it is there, or a write of it is left.
  [[nodiscard]] bool is_readable(const world& w, std::uint32_t value) const {
    if (w.value == value) return true;
    auto left = writes_left_[value];
    for (const auto& [lane, op] : open_)
      if (ops_[op].what != op_kind::get && values_[op] == value) left -= (w.done >> lane) & 1;
    const auto spent = w.spent.find(value);
    return left > (spent == w.spent.end() ? 0 : spent->second);
  }

  /// `op` returns: every world must have placed it by now. False if none can.
  bool settle(std::size_t op) {
    const auto lane = std::find_if(open_.begin(), open_.end(), [&](const auto& entry) {
                        return entry.second == op;
                      })->first;
    const std::uint64_t bit = std::uint64_t{1} << lane;
    std::set<world> settled;
    std::set<world> seen = worlds_;
    std::vector<world> left(worlds_.begin(), worlds_.end());
    while (!left.empty()) {
      const world w = std::move(left.back());
      left.pop_back();
      if (w.done & bit) {
        world next = w;
        next.done &= ~bit;
        settled.insert(std::move(next));
        continue;
      }
      for (const auto& [other, candidate] : open_) {
        if ((w.done >> other) & 1) continue;
        auto next = place(w, other, candidate);
        if (next && seen.insert(*next).second) left.push_back(std::move(*next));
      }
    }
    if (settled.empty()) return false;
    worlds_ = std::move(settled);
    open_.erase(lane);
    --(ops_[op].what == op_kind::get ? reads_left_ : writes_left_)[values_[op]];
    return true;
  }

  [[nodiscard]] std::optional<world> place(const world& w, unsigned lane, std::size_t op) const {
    world next = w;
    const auto value = values_[op];
    if (ops_[op].what == op_kind::get) {
      const auto have = available_.find(value);
      if (have == available_.end() || next.spent[value] >= have->second) return std::nullopt;
      ++next.spent[value];
    }
    settle_down(next, true);
    next.done |= std::uint64_t{1} << lane;
    next.value = next.written = value;
    settle_down(next);
    return next;
  }

  [[nodiscard]] std::string explain(std::size_t op) const {
    std::string text = "cannot be placed: " + describe(ops_[op]) + "; in flight with it:";
    for (const auto& [lane, other] : open_)
      if (other != op) text += " [" + describe(ops_[other]) + "]";
    text += "; possible values before:";
    std::set<std::uint32_t> values;
    for (const auto& w : worlds_) values.insert(w.written);
    for (const auto v : values) {
      const auto named = std::find(values_.begin(), values_.end(), v);
      const bool is_absent = v == absent || named == values_.end();
      text += " " + (is_absent ? std::string("(absent)")
                               : *ops_[static_cast<std::size_t>(named - values_.begin())].value);
    }
    return text;
  }

  [[nodiscard]] static std::string describe(const operation& o) {
    std::string text = o.what == op_kind::put     ? "put "
                       : o.what == op_kind::erase ? "erase "
                                                  : "get ";
    text += o.key;
    if (o.what != op_kind::erase) text += " = " + o.value.value_or("(absent)");
    text += " @" + std::to_string(o.invoked) + "..";
    return text + (o.returned ? std::to_string(*o.returned) : "?");
  }

  std::vector<operation> ops_;
  std::vector<std::uint32_t> values_;                 ///< per operation; absent = 0
  std::vector<std::uint32_t> reads_left_;             ///< by value: those that have not returned
  std::vector<std::uint32_t> writes_left_;            ///< by value: likewise, or unknown
  std::map<unsigned, std::size_t> open_;              ///< lane -> operation in flight
  std::map<std::uint32_t, std::uint32_t> available_;  ///< unknown writes invoked, by value
  std::set<world> worlds_;
};

}  // namespace

verdict check_linearizable(const std::vector<operation>& history) {
  std::map<std::string, std::vector<operation>> keys;
  for (const auto& o : history) keys[o.key].push_back(o);
  for (auto& [key, ops] : keys)
    if (auto v = key_checker(std::move(ops)).run(); !v.linearizable) return v;
  return {};
}

}  // namespace atlas::linear

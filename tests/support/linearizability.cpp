// The search of check_linearizable(): one small breadth-first closure per return.
#include "tests/support/linearizability.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace atlas::linear {
namespace {

constexpr unsigned lanes_max = 64;
constexpr std::uint32_t absent = 0;

/// Operations in flight that took effect (by lane), the register's value, and how many writes of
/// unknown outcome were spent, by the value they leave.
struct world {
  std::uint64_t done = 0;
  std::uint32_t value = absent;
  std::map<std::uint32_t, std::uint32_t> spent;
  friend auto operator<=>(const world&, const world&) = default;
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
    // At the same instant an invocation comes before a return: the two overlap.
    std::sort(events.begin(), events.end());
    worlds_.insert(world{});
    for (const auto& e : events) {
      if (!e.is_return) {
        if (!invoke(e.op)) return {false, "more than 64 operations in flight on one key"};
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

  bool invoke(std::size_t op) {
    if (!ops_[op].returned) {
      ++available_[values_[op]];
      return true;
    }
    for (unsigned lane = 0; lane < lanes_max; ++lane) {
      if (open_.contains(lane)) continue;
      open_.emplace(lane, op);
      if (ops_[op].what == op_kind::get) absorb_everywhere();
      return true;
    }
    return false;
  }

  /// A read that fits the value now may as well be placed now: it changes nothing, so no later
  /// place can be better. Many reads at once would cost a world for each subset of them otherwise.
  void absorb(world& w) const {
    for (const auto& [lane, op] : open_)
      if (ops_[op].what == op_kind::get && values_[op] == w.value)
        w.done |= std::uint64_t{1} << lane;
  }

  void absorb_everywhere() {
    std::set<world> absorbed;
    for (world w : worlds_) {
      absorb(w);
      absorbed.insert(std::move(w));
    }
    worlds_ = std::move(absorbed);
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
    return true;
  }

  [[nodiscard]] std::optional<world> place(const world& w, unsigned lane, std::size_t op) const {
    world next = w;
    next.done |= std::uint64_t{1} << lane;
    const auto value = values_[op];
    if (ops_[op].what == op_kind::get && w.value != value) {
      const auto have = available_.find(value);
      if (have == available_.end() || next.spent[value] >= have->second) return std::nullopt;
      ++next.spent[value];
    }
    next.value = value;
    absorb(next);
    return next;
  }

  [[nodiscard]] std::string explain(std::size_t op) const {
    std::string text = "cannot be placed: " + describe(ops_[op]) + "; in flight with it:";
    for (const auto& [lane, other] : open_)
      if (other != op) text += " [" + describe(ops_[other]) + "]";
    text += "; possible values before:";
    std::set<std::uint32_t> values;
    for (const auto& w : worlds_) values.insert(w.value);
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

#include "core/watch_walk.hpp"

#include <utility>

#include "core/access_list.hpp"
#include "core/blob_manifest.hpp"
#include "core/check.hpp"
#include "core/row_record.hpp"
#include "core/state_machine.hpp"
#include "core/table_move.hpp"

namespace atlas::core {
namespace {

/// Value of one row's record; empty if the row is not there.
std::optional<std::string> value_of(const frozen_log& log, const std::string& row) {
  std::optional<std::string> found;
  log.scan(row, row, [&](std::string_view name, std::string_view bytes) {
    if (name != row) return false;
    const auto record = decode_row(bytes);
    ATLAS_CHECK(record.has_value(), "rows decode");
    found = record->value;
    return false;
  });
  return found;
}

std::uint64_t size_in(std::string_view manifest) {
  const auto m = decode_manifest(manifest);
  ATLAS_CHECK(m.has_value(), "manifests decode");
  return m->size;
}

/// The first record from slot `first` on, below `end`, that speaks of the table.
std::optional<std::pair<slot, table_changes>> record_from(const frozen_log& log, table_id table,
                                                          slot first, slot end) {
  std::optional<std::pair<slot, table_changes>> found;
  log.history(first, [&](slot at, std::string_view record) {
    if (at >= end) return false;
    auto changes = changes_of(table, record);
    ATLAS_CHECK(changes.has_value(), "records of changes decode");
    if (changes->list.empty()) return true;
    found.emplace(at, *std::move(changes));
    return false;
  });
  return found;
}

/// A slot with nothing of the table at position `next` or behind it in front, by halves: a table's
/// positions rise with the slots.
slot find_position(const frozen_log& log, table_id table, std::uint64_t next) {
  slot low;
  log.history({}, [&](slot at, std::string_view) {
    low = at;
    return false;
  });
  slot high = log.applied() + 1;
  while (low < high && high - low > 16) {
    const slot middle = low + (high - low) / 2;
    const auto found = record_from(log, table, middle, high);
    if (found && found->second.first <= next)
      low = found->first;
    else
      high = middle;
  }
  return low;
}

class walker {
 public:
  walker(const frozen_log& log, const watch_terms& t, watch_part& out)
      : log_(log), t_(t), out_(out) {}

  void run() {
    log_.history(out_.from, [&](slot at, std::string_view record) {
      const auto changes = changes_of(t_.table, record);
      ATLAS_CHECK(changes.has_value(), "records of changes decode");
      // What is looked at again is passed by its position.
      out_.from = at;
      return changes->list.empty() || take(at, *changes);
    });
  }

 private:
  bool take(slot at, const table_changes& changes) {
    const auto entry = log_.entry_of(at);
    if (!entry) return true;  // the next one that is there tells what is missing
    change_teller teller(*entry);
    auto position = changes.first;
    for (const auto& c : changes.list) {
      if (position >= out_.next && !tell(c, teller, position)) return false;
      ++position;
    }
    return true;
  }

  bool tell(const change& c, change_teller& teller, std::uint64_t position) {
    if (looked_++ >= t_.changes_max || bytes_ >= t_.bytes_max) {
      out_.state = watch_state::more;
      return false;
    }
    if (position > out_.next) out_.events.push_back(gap(out_.next, position - 1));
    out_.next = position + 1;
    const auto told = teller.tell(c);
    ATLAS_CHECK(told.has_value(), "a change is found in its entry");
    if (!told->row.starts_with(t_.prefix) || !may_read(c)) return true;
    watch_event e{
        position, 0, c.what, std::string(told->row), c.version, std::string(told->principal), {}};
    if (told->is_chunked)
      e.chunked = size_in(told->value);
    else if (t_.values)
      e.value = told->value;
    bytes_ += 64 + e.row.size() + e.value.size();
    out_.events.push_back(std::move(e));
    return true;
  }

  [[nodiscard]] bool may_read(const change& c) const {
    if (c.guard.empty()) return true;
    const auto list = access_list::decode(c.guard);
    ATLAS_CHECK(list.has_value(), "access lists decode");
    return list->may_read(t_.principal);
  }

 public:
  [[nodiscard]] static watch_event gap(std::uint64_t first, std::uint64_t last) {
    watch_event e;
    e.position = first;
    e.gap_to = last;
    return e;
  }

 private:
  const frozen_log& log_;
  const watch_terms& t_;
  watch_part& out_;
  std::size_t looked_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

watch_part walk_history(const frozen_log& log, const watch_terms& t) {
  watch_part out;
  out.applied = log.applied();
  table_state held;
  held.what = t.table == t.home ? custody::held : custody::arriving;
  if (const auto bytes = value_of(log, state_row(t.table))) {
    const auto decoded = decode_table_state(*bytes);
    ATLAS_CHECK(decoded.has_value(), "states of tables decode");
    held = *decoded;
  }
  out.next = t.next.value_or(0);
  out.from = t.from;
  if (held.what == custody::arriving) {
    out.state = watch_state::absent;
    return out;
  }
  const bool is_here = held.what == custody::held;
  out.position = held.position;
  if (const auto bytes = is_here ? value_of(log, position_row(t.table)) : std::nullopt)
    out.position = decode_position(*bytes).value_or(0);
  if (!t.next) out.next = out.position + 1;
  if (out.next > out.position + 1) {
    out.state = watch_state::ahead;
    return out;
  }
  if (out.from == slot{}) out.from = find_position(log, t.table, out.next);
  walker(log, t, out).run();
  if (out.state == watch_state::more) return out;
  // What the table came to and the history does not tell.
  if (out.next <= out.position) {
    out.events.push_back(walker::gap(out.next, out.position));
    out.next = out.position + 1;
  }
  // What was acknowledged before the end is told first; a group's end is not that of a table that
  // has left it.
  if (is_here && value_of(log, closed_row)) out.state = watch_state::dropped;
  if (is_here) return out;
  out.other = held.other;
  out.state = held.other ? watch_state::moved : watch_state::dropped;
  return out;
}

}  // namespace atlas::core

// The naive side of core/row_command.cpp: one branch per operation, no permissions (they have their
// own model in tests/core).
#include <algorithm>
#include <charconv>
#include <optional>

#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/history.hpp"
#include "core/row_command.hpp"
#include "core/transaction.hpp"
#include "tests/sim/sim_failure.hpp"
#include "tests/sim/table_model.hpp"

namespace atlas::sim {
namespace {

std::int64_t number(const std::string& text) {
  return text.empty() ? 0 : std::stoll(text);
}

}  // namespace

std::string table_model::end_row(std::uint64_t due, core::table_id table, std::uint64_t moves,
                                 const std::string& row) {
  std::string name = "!x";
  for (const auto number : {table.value, moves, due}) core::put_big_endian(name, number);
  return name + row;
}

void table_model::expire() {
  const auto all = history_.back();
  for (const auto& [table, state] : tables_) {
    if (state.what != core::custody::held) continue;
    std::map<std::pair<std::uint64_t, std::string>, model_row> over;
    for (const auto& [row, value] : rows_of(all, core::row_prefix(table, state.moves)))
      if (value.due() && value.due() <= when_.us) over[{value.due(), row}] = value;
    for (const auto& [name, value] : over) {
      if (const auto hash = core::hash_of_count_row(name.second); !hash.empty()) {
        require(value.version == 0, where_ + ": a chunk ends that a value names");
        history_.back().erase(core::row_prefix(table, state.moves) + core::chunk_row(hash));
        set(table, name.second, nullptr);
        continue;
      }
      set(table, name.second, nullptr);
      note_change(table, core::change_kind::expire, name.second, value);
    }
  }
}

void table_model::note_change(core::table_id table, core::change_kind what, const std::string& row,
                              const model_row& now) {
  const auto position = positions_[table] + 1;
  const bool is_put = what == core::change_kind::put;
  changes_.back().push_back(
      {table, position, what, row, is_put ? now.value : std::string(), now.version});
  keep_position(table, position);
}

/// A transaction tells its rows in byte order, whatever the order of its steps.
void table_model::sort_changes(std::size_t first) {
  auto& list = changes_.back();
  if (first == list.size()) return;
  auto position = list[first].position;
  std::stable_sort(list.begin() + static_cast<std::ptrdiff_t>(first), list.end(),
                   [](const auto& a, const auto& b) { return a.row < b.row; });
  for (auto i = first; i < list.size(); ++i) list[i].position = position++;
}

void table_model::keep_position(core::table_id table, std::uint64_t position) {
  positions_[table] = position;
  auto& row = history_.back()[core::position_row(table)];
  row = {};
  core::put_varint(row.value, position);
  row.version = 1;
}

void table_model::set(core::table_id table, const std::string& row, const model_row* next) {
  auto& rows = history_.back();
  const auto moves = tables_[table].moves;
  const auto name = core::row_prefix(table, moves) + row;
  const auto old = rows.find(name);
  const auto before = old != rows.end() ? std::optional(old->second) : std::nullopt;
  if (before && before->due()) rows.erase(end_row(before->due(), table, moves, row));
  if (next && next->due()) rows[end_row(next->due(), table, moves, row)] = {};
  if (next)
    rows[name] = *next;
  else
    rows.erase(name);
  if (before && next && before->chunked && next->chunked && before->value == next->value) return;
  name_chunks(table, next, 1);
  name_chunks(table, before ? &*before : nullptr, -1);
}

void table_model::name_chunks(core::table_id table, const model_row* row, int by) {
  if (!row || !row->chunked) return;
  const auto manifest = core::decode_manifest(row->value).value();
  for (const auto& hash : manifest.chunks) {
    const auto name = core::chunk_count_row(hash);
    auto count = history_.back().at(core::row_prefix(table, tables_[table].moves) + name);
    count.version += static_cast<std::uint64_t>(by);
    const auto grace = core::byte_reader(count.value).varint();
    const auto now = std::max(when_, tables_[table].least).us;
    count.expires = count.version ? 0 : now + grace;
    set(table, name, &count);
  }
}

void table_model::execute_chunk(const core::command& c, core::table_id table) {
  const auto put = core::decode_chunk_put(c.value).value();
  const auto prefix = core::row_prefix(table, tables_[table].moves);
  auto& rows = history_.back();
  rows.try_emplace(prefix + core::chunk_row(put.hash), model_row{std::string(put.bytes), 1});
  const auto name = core::chunk_count_row(put.hash);
  const auto known = rows.find(prefix + name);
  const bool is_known = known != rows.end();
  const auto grace = is_known ? core::byte_reader(known->second.value).varint() : 0;
  model_row count;
  if (is_known) count.version = known->second.version;
  if (count.version > 0 && put.grace_us <= grace) return;
  core::put_varint(count.value, std::max(grace, put.grace_us));
  if (count.version == 0)
    count.expires = std::max(when_, tables_[table].least).us + std::max(grace, put.grace_us);
  set(table, name, &count);
}

void table_model::execute_row(const core::command& c, core::table_id table) {
  const auto now = std::max(when_, tables_[table].least).us;
  const auto& rows = history_.back();
  const auto found = rows.find(core::row_prefix(table, tables_[table].moves) + c.row);
  const bool there = found != rows.end() && (!found->second.due() || found->second.due() > now);
  const bool kept = there && found->second.write_once > now;
  model_row next = there ? found->second : model_row{};
  core::byte_reader in(c.value);
  const auto write = [&](std::string value) {
    if (kept) return;
    next.value = std::move(value);
    ++next.version;
    if (c.what != core::operation::increase) next.expires = 0;
    if (c.what != core::operation::put_once) next.write_once = 0;
    next.chunked = c.what == core::operation::put_blob;
    if (found != rows.end() && !there)
      note_change(table, core::change_kind::expire, c.row, found->second);
    set(table, c.row, &next);
    note_change(table, core::change_kind::put, c.row, next);
  };
  switch (c.what) {
    case core::operation::put:
      return write(c.value);
    case core::operation::put_chunk:
      return execute_chunk(c, table);
    case core::operation::put_blob: {
      const auto chunks = core::decode_manifest(c.value)->chunks;
      const auto prefix = core::row_prefix(table, tables_[table].moves);
      const bool all = std::all_of(chunks.begin(), chunks.end(), [&](const auto& hash) {
        return rows.contains(prefix + core::chunk_row(hash));
      });
      if (all) write(c.value);
      return;
    }
    case core::operation::put_once: {
      const bool relative = in.byte() == 1;
      const auto us = in.varint();
      next.write_once = relative ? now + us : us;
      if (next.write_once > now) write(std::string(in.rest()));
      return;
    }
    case core::operation::cas:
      if (in.varint() == next.version) write(std::string(in.rest()));
      return;
    case core::operation::increase:
      return write(std::to_string(number(next.value) + static_cast<std::int64_t>(in.varint())));
    case core::operation::erase:
      if (kept || found == rows.end()) return;
      note_change(table, there ? core::change_kind::erase : core::change_kind::expire, c.row,
                  found->second);
      set(table, c.row, nullptr);
      return;
    case core::operation::expire: {
      const auto us = in.varint();
      if (!there || kept) return;
      next.expires = us ? now + us : 0;
      return set(table, c.row, &next);
    }
    default:
      require(false, where_ + ": the model does not know this command");
  }
}

void table_model::execute_transaction(const core::command& c) {
  // Those of the simulator touch one table, and a condition in one of them never holds.
  const auto steps = core::decode_steps(c.value).value();
  if (steps.back().what == core::step_kind::if_version) return;
  const auto first = changes_.back().size();
  for (const auto& s : steps) {
    core::command one = c;
    one.what = core::operation::increase;
    one.row = s.key.substr(s.key.find('.'));
    one.value = core::encode_amount(static_cast<std::int64_t>(s.number));
    execute_row(one, s.table);
  }
  sort_changes(first);
  std::int64_t sum = 0;
  for (const auto& s : steps) {
    const auto row = s.key.substr(s.key.find('.'));
    sum +=
        number(history_.back().at(core::row_prefix(s.table, tables_[s.table].moves) + row).value);
  }
  require(sum == 0, where_ + ": a transfer between two rows changes their sum");
}

}  // namespace atlas::sim

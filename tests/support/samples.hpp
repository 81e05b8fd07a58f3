// Short names for the values that tests of core/ are made of: processes, ballots, configurations,
// commands, and what was sent to whom.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/ballot.hpp"
#include "core/command.hpp"
#include "core/configuration.hpp"
#include "core/entry.hpp"
#include "core/messages.hpp"

namespace atlas::tests {

inline constexpr core::log_id table_log{7};

inline core::process proc(std::uint64_t node, std::uint64_t boot = 1) {
  return {{node}, {boot}};
}

/// The ballot `round` of `node`.
inline core::ballot ballot_of(std::uint64_t round, std::uint64_t node) {
  return {round, {node}};
}

/// Node ids 1, 2, ... in zones of the given names and sizes.
inline core::configuration grid(const std::vector<std::pair<std::string, unsigned>>& zones,
                                std::uint32_t fn, std::uint32_t fz, std::uint64_t epoch = 1) {
  core::configuration c;
  c.epoch = {epoch};
  c.parent = {epoch - 1};
  c.fn = fn;
  c.fz = fz;
  std::uint64_t node = 0;
  for (const auto& [zone, size] : zones)
    for (unsigned i = 0; i < size; ++i) c.seats.push_back({{++node}, zone});
  return c;
}

/// Three nodes in one zone, any two of which are a Q1 and a Q2.
inline core::configuration three_nodes() {
  return grid({{"eu", 3}}, 1, 0);
}

inline core::command put(core::process from, std::uint64_t seq, std::string row, std::string value,
                         std::uint64_t floor = 1) {
  return {from, {seq}, {floor}, core::operation::put, std::move(row), std::move(value), "ann"};
}

inline core::command erase(core::process from, std::uint64_t seq, std::string row,
                           std::uint64_t floor = 1) {
  return {from, {seq}, {floor}, core::operation::erase, std::move(row), {}, {}};
}

/// A batch of one put, stamped `us`.
inline core::entry batch_of(std::uint64_t us, const core::command& c) {
  return core::make_batch({us}, std::vector<core::command>{c});
}

/// The messages of type `M` among `sent`; with `to` only those to that node.
template <class M>
std::vector<M> messages_to(const std::vector<core::outgoing>& sent, std::uint64_t to = 0) {
  std::vector<M> out;
  for (const auto& o : sent)
    if (const auto* m = std::get_if<M>(&o.what); m && (to == 0 || o.to.value == to))
      out.push_back(*m);
  return out;
}

/// Nodes that a message of type `M` went to, in order.
template <class M>
std::vector<std::uint64_t> receivers(const std::vector<core::outgoing>& sent) {
  std::vector<std::uint64_t> out;
  for (const auto& o : sent)
    if (std::holds_alternative<M>(o.what)) out.push_back(o.to.value);
  return out;
}

}  // namespace atlas::tests

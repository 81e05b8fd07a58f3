// A node that owns the meta log and maybe others; the test plays the owner.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "actors/request_router.hpp"
#include "core/transaction.hpp"
#include "tests/actors/actor_bench.hpp"

namespace atlas::tests {

using namespace atlas::actors;

inline constexpr core::process self{{1}, {1}};
inline constexpr core::log_id users_log{7};

inline core::table_record table_of_own(const std::string& name, core::log_id log) {
  core::table_record record;
  record.name = name;
  record.log = log;
  record.table = core::home_table(log);
  return record;
}

struct router_bench {
  actor_bench bench;
  std::shared_ptr<board> where = std::make_shared<board>(self, "eu");
  std::shared_ptr<log_entry> meta = std::make_shared<log_entry>(
      core::meta_log, std::string(core::meta_table), core::tolerance_policy{});
  request_router router;
  std::uint64_t tickets = 0;
  core::catalogue_view tables;

  explicit router_bench(router_options options = {}) : router(where, std::move(options)) {
    tables.next_log = {2};
    meta->set_owner(bench.as<owner_actor>());
    where->add_log(meta);
    where->requests = &router;
  }
  ~router_bench() {
    for (const auto& l : where->logs()) l->set_owner({});
  }

  core::table_record open_log(core::log_id id, const std::string& table) {
    auto entry = std::make_shared<log_entry>(id, table, core::tolerance_policy{});
    log_entry::status now;
    now.active = std::make_shared<core::configuration>();
    entry->update(now);
    entry->set_owner(bench.as<owner_actor>());
    where->add_log(std::move(entry));
    auto record = table_of_own(table, id);
    tables.tables.push_back(record);
    tables.next_log = std::max(tables.next_log, core::log_id{id.value + 1});
    tell_catalogue();
    return record;
  }
  void tell_catalogue() {
    where->set_catalogue(std::make_shared<core::catalogue_view>(tables));
    router.on_routes_changed();
  }
  std::uint64_t submit(net::verb what, const std::string& key, std::string value = {},
                       std::string terms = {}) {
    net::client_request r{++tickets, what, key, std::move(value), {}};
    r.terms = std::move(terms);
    std::vector<net::client_request> round;
    round.push_back(std::move(r));
    router.submit(std::move(round));
    return tickets;
  }
  std::uint64_t commit(const std::vector<core::txn_step>& steps) {
    return submit(net::verb::txn_commit, steps.front().key, core::encode_steps(steps));
  }
  std::uint64_t get(const std::string& key) { return submit(net::verb::key_get, key); }
  /// What the owner is sent next.
  forward taken() {
    auto got = bench.take<core::process, forward>();
    REQUIRE(got.has_value());
    return std::move(got->second);
  }
  void answer(core::log_id log, const core::read& r, core::outcome&& result) {
    router.on_answers({log, {{true, r.ticket, std::move(result), r.table}}});
  }
  /// The read of the catalogue that the owner was asked for.
  core::read asked() {
    const auto got = bench.take<core::process, forward>();
    REQUIRE(got.has_value());
    REQUIRE(got->second.reads.size() == 1);
    return got->second.reads[0];
  }
  /// The one command that the owner is sent next.
  core::command told() {
    auto sent = taken();
    REQUIRE(sent.commands.size() == 1);
    CHECK(sent.reads.empty());
    return std::move(sent.commands[0]);
  }
  void answer(core::log_id log, const core::command& c, core::outcome&& result) {
    router.on_answers({log, {{false, c.seq, std::move(result), c.table}}});
  }
  void answer_absent(const core::read& r) {
    router.on_answers({core::meta_log, {{true, r.ticket, {core::outcome_code::not_found, {}}}}});
  }
  std::vector<net::client_reply> replies() {
    std::vector<net::client_reply> out;
    router.poll(out);
    return out;
  }
};

}  // namespace atlas::tests

// Moves tables from log to log as an operator's GROUP commands would: what is wanted is decided in
// order, one move of a table after the other, but carried out by anybody, by several at once, late
// and again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/clients.hpp"

namespace atlas::sim {

class mover final : public client_desk {
 public:
  mover(event_queue& events, core::rng& random, story& tale, const sim_options& options,
        const clients::nodes& all);

  /// Wants another log for some table, if its last move is over; somebody begins to carry it.
  void regroup();
  /// Somebody more carries some move, over or not.
  void meddle();
  /// Carries what is unfinished, from nodes that are up.
  void finish();
  [[nodiscard]] bool is_finished() const;
  [[nodiscard]] std::string unfinished() const;

  void on_answer(std::uint64_t ticket, const core::outcome& result) override;
  void on_expired(std::uint64_t ticket, bool maybe_done) override;
  void on_stale(std::uint64_t, const core::outcome&, std::uint64_t) override {}

  /// What it asked of logs so far.
  [[nodiscard]] std::uint64_t requests() const { return tickets_ - mover_tickets; }

 private:
  struct move {
    core::table_id table;
    std::uint64_t moves = 0;  ///< at which it is sealed
    core::log_id from;
    core::log_id to;
    bool done = false;
  };
  enum class step : std::uint8_t { seal, read_part, adopt, clear };
  /// One who carries a move; every step from another node, and again if nothing is heard.
  struct carrier {
    std::size_t which = 0;  ///< of `moves_`
    step next = step::seal;
    core::table_state arrived;  ///< as the log that the table enters said last
    std::string part;
    std::uint64_t ticket = 0;
    std::uint64_t tries = 0;
    bool over = false;
  };

  void carry(std::size_t which);
  void take_step(std::size_t number);
  void on_outcome(carrier& c, const core::outcome& result);
  void end(carrier& c);
  [[nodiscard]] core::request_table::write_request request(const carrier& c);

  event_queue& events_;
  core::rng& random_;
  story& story_;
  const sim_options& options_;
  const clients::nodes& nodes_;
  std::vector<move> moves_;
  std::map<core::table_id, std::size_t> last_;  ///< the last of each table
  std::vector<carrier> carriers_;
  std::map<std::uint64_t, std::size_t> asked_;  ///< ticket -> carrier
  std::uint64_t tickets_ = mover_tickets;
  bool calm_ = false;
};

}  // namespace atlas::sim

// Deliberate mistakes, one of which a special build of core/ can be told to make, so that the
// simulator can prove that it would notice (consensus.md §11). In every other build `planted` is
// the constant false and leaves nothing behind. What each mistake means is said in
// tests/sim/bug_table.cpp; the build that has them is the CMake option ATLAS_PLANTED_BUGS.
#pragma once

#include <cstdint>

namespace atlas::core {

enum class bug : std::uint8_t {
  none,
  // Acceptor.
  promise_not_persisted,
  promise_below_promise,
  promise_watermark_not_saved,
  accept_below_promise,
  accept_not_persisted,
  accept_before_fsync,
  accept_keeps_old_vote,
  accept_of_older_epoch,
  restart_lowers_promise,
  restart_forgets_votes,
  // Learner and table.
  commit_of_any_ballot,
  fetch_serves_unchosen,
  fetch_above_written,
  rows_lost_at_save,
  learned_not_persisted,
  dedupe_dropped,
  dedupe_lost_at_restart,
  dedupe_window_too_narrow,
  old_boot_executed,
  // Quorums and ballots.
  need1_one_less,
  need2_one_less,
  q1_one_zone_less,
  q2_one_zone_less,
  quorum_of_the_reachable,
  ballot_without_node,
  // Owner.
  vote_of_any_ballot,
  vote_counts_twice,
  vote_without_seat,
  promise_of_any_ballot,
  election_without_catching_up,
  recovery_takes_any_value,
  recovery_no_op_over_value,
  recovery_passes_configuration,
  serving_before_recovery,
  chosen_out_of_order,
  notice_ahead_of_votes,
  stamp_of_own_clock,
  configuration_before_chosen,
  configuration_without_q1,
  prepare_before_own_promise,
  // Reads and requests.
  read_without_round,
  read_of_earlier_round,
  read_before_applied,
  expired_called_undone,
  // Leases.
  lease_ignored,
  lease_wait_skipped,
  lease_session_kept,
  lease_of_any_session,
  lease_drift_ignored,
  lease_counted_from_answer,
  lease_checked_once,
  lease_of_one_node,
  lease_of_heir_forgotten,
  // Truncation and snapshots.
  truncate_above_applied,
  truncate_beyond_stable,
  truncate_before_its_age,
  snapshot_installed_half,
  snapshot_without_results,
  snapshot_lowers_promise,
  snapshot_drops_votes,
  snapshot_of_two_views,
  promise_below_install,
  // Moves.
  giver_goes_on,
  hand_off_before_chosen,
  hand_off_same_generation,
  hand_off_to_any_boot,
  hand_off_taken_twice,
  hand_off_below_promise,
  heir_serves_at_once,
  heir_forgets_unfinished,
  heir_takes_unfinished_as_chosen,
  heir_reads_early,
  heir_trusts_learned,
  // Configurations, once more.
  promise_of_older_epoch,
  // TABLE DROP.
  close_lost_at_restart,
  closed_log_written,
  closed_log_read,
  // Leaving for good.
  settled_at_once,
  // Tables that move from log to log.
  seal_does_not_fence,
  seal_lost_at_restart,
  seal_ignores_count,
  sealed_table_read,
  moved_is_remembered,
  results_left_behind,
  adopted_again,
  adopted_out_of_order,
  moved_answers_trusted,
  moved_followed_at_once,
  dropped_answers_trusted,
  // Who counts as reachable.
  deaf_counted_as_heard,
  // Rules of rows.
  write_once_ignored,
  cas_ignores_version,
  expiry_lost_at_restart,
  expiry_left_behind,
  transaction_half_done,
  positions_lost_at_restart,
  position_left_behind,
  // Values in chunks.
  chunks_never_released,
  chunks_left_behind,
  chunk_ends_named,
  // Stale reads.
  stale_age_from_answer,
  stale_before_held,
};

#ifdef ATLAS_PLANTED_BUGS
inline constexpr bool bugs_can_be_planted = true;
inline bug planted_now = bug::none;
/// True if the mistake `b` is to be made.
inline bool planted(bug b) {
  return planted_now == b;
}
#else
inline constexpr bool bugs_can_be_planted = false;
constexpr bool planted(bug) {
  return false;
}
#endif

}  // namespace atlas::core

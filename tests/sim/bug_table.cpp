#include "tests/sim/bug_table.hpp"

#include <algorithm>
#include <cstdio>

#include "tests/sim/cluster.hpp"

namespace atlas::sim {

using core::bug;

const std::vector<named_bug>& all_bugs() {
  static const std::vector<named_bug> all{
      {bug::promise_not_persisted, "promise-not-persisted", "a promise is never written to disk"},
      {bug::promise_below_promise, "promise-below-promise", "a lower ballot is promised too"},
      {bug::promise_watermark_not_saved, "promise-watermark-not-saved",
       "a promise tells a watermark that is only in memory"},
      {bug::accept_below_promise, "accept-below-promise", "votes ignore the promise"},
      {bug::accept_not_persisted, "accept-not-persisted", "a vote is never written to disk"},
      {bug::accept_before_fsync, "accept-before-fsync", "a vote leaves before its fsync"},
      {bug::accept_keeps_old_vote, "accept-keeps-old-vote",
       "a newer vote is answered, the older one is kept"},
      {bug::accept_of_older_epoch, "accept-of-older-epoch",
       "votes under a configuration that is known to be replaced"},
      {bug::restart_lowers_promise, "restart-lowers-promise", "a restart forgets the promise"},
      {bug::restart_forgets_votes, "restart-forgets-votes", "a restart forgets the votes"},
      {bug::commit_of_any_ballot, "commit-of-any-ballot",
       "a commit notice marks votes of other ballots chosen"},
      {bug::fetch_serves_unchosen, "fetch-serves-unchosen", "mere votes are handed out as chosen"},
      {bug::fetch_above_written, "fetch-above-written",
       "applied slots are fetched from a disk that does not have them yet"},
      {bug::rows_lost_at_save, "rows-lost-at-save", "a late save of rows leaves one out"},
      {bug::learned_not_persisted, "learned-not-persisted",
       "a learned slot is applied and not written to the log"},
      {bug::dedupe_dropped, "dedupe-dropped", "repeated commands are executed again"},
      {bug::dedupe_lost_at_restart, "dedupe-lost-at-restart", "a restart forgets all results"},
      {bug::dedupe_window_too_narrow, "dedupe-window-too-narrow",
       "results are forgotten before all of them are answered"},
      {bug::old_boot_executed, "old-boot-executed", "commands of an old boot are executed"},
      {bug::need1_one_less, "need1-one-less", "phase 1 needs a node less per zone"},
      {bug::need2_one_less, "need2-one-less", "phase 2 needs a node less per zone"},
      {bug::q1_one_zone_less, "q1-one-zone-less", "phase 1 needs a zone less"},
      {bug::q2_one_zone_less, "q2-one-zone-less", "phase 2 needs a zone less"},
      {bug::quorum_of_the_reachable, "quorum-of-the-reachable",
       "the votes of all reachable nodes are enough"},
      {bug::ballot_without_node, "ballot-without-node", "two nodes can hold the same ballot"},
      {bug::vote_of_any_ballot, "vote-of-any-ballot", "votes for earlier ballots count"},
      {bug::vote_counts_twice, "vote-counts-twice", "a repeated vote counts as another node's"},
      {bug::vote_without_seat, "vote-without-seat", "a node that was removed still counts"},
      {bug::promise_of_any_ballot, "promise-of-any-ballot", "promises for earlier ballots count"},
      {bug::election_without_catching_up, "election-without-catching-up",
       "an owner guesses what is chosen below the highest watermark"},
      {bug::recovery_takes_any_value, "recovery-takes-any-value",
       "recovery takes the last reported value, not the highest ballot's"},
      {bug::recovery_no_op_over_value, "recovery-no-op-over-value",
       "recovery proposes no-ops only"},
      {bug::recovery_passes_configuration, "recovery-passes-configuration",
       "recovery goes on above a configuration"},
      {bug::serving_before_recovery, "serving-before-recovery",
       "an owner serves before what it recovered is applied"},
      {bug::chosen_out_of_order, "chosen-out-of-order", "an owner counts past a slot in flight"},
      {bug::notice_ahead_of_votes, "notice-ahead-of-votes",
       "commit notices name slots that are in flight"},
      {bug::stamp_of_own_clock, "stamp-of-own-clock", "batches are stamped by the clock alone"},
      {bug::configuration_before_chosen, "configuration-before-chosen",
       "a configuration counts as soon as it is proposed"},
      {bug::configuration_without_q1, "configuration-without-q1",
       "a configuration counts without Q1 of it"},
      {bug::prepare_before_own_promise, "prepare-before-own-promise",
       "a candidate asks others before its own disk knows the ballot"},
      {bug::read_without_round, "read-without-round", "reads do not wait for a confirmation"},
      {bug::read_of_earlier_round, "read-of-earlier-round",
       "a round that left before the read came confirms it"},
      {bug::read_before_applied, "read-before-applied", "reads do not wait for applied slots"},
      {bug::expired_called_undone, "expired-called-undone",
       "a request that was sent is reported as certainly not done"},
      {bug::lease_ignored, "lease-ignored", "acceptors promise while a lease runs"},
      {bug::lease_wait_skipped, "lease-wait-skipped",
       "a restarted acceptor promises at once, whatever it granted before"},
      {bug::lease_session_kept, "lease-session-kept",
       "a dropped holder is granted leases in the same session"},
      {bug::lease_of_any_session, "lease-of-any-session",
       "grants count whatever session the log was confirmed in"},
      {bug::lease_drift_ignored, "lease-drift-ignored", "owners trust clocks to run alike"},
      {bug::lease_counted_from_answer, "lease-counted-from-answer",
       "a lease is counted from the answer, not from the request"},
      {bug::lease_checked_once, "lease-checked-once",
       "the clock is not read again after a read is executed"},
      {bug::lease_of_one_node, "lease-of-one-node", "one grant is enough to read"},
      {bug::lease_of_heir_forgotten, "lease-of-heir-forgotten",
       "a restarted acceptor protects only the node that its ballot names"},
      {bug::truncate_above_applied, "truncate-above-applied",
       "the log is cut where the rows are not durable yet"},
      {bug::truncate_beyond_stable, "truncate-beyond-stable",
       "the log is cut though no Q2 has applied it"},
      {bug::truncate_before_its_age, "truncate-before-its-age",
       "the log is kept half as long as it is to be"},
      {bug::snapshot_installed_half, "snapshot-installed-half",
       "a snapshot is put in place after its first part"},
      {bug::snapshot_without_results, "snapshot-without-results",
       "a snapshot lacks the results of its commands"},
      {bug::snapshot_lowers_promise, "snapshot-lowers-promise",
       "a snapshot makes the acceptor forget its promise"},
      {bug::snapshot_drops_votes, "snapshot-drops-votes",
       "a snapshot makes the acceptor forget votes above it"},
      {bug::snapshot_of_two_views, "snapshot-of-two-views",
       "a transfer goes on over a newer view of the table"},
      {bug::promise_below_install, "promise-below-install",
       "a promise does not tell of the snapshot that takes its votes away"},
      {bug::giver_goes_on, "giver-goes-on", "the old owner goes on after the hand-off"},
      {bug::hand_off_before_chosen, "hand-off-before-chosen",
       "a log is handed over without the slots that are in flight"},
      {bug::hand_off_same_generation, "hand-off-same-generation",
       "a hand-off does not raise the generation"},
      {bug::hand_off_to_any_boot, "hand-off-to-any-boot",
       "a hand-off to an earlier start of the node is taken"},
      {bug::hand_off_taken_twice, "hand-off-taken-twice", "a repeated hand-off is taken again"},
      {bug::hand_off_below_promise, "hand-off-below-promise",
       "a hand-off is taken below the own promise"},
      {bug::heir_serves_at_once, "heir-serves-at-once",
       "the new owner serves before it applied what was handed over"},
      {bug::heir_forgets_unfinished, "heir-forgets-unfinished",
       "the new owner uses slots again that the old one had in flight"},
      {bug::heir_takes_unfinished_as_chosen, "heir-takes-unfinished-as-chosen",
       "the new owner takes what the old one had in flight for chosen"},
      {bug::heir_reads_early, "heir-reads-early",
       "the new owner answers reads before it knows what the old one had in flight"},
      {bug::promise_of_older_epoch, "promise-of-older-epoch",
       "an acceptor promises under a configuration that it knows to be replaced"},
      {bug::close_lost_at_restart, "close-lost-at-restart",
       "a restart or a snapshot opens a closed log again"},
      {bug::closed_log_written, "closed-log-written", "a closed log executes commands"},
      {bug::closed_log_read, "closed-log-read", "a closed log answers reads"},
      {bug::settled_at_once, "settled-at-once",
       "a change counts as settled before a quorum of it holds the log"},
      {bug::seal_does_not_fence, "seal-does-not-fence",
       "a log goes on executing commands of a table that it sealed"},
      {bug::seal_lost_at_restart, "seal-lost-at-restart",
       "a restart or a snapshot forgets which tables a log holds"},
      {bug::seal_ignores_count, "seal-ignores-count",
       "a seal that comes late acts on a later stay of the table"},
      {bug::sealed_table_read, "sealed-table-read",
       "a log answers reads of a table that it sealed"},
      {bug::moved_is_remembered, "moved-is-remembered",
       "a command that met a table elsewhere leaves a result"},
      {bug::results_left_behind, "results-left-behind",
       "a table moves without the results of its commands"},
      {bug::adopted_again, "adopted-again", "a late part makes a table arrive once more"},
      {bug::adopted_out_of_order, "adopted-out-of-order",
       "parts of a table are taken in any order, and twice"},
      {bug::moved_answers_trusted, "moved-answers-trusted",
       "a second answer of an earlier sending counts for the present one"},
      {bug::moved_followed_at_once, "moved-followed-at-once",
       "requests run to and fro between logs that point at each other"},
      {bug::heir_trusts_learned, "heir-trusts-learned",
       "an owner counts its proposals as chosen though its copy learned other values there"},
      {bug::dropped_answers_trusted, "dropped-answers-trusted",
       "a repeated request that finds its table dropped counts as never done"},
      {bug::deaf_counted_as_heard, "deaf-counted-as-heard",
       "a node that hears nobody keeps its leases and its logs"},
      {bug::write_once_ignored, "write-once-ignored", "a write-once value is overwritten"},
      {bug::cas_ignores_version, "cas-ignores-version", "a compare-and-set does not compare"},
      {bug::expiry_lost_at_restart, "expiry-lost-at-restart", "a restart forgets what ends when"},
      {bug::expiry_left_behind, "expiry-left-behind",
       "a table that goes to another log leaves its ends behind"},
      {bug::transaction_half_done, "transaction-half-done",
       "the steps of a transaction are kept one by one"},
      {bug::positions_lost_at_restart, "positions-lost-at-restart",
       "after a restart the positions of changes begin again"},
      {bug::position_left_behind, "position-left-behind",
       "a table that goes to another log leaves its position behind"},
      {bug::chunks_never_released, "chunks-never-released",
       "chunks stay when the value that named them is replaced"},
      {bug::chunks_left_behind, "chunks-left-behind",
       "a table that goes to another log leaves its chunks behind"},
      {bug::chunk_ends_named, "chunk-ends-named",
       "a chunk ends when its value takes too long, though another value names it by then"},
      {bug::stale_age_from_answer, "stale-age-from-answer",
       "the age of a stale read counts from the owner's answer"},
      {bug::stale_before_held, "stale-before-held",
       "a stale read does not wait for the slot that its age speaks of"}};
  return all;
}

const named_bug* find_bug(const std::string& name) {
  const auto& all = all_bugs();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const named_bug& b) { return b.name == name; });
  return found == all.end() ? nullptr : &*found;
}

bool plant([[maybe_unused]] core::bug b) {
#ifdef ATLAS_PLANTED_BUGS
  core::planted_now = b;
#endif
  return core::bugs_can_be_planted;
}

trial try_bug(core::bug b, std::uint64_t from, std::uint64_t seeds_max, const sim_shape& shape) {
  trial t;
  plant(b);
  while (!t.caught && t.seeds < seeds_max) {
    const auto report = run_options(sim_options::from_seed(from + t.seeds, shape));
    ++t.seeds;
    t.caught = !report.ok;
    t.rule = report.rule;
  }
  plant(bug::none);
  return t;
}

std::size_t try_all_bugs(std::uint64_t from, std::uint64_t seeds_max, const sim_shape& shape) {
  std::size_t missed = 0;
  std::printf("%-30s %8s  %s\n", "bug", "seeds", "rule that caught it");
  for (const auto& b : all_bugs()) {
    const auto t = try_bug(b.what, from, seeds_max, shape);
    if (!t.caught) ++missed;
    std::printf("%-30s %8llu  %s\n", b.name, static_cast<unsigned long long>(t.seeds),
                t.caught ? t.rule.c_str() : "NOT CAUGHT");
    std::fflush(stdout);
  }
  std::printf("%zu of %zu caught\n", all_bugs().size() - missed, all_bugs().size());
  return missed;
}

}  // namespace atlas::sim

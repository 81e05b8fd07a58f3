#include "actors/reader.hpp"

namespace atlas::actors {
namespace {

constexpr std::size_t rows_per_turn = 8192;
// Each holds a view that keeps what is deleted meanwhile on disk.
constexpr std::size_t jobs_max = 1024;
// Above this one listing is finished before others go on: each holds up to some MiB of its result.
constexpr std::size_t held_bytes_max = 128 << 20;
// Nobody waits so long for an answer.
constexpr std::uint64_t life_ms_max = 120'000;

}  // namespace

reader::reader(caf::actor_config& config, std::shared_ptr<board> where)
    : metered(config, where->meters(), "reader"), board_(std::move(where)) {}

reader_actor::behavior_type reader::make_behavior() {
  return {[this](listing_job& job) { take(job); }, [this](const watch_job& job) { look(job); },
          [this](tick_message) { step(); }};
}

/// Bounded by the terms of the job, so it is done at once.
void reader::look(const watch_job& job) {
  board_->requests->on_watch_part(job.watch, job.number,
                                  core::walk_history(*job.disk->freeze(), job.terms));
}

void reader::take(listing_job& job) {
  if (jobs_.size() >= jobs_max)
    return answer(job, {core::outcome_code::refused,
                        "too many listings are under way at the owner; try again later"});
  if (!running_.insert(name_of(job)).second) return;
  jobs_.push_back(std::move(job));
  if (jobs_.size() == 1) send(this, tick_message{});
}

void reader::step() {
  if (jobs_.empty()) return;
  auto job = std::move(jobs_.front());
  jobs_.pop_front();
  held_bytes_ -= job.walk->held_bytes();
  const bool over = job.walk->advance(rows_per_turn);
  if (over || monotonic_us() / 1000 > job.since_ms + life_ms_max) {
    running_.erase(name_of(job));
    if (over) answer(job, job.walk->take_result());
  } else {
    held_bytes_ += job.walk->held_bytes();
    if (held_bytes_ > held_bytes_max)
      jobs_.push_front(std::move(job));
    else
      jobs_.push_back(std::move(job));
  }
  if (!jobs_.empty()) send(this, tick_message{});
}

void reader::answer(const listing_job& job, core::outcome&& result) {
  answers a{job.log, {}};
  a.list.push_back({true, job.ticket, std::move(result), job.table});
  board_->answer(job.from, std::move(a));
}

}  // namespace atlas::actors

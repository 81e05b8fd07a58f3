// Whom an acceptor protects from phase 1 (consensus.md §5), as far as one log is concerned; the
// node's leases are in core/lease.hpp.
#include "core/planted_bug.hpp"
#include "core/replica.hpp"

namespace atlas::core {

std::uint64_t replica::lease_wait(node_id candidate) {
  if (!leases_) return 0;
  // Whoever held the log before this process began did so under the durable promise, so it ran on
  // the node that the ballot names, unless the ballot was handed on. A log without a promise never
  // had a holder.
  const bool handed_on = handed_on_ == promised_ && !planted(bug::lease_of_heir_forgotten);
  const bool others_before = promised_ && (promised_.node != candidate || handed_on);
  return leases_->release_or_wait(holder_, {log_, promised_, holder_generation_}, candidate,
                                  others_before);
}

void replica::follow(process from, generation gen, replica_effects& out) {
  if (leases_ && holder_ && holder_ != from) leases_->drop(holder_);
  holder_ = from;
  holder_generation_ = gen;
  if (gen == generation{} || handed_on_ == promised_) return;
  handed_on_ = promised_;
  open_group(out);
  out.persist.push_back({.what = record_write::kind::handed_on, .by = promised_});
  out.sync = true;
  handed_on_group_ = out.group;
}

void replica::on_release(process from, const release& m, replica_effects&) {
  if (holder_ != from || m.by != promised_ || m.gen != holder_generation_) return;
  if (leases_) leases_->drop(holder_);
  holder_ = {};
}

}  // namespace atlas::core

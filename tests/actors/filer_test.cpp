// The way of large entries to the disk: the filer hands on what is durable, in order, and an
// acceptor does not overtake it.
#include "actors/filer.hpp"

#include <future>
#include <string>
#include <vector>

#include "actor_bench.hpp"
#include "actors/acceptor.hpp"
#include "tests/support/replica_bench.hpp"

namespace atlas::tests {
namespace {

using namespace atlas::actors;

/// Notes what is asked of it.
class noted_disk final : public core::node_store {
 public:
  void write(std::vector<core::log_writes>&, bool) override { calls += "write "; }
  void file_entries(core::log_writes& group) override {
    started.wait();
    calls += "file " + std::to_string(group.log.value) + " ";
    group.filed = "notes";
  }
  void sync_filed() override {
    begun.set_value();
    end.get_future().wait();
    calls += "sync ";
  }
  std::shared_ptr<core::log_store> open_log(core::log_id, std::string_view) override { return {}; }
  void drop_log(core::log_id) override {}
  [[nodiscard]] std::vector<std::pair<core::log_id, std::string>> logs() const override {
    return {};
  }

  std::string calls;              ///< read when the actor is through
  std::promise<void> start;       ///< all jobs are in the mailbox
  std::promise<void> begun, end;  ///< of the only sync

 private:
  std::future<void> started = start.get_future();
};

template <class Handle>
Handle handle_of(caf::scoped_actor& inbox) {
  return caf::actor_cast<Handle>(caf::actor_cast<caf::strong_actor_ptr>(inbox));
}

/// Number of the group of the next job there; 0 if none comes.
std::uint64_t next_group(caf::scoped_actor& inbox) {
  std::uint64_t group = 0;
  inbox->receive([&](const store_job& job) { group = job.group; },
                 caf::after(std::chrono::seconds(10)) >> [] {});
  return group;
}

struct filer_bench {
  actor_bench bench;
  caf::scoped_actor filer{bench.system};
  caf::scoped_actor store{bench.system};
  std::shared_ptr<board> where = std::make_shared<board>(proc(1), "eu");

  filer_bench() {
    where->leases = std::make_unique<lease_desk>(proc(1), core::lease_terms{}, 0);
    where->filer = handle_of<filer_actor>(filer);
    where->store = handle_of<store_actor>(store);
  }
};

}  // namespace

TEST_SUITE("actors/filer") {
  TEST_CASE("jobs go on when they are durable, in order, and then their acceptor is told") {
    filer_bench b;
    b.where->store = b.bench.as<store_actor>();
    noted_disk disk;
    const auto filer = b.bench.system.spawn<actors::filer>(b.where, std::ref(disk));
    const auto teller = b.bench.as<acceptor_actor>();
    for (std::uint64_t group = 1; group <= 3; ++group)
      b.filer->send(filer, store_job{{core::log_id{group}, {}, true, {}}, group, {}, teller});
    disk.start.set_value();  // what is in the mailbox with the first one shares its sync
    disk.begun.get_future().wait();
    CHECK(b.bench.is_empty());
    disk.end.set_value();
    std::string order;
    while (order.size() < 4) {
      const auto before = order.size();
      b.bench.inbox->receive(
          [&](const store_job& job) {
            CHECK(job.writes.filed == "notes");
            order += std::to_string(job.group);
          },
          [&](const filed& f) { order += f.jobs == 3 ? "f" : "?"; },
          caf::after(std::chrono::seconds(10)) >> [] {});
      REQUIRE(order.size() > before);
    }
    CHECK(order == "123f");
    CHECK(disk.calls == "file 1 file 2 file 3 sync ");
    caf::anon_send_exit(filer, caf::exit_reason::user_shutdown);
  }

  TEST_CASE("what follows a large entry goes the same way until the filer has handed all on") {
    filer_bench b;
    auto entry = std::make_shared<log_entry>(table_log, "t", core::tolerance_policy{});
    const auto acceptor = b.bench.system.spawn<actors::acceptor>(
        b.where, entry, three_nodes(), std::make_shared<memory_log_store>(),
        core::replica_limits{});
    entry->acceptor = acceptor;
    const auto vote = [&](std::uint64_t at, std::size_t size) {
      const auto value = batch_of(at, put(proc(9), at, "k", std::string(size, 'x')));
      b.bench.inbox->send(acceptor, proc(1), accept_of(ballot_of(1, 1), at, {value}));
    };
    vote(1, 10);
    const auto first = next_group(b.store);
    CHECK(first > 0);
    vote(2, core::filed_bytes_min);
    vote(3, 10);
    CHECK(next_group(b.filer) == first + 1);
    CHECK(next_group(b.filer) == first + 2);
    b.bench.inbox->send(acceptor, filed{1});
    vote(4, 10);  // the third one may not be there yet
    CHECK(next_group(b.filer) == first + 3);
    b.bench.inbox->send(acceptor, filed{2});
    vote(5, 10);
    CHECK(next_group(b.store) == first + 4);
    CHECK_FALSE(b.filer->has_next_message());
    caf::anon_send_exit(acceptor, caf::exit_reason::user_shutdown);
  }
}

}  // namespace atlas::tests

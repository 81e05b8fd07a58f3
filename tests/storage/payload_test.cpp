// Large entries and the rows that share their bytes: a store that is told random histories, opened
// anew now and then, shows what a map of maps would, and keeps every payload just as long as
// somebody needs it.
#include <rocksdb/db.h>

#include <map>
#include <set>

#include "core/blob_manifest.hpp"
#include "core/rng.hpp"
#include "storage/space_keeper.hpp"
#include "store_fixture.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id table{5};
constexpr std::size_t chunk_size = 33 << 10;  // kept in RocksDB
constexpr std::size_t filed_size = 97 << 10;  // in a file

std::string noise(core::rng& random, std::size_t size) {
  std::string out;
  while (out.size() < size) {
    const auto some = random.next();
    out.append(reinterpret_cast<const char*>(&some), std::min(sizeof some, size - out.size()));
  }
  return out;
}

/// Slots that have a payload in the table's family, as RocksDB itself tells.
std::set<std::uint64_t> payloads_in(const std::string& path) {
  std::vector<std::string> names;
  REQUIRE(rocksdb::DB::ListColumnFamilies({}, path + "/rocksdb", &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& n : names) families.emplace_back(n, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  rocksdb::Options options;
  options.track_and_verify_wals_in_manifest = true;  // as it was written
  REQUIRE(rocksdb::DB::OpenForReadOnly(options, path + "/rocksdb", families, &handles, &db).ok());
  std::set<std::uint64_t> slots;
  for (auto* family : handles) {
    std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}, family));
    for (const auto* where : {"p", "f"})
      for (it->Seek(where); it->Valid() && it->key().starts_with(where); it->Next()) {
        std::uint64_t slot = 0;
        for (std::size_t i = 1; i < it->key().size(); ++i)
          slot = slot << 8 | static_cast<unsigned char>(it->key()[i]);
        CHECK_MESSAGE(slots.insert(slot).second, "one payload has two places");
      }
  }
  for (auto* h : handles) static_cast<void>(db->DestroyColumnFamilyHandle(h));
  delete db;
  return slots;
}

/// A store and what it should hold.
class payload_bench {
 public:
  explicit payload_bench(std::uint64_t seed) : random_(seed) {
    open();
    queue({promised(ballot_of(1, 1))});
  }

  void step() {
    switch (random_.below(20)) {
      case 0:
        return reopen();
      case 1:
        return truncate();
      case 2:
        return frozen_ ? check_frozen() : freeze();
      case 3:
        return random_.chance(1, 3) ? install() : put_down(true);
      case 4:
        return put_down(random_.chance(1, 2));
      case 5:
      case 6:
        return erase();
      case 7:
        return vote_again();
      default:
        return random_.chance(1, 2) ? accept() : apply();
    }
  }

  void check() {
    put_down(false);
    rows there;
    for (const auto& [row, value] : rows_) there.emplace_back(row, value);
    CHECK(all_rows(*log_) == there);
    for (const auto& name : names_) {
      const auto found = rows_.find(name);
      const auto got = log_->get(name);
      CHECK(got.has_value() == (found != rows_.end()));
      if (got && found != rows_.end()) CHECK(*got == found->second);
    }
    const auto entries = log_->entries({truncated_ + 1}, {last_ + 1}, std::size_t{1} << 30);
    REQUIRE(entries.size() == last_ - truncated_);
    for (const auto& e : entries) CHECK(*e.value.bytes == entries_.at(e.at.value));
    CHECK(log_->recover().tail.size() == last_ - applied_);
  }

  void check_payloads() {
    check();
    queue({bare(kind::drop_staged)});
    put_down(true);
    // A slot that had a large entry and was voted for with a small one keeps it until truncation.
    auto needed = large_;
    for (const auto& [row, at] : shares_) needed.insert(at);
    close();
    CHECK(payloads_in(dir_.file("db")) == needed);
    open();
    check();
  }

 private:
  static core::record_write bare(kind what, std::uint64_t at = 0) {
    core::record_write w;
    w.what = what;
    w.at = {at};
    return w;
  }
  void open() {
    store_ = open_with_small_files(dir_.file("db"), 400 << 10);
    log_ = store_->open_log(table, "t");
  }
  void close() {
    frozen_.reset();
    log_.reset();
    store_.reset();
  }
  void reopen() {
    put_down(true);
    close();
    open();
    check();
  }
  /// Several groups become one write.
  void queue(std::vector<core::record_write> writes) {
    groups_.push_back({table, std::move(writes), false});
    if (random_.chance(1, 2)) store_->file_entries(groups_.back());
  }
  void put_down(bool sync) {
    store_->sync_filed();
    store_->write(groups_, sync);
    groups_.clear();
  }

  std::string some_entry() {
    const auto kind_of = random_.below(4);
    if (kind_of == 0) return "small " + std::to_string(random_.next());
    const auto size = kind_of == 1 ? chunk_size : filed_size;
    return "head" + noise(random_, size) + std::string(random_.below(20), 'z');
  }
  void accept() { vote(++last_); }
  void vote(std::uint64_t at) {
    entries_[at] = some_entry();
    if (entries_[at].size() >= chunk_size) large_.insert(at);
    queue({accepted(at, ballot_of(1, 1), entries_[at])});
  }
  void vote_again() {
    if (last_ == applied_) return;
    vote(applied_ + 1 + random_.below(last_ - applied_));
  }
  std::string some_name() {
    const std::string prefix = random_.chance(1, 3) ? std::string("\1\7\2", 3) : std::string();
    return prefix + core::chunk_row(std::string(core::hash_bytes, char('a' + random_.below(6))));
  }
  void apply() {
    if (last_ == applied_) return;
    const auto& entry = entries_[++applied_];
    std::vector<core::record_write> writes;
    writes.push_back(put_row(".k" + std::to_string(random_.below(5)), std::to_string(applied_)));
    rows_[writes.back().key] = *writes.back().value;
    if (entry.size() > chunk_size) {
      const auto name = some_name();
      names_.insert(name);
      const auto size = entry.size() > filed_size ? filed_size : chunk_size;
      auto w = put_row(name, "row" + entry.substr(4, size));
      w.at = {applied_};
      w.shared_from = 4;
      w.shared = size;
      rows_[name] = *w.value;
      shares_[name] = applied_;
      writes.push_back(std::move(w));
    }
    writes.push_back(applied(applied_, applied_, applied_));
    // Two saves may be in one group: what the first put ends with the second.
    if (!shares_.empty() && random_.chance(1, 6)) {
      auto last = shares_.begin();
      for (auto it = shares_.begin(); it != shares_.end(); ++it)
        if (it->second > last->second) last = it;
      writes.push_back(erase_row(last->first));
      rows_.erase(last->first);
      shares_.erase(last);
    }
    queue(std::move(writes));
    saved_ = applied_;
  }
  void erase() {
    if (shares_.empty()) return;
    auto it = shares_.begin();
    std::advance(it, random_.below(shares_.size()));
    queue({erase_row(it->first)});
    rows_.erase(it->first);
    shares_.erase(it);
  }
  void truncate() {
    if (saved_ == truncated_) return;
    truncated_ += 1 + random_.below(saved_ - truncated_);
    std::vector<core::record_write> writes{bare(kind::truncate, truncated_)};
    // A row may end in the very group, before or behind.
    if (!shares_.empty() && random_.chance(1, 2)) {
      const auto first = shares_.begin();
      writes.insert(random_.chance(1, 2) ? writes.begin() : writes.end(), erase_row(first->first));
      rows_.erase(first->first);
      shares_.erase(first);
    }
    queue(std::move(writes));
    entries_.erase(entries_.begin(), entries_.upper_bound(truncated_));
    large_.erase(large_.begin(), large_.upper_bound(truncated_));
  }
  void install() {
    const auto at = last_ + 3;
    queue({bare(kind::drop_staged)});
    rows_.clear();
    shares_.clear();
    std::vector<core::record_write> staged;
    for (int i = 0; i < 3; ++i) {
      const auto name = some_name();
      names_.insert(name);
      rows_[name] = "row" + noise(random_, chunk_size);
      staged.push_back(put_row(name, rows_[name]));
      staged.back().what = kind::stage_row;
    }
    queue(std::move(staged));
    queue({bare(kind::install, at), bare(kind::truncate, at), applied(at, at, at)});
    if (random_.chance(1, 2)) put_down(random_.chance(1, 2));
    if (random_.chance(1, 2)) queue({bare(kind::drop_staged)});
    entries_.clear();
    large_.clear();
    last_ = applied_ = saved_ = truncated_ = at;
  }
  void freeze() {
    put_down(false);
    frozen_ = log_->freeze();
    frozen_rows_ = all_rows(*log_);
  }
  void check_frozen() {
    rows seen;
    frozen_->scan("", "", [&](std::string_view row, std::string_view value) {
      seen.emplace_back(row, value);
      return true;
    });
    CHECK(seen == frozen_rows_);
    frozen_.reset();
  }

  scratch_dir dir_;
  core::rng random_;
  std::unique_ptr<rocks_store> store_;
  std::shared_ptr<core::log_store> log_;
  std::vector<core::log_writes> groups_;
  std::map<std::uint64_t, std::string> entries_;
  std::set<std::uint64_t> large_;
  std::map<std::string, std::string> rows_;
  std::map<std::string, std::uint64_t> shares_;
  std::set<std::string> names_;
  std::uint64_t last_ = 0, applied_ = 0, saved_ = 0, truncated_ = 0;
  std::unique_ptr<core::frozen_log> frozen_;
  rows frozen_rows_;
};

/// Bytes of all files of large values.
std::uint64_t value_bytes_in(const std::string& path) {
  std::uint64_t sum = 0;
  for (const auto& e : fs::directory_iterator(path + "/rocksdb"))
    if (std::error_code gone; e.path().extension() == ".blob") {
      const auto size = e.file_size(gone);
      if (!gone) sum += size;
    }
  return sum;
}

}  // namespace

TEST_SUITE("storage/payloads") {
  TEST_CASE("random histories: what is shared is whole, and no payload is lost or left") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      CAPTURE(seed);
      payload_bench b(seed);
      for (int i = 1; i <= 300; ++i) {
        b.step();
        if (i % 20 == 0) b.check();
        if (i % 100 == 0) b.check_payloads();
      }
    }
  }

  TEST_CASE(
      "a slot that is voted for again and again has one payload, and one write counts it once") {
    // Sizes of the votes for one slot: nothing, small, in RocksDB, in a file.
    const std::vector<std::size_t> sizes{0, 10, chunk_size, filed_size, filed_size + 1};
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto log = store->open_log(table, "t");
    std::uint64_t slot = 0;
    const auto check_slot = [&](std::size_t first, std::size_t second, std::size_t third) {
      ++slot;
      std::string latest;
      const auto vote = [&](std::size_t size, std::uint64_t round) {
        std::vector<core::record_write> writes;
        if (size != 0) latest = std::to_string(round) + std::string(size, 'v');
        if (size != 0) writes.push_back(accepted(slot, ballot_of(round, 1), latest));
        return core::log_writes{table, std::move(writes), false};
      };
      std::vector<core::log_writes> before{vote(first, 1)}, both{vote(second, 2), vote(third, 3)};
      store->write(before, false);
      store->write(both, false);
      const auto entries = log->entries({slot}, {slot + 1}, 1);
      REQUIRE(entries.size() == (latest.empty() ? 0 : 1));
      if (!latest.empty()) CHECK(*entries[0].value.bytes == latest);
    };
    for (const auto first : sizes)
      for (const auto second : sizes)
        for (const auto third : sizes) check_slot(first, second, third);
    write(*store, table, {applied(slot, 1, 1), truncate(slot)});
    log.reset();
    store.reset();
    CHECK(payloads_in(dir.file("db")).empty());
  }

  TEST_CASE("a payload that is gone ends the process, whoever asks for it") {
    scratch_dir dir;
    failure_log failures;
    auto store = std::move(try_open(dir.file("db"), &failures)).value();
    auto log = store->open_log(table, "t");
    auto row = put_row(core::chunk_row(std::string(32, 'h')), "r" + std::string(chunk_size, 'x'));
    row.at = {7};
    row.shared_from = 0;
    row.shared = chunk_size;
    write(*store, table, {row});
    static_cast<void>(log->get(row.key));
    CHECK(failures.count == 1);
    CHECK(failures.first.find("payload of slot 7") != std::string::npos);
  }

  TEST_CASE("files are copied from the first on, where half of them is garbage") {
    constexpr std::uint64_t mb = 1 << 20;
    CHECK(files_worth_copying({}) == 0);
    CHECK(files_worth_copying({{1, 64 * mb, 0}}) == 0);
    CHECK(files_worth_copying({{1, 64 * mb, 40 * mb}, {2, 64 * mb, 0}}) == 1);
    CHECK(files_worth_copying({{1, 64 * mb, 64 * mb}, {2, 64 * mb, 0}, {3, 64 * mb, 0}}) == 2);
    CHECK(files_worth_copying({{1, 64 * mb, 20 * mb}, {2, 64 * mb, 60 * mb}}) == 2);
    CHECK(files_worth_copying({{1, 16 * mb, 15 * mb}}) == 0);
    CHECK(files_worth_copying({{1, 3000 * mb, 1500 * mb}, {2, 64 * mb, 64 * mb}}) == 1);
    CHECK(files_worth_copying({{1, 3000 * mb, 100 * mb}, {2, 64 * mb, 64 * mb}}) == 0);
    // Garbage behind a gibibyte that lives: the live ones move, until it is in front.
    std::vector<value_file> files;
    for (std::uint64_t i = 1; i <= 217; ++i) files.push_back({i, 64 * mb, i <= 17 ? 0 : 63 * mb});
    const auto first = files_worth_copying(files);
    CHECK(first == 16);
    std::vector<value_file> later(files.begin() + 16, files.end());
    for (std::uint64_t i = 1; i <= 16; ++i) later.push_back({217 + i, 64 * mb, 0});
    CHECK(files_worth_copying(later) > 100);
  }

  TEST_CASE("the space of large values that are gone comes back") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto log = store->open_log(table, "t");
    core::rng random(1);
    std::uint64_t most = 0;
    // Rows of 64 KiB among which seven of eight are overwritten all the time.
    for (int round = 0; round < 40; ++round)
      for (int i = 0; i < 160; ++i) {
        const bool lives = i % 8 == 0;
        write(*store, table,
              {put_row(lives ? "l" + std::to_string(round * 1000 + i) : "d" + std::to_string(i),
                       noise(random, 64 << 10))},
              false);
        if (i == 0) most = std::max(most, value_bytes_in(dir.file("db")));
      }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    const auto live = std::uint64_t{40} * 20 * (64 << 10);
    while (value_bytes_in(dir.file("db")) > 2 * live + (48u << 20) &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto held = value_bytes_in(dir.file("db"));
    MESSAGE("400 MiB were written, " << (live >> 20) << " MiB are rows, at most " << (most >> 20)
                                     << ", at last " << (held >> 20) << " MiB on disk");
    CHECK(held <= 2 * live + (48u << 20));
  }
}

}  // namespace atlas::storage::tests

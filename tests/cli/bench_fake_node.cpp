// One lock around everything, strings cut at blanks: slow and plain.
#include "tests/cli/bench_fake_node.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

namespace atlas::tests {

namespace {

std::string number(std::uint64_t n) {
  return std::to_string(n);
}

// The first `count` words of `line`, and behind one blank the rest.
std::vector<std::string> cut(const std::string& line, std::size_t count) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (out.size() < count && at < line.size()) {
    const auto end = std::min(line.find(' ', at), line.size());
    out.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  out.push_back(at < line.size() ? line.substr(at) : "");
  out.resize(count + 1);
  return out;
}

}  // namespace

void fake_node::serve(fake_connection& client) {
  client.greet();
  while (auto line = client.line()) {
    std::string tag;
    if (line->rfind("[ID:", 0) == 0) {
      tag = line->substr(0, line->find("] ") + 2);
      line->erase(0, tag.size());
    }
    // Bodies have no tag: only the first frame and the OK behind them.
    const auto body = answer(*line, client);
    const auto reply =
        (body.empty() ? "" : tag + body) + (body == "QUEUED\r\n" ? "" : tag + "OK\r\n");
    if (pieces)
      for (const char c : reply) client.send({&c, 1});
    else
      client.send(reply);
  }
}

std::uint64_t fake_node::count(const std::string& words) {
  const std::lock_guard lock(mutex_);
  return counts_[words];
}

void fake_node::write(const std::string& key, std::string value) {
  auto& row = rows[key];
  row.value = std::move(value);
  ++row.version;
}

std::string fake_node::answer(const std::string& line, fake_connection& client) {
  const auto words = cut(line, 3);
  if (words[0] == "KEY") return key_command(line, client);
  const std::lock_guard lock(mutex_);
  if (words[0] == "PUT") {
    ++counts_["PUT"];
    write(words[1], cut(line, 2)[2]);
    return "QUEUED\r\n";
  }
  if (words[0] == "TXN") {
    const auto done = ++counts_[words[0] + ' ' + words[1]];
    return words[1] == "COMMIT" ? "COMMITTED SLOT:" + number(done) + "\r\n" : "";
  }
  ++counts_[words[0]];
  if (words[0] == "SCAN") return listing(words[1], std::stoul(words[3]));
  std::size_t found = 0;
  for (const auto& [key, row] : rows) found += key.rfind(words[1], 0) == 0 ? 1 : 0;
  return "COUNT:" + number(found) + "\r\n";
}

std::string fake_node::key_command(const std::string& line, fake_connection& client) {
  const auto words = cut(line, 3);
  if (words[1] == "BLOB") return blob_command(line, client);
  const std::lock_guard lock(mutex_);
  if (words[1] == "CAS") return cas(line);
  ++counts_["KEY " + words[1]];
  const auto& key = words[2];
  if (words[1] == "PUT") {
    write(key, words[3]);
    return "";
  }
  const auto row = rows.find(key);
  if (words[1] == "INCR") {
    const auto sum = row == rows.end() ? 1 : std::stoull(row->second.value) + 1;
    write(key, number(sum));
    return "VALUE:" + number(sum) + "\r\n";
  }
  return row == rows.end() ? "NOT_FOUND\r\n" : "VALUE:" + row->second.value + "\r\n";
}

std::string fake_node::blob_command(const std::string& line, fake_connection& client) {
  const auto words = cut(line, 5);
  const bool is_set = words[2] == "SET";
  auto bytes = is_set ? client.bytes(std::stoul(words[4])) : "";
  const std::lock_guard lock(mutex_);
  ++counts_["KEY BLOB " + words[2]];
  if (is_set) {
    write(words[3], std::move(bytes));
    return "";
  }
  const auto row = rows.find(words[3]);
  if (row == rows.end()) return "EMPTY\r\n";
  return "BLOB " + number(row->second.value.size()) + "\r\n" + row->second.value;
}

std::string fake_node::cas(const std::string& line) {
  const auto words = cut(line, 4);
  const auto& key = words[2];
  const auto row = rows.find(key);
  const auto has = row == rows.end() ? "ABSENT" : number(row->second.version);
  if (words[3] != has) {
    ++counts_["CONFLICT"];
    return "CONFLICT " + std::string(row == rows.end() ? "" : "VERSION:") + has + "\r\n";
  }
  ++counts_["KEY CAS"];
  write(key, words[4]);
  return "VERSION:" + number(rows[key].version) + "\r\n";
}

std::string fake_node::listing(const std::string& prefix, std::size_t limit) {
  std::vector<std::string> found;
  for (const auto& [key, row] : rows)
    if (key.rfind(prefix, 0) == 0) found.push_back(key);
  const bool more = found.size() > limit;
  if (more) found.resize(limit);
  auto out = "KEYS:" + number(found.size()) + "\r\n";
  for (const auto& key : found) out += key + "\r\n";
  return more ? out + "MORE " + found.back() + "\r\n" : out;
}

cli::bench_options small_bench(const std::string& workload, std::vector<std::string> targets) {
  cli::bench_options out;
  out.targets = std::move(targets);
  out.workload = *cli::find_workload(workload);
  out.read_ratio = out.workload.read_ratio.value_or(0.5);
  out.clients = 4;
  out.keys = 50;
  out.duration_s = 0.1;
  out.warmup_s = 0;
  return out;
}

cli::bench_result run_small_bench(const cli::bench_options& options) {
  auto result = cli::run_bench(options);
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().detail));
  return std::move(result).value();
}

}  // namespace atlas::tests

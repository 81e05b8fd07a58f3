// Nodes of one test: real programs with real configuration files, each with a data directory, a
// socket, a port and a log of its own below one temporary directory. Nodes are numbered from 1 in
// the order in which they are added; the first founds the cluster, the others join through it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/cli/temp_dir.hpp"
#include "tests/system/client.hpp"
#include "tests/system/process.hpp"

namespace atlas::system_tests {

/// `--set` overrides, such as "request_timeout=3s".
using settings = std::vector<std::string>;

class cluster {
 public:
  /// One node per region; none is started. `extra` holds for every node and every start.
  explicit cluster(const std::vector<std::string>& regions, settings extra = {});

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  /// Starts the node's program on its present data directory; does not wait for anything.
  void start(std::size_t node, const settings& more = {});
  /// Until the node answers clients; false if it ended or did not in time. After this a founder or
  /// joiner is a member.
  bool serves(std::size_t node);
  /// Starts the first node, then the others one by one, and waits until each one lists all of them
  /// as active and the table of members itself is kept by all of them.
  bool start_all();
  /// Until every one of `nodes` answers and lists `active` nodes as active.
  bool see_each_other(const std::vector<std::size_t>& nodes, std::size_t active);
  [[nodiscard]] std::vector<std::size_t> all() const;

  void kill(std::size_t node) { at(node).program->kill_now(); }
  process& program(std::size_t node) { return *at(node).program; }
  /// Removes the data directory of a node that does not run.
  void empty_disk(std::size_t node);

  /// A new client of a node that serves; fails the test if there is none.
  client connect(std::size_t node);
  /// One request on a connection of its own; `lost` if the node does not serve.
  reply ask(std::size_t node, std::string_view line);
  /// Until `table` has `acceptors` voters in the eyes of every one of `nodes`.
  bool kept_by(const std::string& table, std::size_t acceptors,
               const std::vector<std::size_t>& nodes);
  /// Repeats the request until it succeeds or `limit` is over; the last answer.
  reply ask_until_ok(std::size_t node, std::string_view line,
                     std::chrono::milliseconds limit = patience);
  /// The node that owns `table` in the eyes of `asked`, waiting for there to be one; 0 if never.
  std::size_t owner_of(const std::string& table, std::size_t asked);

  [[nodiscard]] std::string socket(std::size_t node) const;
  [[nodiscard]] std::string db_path(std::size_t node) const;
  [[nodiscard]] std::string config_file(std::size_t node) const;
  [[nodiscard]] std::string address(std::size_t node) const;
  [[nodiscard]] std::uint16_t port(std::size_t node) const;
  [[nodiscard]] std::string log(std::size_t node) const;
  /// The ends of all logs, for `INFO`.
  [[nodiscard]] std::string logs() const;
  [[nodiscard]] std::string file(const std::string& name) const { return dir_.file(name); }

 private:
  struct member {
    std::string region;
    reserved_port port;
    std::unique_ptr<process> program;
  };
  member& at(std::size_t number) { return nodes_.at(number - 1); }
  [[nodiscard]] std::string name(const char* what, std::size_t number) const;
  void write_config(std::size_t number) const;

  tests::temp_dir dir_;
  settings extra_;
  std::vector<member> nodes_;
};

/// The program under test.
std::string node_program();

}  // namespace atlas::system_tests

// Addresses are 127.0.0.1 by number: name resolution and IPv6 of the machine play no part. All that
// a test needs to know of a node it asks the node as a client would, or reads in its log; nothing
// is concluded from time that passed.
#include "tests/system/cluster.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace atlas::system_tests {
namespace {

constexpr std::size_t log_bytes_shown = 6000;

std::size_t count(const std::vector<std::string>& lines, const std::string& what) {
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const auto& l) {
    return l.find(what) != std::string::npos;
  }));
}

}  // namespace

std::string node_program() {
  return ATLAS_BIN_DIR "/atlas-node";
}

cluster::cluster(const std::vector<std::string>& regions, settings extra)
    : extra_(std::move(extra)) {
  for (const auto& region : regions) nodes_.push_back({region, {}, nullptr});
  for (const auto number : all()) write_config(number);
}

std::vector<std::size_t> cluster::all() const {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 1; i <= nodes_.size(); ++i) numbers.push_back(i);
  return numbers;
}

std::string cluster::name(const char* what, std::size_t number) const {
  return dir_.file(what + std::to_string(number));
}
std::string cluster::socket(std::size_t number) const {
  return name("socket", number);
}
std::string cluster::db_path(std::size_t number) const {
  return name("data", number);
}
std::string cluster::config_file(std::size_t number) const {
  return name("node", number) + ".yaml";
}
std::uint16_t cluster::port(std::size_t number) const {
  return nodes_.at(number - 1).port.number();
}
std::string cluster::address(std::size_t number) const {
  return "127.0.0.1:" + std::to_string(port(number));
}
std::string cluster::log(std::size_t number) const {
  return text_of(name("log", number));
}

std::string cluster::logs() const {
  std::string text;
  for (const auto number : all()) {
    auto one = log(number);
    if (one.size() > log_bytes_shown) one.erase(0, one.size() - log_bytes_shown);
    text += "\n--- node " + std::to_string(number) + "\n" + one;
  }
  return text;
}

void cluster::write_config(std::size_t number) const {
  std::ofstream out(config_file(number));
  out << "advertise: " << address(number) << "\n"
      << "listen: " << address(number) << "\n"
      << "region: " << nodes_.at(number - 1).region << "\n"
      << "credentials: the-secret-of-this-test\n"
      << "db_path: " << db_path(number) << "\n"
      << "socket: " << socket(number) << "\n"
      << "max_cache_size: 16MB\n";
  if (number != 1) out << "connect: [\"" << address(1) << "\"]\n";
}

void cluster::start(std::size_t number, const settings& more) {
  std::vector<std::string> arguments{node_program(), "--config", config_file(number)};
  for (const auto* list : {&std::as_const(extra_), &more})
    for (const auto& s : *list) {
      arguments.push_back("--set");
      arguments.push_back(s);
    }
  at(number).program.reset();
  at(number).program = std::make_unique<process>(arguments, name("log", number));
}

bool cluster::serves(std::size_t number) {
  bool found = false;
  eventually([&] {
    found = client::connect(socket(number)).has_value();
    return found || !program(number).running();
  });
  return found;
}

bool cluster::start_all() {
  for (const auto number : all()) {
    start(number);
    if (!serves(number)) return false;
  }
  return see_each_other(all(), size()) && kept_by("atlas.nodes", size(), all());
}

bool cluster::see_each_other(const std::vector<std::size_t>& nodes, std::size_t active) {
  return eventually([&] {
    return std::all_of(nodes.begin(), nodes.end(), [&](auto number) {
      const auto r = ask(number, "NODE LIST");
      return r.ok() && count(r.lines, " status=ACTIVE") == active;
    });
  });
}

void cluster::empty_disk(std::size_t number) {
  std::filesystem::remove_all(db_path(number));
}

bool cluster::kept_by(const std::string& table, std::size_t acceptors,
                      const std::vector<std::size_t>& nodes) {
  return eventually([&] {
    return std::all_of(nodes.begin(), nodes.end(), [&](auto number) {
      const auto text = ask(number, "TABLE INFO " + table).text();
      const auto list = text.find(" acceptors=");
      if (list == std::string::npos) return false;
      return static_cast<std::size_t>(
                 std::count(text.begin() + static_cast<long>(list), text.end(), ',')) +
                 1 ==
             acceptors;
    });
  });
}

client cluster::connect(std::size_t number) {
  auto c = client::connect(socket(number));
  REQUIRE_MESSAGE(c.has_value(), "node " << number << " serves clients");
  return std::move(*c);
}

reply cluster::ask(std::size_t number, std::string_view line) {
  auto c = client::connect(socket(number));
  return c ? c->ask(line) : reply{};
}

reply cluster::ask_until_ok(std::size_t number, std::string_view line,
                            std::chrono::milliseconds limit) {
  reply last;
  eventually(
      [&] {
        last = ask(number, line);
        return last.ok();
      },
      limit);
  return last;
}

std::size_t cluster::owner_of(const std::string& table, std::size_t asked) {
  std::size_t owner = 0;
  eventually([&] {
    const auto text = ask(asked, "TABLE INFO " + table).text();
    const auto field = text.find(" owner=");
    if (field == std::string::npos || text[field + 7] == '-') return false;
    owner = std::stoul(text.substr(field + 7));
    return true;
  });
  return owner;
}

}  // namespace atlas::system_tests

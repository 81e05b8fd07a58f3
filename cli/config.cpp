// From the tree of a configuration file to a checked node_config. One function per group of
// settings; each refusal says what would be right. Settings that only later versions have are
// refused by name: an operator who writes `tls:` must not get plain text without a word.
#include "cli/config.hpp"

#include <sys/un.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "cli/config_emulate.hpp"
#include "cli/config_reader.hpp"
#include "cli/config_values.hpp"

namespace atlas::cli {

namespace {

// sun_path holds a terminating zero too.
// The longest key and what stands around it must fit into a line.
constexpr std::uint64_t client_bytes_min = 8u << 10;
constexpr std::uint64_t client_bytes_max = 128u << 20;
constexpr std::size_t socket_path_bytes_max = sizeof(sockaddr_un{}.sun_path) - 1;
constexpr std::uint64_t cache_bytes_min = 8ull << 20;
constexpr std::uint64_t request_timeout_ms_min = 10;
constexpr std::uint64_t request_timeout_ms_max = 3'600'000;
constexpr std::uint64_t tolerance_max = 1000;
constexpr std::uint64_t lease_ms_min = 1'000;
constexpr std::uint64_t lease_ms_max = 60'000;
constexpr std::uint64_t automatic = tolerance_max + 1;  // what `auto` reads as

const char* const address_remedy = "write host:port, such as ";

// An address that others dial. The wildcard can be listened on, never dialled.
std::optional<endpoint> parse_dialled(std::string_view text) {
  auto out = parse_endpoint(text);
  if (out && (out->host == "0.0.0.0" || out->host == "::")) return std::nullopt;
  return out;
}

std::optional<std::string> parse_filled(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(std::string(text));
}

void read_connect(config_section& root, node_config& out) {
  const auto* v = root.take("connect");
  if (v == nullptr) return;
  const std::string remedy = std::string(address_remedy) + "eu1.example.net:4444";
  // The original's `connect host:port` is one address; a list of one is the same.
  auto items = v->what == yaml_value::type::list ? v->children : std::vector<yaml_value>{*v};
  if (items.empty())
    root.refuse(*v, describe(*v),
                "name at least one host:port, or remove the key to found a new cluster");
  for (auto& item : items) {
    item.key = "connect";
    const auto parsed =
        item.what == yaml_value::type::text ? parse_dialled(item.text) : std::nullopt;
    if (parsed)
      out.connect.push_back(*parsed);
    else
      root.refuse(item, describe(item), remedy);
  }
  const auto is_self = [&out](const endpoint& e) { return e == out.advertise; };
  if (!out.connect.empty() && std::all_of(out.connect.begin(), out.connect.end(), is_self))
    root.refuse(*v, "only this node's own address",
                "name other nodes, or remove the key to found a new cluster");
}

void read_addresses(config_section& root, node_config& out) {
  root.read("advertise", out.advertise, parse_dialled,
            std::string(address_remedy) +
                "localhost:4444, where other nodes reach this one (no default port is assumed)");
  if (!root.read("listen", out.listen, parse_endpoint,
                 std::string(address_remedy) + "0.0.0.0:4444"))
    out.listen = {"0.0.0.0", out.advertise.port};
  const auto region = [](std::string_view text) {
    return is_region_name(text) ? std::optional(std::string(text)) : std::nullopt;
  };
  root.read("region", out.region, region,
            "write a zone name of 1 to 64 letters, digits, - or _, such as eu-west-1");
  read_connect(root, out);
}

// The file's content without the line break that editors leave at its end.
std::optional<std::string> read_secret_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// Never shows the secret: refusals end up in logs.
void read_credentials(config_section& root, node_config& out) {
  const auto* secret = root.take("credentials");
  if (secret != nullptr) {
    if (secret->what == yaml_value::type::text)
      out.credentials = secret->text;
    else
      root.refuse(*secret, describe(*secret),
                  "write the shared secret of the cluster as one word or in quotes");
  }
  const auto* file = root.take("credentials_file");
  if (file == nullptr) return;
  if (secret != nullptr) {
    root.refuse(*file, describe(*file) + " beside credentials", "keep one of the two");
    return;
  }
  const auto read =
      file->what == yaml_value::type::text ? read_secret_file(file->text) : std::nullopt;
  if (!read)
    root.refuse(*file, describe(*file), "name a readable file that holds the shared secret");
  else if (read->empty())
    root.refuse(*file, describe(*file) + ", which is empty",
                "put the shared secret of the cluster into it");
  else
    out.credentials = *read;
}

void check_socket_path(config_section& root, const node_config& out, const yaml_place& at,
                       const char* why) {
  if (out.socket.size() <= socket_path_bytes_max) return;
  root.problems().add(
      at, "socket",
      "\"" + out.socket + "\" (" + std::to_string(out.socket.size()) + " bytes" + why + ")",
      "a Unix socket path has at most " + std::to_string(socket_path_bytes_max) +
          " bytes, name a shorter path");
}

void read_paths(config_section& root, node_config& out) {
  const auto* db = root.take("db_path");
  const bool db_is_text = db != nullptr && db->what == yaml_value::type::text && !db->text.empty();
  const std::string db_remedy = "name this node's data directory, such as /var/lib/atlas";
  if (db_is_text)
    out.db_path = db->text;
  else if (db != nullptr)
    root.refuse(*db, describe(*db), db_remedy);
  else
    root.problems().add(root.place(), "db_path", "nothing", db_remedy);
  std::error_code ignored;
  if (db_is_text && std::filesystem::exists(out.db_path, ignored) &&
      !std::filesystem::is_directory(out.db_path, ignored))
    root.refuse(*db, describe(*db) + ", which is not a directory", db_remedy);

  if (root.read("socket", out.socket, parse_filled, "name the path of the client socket")) {
    check_socket_path(root, out, root.take("socket")->place, "");
  } else if (db_is_text) {
    out.socket = (std::filesystem::path(out.db_path) / "socket").string();
    check_socket_path(root, out, db->place, ", from db_path");
  }
  const auto mode = [](std::string_view text) {
    const auto bits = parse_mode(text);
    return bits && (*bits & 0600u) == 0600u ? bits : std::nullopt;
  };
  root.read("socket_mode", out.socket_mode, mode,
            "write octal permissions that let the owner read and write, such as \"0660\"");
}

void read_tolerance(config_section& section, const std::string& name, const std::string& of_what,
                    std::optional<std::uint32_t>& out) {
  const auto parse = [](std::string_view text) -> std::optional<std::uint64_t> {
    if (text == "auto") return automatic;
    const auto number = parse_number(text);
    return number && *number <= tolerance_max ? number : std::nullopt;
  };
  std::uint64_t number = automatic;
  section.read(name, number, parse,
               "write auto, or how many " + of_what + " may be lost (0, 1, 2, ...)");
  if (number != automatic) out = static_cast<std::uint32_t>(number);
}

void read_quorum(config_section& root, node_config& out) {
  const auto* v = root.take("quorum");
  if (v == nullptr) return;
  if (v->what != yaml_value::type::map || v->children.empty()) {
    root.refuse(*v, describe(*v), "write {fn: auto, fz: auto} or numbers");
    return;
  }
  config_section section(*v, "quorum", root.problems());
  read_tolerance(section, "fn", "nodes of a zone", out.quorum.fn);
  read_tolerance(section, "fz", "zones", out.quorum.fz);
  section.refuse_unknown();
}

void read_log(config_section& root, node_config& out) {
  // Development asks for a verbose log, unless the level is written down.
  if (out.development_mode) out.log_level = "debug";
  const auto* v = root.take("log");
  if (v == nullptr) return;
  if (v->what != yaml_value::type::map || v->children.empty()) {
    root.refuse(*v, describe(*v), "write {level: info, format: text}");
    return;
  }
  config_section section(*v, "log", root.problems());
  const auto level = [](std::string_view text) -> std::optional<std::string> {
    for (const auto* word : {"trace", "debug", "info", "warn", "error"})
      if (text == word) return word;
    return std::nullopt;
  };
  section.read("level", out.log_level, level, "write trace, debug, info, warn or error");
  const auto format = [](std::string_view text) -> std::optional<bool> {
    if (text == "json") return true;
    return text == "text" ? std::optional(false) : std::nullopt;
  };
  section.read("format", out.log_json, format, "write text or json");
  section.refuse_unknown();
}

void read_leases(config_section& root, node_config& out) {
  const auto reads = [](std::string_view text) -> std::optional<bool> {
    if (text == "lease") return true;
    return text == "quorum" ? std::optional(false) : std::nullopt;
  };
  root.read("reads", out.reads_on_leases, reads, "write lease or quorum");
  root.read("thrifty", out.thrifty, parse_switch, "write on or off");
  const auto* v = root.take("lease");
  if (v == nullptr) return;
  if (v->what != yaml_value::type::map || v->children.empty()) {
    root.refuse(*v, describe(*v), "write {duration: 3s, drift: 0.01}");
    return;
  }
  config_section section(*v, "lease", root.problems());
  const auto duration = [](std::string_view text) {
    const auto ms = parse_duration_ms(text);
    return ms && *ms >= lease_ms_min && *ms <= lease_ms_max ? ms : std::nullopt;
  };
  section.read("duration", out.lease.duration_ms, duration,
               "write a duration from 1s to 60s, such as 3s");
  const auto drift = [](std::string_view text) -> std::optional<std::uint64_t> {
    const auto share = parse_decimal(text);
    if (!share || *share < 0.001 || *share > 0.5) return std::nullopt;
    return static_cast<std::uint64_t>(std::ceil(*share * 1000));
  };
  section.read("drift", out.lease.drift_permille, drift,
               "write how much the rates of two clocks may differ, from 0.001 to 0.5, such as "
               "0.01");
  section.refuse_unknown();
}

void read_log_retention(config_section& root, node_config& out) {
  const auto* v = root.take("log_retention");
  if (v == nullptr) return;
  if (v->what != yaml_value::type::map || v->children.empty()) {
    root.refuse(*v, describe(*v), "write {slots: 100000, size: 64MB, age: 24h}");
    return;
  }
  config_section section(*v, "log_retention", root.problems());
  section.read("slots", out.limits.keep_slots, parse_number,
               "write how many slots of each table's log are kept, such as 100000");
  section.read("size", out.limits.keep_bytes, parse_size,
               "write how much of each table's log is kept, such as 64MB");
  section.read("age", out.limits.keep_ms, parse_duration_ms,
               "write how long what is applied stays in a table's log, such as 24h");
  section.refuse_unknown();
}

void read_client_limits(config_section& root, node_config& out) {
  const auto* v = root.take("client_limits");
  if (v == nullptr) return;
  if (v->what != yaml_value::type::map || v->children.empty()) {
    root.refuse(*v, describe(*v), "write {line: 128MB, blob: 128MB, unused_parts: 1h}");
    return;
  }
  config_section section(*v, "client_limits", root.problems());
  const auto bytes = [](std::string_view text) -> std::optional<std::size_t> {
    const auto n = parse_size(text);
    const bool possible = n && *n >= client_bytes_min && *n <= client_bytes_max;
    return possible ? std::optional<std::size_t>(*n) : std::nullopt;
  };
  section.read("line", out.line_bytes_max, bytes, "write a size from 8KB to 128MB");
  section.read("blob", out.blob_bytes_max, bytes, "write a size from 8KB to 128MB");
  const auto grace = [](std::string_view text) {
    const auto ms = parse_duration_ms(text);
    return ms && *ms >= 1'000 ? ms : std::nullopt;
  };
  section.read("unused_parts", out.unused_parts_ms, grace,
               "write how long parts of large values are kept that no value names, at least 1s, "
               "such as 1h");
  section.refuse_unknown();
}

void read_behaviour(config_section& root, node_config& out) {
  root.read("development_mode", out.development_mode, parse_switch,
            "write true or false (on, off, yes and no work too)");
  const auto cache = [](std::string_view text) {
    const auto bytes = parse_size(text);
    return bytes && *bytes >= cache_bytes_min ? bytes : std::nullopt;
  };
  root.read("max_cache_size", out.max_cache_bytes, cache,
            "write a size of at least 8MB, such as 512MB or 1GB");
  const auto keys = [](std::string_view text) -> std::optional<bool> {
    if (text == "folded") return true;
    return text == "exact" ? std::optional(false) : std::nullopt;
  };
  root.read("keys", out.keys_folded, keys, "write exact or folded");
  const auto timeout = [](std::string_view text) {
    const auto ms = parse_duration_ms(text);
    const bool possible = ms && *ms >= request_timeout_ms_min && *ms <= request_timeout_ms_max;
    return possible ? ms : std::nullopt;
  };
  root.read("request_timeout", out.request_timeout_ms, timeout,
            "write a duration from 10ms to 1h, such as 10s or 500ms");
  read_quorum(root, out);
  read_leases(root, out);
  read_log(root, out);
  read_log_retention(root, out);
  read_client_limits(root, out);
}

void refuse_later_settings(config_section& root) {
  root.refuse_later("tls", "encryption between nodes", "remove this key");
  root.refuse_later("http", "an HTTP listener", "remove this key");
}

}  // namespace

core::result<node_config> load_config(const std::string& path,
                                      const std::vector<std::string>& overrides) {
  auto tree = read_yaml_file(path);
  if (!tree) return tree.error();
  for (const auto& assignment : overrides)
    if (auto done = set_yaml_value(tree.value(), assignment); !done) return done.error();

  node_config out;
  problem_list problems;
  config_section root(tree.value(), "", problems);
  read_addresses(root, out);
  read_credentials(root, out);
  read_paths(root, out);
  read_behaviour(root, out);
  read_emulate(root, out.emulate);
  refuse_later_settings(root);
  root.refuse_unknown();
  if (!problems.empty()) return problems.to_failure();
  return out;
}

}  // namespace atlas::cli

// Requests on single keys that say more than their bytes: versions, sums, ends, write-once periods,
// access, several keys at once, transactions. Here they become commands and reads of core/, and
// their outcomes the text of a reply.
#include <openssl/evp.h>

#include <charconv>
#include <utility>

#include "actors/describe.hpp"
#include "actors/request_router.hpp"
#include "core/access_list.hpp"
#include "core/row_command.hpp"
#include "core/scan_terms.hpp"
#include "core/transaction.hpp"
#include "net/command_parser.hpp"
#include "net/tokens.hpp"

namespace atlas::actors {
namespace {

constexpr std::size_t many_bytes_max = 64 << 20;  ///< values of one KEY MGET
// A transaction is one command of one entry, which travels in one message. The session takes less;
// this holds whoever asks.
constexpr std::size_t transaction_bytes_max = 8 << 20;

template <class Number>
Number number_in(std::string_view text) {
  Number n{};
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

/// `for <us>` or `until <us>`.
core::period period_in(std::string_view text) {
  const bool relative = text.starts_with("for ");
  return {relative, number_in<std::uint64_t>(text.substr(relative ? 4 : 6))};
}

core::permission permission_in(std::string_view word) {
  return word == "READ"    ? core::permission::read
         : word == "WRITE" ? core::permission::write
                           : core::permission::owner;
}

/// The command that a request becomes; its row is filled in by the caller.
core::request_table::write_request command_of(net::client_request& r) {
  core::request_table::write_request w;
  w.principal = r.principal;
  switch (r.what) {
    case net::verb::key_put:
      w.what = core::operation::put_once;
      w.value = core::encode_put_once(period_in(r.terms), r.value);
      break;
    case net::verb::key_cas:
      w.what = core::operation::cas;
      w.value =
          core::encode_cas(r.terms == "absent" ? 0 : number_in<std::uint64_t>(r.terms), r.value);
      break;
    case net::verb::blob_part:
      w.what = core::operation::put_chunk;
      w.value = std::move(r.value);
      break;
    case net::verb::blob_commit:
      w.what = core::operation::put_blob;
      w.value = std::move(r.value);
      break;
    case net::verb::key_incr:
      w.what = core::operation::increase;
      w.value = core::encode_amount(number_in<std::int64_t>(r.value));
      break;
    case net::verb::key_expire:
      w.what = core::operation::expire;
      w.value = core::encode_expire(number_in<std::uint64_t>(r.value));
      break;
    case net::verb::key_persist:
      w.what = core::operation::expire;
      w.value = core::encode_expire(0);
      break;
    case net::verb::key_worm:
      w.what = core::operation::protect;
      w.value = core::encode_period(period_in(r.value));
      break;
    default:
      w.what = r.what == net::verb::acl_grant ? core::operation::grant : core::operation::revoke;
      w.value = core::encode_access_change(permission_in(r.terms), r.value);
  }
  return w;
}

std::string sha256_hex(std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, 0);
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &length,
             EVP_sha256(), nullptr);
  digest.resize(length);
  return hex_text(digest);
}

std::string meta_text(const core::row_meta& m) {
  const auto time = [](core::stamp s) { return s.us ? core::time_text(s) : std::string("-"); };
  return "META version=" + std::to_string(m.version) + " size=" + std::to_string(m.size) +
         " created=" + time(m.created) + " updated=" + time(m.updated) +
         " principal=" + (m.principal.empty() ? "-" : m.principal) + " expires=" + time(m.expires) +
         " worm=" + time(m.write_once) + " sha256=" + (m.hash.empty() ? "-" : hex_text(m.hash));
}

std::string ttl_text(const core::row_meta& m) {
  if (!m.expires.us) return "TTL:none";
  // Whole milliseconds, never less than what is left.
  return "TTL:" + std::to_string((m.expires.us - m.now.us + 999) / 1'000);
}

std::string access_text(const core::access_list& list) {
  if (list.of(core::permission::owner).empty()) return "ACL public";
  std::string text = "ACL";
  for (const auto& [name, p] : {std::pair{" owner=", core::permission::owner},
                                std::pair{" reader=", core::permission::read},
                                std::pair{" writer=", core::permission::write}}) {
    const auto& all = list.of(p);
    text += name;
    if (all.empty()) text += "-";
    for (std::size_t i = 0; i < all.size(); ++i) text += (i ? "," : "") + all[i];
  }
  return text;
}

std::string cut(std::string&& blob, std::string_view range) {
  const auto from = number_in<std::uint64_t>(range);
  const auto length = number_in<std::uint64_t>(range.substr(range.find(' ') + 1));
  return from >= blob.size() ? std::string() : blob.substr(from, length);
}

}  // namespace

std::string hex_text(std::string_view bytes) {
  static const char* const hex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += hex[static_cast<unsigned char>(c) >> 4];
    text += hex[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string too_large(const std::string& what, std::size_t bytes, std::size_t most) {
  return what + " too large: " + std::to_string(bytes) + " bytes, at most " + std::to_string(most);
}

std::string request_router::key_error(const std::string& key, bool is_write) {
  const std::string table(net::table_of(key));
  if (table.empty())
    return "invalid key " + key + ": the part before the first dot names the table";
  if (is_write && (table == "atlas" || table == "ATLAS"))
    return "table " + table + " is kept by the cluster itself; choose another name";
  return {};
}

std::string acl_text(const net::client_request& r) {
  const bool grants = r.what == net::verb::acl_grant;
  return std::string("ACL ") + (grants ? "granted to " : "revoked from ") + r.value + " for " +
         r.key + " with permissions " + r.terms;
}

void request_router::start_rule(route& to, net::client_request&& r, std::string row,
                                std::uint64_t deadline) {
  waiting w{r.ticket, r.what, {}, std::make_shared<net::client_request>(std::move(r))};
  auto& original = *w.original;
  switch (original.what) {
    case net::verb::blob_get:
    case net::verb::blob_stat:
      return add_read(to, core::read_kind::get, std::move(row), std::move(w), deadline,
                      original.principal);
    case net::verb::blob_chunk:
      return add_read(to, core::read_kind::chunk, original.value, std::move(w), deadline);
    case net::verb::key_ttl:
    case net::verb::key_meta:
      return add_read(to, core::read_kind::meta, std::move(row), std::move(w), deadline,
                      original.principal);
    case net::verb::acl_list:
      return add_read(to, core::read_kind::access, std::move(row), std::move(w), deadline,
                      original.principal);
    default:
      break;
  }
  auto command = command_of(original);
  command.row = std::move(row);
  add_write(to, std::move(command), std::move(w), deadline);
}

/// Several keys, each read by itself, answered together in order.
void request_router::start_many(const net::client_request& r, std::uint64_t deadline) {
  struct job {
    std::size_t left = 0;
    std::vector<std::string> lines;
    std::size_t bytes = 0;
    bool failed = false;
    /// Nothing of it is needed any more, though parts may still come.
    void fail() {
      failed = true;
      lines = {};
    }
  };
  auto all = std::make_shared<job>();
  std::string_view rest = r.terms;
  std::vector<std::string> keys;
  while (!rest.empty()) {
    const auto end = rest.find(' ');
    keys.emplace_back(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  all->left = keys.size();
  all->lines.resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto answered = [this, all, i, key = keys[i],
                           ticket = r.ticket](net::client_reply&& one) {
      if (all->failed) return;
      if (one.what == net::reply_kind::value) all->bytes += one.text.size();
      const bool is_odd = one.text.find_first_of("\r\n") != std::string::npos;
      if (one.what == net::reply_kind::warn || is_odd) {
        all->fail();
        return reply(ticket, net::reply_kind::warn,
                     is_odd ? "the value of " + key + " has line breaks; use KEY BLOB GET"
                            : std::move(one.text));
      }
      if (all->bytes > many_bytes_max) {
        all->fail();
        return reply(ticket, net::reply_kind::warn,
                     "answer too large: " + std::to_string(all->bytes) +
                         " bytes of values or more, at most " + std::to_string(many_bytes_max) +
                         "; ask for fewer keys at once");
      }
      all->lines[i] = (one.what == net::reply_kind::value ? "VALUE:" : "") + one.text;
      if (--all->left > 0) return;
      std::string text;
      for (const auto& line : all->lines) text += (text.empty() ? "" : "\r\n") + line;
      reply(ticket, net::reply_kind::payload, std::move(text));
    };
    const auto part = next_part_++;
    parts_.emplace(part, answered);
    start_key({part, net::verb::key_get, keys[i], {}, r.principal}, 0, deadline);
  }
}

void request_router::start_transaction(net::client_request&& r, std::uint64_t deadline) {
  const auto refuse = [&](std::string why) {
    reply(r.ticket, net::reply_kind::warn, std::move(why));
  };
  if (r.value.size() > transaction_bytes_max)
    return refuse(too_large("transaction", r.value.size(), transaction_bytes_max));
  auto steps = core::decode_steps(r.value);
  if (!steps) return refuse("not a transaction");
  if (options_.keys_folded) r.key = net::upper(r.key);
  for (auto& s : *steps) {
    if (options_.keys_folded) s.key = net::upper(s.key);
    if (auto wrong = key_error(s.key, true); !wrong.empty()) return refuse(std::move(wrong));
    if (s.value.size() > options_.value_bytes_max)
      return refuse(s.key + ": " + too_large("value", s.value.size(), options_.value_bytes_max));
  }
  route* first = nullptr;
  for (auto& s : *steps) {
    const std::string table(net::table_of(s.key));
    auto* const its = find_route(table);
    if (!its || its->is_group) return park(table, std::move(r), deadline);
    if (!first) first = its;
    // Whether they are in one log is decided there: what this node knows may be a moment old.
    s.table = its->table;
  }
  core::request_table::write_request w;
  w.what = core::operation::transaction;
  w.principal = r.principal;
  w.value = core::encode_steps(*steps);
  add_write(*first, std::move(w),
            waiting{r.ticket, r.what, {}, std::make_shared<net::client_request>(std::move(r))},
            deadline);
}

std::string request_router::info_text() const {
  const auto catalogue = board_->catalogue();
  std::size_t owned = 0;
  const auto logs = board_->logs();
  for (const auto& l : logs) owned += l->owner() ? 1 : 0;
  const auto line = [](const char* name, const auto& value) {
    return std::string(name) + ":" + value + "\r\n";
  };
  return line("product", "Atlas") + line("version", options_.version) + line("protocol", "1.0") +
         line("node", std::to_string(board_->self().node.value)) +
         line("boot", std::to_string(board_->self().boot.value)) + line("region", board_->zone()) +
         line("nodes", std::to_string(catalogue->nodes.size())) +
         line("reachable", std::to_string(board_->reachable_nodes().size())) +
         line("tables", std::to_string(catalogue->tables.size())) +
         line("logs", std::to_string(logs.size())) + line("logs_owned", std::to_string(owned)) +
         line("requests_waiting", std::to_string(waiting_.size())) +
         line("reads", board_->reads_on_leases ? "lease" : "quorum") +
         line("keys", options_.keys_folded ? "folded" : "exact") +
         "value_bytes_max:" + std::to_string(options_.value_bytes_max);
}

void request_router::deny(route& r, const core::answer& a) {
  const auto back = r.requests.withdraw(a);
  const auto w = back ? waiting_.find(back->ticket) : waiting_.end();
  if (w == waiting_.end()) return;
  const auto& original = w->second.original;
  // The parts of one upload are one denied change.
  const bool is_told = original && original->upload &&
                       std::exchange(denied_upload_, original->upload) == original->upload;
  if (options_.audit && !is_told)
    options_.audit({back->write.principal, original ? original->connection : w->second.connection,
                    original && original->in_line ? "KEY PUT" : net::command_words(w->second.verb),
                    original ? original->key : r.label + back->write.row, "denied"});
  auto denied = a.result;
  reply_outcome(w->second, std::move(denied));
  waiting_.erase(w);
}

/// Outcomes `ok` and `not_found` of what `start_rule` sent.
void request_router::reply_rule(const waiting& w, core::outcome&& result) {
  const auto& r = *w.original;
  const auto say = [&](std::string text) {
    reply(w.ticket, net::reply_kind::payload, std::move(text));
  };
  if (r.what == net::verb::blob_chunk) {
    if (result.code == core::outcome_code::ok) return check_chunk(r, std::move(result.data));
    return reply(w.ticket, net::reply_kind::warn, "a part of the value is gone");
  }
  if (result.code == core::outcome_code::not_found)
    return say(r.what == net::verb::blob_get || r.what == net::verb::blob_stat ? "EMPTY"
                                                                               : "NOT_FOUND");
  switch (r.what) {
    case net::verb::blob_get:
      return reply(w.ticket, net::reply_kind::blob,
                   r.terms.empty() ? std::move(result.data) : cut(std::move(result.data), r.terms));
    case net::verb::blob_stat:
      return say("BLOB size=" + std::to_string(result.data.size()) +
                 " sha256=" + sha256_hex(result.data));
    case net::verb::blob_part:
      return say(r.terms);
    case net::verb::key_cas:
    case net::verb::key_incr:
    case net::verb::txn_commit:
      return say(std::move(result.data));
    case net::verb::key_ttl:
    case net::verb::key_meta: {
      const auto m = core::decode_row_meta(result.data);
      if (!m) return reply(w.ticket, net::reply_kind::warn, damaged_answer);
      return say(r.what == net::verb::key_ttl ? ttl_text(*m) : meta_text(*m));
    }
    case net::verb::acl_list: {
      const auto list = core::access_list::decode(result.data);
      return say(access_text(list.value_or(core::access_list())));
    }
    case net::verb::acl_grant:
    case net::verb::acl_revoke:
      if (options_.audit)
        options_.audit({r.principal, r.connection,
                        net::command_words(r.what) + " " + r.value + " " + r.terms, r.key, "done"});
      return say(acl_text(r));
    default:
      return reply(w.ticket, net::reply_kind::ok);
  }
}

}  // namespace atlas::actors

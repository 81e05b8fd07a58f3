#include "core/row_command.hpp"

#include <charconv>
#include <cstdio>
#include <limits>
#include <utility>

#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/transaction.hpp"

namespace atlas::core {
namespace {

stamp later(stamp from, std::uint64_t us) {
  const auto most = std::numeric_limits<std::uint64_t>::max();
  return {us > most - from.us ? most : from.us + us};
}

bool read_period(byte_reader& in, period& p) {
  const auto kind = in.byte();
  p.relative = kind == 1;
  p.us = in.varint();
  return !in.failed() && kind >= 1 && kind <= 2;
}

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return n;
}

/// Its answer says what is there, or whether anything is.
bool tells_of_value(operation what) {
  return what == operation::increase || what == operation::cas || what == operation::expire ||
         what == operation::protect;
}

std::int64_t amount_in(std::string_view value) {
  return static_cast<std::int64_t>(byte_reader(value).varint());
}

}  // namespace

stamp period::end(stamp now) const {
  return relative ? later(now, us) : stamp{us};
}

std::string encode_period(const period& p) {
  std::string out(1, p.relative ? 1 : 2);
  put_varint(out, p.us);
  return out;
}

std::string encode_put_once(const period& p, std::string_view value) {
  auto out = encode_period(p);
  out.append(value);
  return out;
}

std::string encode_cas(std::uint64_t version, std::string_view value) {
  std::string out;
  put_varint(out, version);
  out.append(value);
  return out;
}

std::string encode_amount(std::int64_t by) {
  std::string out;
  put_varint(out, static_cast<std::uint64_t>(by));
  return out;
}

std::string encode_expire(std::uint64_t us) {
  std::string out;
  put_varint(out, us);
  return out;
}

std::string encode_access_change(permission p, std::string_view principal) {
  std::string out(1, static_cast<char>(p));
  out.append(principal);
  return out;
}

bool has_whole_value(operation what, std::string_view value) {
  byte_reader in(value);
  period p;
  switch (what) {
    case operation::put_once:
      return read_period(in, p);
    case operation::cas:
      in.varint();
      return !in.failed();
    case operation::increase:
    case operation::expire:
      in.varint();
      return in.complete();
    case operation::protect:
      return read_period(in, p) && in.complete();
    case operation::transaction:
      return decode_steps(value).has_value();
    case operation::put_chunk:
      return decode_chunk_put(value).has_value();
    case operation::put_blob:
      return decode_manifest(value).has_value();
    case operation::grant:
    case operation::revoke:
      return value.size() > 1 && value[0] >= 1 && value[0] <= 3;
    default:
      return true;
  }
}

std::string denial(std::string_view principal, std::string_view what) {
  std::string text = "permission denied";
  if (!principal.empty()) text.append(" for principal '").append(principal).append("'");
  return text.append(": ").append(what);
}

std::string time_text(stamp at) {
  constexpr std::uint64_t second = 1'000'000;
  const auto seconds = at.us / second;
  const auto us = at.us % second;
  // Days into the 400 years that repeat, counted from a March: February is last and may be longer.
  const std::uint64_t days = seconds / 86'400 + 719'468;
  const std::uint64_t era = days / 146'097;
  const std::uint64_t day_of_era = days % 146'097;
  const std::uint64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto month = (5 * day_of_year + 2) / 153;  // 0 = March
  const auto day = day_of_year - (153 * month + 2) / 5 + 1;
  const auto year = year_of_era + era * 400 + (month >= 10 ? 1 : 0);
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  char text[64];
  std::snprintf(text, sizeof text, "%04llu-%02llu-%02lluT%02llu:%02llu:%02llu", number(year),
                number(month < 10 ? month + 3 : month - 9), number(day),
                number(seconds / 3'600 % 24), number(seconds / 60 % 60), number(seconds % 60));
  std::string out = text;
  if (us) {
    std::snprintf(text, sizeof text, ".%06llu", number(us));
    out += text;
  }
  return out + "Z";
}

access_list guard_of(const std::optional<row_record>& row, const access_list* of_table) {
  access_list own;
  return guard_of(row, of_table, own);
}

const access_list& guard_of(const std::optional<row_record>& row, const access_list* of_table,
                            access_list& own) {
  static const access_list nobodys;
  if (row && !row->acl.empty()) {
    auto decoded = access_list::decode(row->acl);
    ATLAS_CHECK(decoded.has_value(), "access lists decode");
    own = *std::move(decoded);
  }
  // Anybody may write a list that nobody owns. It must not lift the table's.
  if (own.empty() || (!own.is_owned() && of_table && of_table->is_owned()))
    return of_table ? *of_table : nobodys;
  return own;
}

bool may_see(const row_record& row, const access_list& of_table, std::string_view principal,
             stamp now) {
  if (!row.has_value || !row.is_there(now)) return false;
  if (row.acl.empty()) return of_table.may_read(principal);
  access_list own;
  return guard_of(row, &of_table, own).may_read(principal);
}

row_command::row_command(const command_view& c, const std::optional<row_record>& old,
                         const access_list* of_table, stamp when)
    : old_(old), of_table_(of_table), when_(when), there_(old_ && old_->is_there(when)) {
  decide(c);
}

void row_command::decide(const command_view& c) {
  if (c.what == operation::grant || c.what == operation::revoke) return change_access(c);
  // Most rows are guarded by nothing: no list is made for them.
  const bool is_guarded = (old_ && !old_->acl.empty()) || (of_table_ && !of_table_->empty());
  if (is_guarded) {
    access_list own;
    const auto& guard = guard_of(old_, of_table_, own);
    if (!guard.may_write(c.principal)) {
      result_ = {outcome_code::denied, denial(c.principal, "it may not write this key")};
      return;
    }
    if (tells_of_value(c.what) && !guard.may_read(c.principal)) {
      result_ = {outcome_code::denied,
                 denial(c.principal, "it may write this key, but not read it")};
      return;
    }
  }
  const bool is_kept = there_ && old_->write_once > when_;
  if (is_kept && c.what != operation::protect && !planted(bug::write_once_ignored))
    return refuse("key is write-once until " + time_text(old_->write_once));
  switch (c.what) {
    case operation::put:
      return put(c.value, c.principal);
    case operation::put_blob:
      put(c.value, c.principal);
      next_->is_chunked = true;
      return;
    case operation::put_once:
      return put_once(c.value, c.principal);
    case operation::cas:
      return cas(c.value, c.principal);
    case operation::increase:
      return increase(c.value, c.principal);
    case operation::erase:
      return erase();
    case operation::expire:
      return expire(c.value);
    case operation::protect:
      return protect(c.value);
    default:
      refuse("not a command of a row");
  }
}

void row_command::keep(row_record next) {
  changes_ = true;
  next_ = next;
}

void row_command::put(std::string_view value, std::string_view principal, stamp write_once) {
  row_record next{there_ ? old_->version + 1 : 1, there_ ? old_->created : when_, when_, principal,
                  value};
  next.write_once = write_once;
  if (old_) next.acl = old_->acl;
  keep(next);
  told_ = change{change_kind::put, next.version, 0, 0, {}};
}

void row_command::put_once(std::string_view value, std::string_view principal) {
  byte_reader in(value);
  period p;
  read_period(in, p);
  const auto end = p.end(when_);
  if (end <= when_)
    return refuse("write-once period is over already: " + time_text(end) + ", it is " +
                  time_text(when_) + " now");
  put(in.rest(), principal, end);
}

void row_command::cas(std::string_view value, std::string_view principal) {
  byte_reader in(value);
  const auto expected = in.varint();
  const auto present = there_ ? old_->version : 0;
  if (present != expected && !planted(bug::cas_ignores_version)) {
    result_.data = present ? "CONFLICT VERSION:" + std::to_string(present) : "CONFLICT ABSENT";
    return;
  }
  put(in.rest(), principal);
  result_.data = "VERSION:" + std::to_string(next_->version);
}

void row_command::increase(std::string_view value, std::string_view principal) {
  const auto by = amount_in(value);
  const bool is_text = there_ && !old_->is_chunked;
  const auto before = is_text ? number_in(old_->value) : there_ ? std::nullopt : std::optional(0L);
  if (!before) return refuse("the value of the key is not a whole number of 64 bits");
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*before, by, &sum))
    return refuse("the sum would pass 64 bits: the value is " + std::to_string(*before));
  scratch_ = std::to_string(sum);
  put(scratch_, principal);
  if (there_) next_->expires = old_->expires;  // a counter of a window ends with it
  result_.data = "VALUE:" + scratch_;
  told_->value = scratch_;
}

void row_command::erase() {
  if (!there_ && !(old_ && old_->has_value)) return;  // absent, or only its list is there
  changes_ = true;
  if (there_) told_ = change{change_kind::erase, old_->version, 0, 0, {}};
  if (old_->acl.empty()) return;
  // The list stays, or whoever may write could make the key everyone's by removing it.
  row_record next{0, old_->created, when_, {}, {}};
  next.has_value = false;
  next.acl = old_->acl;
  next_ = next;
}

void row_command::expire(std::string_view value) {
  if (!there_) {
    result_.code = outcome_code::not_found;
    return;
  }
  const auto us = byte_reader(value).varint();
  auto next = *old_;
  next.expires = us ? later(when_, us) : stamp{};
  if (next.expires != old_->expires) keep(next);
}

void row_command::protect(std::string_view value) {
  if (!there_) {
    result_.code = outcome_code::not_found;
    return;
  }
  byte_reader in(value);
  period p;
  read_period(in, p);
  auto next = *old_;
  next.write_once = p.end(when_);
  const bool is_kept = old_->write_once > when_;
  if (is_kept && next.write_once < old_->write_once)
    return refuse("write-once period can only be extended (now until " +
                  time_text(old_->write_once) + ")");
  if (next.write_once <= when_)
    return refuse("write-once period is over already: " + time_text(next.write_once) + ", it is " +
                  time_text(when_) + " now");
  if (next.write_once != old_->write_once) keep(next);
}

void row_command::change_access(const command_view& c) {
  // A key's first own list begins as what guards it now, so that no grant makes it everyone's.
  auto guard = guard_of(old_, of_table_);
  if (!guard.may_own(c.principal)) {
    result_ = {outcome_code::denied, denial(c.principal, "only an owner may change who may")};
    return;
  }
  const auto what = static_cast<permission>(c.value.front());
  const auto principal = c.value.substr(1);
  const bool is_grant = c.what == operation::grant;
  const bool changed = is_grant ? guard.grant(what, principal) : guard.revoke(what, principal);
  const bool has_own = old_ && !old_->acl.empty();
  if (!is_grant && !changed && !has_own) return;
  // Without its last owner the key would have no list, and the table's would count on.
  if (!is_grant && !has_own && guard.empty())
    return refuse("the list of the table is what guards this key: revoke there, or grant the key " +
                  std::string("an owner of its own first"));
  scratch_ = guard.empty() ? std::string() : guard.encode();
  if (old_ && scratch_ == old_->acl) return;
  row_record next = old_ ? *old_ : row_record{0, when_, when_, c.principal, {}};
  if (!old_) next.has_value = false;
  next.acl = scratch_;
  changes_ = true;
  if (next.has_value || !scratch_.empty()) next_ = next;
}

}  // namespace atlas::core

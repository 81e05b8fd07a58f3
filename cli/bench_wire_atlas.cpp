// Atlas's line protocol: a request is a line (a transaction four), an answer some frames. Bodies,
// the lines of a listing and the bytes of a blob, are left to the connection: it need not keep
// them.
#include "cli/bench_wire.hpp"
#include "cli/bench_wire_parts.hpp"

namespace atlas::cli {

namespace {

using wire_parts::append_number;
using wire_parts::take_head;

constexpr std::string_view line_end = "\r\n";

// Frames that end in a number.
struct numbered {
  std::string_view head;
  bench_frame frame;
};

constexpr numbered numbered_frames[] = {
    {"VERSION:", bench_frame::version}, {"CONFLICT VERSION:", bench_frame::conflict},
    {"KEYS:", bench_frame::keys},       {"COUNT:", bench_frame::count},
    {"BLOB ", bench_frame::blob},       {"COMMITTED SLOT:", bench_frame::committed},
};

// A payload frame. False if it is none that we know.
bool read_payload(std::string_view line, bench_reply& out) {
  if (take_head(line, "VALUE:")) {
    out.frame = bench_frame::value;
    return true;
  }
  for (const auto& [head, frame] : numbered_frames) {
    auto rest = line;
    if (!take_head(rest, head)) continue;
    out.frame = frame;
    return wire_parts::parse_number(rest, out.number);
  }
  if (line == "NOT_FOUND")
    out.frame = bench_frame::not_found;
  else if (line == "EMPTY")
    out.frame = bench_frame::empty;
  else if (take_head(line, "MORE "))
    out.frame = bench_frame::more;
  else if (line == "CONFLICT ABSENT")
    out.frame = bench_frame::conflict;
  else
    return line.empty();  // how the original acknowledges a write, before its OK
  return true;
}

}  // namespace

void bench_wire::append_txn(std::string& out, const bench_request& request) const {
  out += "TXN BEGIN\r\n";
  for (const auto key : {request.key, request.other_key}) {
    key_buffer room;
    out += "PUT ";
    out += name_key(key, 'k', room);
    out += ' ';
    out += value_;
    out += line_end;
  }
  out += "TXN COMMIT\r\n";
}

void bench_wire::append_atlas(std::string& out, std::uint32_t slot,
                              const bench_request& request) const {
  if (tagged_) {
    out += "[ID:";
    append_number(out, slot);
    out += "] ";
  }
  const auto say = [&out](auto... parts) { (out.append(parts), ...); };
  key_buffer room;
  // Counters have keys of their own: one that holds a value of another workload is no number.
  const auto key = name_key(request.key, request.kind == bench_kind::incr ? 'n' : 'k', room);
  switch (request.kind) {
    case bench_kind::get:
      return say("KEY GET ", key, line_end);
    case bench_kind::put:
      return say("KEY PUT ", key, " ", std::string_view(value_), line_end);
    case bench_kind::cas:
      say("KEY CAS ", key, " ");
      if (request.version == 0)
        say("ABSENT");
      else
        append_number(out, request.version);
      return say(" ", std::string_view(value_), line_end);
    case bench_kind::incr:
      return say("KEY INCR ", key, line_end);
    case bench_kind::txn:
      return append_txn(out, request);
    case bench_kind::scan:
      say("SCAN ", name_table(request.key, room), " LIMIT ");
      append_number(out, scan_limit_);
      return say(line_end);
    case bench_kind::count:
      return say("COUNT ", name_table(request.key, room), line_end);
    case bench_kind::blob_get:
      return say("KEY BLOB GET ", key, line_end);
    case bench_kind::blob_set:
      say("KEY BLOB SET ", key, " ");
      append_number(out, value_.size());
      return say(line_end, std::string_view(value_));  // nothing stands behind the bytes
  }
}

bench_reply bench_wire::parse_atlas(std::string_view in) const {
  bench_reply out;
  std::string_view line;
  if (in.empty() || !wire_parts::take_line(in, line, out.used)) return {};
  out.text = line;
  out.what = bench_reply::kind::broken;
  const bool is_more = line.substr(0, 5) == "MORE ";
  if (tagged_ && !is_more) {
    const auto close = line.find("] ");
    if (line.substr(0, 4) != "[ID:" || close == std::string_view::npos) return out;
    if (!wire_parts::parse_number(line.substr(4, close - 4), out.slot)) return out;
    line.remove_prefix(close + 2);
  }
  if (line == "OK") {
    out.what = bench_reply::kind::success;
  } else if (line == "QUEUED") {
    out.frame = bench_frame::queued;
    out.what = bench_reply::kind::success;
  } else if (take_head(line, "ERROR ")) {
    out.what = bench_reply::kind::error;
    out.text = line;
  } else if (read_payload(line, out)) {
    const bool too_many = out.frame == bench_frame::keys && out.number > scan_limit_;
    if (!too_many) out.what = bench_reply::kind::payload;
  }
  return out;
}

}  // namespace atlas::cli

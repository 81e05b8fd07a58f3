// A connection that failed or was late is dropped, and the next Tab begins a new one.
#include "cli/console_lookup.hpp"

#include <algorithm>
#include <utility>

#include "cli/console_utf8.hpp"

namespace atlas::cli {

namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr std::size_t answer_max = 8 << 20;

// What can stand in a typed line.
bool is_typeable(std::string_view name) {
  return is_utf8(name) && std::none_of(name.begin(), name.end(), [](char c) {
           const auto value = static_cast<unsigned char>(c);
           return value <= 0x20 || value == 0x7f;
         });
}

}  // namespace

std::string field_of(std::string_view line, std::string_view name) {
  for (const auto& word : split_words(line))
    if (word.text.starts_with(name) && word.text.substr(name.size()).starts_with('='))
      return std::string(word.text.substr(name.size() + 1));
  return "";
}

std::vector<std::string> console_lookup::candidates(const completion& due) {
  until_ = clock::now() + wait_;
  lines out = due.words;
  for (const auto kind : due.operands) add_names(out, kind, due.word);
  if (out.size() > due.words.size() + names_max) out.resize(due.words.size() + names_max);
  return out;
}

void console_lookup::add_names(lines& to, operand kind, const std::string& word) {
  const auto add = [&to, &word](const lines& names, const char* behind = "") {
    for (const auto& name : names)
      if (name.starts_with(word) && is_typeable(name) &&
          std::find(to.begin(), to.end(), name + behind) == to.end())
        to.push_back(name + behind);
  };
  switch (kind) {
    case operand::key:
      if (word.find('.') != std::string::npos)
        add(keys(word));
      else  // every key of every table would be too much to ask for
        add(fields("TABLE LIST", "name"), ".");
      break;
    case operand::table:
      add(fields("TABLE LIST", "name"));
      break;
    case operand::group:
      add(fields("GROUP LIST", "name"));
      break;
    case operand::either:
      add(fields("TABLE LIST", "name"));
      add(fields("GROUP LIST", "name"));
      break;
    case operand::place:
      add(fields("NODE LIST", "id"));
      add(fields("NODE LIST", "region"));
      break;
    case operand::node:
      add(fields("NODE LIST", "id"));
      break;
    case operand::upload:
    case operand::file:
    case operand::other:
      break;
  }
}

console_lookup::lines console_lookup::fields(const std::string& command, std::string_view name) {
  lines out;
  if (const auto frames = ask(command))
    for (const auto& frame : *frames)
      if (auto value = field_of(frame.text, name); !value.empty()) out.push_back(std::move(value));
  return out;
}

console_lookup::lines console_lookup::keys(const std::string& prefix) {
  auto frames = ask("SCAN " + prefix + " LIMIT " + std::to_string(names_max));
  // A node that knows no LIMIT says so at once.
  if (frames && frames->back().is_error()) frames = ask("SCAN " + prefix);
  lines out;
  if (!frames || frames->front().what != console_frame::shape::keys) return out;
  const std::string_view listed = frames->front().payload;
  for (std::size_t at = 0; at < listed.size() && out.size() < names_max;) {
    const auto end = std::min(listed.find('\n', at), listed.size());
    out.emplace_back(listed.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// All frames of the reply, at least one; nothing if there is none in time.
std::optional<std::vector<console_frame>> console_lookup::ask(const std::string& command) {
  const auto request = make_request(command);
  if (!request || !connected()) return std::nullopt;
  std::vector<console_frame> out;
  ask_hooks hooks;
  hooks.on_frame = [&out](const console_frame& frame) { out.push_back(frame); };
  const auto asked = client_->ask(request.value(), hooks, {until_, answer_max});
  if (asked.ended == ask_result::how::answered && !asked.last.is_fatal()) return out;
  client_.reset();
  return std::nullopt;
}

bool console_lookup::connected() {
  const auto name = principal_();
  // Nothing is ever pending between two requests, except the end of the connection.
  if (client_ && (name != asked_as_ || client_->pending())) client_.reset();
  if (client_) return true;
  const auto left = std::chrono::duration_cast<milliseconds>(until_ - clock::now());
  if (left.count() <= 0) return false;
  auto client = console_client::connect(path_, left);
  if (!client) return false;
  if (!name.empty()) {
    const auto assume = make_request("PRINCIPAL ASSUME " + name);
    const auto asked = client.value().ask(assume.value(), {}, {until_, answer_max});
    if (asked.ended != ask_result::how::answered || asked.last.is_error()) return false;
  }
  asked_as_ = name;
  client_ = std::move(client).value();
  return true;
}

}  // namespace atlas::cli

// Every colour is closed on its own line, so that a reply that is cut short leaves none behind.
#include "cli/console_render.hpp"

#include <array>
#include <sstream>

#include "cli/console_utf8.hpp"

namespace atlas::cli {

namespace {

using shape = console_frame::shape;

constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view cyan = "\x1b[36m";
constexpr std::string_view plain = "\x1b[0m";

// Controls of the upper half, and marks that turn the direction of text: both change how the rest
// of the line looks.
bool is_printable(char32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool direction = code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
                         (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029;
  return !control && !direction;
}

void escape_byte(std::string& out, char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out += "\\x";
  out += digits[value >> 4];
  out += digits[value & 15];
}

std::string_view colour_of(const console_frame& frame) {
  const auto& text = frame.text;
  if (text.starts_with("ERROR ")) return red;
  if (frame.is_event()) return cyan;
  if (text == "OK" || text == "QUEUED" || text.starts_with("COMMITTED ")) return green;
  if (text == "NOT_FOUND" || text == "EMPTY" || text.starts_with("CONFLICT ") ||
      text.starts_with("MORE "))
    return yellow;
  return {};
}

void print_text(std::ostream& out, std::string_view text, const render_style& style,
                bool keep_lines = false) {
  if (style.escape)
    out << escaped(text, style.utf8, keep_lines);
  else
    out << text;
}

void print_payload(std::ostream& out, const console_frame& frame, const render_style& style) {
  switch (frame.what) {
    case shape::line:
    case shape::blob_head:
      return;
    case shape::keys:
      if (frame.text == "KEYS:0") return;
      print_text(out, frame.payload, style, true);
      break;
    case shape::rows:
      for (const auto& row : frame.rows) {
        print_text(out, row.key, style);
        if (row.large) {
          out << " BLOB " << *row.large << '\n';
          continue;
        }
        out << ' ' << row.value.size() << '\n';
        print_text(out, row.value, style);
        out << '\n';
      }
      return;
    case shape::blob:  // often text, and its length is told: line ends may stay
      print_text(out, frame.payload, style, true);
      break;
    case shape::event:
      print_text(out, frame.payload, style);
      break;
  }
  out << '\n';
}

}  // namespace

bool wants_colour(const char* no_color, const char* term) {
  const bool unwanted = no_color != nullptr && *no_color != '\0';
  return !unwanted && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

std::string escaped(std::string_view bytes, bool utf8, bool keep_lines) {
  std::string out;
  while (!bytes.empty()) {
    const char c = bytes.front();
    const auto character = first_character(bytes);
    const bool stays = keep_lines && (c == '\n' || c == '\t');
    const bool like_escape = bytes.starts_with("\\x");
    const bool shown = character.length == 1 || (utf8 && character.length > 1);
    if (stays || (shown && is_printable(character.code) && !like_escape)) {
      out += bytes.substr(0, character.length);
      bytes.remove_prefix(character.length);
      continue;
    }
    // Byte by byte: the rest of a character that is not shown is escaped in the next turns.
    escape_byte(out, c);
    bytes.remove_prefix(1);
  }
  return out;
}

void print(std::ostream& out, const console_frame& frame, const render_style& style) {
  if (frame.tagged) {
    out << "[ID:";
    print_text(out, frame.tag, style);
    out << "] ";
  }
  const auto colour = style.colour ? colour_of(frame) : std::string_view();
  out << colour;
  print_text(out, frame.text, style);
  if (!colour.empty()) out << plain;
  out << '\n';
  print_payload(out, frame, style);
}

std::string printed(const console_frame& frame) {
  std::ostringstream out;
  print(out, frame);
  return out.str();
}

}  // namespace atlas::cli

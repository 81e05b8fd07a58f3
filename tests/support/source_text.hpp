// Reads C++ source as text, well enough to hold it to the house's rules: blanks out what is no
// code, lists includes, and measures functions by their braces. No parser: it knows the style of
// this repository, not every program.
#pragma once

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace atlas::tests {

inline std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

/// What stands between the quotes or angle brackets of `#include`, with the opening one in front:
/// `"core/ids.hpp` or `<string`.
inline std::vector<std::string> includes_of(std::string_view text) {
  std::vector<std::string> out;
  for (auto line : lines_of(text)) {
    const auto skip_blanks = [&] {
      while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    };
    skip_blanks();
    if (!line.starts_with('#')) continue;
    line.remove_prefix(1);
    skip_blanks();
    if (!line.starts_with("include")) continue;
    line.remove_prefix(7);
    skip_blanks();
    const auto end = line.find_first_of("\">", 1);
    if (!line.empty() && end != std::string_view::npos) out.emplace_back(line.substr(0, end));
  }
  return out;
}

/// The same text with comments, literals and preprocessor lines turned into blanks; newlines stay.
class code_only {
 public:
  static std::string of(std::string_view text) {
    code_only walk(text);
    while (walk.at_ < text.size()) walk.step();
    return std::move(walk.out_);
  }

 private:
  explicit code_only(std::string_view text) : in_(text), out_(text) {}

  void step() {
    const auto rest = in_.substr(at_);
    if (rest.starts_with("//")) return blank(rest.find('\n'));
    if (rest.starts_with("/*")) return blank(past(rest.find("*/", 2), 2));
    if (rest.starts_with("R\"") && !follows_word()) {
      const auto open = rest.find('(');
      const auto close = ")" + std::string(rest.substr(2, open - 2)) + "\"";
      return blank(past(rest.find(close, open), close.size()));
    }
    if (rest.front() == '"') return blank(literal(rest));
    // An apostrophe inside a number is no literal.
    if (rest.front() == '\'' && !follows_word()) return blank(literal(rest));
    if (rest.front() == '#' && only_blanks_before()) return blank(directive(rest));
    ++at_;
  }

  static std::size_t past(std::size_t found, std::size_t size) {
    return found == std::string_view::npos ? found : found + size;
  }
  static std::size_t literal(std::string_view rest) {
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == '\\')
        ++i;
      else if (rest[i] == rest.front())
        return i + 1;
    }
    return rest.size();
  }
  static std::size_t directive(std::string_view rest) {
    auto end = rest.find('\n');
    while (end != std::string_view::npos && end > 0 && rest[end - 1] == '\\')
      end = rest.find('\n', end + 1);
    return end;
  }
  [[nodiscard]] bool follows_word() const {
    if (at_ == 0) return false;
    const auto before = static_cast<unsigned char>(in_[at_ - 1]);
    return std::isalnum(before) != 0 || before == '_';
  }
  [[nodiscard]] bool only_blanks_before() const {
    for (auto i = at_; i > 0 && in_[i - 1] != '\n'; --i)
      if (in_[i - 1] != ' ' && in_[i - 1] != '\t') return false;
    return true;
  }
  void blank(std::size_t count) {
    const auto end = count == std::string_view::npos ? in_.size() : at_ + count;
    for (; at_ < end; ++at_)
      if (out_[at_] != '\n') out_[at_] = ' ';
  }

  std::string_view in_;
  std::string out_;
  std::size_t at_ = 0;
};

/// A function with its head: where it begins, from 1, and how many lines it takes.
struct function_span {
  std::size_t line = 0;
  std::size_t lines = 0;
};

/// Every body at namespace or class scope whose head has parentheses; lambdas and blocks inside
/// belong to the function around them.
class function_finder {
 public:
  static std::vector<function_span> in(std::string_view text) {
    function_finder f;
    const auto code = code_only::of(text);
    for (const char c : code) f.take(c);
    if (f.after_body_) f.record();
    return std::move(f.found_);
  }

 private:
  void take(char c) {
    if (c == '\n') ++line_;
    if (body_depth_ > 0) return inside(c);
    const bool is_blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!is_blank) {
      // A member initialiser in braces is followed by a comma or the body: the head goes on.
      if (after_body_ && c != ',' && c != '{') record();
      after_body_ = false;
      if (head_.empty()) head_line_ = line_;
    }
    if (c == '{') return open();
    if (c == '}' || (c == ';' && parentheses_ == 0)) return forget_head();
    if (c == ':' && (head_ == "public" || head_ == "private" || head_ == "protected"))
      return forget_head();
    if (c == '(') ++parentheses_;
    if (c == ')') --parentheses_;
    if (!head_.empty() || !is_blank) head_ += c;
  }

  void open() {
    if (parentheses_ == 0 && opens_scope()) return forget_head();
    head_ += '{';
    body_depth_ = 1;
  }

  void inside(char c) {
    if (c == '{') ++body_depth_;
    if (c == '}' && --body_depth_ == 0) {
      end_line_ = line_;
      after_body_ = parentheses_ == 0;
    }
  }

  void record() {
    if (head_.find('(') != std::string::npos)
      found_.push_back({head_line_, end_line_ - head_line_ + 1});
    forget_head();
  }

  void forget_head() {
    head_.clear();
    parentheses_ = 0;
  }

  [[nodiscard]] bool opens_scope() const {
    std::string_view head = head_;
    if (head.starts_with("template")) head = after_template(head);
    for (const auto* word :
         {"namespace", "class ", "struct ", "union ", "enum ", "extern ", "inline namespace"})
      if (head.starts_with(word) && (head.find('(') == std::string_view::npos ||
                                     head.find("alignas(") != std::string_view::npos))
        return true;
    return false;
  }

  static std::string_view after_template(std::string_view head) {
    int depth = 0;
    for (std::size_t i = 0; i < head.size(); ++i) {
      if (head[i] == '<') ++depth;
      if (head[i] != '>' || --depth > 0) continue;
      const auto rest = head.find_first_not_of(" \t\n", i + 1);
      return rest == std::string_view::npos ? std::string_view() : head.substr(rest);
    }
    return head;
  }

  std::string head_;  ///< code since the last statement, declaration or body ended
  std::size_t head_line_ = 1;
  std::size_t line_ = 1;
  std::size_t end_line_ = 1;
  int parentheses_ = 0;
  int body_depth_ = 0;
  bool after_body_ = false;
  std::vector<function_span> found_;
};

}  // namespace atlas::tests

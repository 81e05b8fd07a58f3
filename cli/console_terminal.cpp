// readline calls plain functions and keeps everything else in globals; they find their object
// through one pointer.
#include "cli/console_terminal.hpp"

// These come first: readline's own headers lean on stdio.
#include <readline/history.h>
#include <readline/readline.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <utility>
#include <vector>

#include "cli/console_history.hpp"

namespace atlas::cli {

namespace {

constexpr int history_lines_max = 2000;

terminal_input* current = nullptr;

// readline asks for one candidate at a time; `state` is 0 for the first.
std::vector<std::string> offered;

char* next_offered(const char*, int state) {
  const auto index = static_cast<std::size_t>(state);
  return index < offered.size() ? ::strdup(offered[index].c_str()) : nullptr;
}

// File names behind @, which readline would take for a part of the name.
std::vector<std::string> files_behind_at(const std::string& word) {
  std::vector<std::string> out;
  for (int state = 0;; ++state) {
    char* name = rl_filename_completion_function(word.c_str() + 1, state);
    if (name == nullptr) return out;
    struct stat about {};
    const bool folder = ::stat(name, &about) == 0 && S_ISDIR(about.st_mode);
    out.push_back(std::string("@") + name + (folder ? "/" : ""));
    ::free(name);
  }
}

bool goes_on(const std::string& candidate) {
  return !candidate.empty() && std::strchr("./=@", candidate.back()) != nullptr;
}

}  // namespace

struct readline_hooks {
  static char** complete(const char* word, int, int end) {
    rl_attempted_completion_over = 1;  // file names mean nothing where keys are due
    const auto due = complete_words(std::string_view(rl_line_buffer, static_cast<std::size_t>(end)),
                                    current->session_.in_transaction());
    const auto wants = [&due](operand kind) {
      return std::find(due.operands.begin(), due.operands.end(), kind) != due.operands.end();
    };
    if (wants(operand::file)) return rl_completion_matches(word, rl_filename_completion_function);
    if (wants(operand::upload))
      offered = *word == '@' ? files_behind_at(word) : std::vector<std::string>{"@"};
    else
      offered = current->lookup_.candidates(due);
    if (offered.size() == 1 && goes_on(offered.front())) rl_completion_append_character = '\0';
    return rl_completion_matches(word, next_offered);
  }

  // Called some ten times a second while a person thinks.
  static int idle() {
    if (!current->pending_ || !current->pending_()) return 0;
    rl_clear_visible_line();
    current->show_();
    rl_on_new_line();
    rl_forced_update_display();
    return 0;
  }
};

terminal_input::terminal_input(const console_session& session, const std::string& socket,
                               std::string history_file)
    : session_(session),
      lookup_(socket, [&session] { return session.principal(); }),
      history_file_(std::move(history_file)) {
  current = this;
  rl_readline_name = "atlas-console";
  rl_attempted_completion_function = readline_hooks::complete;
  rl_completer_word_break_characters = " \t";
  using_history();
  stifle_history(history_lines_max);
  if (!prepare_history(history_file_)) history_file_.clear();
  if (history_file_.empty()) return;
  history_truncate_file(history_file_.c_str(), history_lines_max);
  read_history(history_file_.c_str());
}

terminal_input::~terminal_input() {
  rl_event_hook = nullptr;
  current = nullptr;
}

std::optional<std::string> terminal_input::line(const std::string& prompt) {
  char* typed = ::readline(prompt.c_str());
  if (typed == nullptr) {
    std::cout << std::endl;  // the shell's prompt starts on a line of its own
    return std::nullopt;
  }
  std::string out(typed);
  ::free(typed);
  if (is_remembered(out, last_)) remember(out);
  return out;
}

void terminal_input::while_idle(const std::function<bool()>& pending,
                                const std::function<void()>& show) {
  pending_ = pending;
  show_ = show;
  rl_event_hook = readline_hooks::idle;
}

// Written line by line: Ctrl-C and a lost connection must not cost the history.
void terminal_input::remember(const std::string& line) {
  last_ = line;
  add_history(line.c_str());
  if (history_file_.empty()) return;
  append_history(1, history_file_.c_str());
  history_truncate_file(history_file_.c_str(), history_lines_max);
}

}  // namespace atlas::cli

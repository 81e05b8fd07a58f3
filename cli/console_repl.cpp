// The loop itself. Everything that arrives is printed before the next line is taken, so that a
// script's transcript reads in order.
#include "cli/console_repl.hpp"

#include <chrono>
#include <iomanip>
#include <optional>
#include <utility>

#include "cli/console_json.hpp"
#include "cli/console_progress.hpp"

namespace atlas::cli {

namespace {

using clock = std::chrono::steady_clock;

constexpr const char* blanks = " \t\r";

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// Fetches what the line announced but does not hold.
core::result<core::done> complete_payload(console_request& request, console_input& input) {
  if (request.payload_missing == 0) return core::done{};
  auto bytes = input.bytes(request.payload_missing);
  if (!bytes)
    return core::failure{core::errc::bad_config,
                         "the " + std::to_string(request.payload_missing) +
                             " bytes do not follow; write KEY BLOB SET <key> @file"};
  request.payload = std::move(*bytes);
  request.payload_missing = 0;
  return core::done{};
}

// The file at one end of a command, while it runs.
struct transfer {
  std::optional<blob_file> save;
  std::optional<progress_bar> bar;
  std::size_t saved = 0;
  bool any = false;     // the reply holds a blob, perhaps an empty one
  std::string trouble;  // writing failed; the rest of the blob is read and dropped
};

class loop {
 public:
  loop(console_session& session, console_input& input, console_output output)
      : session_(session), input_(input), output_(output) {}

  int run();

 private:
  enum class next { go_on, leave, fail };

  next take(const std::string& line);
  void own_command(const std::string& line);
  next execute(const std::string& line, console_request& request);
  ask_hooks hooks_for(const console_request& request, transfer& files, json_command& done);
  void finish(const console_request& request, transfer& files, const command_outcome& outcome,
              json_command& done);
  void show(const console_frame& frame);
  void complain(const std::string& what);
  void refuse(const std::string& line, const std::string& why);

  console_session& session_;
  console_input& input_;
  console_output output_;
  bool any_error_ = false;
};

int loop::run() {
  const auto show_event = [this](const console_frame& frame) {
    if (output_.json)
      output_.replies << json_event(frame) << std::endl;
    else
      show(frame);
  };
  input_.while_idle([this] { return session_.pending(); },
                    [this, show_event] { session_.idle(show_event); });
  while (const auto line = input_.line(session_.in_transaction() ? "txn> " : "> ")) {
    const auto done = take(*line);
    if (done == next::fail) return 1;
    if (done == next::leave) return output_.errors_fail && any_error_ ? 1 : 0;
  }
  if (session_.watching() && !input_.interactive()) {
    if (const auto followed = session_.follow(show_event); !followed) {
      complain(followed.error().detail);
      return 1;
    }
  }
  return output_.errors_fail && any_error_ ? 1 : 0;
}

loop::next loop::take(const std::string& line) {
  const auto first = line.find_first_not_of(blanks);
  if (first == std::string::npos) return next::go_on;
  const auto end = std::min(line.find_first_of(blanks, first), line.size());
  if (is_word(std::string_view(line).substr(first, end - first), "EXIT")) return next::leave;
  if (line[first] == '\\') {
    own_command(line);
    return next::go_on;
  }
  auto request = make_request(line);
  if (request)
    if (auto completed = complete_payload(request.value(), input_); !completed)
      request = completed.error();
  if (!request) {
    refuse(line, request.error().detail);
    return next::go_on;
  }
  return execute(line, request.value());
}

// Commands of the console itself never reach the server.
void loop::own_command(const std::string& line) {
  const auto words = split_words(line);
  if (words[0].text == "\\time" && words.size() == 2 && is_word(words[1].text, "ON"))
    output_.timing = true;
  else if (words[0].text == "\\time" && words.size() == 2 && is_word(words[1].text, "OFF"))
    output_.timing = false;
  else
    refuse(line, "commands of the console itself: \\time on, \\time off");
}

loop::next loop::execute(const std::string& line, console_request& request) {
  transfer files;
  if (!request.save_to.empty()) {
    auto save = blob_file::create(request.save_to);
    if (!save) {
      refuse(line, save.error().detail);
      return next::go_on;
    }
    files.save.emplace(std::move(save).value());
  }
  json_command done{.command = line, .request = &request};
  if (request.file && output_.progress)
    files.bar.emplace(&output_.complaints, file_name(request.send_from), request.file->size());
  const auto begun = clock::now();
  const auto outcome = session_.run(request, hooks_for(request, files, done));
  done.milliseconds = std::chrono::duration<double, std::milli>(clock::now() - begun).count();
  finish(request, files, outcome, done);
  if (output_.json)
    output_.replies << json_line(done) << std::endl;
  else if (!done.error.empty())
    complain(done.error);
  if (output_.timing && !output_.json)
    output_.complaints << "time: " << std::fixed << std::setprecision(3) << done.milliseconds
                       << " ms" << std::endl;
  return outcome.over ? next::fail : next::go_on;
}

ask_hooks loop::hooks_for(const console_request& request, transfer& files, json_command& done) {
  ask_hooks out;
  out.on_frame = [this, &request, &files, &done](const console_frame& frame) {
    if (frame.what == console_frame::shape::blob_head) {
      files.any = true;
      if (output_.progress)
        files.bar.emplace(&output_.complaints, file_name(request.save_to), frame.size);
    } else {
      files.bar.reset();  // what is printed next must not stand behind it
    }
    if (!output_.json)
      show(frame);
    else if (request.owns(frame))
      done.frames.push_back(frame);
    else
      output_.replies << json_event(frame) << std::endl;
  };
  out.on_part = [&files](std::string_view part) {
    if (files.trouble.empty())
      if (auto written = files.save->write(part); !written) files.trouble = written.error().detail;
    files.saved += part.size();
    if (files.bar) files.bar->show(files.saved);
  };
  out.on_sent = [&files](std::size_t count) {
    if (files.bar) files.bar->show(count);
  };
  return out;
}

void loop::finish(const console_request& request, transfer& files, const command_outcome& outcome,
                  json_command& done) {
  files.bar.reset();
  if (!outcome.answered)
    done.error = outcome.error;
  else if (files.any && !outcome.last.is_error() && files.trouble.empty())
    if (auto put = files.save->commit(); !put) files.trouble = put.error().detail;
  if (!files.trouble.empty()) done.error = files.trouble + "; nothing was saved";
  if (files.any && done.error.empty()) {
    done.file = request.save_to;
    done.file_bytes = files.saved;
  }
  any_error_ = any_error_ || !done.error.empty() || outcome.last.is_error();
}

void loop::show(const console_frame& frame) {
  print(output_.replies, frame, output_.style);
  output_.replies << std::flush;
}

void loop::complain(const std::string& what) {
  output_.complaints << "atlas-console: " << what << std::endl;
}

// A command that never went out.
void loop::refuse(const std::string& line, const std::string& why) {
  any_error_ = true;
  if (output_.json)
    output_.replies << json_line({.command = line, .error = why}) << std::endl;
  else
    complain(why);
}

}  // namespace

int run_console(console_session& session, console_input& input, console_output output) {
  return loop(session, input, output).run();
}

}  // namespace atlas::cli

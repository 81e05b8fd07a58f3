// atlas-console: reads the command line and puts session, input and output together.
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "cli/console_blob_file.hpp"
#include "cli/console_client.hpp"
#include "cli/console_history.hpp"
#include "cli/console_repl.hpp"
#include "cli/console_terminal.hpp"

namespace {

namespace po = boost::program_options;

constexpr int exit_trouble = 1;
constexpr int exit_usage = 2;
constexpr std::chrono::milliseconds reconnect_for{10'000};

// Ctrl-C leaves like EXIT; readline's own handler has put the terminal back in order before.
void leave(int) {
  atlas::cli::remove_partial_file();
  [[maybe_unused]] const auto ignored = ::write(STDOUT_FILENO, "\n", 1);
  ::_exit(0);
}

// Ends as the signal would have, but leaves no half of a file.
void clean_up(int signal) {
  atlas::cli::remove_partial_file();
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void handle(int signal, void (*handler)(int)) {
  // Whoever started us with a signal ignored (nohup) wants it so.
  if (::signal(signal, handler) == SIG_IGN) ::signal(signal, SIG_IGN);
}

struct command_line {
  std::string socket;
  std::vector<std::string> commands;
  bool json = false;
  bool time = false;
  std::string print;  // help or version
};

std::string help(const po::options_description& options) {
  std::ostringstream out;
  out << "atlas-console [OPTION]... SOCKET [-c COMMAND]...\n\n"
         "Sends commands to the Atlas node behind the Unix socket SOCKET and prints the replies.\n"
         "Without -c it reads commands from standard input, with a prompt, history and completion\n"
         "on a terminal. Beside the node's commands (HELP lists them) it knows:\n\n"
         "  KEY BLOB SET <key> @<file>    send a file's content\n"
         "  KEY BLOB GET <key> > <file>   save a blob\n"
         "  \\time on, \\time off           tell how long each command takes\n"
         "  EXIT                          leave\n\n"
      << options
      << "\nExit status: 0; 1 when the connection is lost, or with -c when a reply is an ERROR;\n"
         "2 for wrong usage. On a terminal a lost connection is made again.\n";
  return out.str();
}

command_line parse(int argc, char** argv) {
  command_line out;
  po::options_description shown("Options");
  shown.add_options()("command,c", po::value(&out.commands)->composing(),
                      "run this command and leave; may be repeated")(
      "json", po::bool_switch(&out.json), "print one JSON object on one line for each command")(
      "time", po::bool_switch(&out.time), "tell on standard error how long each command took")(
      "help,h", "print this")("version", "print the version");
  po::options_description all;
  all.add(shown).add_options()("socket", po::value(&out.socket));
  po::positional_options_description positional;
  positional.add("socket", 1);
  po::variables_map given;
  po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(), given);
  po::notify(given);
  if (given.count("help") != 0)
    out.print = help(shown);
  else if (given.count("version") != 0)
    out.print = "atlas-console " ATLAS_VERSION "\n";
  else if (out.socket.empty())
    throw po::error("name the socket of a node, such as /tmp/atlas/socket");
  return out;
}

atlas::cli::render_style style() {
  atlas::cli::render_style out;
  if (::isatty(STDOUT_FILENO) == 0) return out;
  ::setlocale(LC_CTYPE, "");
  out.escape = true;
  out.utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
  out.colour = atlas::cli::wants_colour(::getenv("NO_COLOR"), ::getenv("TERM"));
  return out;
}

int run(const command_line& args) {
  auto client = atlas::cli::console_client::connect(args.socket);
  if (!client) {
    std::cerr << "atlas-console: " << client.error().detail << std::endl;
    return exit_trouble;
  }
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) handle(signal, clean_up);
  atlas::cli::console_output output{std::cout, std::cerr};
  output.errors_fail = !args.commands.empty();
  output.json = args.json;
  output.timing = args.time;
  output.progress = ::isatty(STDERR_FILENO) != 0;
  output.style = style();
  atlas::cli::session_options options;
  options.say = [](const std::string& what) {
    std::cerr << "atlas-console: " << what << std::endl;
  };
  const bool person =
      args.commands.empty() && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  if (person) options.reconnect_for = reconnect_for;
  atlas::cli::console_session session(std::move(client).value(), options);
  if (!args.commands.empty()) {
    atlas::cli::list_input input(args.commands);
    return atlas::cli::run_console(session, input, output);
  }
  if (person) {
    ::signal(SIGINT, leave);
    atlas::cli::terminal_input input(
        session, args.socket,
        atlas::cli::history_path(::getenv("XDG_STATE_HOME"), ::getenv("HOME")));
    return atlas::cli::run_console(session, input, output);
  }
  std::ios::sync_with_stdio(false);
  atlas::cli::stream_input input(std::cin);
  return atlas::cli::run_console(session, input, output);
}

}  // namespace

int main(int argc, char** argv) {
  command_line args;
  try {
    args = parse(argc, argv);
  } catch (const po::error& e) {
    std::cerr << "atlas-console: " << e.what() << "\nTry atlas-console --help.\n";
    return exit_usage;
  }
  if (!args.print.empty()) {
    std::cout << args.print;
    return 0;
  }
  return run(args);
}

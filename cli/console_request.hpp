// A typed line, understood as far as the console must: where its reply ends and what shape it has,
// whether it may have changed anything, and what it does to the connection.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console_blob_file.hpp"
#include "cli/console_frames.hpp"
#include "core/result.hpp"

namespace atlas::cli {

/// A command on its way.
struct console_request {
  /// What is known when the connection breaks before the reply.
  enum class effect {
    reads,       ///< nothing was changed
    writes,      ///< perhaps executed, perhaps not
    connection,  ///< concerns the connection alone, and went with it
  };
  /// What an answered request does to the connection's transaction.
  enum class transaction { untouched, begins, adds, ends };

  std::string line;  ///< as sent, without line end
  bool tagged = false;
  std::string tag;
  reply_shape shape;
  bool many_values = false;  ///< as many VALUEs as there are, not one
  effect does = effect::writes;
  transaction txn = transaction::untouched;

  std::string principal;  ///< the name that PRINCIPAL ASSUME takes
  std::string watch;      ///< the id of WATCH (its tag; may be empty) or behind UNWATCH
  bool is_watch = false;
  bool is_unwatch = false;

  std::string payload;                ///< sent right behind the line
  std::unique_ptr<blob_source> file;  ///< the same from the file `send_from`
  std::string send_from;              ///< `KEY BLOB SET k @file`
  /// The line announces so many bytes that are not in `payload` yet (`KEY BLOB SET k 5`).
  std::size_t payload_missing = 0;
  std::string save_to;  ///< `KEY BLOB GET k > file`

  /// Whether `frame` belongs to the reply of this request.
  [[nodiscard]] bool owns(const console_frame& frame) const;
  /// Whether `frame` ends the reply of this request.
  [[nodiscard]] bool ends_with(const console_frame& frame) const;
};

/// Understands `line`. `KEY BLOB SET <key> @file` announces the file's length and opens it, `KEY
/// BLOB GET ... > file` keeps the name to itself; fails with `bad_config` when a file cannot be
/// read, is above 128 MiB or has no name.
core::result<console_request> make_request(std::string_view line);

/// A word of a line and its offset.
struct console_token {
  std::string_view text;
  std::size_t first;
};

/// The words of `line` between blanks.
std::vector<console_token> split_words(std::string_view line);

/// Whether `text` is `upper` (A-Z) in any case.
bool is_word(std::string_view text, std::string_view upper);

}  // namespace atlas::cli

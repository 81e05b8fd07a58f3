// Replies as JSON, one object on one line, for programs that would rather not know the protocol.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/console_frames.hpp"
#include "cli/console_request.hpp"

namespace atlas::cli {

/// A command and what became of it.
struct json_command {
  std::string command;                       ///< as typed
  const console_request* request = nullptr;  ///< none if it could not be read
  std::vector<console_frame> frames;         ///< of its reply
  std::string error;                         ///< why there is no reply, or no file
  std::string file;                          ///< where the blob was saved
  std::size_t file_bytes = 0;
  double milliseconds = 0;
};

/// `{"command":..,"ok":..,"value":..,"ms":..}` without a line feed. Strings that are not UTF-8
/// appear as `{"base64":".."}`.
std::string json_line(const json_command& done);

/// A frame that answers no command: `{"watch":..,"event":..}`.
std::string json_event(const console_frame& frame);

}  // namespace atlas::cli

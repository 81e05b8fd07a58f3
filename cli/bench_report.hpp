// What a load run prints: a page for people, or one JSON object for scripts.
#pragma once

#include <string>

#include "cli/bench_options.hpp"
#include "cli/bench_run.hpp"

namespace atlas::cli {

/// Times in microseconds, rates per second. Ends in a line feed.
std::string bench_text_report(const bench_options& options, const bench_result& result);

/// The same as one JSON object on one line; names of fields carry their units.
std::string bench_json_report(const bench_options& options, const bench_result& result);

}  // namespace atlas::cli

// The words behind `TABLE CREATE <table>` and `TABLE ALTER <table>`: settings as `name=value`, the
// way TABLE INFO prints them, so that what is read can be sent back.
#pragma once

#include <string>
#include <string_view>

#include "core/catalogue.hpp"
#include "core/result.hpp"

namespace atlas::actors {

/// Reads `fn=1 fz=auto` in any order and any case. Errors: an unknown name, a value that is neither
/// a small number nor auto, a setting given twice.
[[nodiscard]] core::result<core::policy_change> read_table_settings(std::string_view words);

/// "fn=1 fz=auto".
[[nodiscard]] std::string settings_text(const core::tolerance_policy& p);

/// Why clients may not name a table so; empty if they may.
[[nodiscard]] std::string table_name_error(const std::string& name);

}  // namespace atlas::actors

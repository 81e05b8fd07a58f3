// What the commands of the catalogue share; private to catalogue.cpp and catalogue_groups.cpp.
#pragma once

#include <string>
#include <vector>

#include "core/catalogue.hpp"

namespace atlas::core {

inline constexpr const char* next_log_row = "c/log";

/// Gives the counter's number away; `first` if none was given before.
std::uint64_t take_number(const char* counter, std::uint64_t first, catalogue_rows& rows);
/// Everybody votes.
std::vector<acceptor_seat> seats_of(const std::vector<node_record>& members);

// catalogue_groups.cpp
/// "table a, b": who is in a group, on the way to it or still on the way from it.
std::string members_of(const std::string& group, const catalogue_rows& rows);
outcome join_group(const command& c, catalogue_rows& rows);
outcome leave_group(const command& c, catalogue_rows& rows);
outcome table_arrived(const command& c, catalogue_rows& rows);

}  // namespace atlas::core

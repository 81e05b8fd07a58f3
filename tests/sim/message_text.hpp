// Messages in words, for histories of runs: short enough that forty of them can be read.
#pragma once

#include <string>

#include "tests/sim/network.hpp"

namespace atlas::sim {

[[nodiscard]] std::string text_of(core::ballot b);
[[nodiscard]] std::string text_of(const core::entry& e);
[[nodiscard]] std::string text_of(const core::message& m);
[[nodiscard]] std::string text_of(const payload& p);
/// The log it speaks of; 0 if none.
[[nodiscard]] core::log_id log_of(const payload& p);

}  // namespace atlas::sim

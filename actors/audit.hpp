// What the audit log is told: who changed access, and who was kept from changing what.
#pragma once

#include <cstdint>
#include <string>

namespace atlas::actors {

struct audit_record {
  std::string principal;  ///< empty: nobody was assumed
  std::uint64_t connection = 0;
  std::string command;
  std::string key;
  std::string outcome;  ///< `done` or `denied`
};

}  // namespace atlas::actors

// Listings, counts and samples of one table, as of one moment and as one principal may see it. A
// long table takes long to walk, so the walk is apart from the table: it holds a view of its own,
// goes on in steps on whatever thread has time, and nothing waits for it but who asked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/access_list.hpp"
#include "core/command.hpp"
#include "core/ids.hpp"
#include "core/rng.hpp"
#include "core/row_overlay.hpp"
#include "core/scan_terms.hpp"

namespace atlas::core {

class listing {
 public:
  /// The table when it was asked.
  struct moment {
    row_view rows;
    std::string before;    ///< in front of the table's rows, see `row_prefix`
    access_list of_table;  ///< of the whole table
    stamp now;             ///< log time
  };

  listing(const read& asked, scan_terms terms, moment at);

  /// Visits up to `rows` more rows, fewer if they are large; true when the result is there.
  bool advance(std::size_t rows);
  /// Bytes of the result so far.
  [[nodiscard]] std::size_t held_bytes() const { return bytes_; }
  /// `encode(scan_page)`; a count is a varint; a sample is how many rows it was drawn from, and
  /// then the rows.
  [[nodiscard]] outcome take_result();

 private:
  /// False once the walk is over.
  bool visit(std::string_view row, std::string_view bytes);
  bool take(std::string_view row, const row_record& record);

  read_kind what_;
  std::string principal_;
  scan_terms terms_;
  moment at_;
  std::string from_;  ///< the next row to visit is this one or behind it
  bool over_ = false;
  outcome failure_;  ///< ok: none
  scan_page page_;
  std::size_t bytes_ = 0;   ///< of the page
  std::uint64_t seen_ = 0;  ///< visible rows
  rng random_;
  std::vector<std::string> kept_;  ///< the sample
};

}  // namespace atlas::core

// Who may read, write and own a key or a table (docs/commands.md, "Access"). Pure rules; the check
// and the write that it allows are one command in the log, so nothing comes between them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace atlas::core {

/// The numbers are on disk.
enum class permission : std::uint8_t { read = 1, write = 2, owner = 3 };

/// Three lists of principals, each sorted and without repeats. An empty principal (nobody was
/// assumed) is in no list.
class access_list {
 public:
  /// Everyone, as long as nobody owns it.
  [[nodiscard]] bool may_own(std::string_view principal) const;
  /// Owners, and writers; whoever may own if there are no writers.
  [[nodiscard]] bool may_write(std::string_view principal) const;
  [[nodiscard]] bool may_read(std::string_view principal) const;

  /// True if something changed.
  bool grant(permission p, std::string_view principal);
  /// A list that nobody owns protects nothing: it is emptied with its last owner.
  bool revoke(permission p, std::string_view principal);
  [[nodiscard]] bool empty() const {
    return owners_.empty() && readers_.empty() && writers_.empty();
  }
  /// Nobody is kept out by a list without owners.
  [[nodiscard]] bool is_owned() const { return !owners_.empty(); }
  [[nodiscard]] const std::vector<std::string>& of(permission p) const;

  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static std::optional<access_list> decode(std::string_view bytes);
  friend bool operator==(const access_list&, const access_list&) = default;

 private:
  std::vector<std::string>& list(permission p);

  std::vector<std::string> owners_;
  std::vector<std::string> readers_;
  std::vector<std::string> writers_;
};

/// Whether bytes from elsewhere are a row's record with everything in it.
[[nodiscard]] bool is_whole_row(std::string_view record);

}  // namespace atlas::core

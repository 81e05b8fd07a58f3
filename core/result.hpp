// The one error type that crosses folders: an environment failure (disk, peer, bad file) as a code
// and a short detail. Outcomes of the protocol (ballot too low, key absent) are data in replies
// instead, and broken code is ATLAS_CHECK.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "core/check.hpp"

namespace atlas::core {

/// What kind of environment failure happened.
enum class errc {
  disk,           ///< the store refused a read or write
  corrupt,        ///< bytes on disk or wire do not decode
  bad_topology,   ///< no legal quorum for these zones and tolerances
  bad_config,     ///< a configuration value is refused
  wrong_version,  ///< data written by another format version
  refused,        ///< the other side said no (credentials, identity)
  unreachable,    ///< the other side could not be reached
};

/// An environment failure: code for the program, detail for the person. The detail names the value
/// and, where there is one, the remedy.
struct failure {
  errc code = errc::disk;
  std::string detail;
};

/// A value or a failure; `std::expected` is C++23.
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT
  result(failure f) : state_(std::in_place_index<1>, std::move(f)) {}    // NOLINT

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & {
    ATLAS_CHECK(ok(), "value() of a failed result");
    return std::get<0>(state_);
  }
  [[nodiscard]] const T& value() const& {
    ATLAS_CHECK(ok(), "value() of a failed result");
    return std::get<0>(state_);
  }
  [[nodiscard]] T&& value() && {
    ATLAS_CHECK(ok(), "value() of a failed result");
    return std::get<0>(std::move(state_));
  }
  [[nodiscard]] const failure& error() const {
    ATLAS_CHECK(!ok(), "error() of a good result");
    return std::get<1>(state_);
  }

 private:
  std::variant<T, failure> state_;
};

/// Success without a value.
struct done {};

}  // namespace atlas::core

// The directory around the database: made private, made durable, and looked at before RocksDB is
// let in, because RocksDB would found a new database beside the ruins of an old one.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace atlas::storage {

/// The places inside a data directory.
struct data_directory {
  std::string root;      ///< what the operator named
  std::string database;  ///< RocksDB's files, LOCK among them
  std::string mark;      ///< see durable_mark.hpp
  std::string payloads;  ///< see payload_file.hpp
};

/// Makes `dir` and its parents; the entry of each new directory is durable before the next.
/// Errors: `disk`.
core::result<core::done> make_private(const std::filesystem::path& dir);

/// Creates what is missing, but for the folder of payloads, with mode 0700, and syncs the
/// directories that got a new entry. Errors: `disk`, with the path and the system's reason.
core::result<data_directory> prepare_directory(const std::string& path);

/// True if the directory holds a database, false if none was ever finished there.
/// Error: `corrupt` if there are tables but nothing that names them.
core::result<bool> holds_database(const data_directory& where);

}  // namespace atlas::storage

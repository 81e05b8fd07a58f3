#include "core/transaction.hpp"

#include "core/bytes.hpp"

namespace atlas::core {

std::string encode_steps(const std::vector<txn_step>& steps) {
  std::string out;
  for (const auto& s : steps) {
    out.push_back(static_cast<char>(s.what));
    put_varint(out, s.table.value);
    put_string(out, s.key);
    put_varint(out, s.number);
    put_string(out, s.value);
  }
  return out;
}

std::optional<std::vector<txn_step>> decode_steps(std::string_view bytes) {
  std::vector<txn_step> steps;
  byte_reader in(bytes);
  while (!in.failed() && !in.rest().empty() && steps.size() < txn_steps_max) {
    txn_step s;
    s.what = static_cast<step_kind>(in.byte());
    s.table.value = in.varint();
    s.key = in.string();
    s.number = in.varint();
    s.value = in.string();
    if (s.what < step_kind::if_version || s.what > step_kind::increase) return std::nullopt;
    steps.push_back(std::move(s));
  }
  if (!in.complete() || steps.empty()) return std::nullopt;
  return steps;
}

}  // namespace atlas::core

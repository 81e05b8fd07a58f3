#include "cli/audit_log.hpp"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>

#include <nlohmann/json.hpp>

#include "core/row_command.hpp"

namespace atlas::cli {
namespace {

constexpr std::size_t file_bytes = 16 << 20;
constexpr std::size_t files = 10;

}  // namespace

std::function<void(const actors::audit_record&)> open_audit_log(const std::string& path) {
  std::shared_ptr<spdlog::logger> log;
  try {
    log = std::make_shared<spdlog::logger>(
        "audit", std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, file_bytes, files));
  } catch (const spdlog::spdlog_ex& e) {
    spdlog::error("no audit log: {}", e.what());
    return {};
  }
  log->set_pattern("%v");
  log->flush_on(spdlog::level::info);
  log->set_error_handler([](const std::string& why) { spdlog::error("audit log: {}", why); });
  return [log](const actors::audit_record& r) {
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const nlohmann::ordered_json line{{"time", core::time_text({static_cast<std::uint64_t>(now)})},
                                      {"principal", r.principal},
                                      {"connection", r.connection},
                                      {"command", r.command},
                                      {"key", r.key},
                                      {"outcome", r.outcome}};
    // Keys are bytes; what is no UTF-8 is replaced rather than refused.
    log->info(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  };
}

}  // namespace atlas::cli

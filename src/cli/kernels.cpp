// visavis kernels: which CPU this is, what it offers, and which kernel runs each operation.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/threads.h"
#include "cli/verbs.h"
#include "engine/ops/cpu/features.h"
#include "engine/ops/ops.h"

namespace visavis::cli {
namespace {

struct Table {
  std::string operation;
  std::vector<ops::KernelRow> rows;
};

std::vector<Table> cpu_tables() {
  std::vector<Table> tables;
  for (const ops::KernelRow& row : ops::cpu_kernels()) {
    if (tables.empty() || tables.back().operation != row.operation)
      tables.push_back({row.operation, {}});
    tables.back().rows.push_back(row);
  }
  return tables;
}

base::Json as_json() {
  base::Json operations = base::Json::array();
  for (const Table& table : cpu_tables()) {
    base::Json rows = base::Json::array();
    for (const ops::KernelRow& row : table.rows)
      rows.push_back({{"name", row.name}, {"supported", row.supported}, {"chosen", row.chosen}});
    operations.push_back({{"operation", table.operation}, {"kernels", rows}});
  }
  return {{"device", "cpu"},
          {"cpu", ops::cpu_name()},
          {"threads", base::available_cpus()},
          {"features", ops::cpu_feature_names()},
          {"operations", operations}};
}

void print_table() {
  std::cout << fmt::format("{}, {} threads\nfeatures:", ops::cpu_name(), base::available_cpus());
  for (const std::string& feature : ops::cpu_feature_names()) std::cout << " " << feature;
  std::cout << "\n\n";
  for (const Table& table : cpu_tables()) {
    std::cout << fmt::format("{:20}", table.operation);
    for (const ops::KernelRow& row : table.rows) {
      const char* mark = row.chosen ? "*" : row.supported ? "" : " (not on this CPU)";
      std::cout << "  " << row.name << mark;
    }
    std::cout << "\n";
  }
  std::cout << "\n* runs; VISAVIS_KERNEL=NAME forces another one\n";
}

}  // namespace

void add_kernels(CLI::App& app, int& exit_code) {
  CLI::App* verb = app.add_subcommand("kernels", "Show the CPU and the kernels that it runs");
  verb->footer("Example:\n  VISAVIS_KERNEL=avx2 visavis kernels --json");
  // Owned by the callback, which outlives the parse.
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print one JSON object");
  verb->callback([json, &exit_code] {
    if (*json)
      std::cout << base::dump_json(as_json()) << "\n";
    else
      print_table();
    exit_code = kDone;
  });
}

}  // namespace visavis::cli

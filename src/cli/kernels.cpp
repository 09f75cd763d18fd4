// visavis kernels: which CPU this is, what it offers, and which kernel runs each operation.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
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

std::vector<Table> tables_of(const std::vector<ops::KernelRow>& rows) {
  std::vector<Table> tables;
  for (const ops::KernelRow& row : rows) {
    if (tables.empty() || tables.back().operation != row.operation)
      tables.push_back({row.operation, {}});
    tables.back().rows.push_back(row);
  }
  return tables;
}

base::Json operations_of(const std::vector<Table>& tables) {
  base::Json operations = base::Json::array();
  for (const Table& table : tables) {
    base::Json rows = base::Json::array();
    for (const ops::KernelRow& row : table.rows)
      rows.push_back({{"name", row.name}, {"supported", row.supported}, {"chosen", row.chosen}});
    operations.push_back({{"operation", table.operation}, {"kernels", rows}});
  }
  return operations;
}

// The first card as this build sees it, or why it sees none.
struct Card {
  std::string description;
  std::string refusal;
  std::vector<Table> tables;
};

Card find_card() {
  Card card;
  try {
    card.description = ops::make_cuda_ops({})->description();
    card.tables = tables_of(ops::cuda_kernels(0));
  } catch (const Error& error) {
    card.refusal = error.what();
  }
  return card;
}

base::Json as_json() {
  const Card card = find_card();
  return {{"device", "cpu"},
          {"cpu", ops::cpu_name()},
          {"threads", base::available_cpus()},
          {"features", ops::cpu_feature_names()},
          {"operations", operations_of(tables_of(ops::cpu_kernels()))},
          {"cuda",
           {{"device", card.description},
            {"refusal", card.refusal},
            {"operations", operations_of(card.tables)}}}};
}

void print_tables(const std::vector<Table>& tables, const char* where) {
  for (const Table& table : tables) {
    std::cout << fmt::format("{:20}", table.operation);
    for (const ops::KernelRow& row : table.rows) {
      const std::string mark = row.chosen      ? "*"
                               : row.supported ? ""
                                               : fmt::format(" (not on {})", where);
      std::cout << "  " << row.name << mark;
    }
    std::cout << "\n";
  }
}

void print_table() {
  std::cout << fmt::format("{}, {} threads\nfeatures:", ops::cpu_name(), base::available_cpus());
  for (const std::string& feature : ops::cpu_feature_names()) std::cout << " " << feature;
  std::cout << "\n\n";
  print_tables(tables_of(ops::cpu_kernels()), "this CPU");
  const Card card = find_card();
  std::cout << "\n" << (card.refusal.empty() ? card.description : card.refusal) << "\n\n";
  print_tables(card.tables, "this card");
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

// The report as JSON, with everything that follows from what was measured.
#include <algorithm>

#include "engine/bench/estimates.h"
#include "engine/bench/measure.h"
#include "engine/ops/cpu/features.h"
#include "machine/cpu.h"

namespace visavis::bench {
namespace {

using base::Json;

Json spread(const std::vector<double>& values) {
  if (values.empty()) return {{"runs", 0}};
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return {{"runs", values.size()}, {"median", median(values)}, {"min", *least}, {"max", *most}};
}

Json ceilings_json(const Report& report) {
  const ops::Ceilings& found = report.ceilings;
  return {{"read_bytes_per_s", found.bytes_per_second},
          {"read_bytes_per_s_spread", spread(report.read_ceilings)},
          {"f32_flop_per_s", found.flops_per_second},
          {"int8_op_per_s", found.int8_ops_per_second},
          {"int8_instruction", found.int8_instruction},
          {"bf16_flop_per_s", found.bf16_flops_per_second}};
}

Json kernels_json(const Report& report) {
  Json kernels = Json::object();
  for (const ops::KernelRow& row : report.kernels)
    if (row.chosen) kernels[row.operation] = row.name;
  return kernels;
}

Json options_json(const Report& report) {
  const Options& options = report.options;
  return {{"weights", load::name_of(options.model.open.weights.body)},
          {"activations", options.model.open.weights.round_input ? "rounded" : "f32"},
          {"kv", tensor::name_of(report.limits.kv)},
          {"chunk", report.limits.chunk},
          {"batches", options.batches},
          {"contexts", options.contexts},
          {"prompt", options.prompt},
          {"tokens", options.tokens},
          {"pictures", options.pictures},
          {"repeat", options.repeat},
          {"seconds", options.seconds}};
}

Json load_json(const Loading& loading) {
  const double seconds = median(loading.load_seconds);
  return {{"open_s", spread(loading.open_seconds)},
          {"load_s", spread(loading.load_seconds)},
          {"source_bytes", loading.source_bytes},
          {"source_gb_per_s",
           seconds > 0 ? static_cast<double>(loading.source_bytes) / seconds / 1e9 : 0}};
}

Json memory_json(const Report& report) {
  const generate::MemoryPlan& plan = report.plan;
  return {{"planned_bytes", plan.total()},
          {"weights_bytes", plan.weights},
          {"vision_bytes", plan.vision},
          {"kv_bytes", plan.kv},
          {"workspace_bytes", plan.workspace + plan.image_features + plan.step_buffers},
          {"load_peak_bytes", report.loading.peak_bytes},
          {"peak_bytes", report.peak_bytes},
          {"device_peak_bytes", report.device_peak_bytes},
          {"device_process_bytes", report.device_process_bytes},
          {"device_allocated_bytes", report.device_allocated_bytes}};
}

// Of each run the share of its time that reading takes at the ceiling beside it; the median.
double share_of_read(const Case& row) {
  std::vector<double> shares;
  for (size_t i = 0; i < row.seconds.size(); ++i)
    shares.push_back(static_cast<double>(row.work.bytes()) / row.read_rates[i] / row.seconds[i]);
  return median(shares);
}

// Rates of the median run, and what share of the time the ceilings account for.
void add_rates(const Case& row, const ops::Ceilings& ceilings, Json& json) {
  const double seconds = median(row.seconds);
  const Work& work = row.work;
  const double read = share_of_read(row);
  const double compute = work.compute_seconds(ceilings) / seconds;
  json["s"] = spread(row.seconds);
  json["gop_per_s"] = work.ops() / seconds / 1e9;
  json["read_bytes_per_s"] = spread(row.read_rates);
  json["share_of_read"] = read;
  json["share_of_compute"] = compute;
  json["share"] = std::max(read, compute);
  json["extra_bytes"] = row.extra_bytes;
  if (row.part == "vision") {
    json["patches_per_s"] = static_cast<double>(row.patches) / seconds;
    return;
  }
  const double each = static_cast<double>(row.tokens) / seconds;
  json["tok_per_s"] = each * static_cast<double>(row.batch);
  json["gb_per_s"] = static_cast<double>(work.bytes()) / seconds / 1e9;
  json["tok_per_s_each"] = each;
  json["steps"] = row.steps;
  json["bytes_per_step"] = work.bytes() / row.steps;
}

Json case_json(const Case& row, const ops::Ceilings& ceilings) {
  Json json = {{"part", row.part}};
  if (row.part == "vision") {
    json["picture"] = row.picture;
    json["patches"] = row.patches;
    json["image_tokens"] = row.image_tokens;
    json["prepare_s"] = row.prepare_seconds;
  } else {
    json["batch"] = row.batch;
    json["context"] = row.context;
    json["tokens"] = row.tokens;
  }
  if (!row.left_out.empty()) {
    json["left_out"] = row.left_out;
    return json;
  }
  json["work"] = {
      {"weight_bytes", row.work.weight_bytes}, {"kv_bytes", row.work.kv_bytes},
      {"int8_ops", row.work.int8_ops},         {"bf16_ops", row.work.bf16_ops},
      {"f32_ops", row.work.f32_ops},           {"attention_ops", row.work.attention_ops}};
  add_rates(row, ceilings, json);
  return json;
}

}  // namespace

Json as_json(const Report& report) {
  const machine::CpuFacts cpu = machine::cpu_facts();
  Json cases = Json::array();
  for (const Case& row : report.cases) cases.push_back(case_json(row, report.ceilings));
  Json json = {{"model", report.options.name},
               {"architecture", report.architecture},
               {"parameters", report.parameters},
               {"device", report.device},
               {"cpu", cpu.model},
               {"cores", cpu.cores},
               {"features", ops::cpu_feature_names()},
               {"kernels", kernels_json(report)},
               {"options", options_json(report)},
               {"ceilings", ceilings_json(report)},
               {"load", load_json(report.loading)},
               {"cases", cases},
               {"memory", memory_json(report)},
               {"stopped", report.stopped}};
  // From a CPU's kernels nothing follows for a card's.
  if (!report.device.starts_with("cpu")) json["estimates"] = estimates_json(report);
  return json;
}

}  // namespace visavis::bench

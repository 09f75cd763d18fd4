#include "engine/bench/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/text.h"
#include "engine/bench/measured_model.h"
#include "machine/cpu.h"
#include "machine/process_memory.h"
#include "picture/encode.h"

namespace visavis::bench {
namespace {

constexpr int64_t kUsualIds = 1000;  // ids below this are words in every vocabulary that is larger
constexpr int64_t kWarmUpRows = 32;
constexpr double kShortRun = 1;  // seconds; a case of shorter runs gets a whole one to warm up
// What must be left of the memory for the read ceiling beside the model.
constexpr int64_t kCeilingBytes = int64_t{2} << 30;

bool wants(const Options& options, std::string_view part) {
  return std::find(options.parts.begin(), options.parts.end(), part) != options.parts.end();
}

int64_t largest(const std::vector<int64_t>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

std::vector<int32_t> random_ids(int64_t count, int64_t vocabulary) {
  base::Rng rng(1, "ids");
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(
        static_cast<int32_t>(rng.below(static_cast<uint64_t>(std::min(kUsualIds, vocabulary)))));
  return ids;
}

// Colours that change from pixel to pixel, slowly enough to be a photograph's.
chat::Image square_picture(int64_t side) {
  picture::RgbImage image(side, side);
  base::Rng rng(1, "picture");
  for (int64_t y = 0; y < side; ++y)
    for (int64_t x = 0; x < side * 3; ++x)
      image.row(y)[x] =
          static_cast<uint8_t>((x + 2 * y) / 24 + static_cast<int64_t>(rng.below(16)));
  return {.bytes = std::make_shared<const std::string>(picture::encode_jpeg(image)),
          .name = fmt::format("{0} x {0} pixels", side)};
}

// A picture as the model's own preprocessing makes it.
struct Prepared {
  Case row;
  models::PatchGrid grid;
};

Prepared prepare_picture(const models::Model& model, int64_t side) {
  chat::Turn turn{.role = chat::Role::user, .parts = {}};
  turn.parts.emplace_back(square_picture(side));
  models::Prompt prompt = model.prepare({turn});
  Prepared result;
  result.row.part = "vision";
  result.row.picture = side;
  result.row.patches = prompt.pictures.at(0).rows;
  result.row.image_tokens = prompt.image_tokens();
  result.row.prepare_seconds = prompt.decode_seconds + prompt.resize_seconds;
  result.grid = std::move(prompt.pictures.at(0));
  return result;
}

// What one line of the log says of a case.
std::string words_of(const Case& row) {
  if (row.part == "vision") return fmt::format("vision, {} pixels", row.picture);
  return fmt::format("{}, batch {}, context {}", row.part, row.batch, row.context);
}

class Measurement {
 public:
  Measurement(const Options& options, const std::atomic<bool>& stop, const Log& log)
      : stop_(stop), log_(log) {
    report_.options = options;
    probe_ = options.make_ops()->ceiling_probe();
    report_.kernels = options.kernels();
  }

  Report run() {
    const Options& options = report_.options;
    log_("measuring the ceilings of this machine");
    take_ceilings();
    load();
    hold_ceiling();
    loaded_bytes_ = machine::resident_bytes();
    if (wants(options, "prompt")) measure_prompts();
    if (wants(options, "generation")) measure_generation();
    if (wants(options, "vision")) measure_vision();
    note_peak(report_.peak_bytes);
    note_device_memory();
    if (!stop_) take_ceilings();
    // A card's probe holds memory of the card.
    if (report_.peak_bytes > 0 && report_.options.memory == nullptr)
      report_.peak_bytes -= probe_->bytes();
    report_.stopped = stop_;
    return std::move(report_);
  }

 private:
  // --- memory and ceilings ----------------------------------------------------------------------

  // The most resident memory since the last restart, if the system lets us restart it.
  void note_peak(int64_t& peak) const {
    if (peak_known_) peak = std::max(peak, machine::peak_resident_bytes());
  }
  void note_device_memory() {
    if (report_.options.memory == nullptr) return;
    const machine::GpuMemory most = report_.options.memory->most();
    report_.device_peak_bytes = most.used - probe_->bytes();
    report_.device_process_bytes = std::max<int64_t>(0, most.process - probe_->bytes());
    report_.device_allocated_bytes = model_->memory().peak;
  }
  void restart_peak() { peak_known_ = machine::reset_peak_resident(); }

  // What was disturbed at one time may not be at another: the best counts.
  void take_ceilings() {
    const ops::Ceilings found = probe_->measure();
    ops::Ceilings& best = report_.ceilings;
    report_.read_ceilings.push_back(found.bytes_per_second);
    best.bytes_per_second = std::max(best.bytes_per_second, found.bytes_per_second);
    best.flops_per_second = std::max(best.flops_per_second, found.flops_per_second);
    best.bf16_flops_per_second = std::max(best.bf16_flops_per_second, found.bf16_flops_per_second);
    if (found.int8_ops_per_second <= best.int8_ops_per_second) return;
    best.int8_ops_per_second = found.int8_ops_per_second;
    best.int8_instruction = found.int8_instruction;
  }

  // On a shared machine the rate changes within seconds, so it is taken beside every run.
  double read_rate() {
    const double rate = holds_ceiling_ ? probe_->read_rate() : report_.ceilings.bytes_per_second;
    report_.read_ceilings.push_back(rate);
    report_.ceilings.bytes_per_second = std::max(report_.ceilings.bytes_per_second, rate);
    return rate;
  }

  // The ceiling's memory stays while cases are timed, if the machine has it beside the model.
  void hold_ceiling() {
    const int64_t available = machine::memory_facts().available_bytes;
    if (available > 0 && available < kCeilingBytes) {
      log_("too little memory is left to measure the read ceiling beside each run");
      return;
    }
    holds_ceiling_ = true;
    read_rate();  // makes its memory, which is no case's
  }

  // --- loading ----------------------------------------------------------------------------------

  models::Limits limits_for(const models::Model& model) const {
    const Options& options = report_.options;
    const int64_t most = model.dimensions().max_positions;
    int64_t context = 1;
    if (wants(options, "prompt")) context = std::max(context, options.prompt);
    if (wants(options, "generation")) context = std::max(context, options.tokens);
    if (wants(options, "prompt") || wants(options, "generation"))
      context += largest(options.contexts);
    for (const Prepared& picture : pictures_) context = std::max(context, picture.row.image_tokens);
    generate::LocalModelOptions local = options.model;
    local.context = std::min(context, most);
    local.batch = std::max<int64_t>(1, largest(options.batches));
    return generate::limits_of(local, model);
  }

  std::unique_ptr<models::Model> open() {
    const int64_t begin = base::steady_clock().now_ns();
    auto model = models::open_model(report_.options.model.folder, report_.options.model.open);
    report_.loading.open_seconds.push_back(
        base::seconds_between(begin, base::steady_clock().now_ns()));
    return model;
  }

  // Once for the other parts; again as often as asked for if loading is to be measured.
  void load() {
    const Options& options = report_.options;
    Loading& loading = report_.loading;
    const int times = wants(options, "load") ? options.repeat : 1;
    double spent = 0;
    for (int i = 0; i < times && (i == 0 || (spent < options.seconds && !stop_)); ++i) {
      model_.reset();
      restart_peak();
      auto opened = open();
      auto ops = options.make_ops();
      if (i == 0) describe(*opened, *ops);
      model_ = std::make_unique<MeasuredModel>(std::move(opened), report_.limits, std::move(ops));
      note_peak(loading.peak_bytes);
      loading.load_seconds.push_back(model_->load_seconds());
      spent += model_->load_seconds();
      log_(fmt::format("loaded in {:.2f} s, {:.2f} GB/s of the checkpoint", model_->load_seconds(),
                       static_cast<double>(loading.source_bytes) / model_->load_seconds() / 1e9));
    }
    report_.device = model_->ops().description();
    restart_peak();
  }

  void describe(const models::Model& model, const ops::Ops& ops) {
    report_.architecture = model.architecture();
    report_.parameters = model.parameters();
    report_.loading.source_bytes = model.checkpoint_bytes();
    if (wants(report_.options, "vision"))
      for (const int64_t side : report_.options.pictures)
        pictures_.push_back(prepare_picture(model, side));
    report_.limits = limits_for(model);
    report_.plan = generate::plan_memory(model, report_.limits, 0, ops);
    log_(report_.plan.text(report_.limits));
  }

  // --- cases ------------------------------------------------------------------------------------

  // Counts the case, leaves it out if one run takes too long, else repeats it. `warm_up` runs once
  // before.
  void time_case(Case row, const std::function<void()>& warm_up,
                 const std::function<void()>& body) {
    if (stop_) return;
    row.work = model_->work_of(body);
    note_peak(report_.peak_bytes);
    restart_peak();
    const double least = std::max(row.work.read_seconds(report_.ceilings),
                                  row.work.compute_seconds(report_.ceilings));
    const double expected = least / share_of_last(row.part);
    const Options& options = report_.options;
    if (expected > options.longest) {
      row.left_out = fmt::format("one run would take about {:.0f} s, more than --longest {:.0f}",
                                 expected, options.longest);
      log_(words_of(row) + ": left out, " + row.left_out);
      report_.cases.push_back(std::move(row));
      return;
    }
    if (expected < kShortRun)
      body();
    else
      warm_up();
    double spent = 0;
    double rate = read_rate();
    while (static_cast<int>(row.seconds.size()) < options.repeat && !stop_ &&
           (row.seconds.empty() || spent < options.seconds)) {
      const int64_t begin = base::steady_clock().now_ns();
      body();
      const double seconds = base::seconds_between(begin, base::steady_clock().now_ns());
      if (stop_) break;
      spent += seconds;
      row.seconds.push_back(seconds);
      const double before = rate;
      // Short runs, of models that fit the caches, keep what they have there.
      if (expected >= kShortRun / 10) rate = read_rate();
      row.read_rates.push_back(std::max(before, rate));
    }
    if (row.seconds.empty()) return;
    int64_t peak = loaded_bytes_;
    note_peak(peak);
    row.extra_bytes = peak - loaded_bytes_ + held_for(row);
    log_(fmt::format("{}: {:.4g} s (median of {})", words_of(row), median(row.seconds),
                     row.seconds.size()));
    report_.cases.push_back(std::move(row));
  }

  // What was made resident while loading for the vision encoder's sake alone.
  int64_t held_for(const Case& row) const {
    if (row.part != "vision" || model_->ops().has_own_memory()) return 0;
    return model_->plan().workspace + model_->plan().image_features;
  }

  // How near the part's last case came to the ceilings: what the next one is expected to reach.
  double share_of_last(const std::string& part) const {
    for (auto row = report_.cases.rbegin(); row != report_.cases.rend(); ++row) {
      if (row->part != part || row->seconds.empty()) continue;
      return std::max(row->work.read_seconds(report_.ceilings),
                      row->work.compute_seconds(report_.ceilings)) /
             median(row->seconds);
    }
    return 1;
  }

  // Cases of all batches and contexts that need `tokens` more positions; contexts that the model's
  // positions do not allow are cut and not measured twice.
  std::vector<Case> text_cases(const std::string& part, int64_t tokens) const {
    std::vector<Case> rows;
    for (const int64_t batch : report_.options.batches) {
      std::vector<int64_t> done;
      for (const int64_t wanted : report_.options.contexts) {
        const int64_t context = std::min(wanted, report_.limits.context - tokens);
        if (context < 0 || std::find(done.begin(), done.end(), context) != done.end()) continue;
        done.push_back(context);
        rows.push_back({.part = part, .batch = batch, .context = context, .tokens = tokens});
      }
    }
    return rows;
  }

  int64_t rows_at_once(const Case& row) const {
    return std::max<int64_t>(1, report_.limits.chunk / row.batch);
  }

  // `tokens` rows for each of the batch's sequences, as many at once as one step takes together.
  void feed(const Case& row, int64_t tokens) {
    const int64_t at_once = rows_at_once(row);
    const int64_t vocabulary = model_->model().dimensions().vocabulary;
    for (int64_t begin = 0; begin < tokens && !stop_; begin += at_once) {
      const int64_t count = std::min(at_once, tokens - begin);
      model_->step(row.batch, row.context + begin, random_ids(row.batch * count, vocabulary),
                   begin + count == tokens);
    }
  }

  void measure_prompts() {
    const int64_t tokens = std::min(report_.options.prompt, report_.limits.context);
    for (Case& row : text_cases("prompt", tokens)) {
      row.steps = (tokens + rows_at_once(row) - 1) / rows_at_once(row);
      time_case(
          row, [&] { feed(row, std::min(kWarmUpRows, tokens)); }, [&] { feed(row, tokens); });
    }
  }

  void generate_tokens(const Case& row, int64_t tokens) {
    const int64_t vocabulary = model_->model().dimensions().vocabulary;
    std::vector<int32_t> ids = random_ids(row.batch, vocabulary);
    for (int64_t i = 0; i < tokens && !stop_; ++i) {
      std::vector<int32_t> chosen = model_->step(row.batch, row.context + i, ids, true);
      // Of a run that only counts nothing was chosen.
      if (std::all_of(chosen.begin(), chosen.end(),
                      [&](int32_t id) { return id >= 0 && id < vocabulary; }))
        ids = std::move(chosen);
    }
  }

  void measure_generation() {
    const int64_t tokens = std::min(report_.options.tokens, report_.limits.context);
    for (Case& row : text_cases("generation", tokens)) {
      row.steps = tokens;
      time_case(
          row, [&] { generate_tokens(row, std::min<int64_t>(2, tokens)); },
          [&] { generate_tokens(row, tokens); });
    }
  }

  void measure_vision() {
    for (const Prepared& picture : pictures_) {
      Case row = picture.row;
      if (row.image_tokens > report_.limits.context) {
        row.left_out = fmt::format("{} image tokens, the model takes {}", row.image_tokens,
                                   report_.limits.context);
        report_.cases.push_back(std::move(row));
        continue;
      }
      time_case(
          std::move(row), [] {}, [&] { model_->encode(picture.grid); });
    }
  }

  const std::atomic<bool>& stop_;
  const Log& log_;
  Report report_;
  std::vector<Prepared> pictures_;
  std::unique_ptr<MeasuredModel> model_;
  std::unique_ptr<ops::CeilingProbe> probe_;
  bool holds_ceiling_ = false;  // else measured only once, at the beginning
  int64_t loaded_bytes_ = 0;    // resident before the first case
  bool peak_known_ = false;
};

}  // namespace

const std::vector<std::string>& part_names() {
  static const std::vector<std::string> names = {"load", "prompt", "generation", "vision"};
  return names;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Report measure(const Options& options, const std::atomic<bool>& stop, const Log& log) {
  return Measurement(options, stop, log).run();
}

}  // namespace visavis::bench

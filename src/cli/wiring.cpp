#include "cli/wiring.h"

#include <algorithm>
#include <charconv>
#include <future>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/data_folders.h"
#include "engine/load/weight_policy.h"
#include "hub/catalogue.h"

namespace visavis::cli {
namespace {

int64_t whole_number(const std::string& key, const std::string& value, int64_t least,
                     int64_t most) {
  int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  require(error == std::errc() && stop == end && number >= least && number <= most, "option ", key,
          ": found '", value, "', wanted a whole number from ", least, " to ", most);
  return number;
}

void require_cpu(const std::string& device) {
  if (device == "auto" || device == "cpu") return;
  require(!device.starts_with("cuda"), "option device: '", device,
          "' needs a build with the CUDA backend, this one has only the CPU's");
  fail("option device: found '", device, "', wanted auto, cpu or cuda[:N]");
}

std::optional<tensor::DType> kv_type(const std::string& value) {
  if (value == "f32") return tensor::DType::f32;
  if (value == "f16") return tensor::DType::f16;
  if (value == "int8") return tensor::DType::i8;
  fail("option kv: found '", value, "', wanted f32, f16 or int8");
}

using generate::LocalModelOptions;

struct Key {
  const char* name;
  void (*apply)(LocalModelOptions& options, const std::string& value);
};

constexpr int64_t kMost = int64_t{1} << 40;
constexpr int64_t kMostMegabytes = 1'000'000;

const Key kKeys[] = {
    {"device", [](LocalModelOptions&, const std::string& v) { require_cpu(v); }},
    {"weights",
     [](LocalModelOptions& o, const std::string& v) {
       o.open.weights.body = load::precision_named(v == "auto" ? "int4" : v, "option weights");
     }},
    {"vision_weights",
     [](LocalModelOptions& o, const std::string& v) {
       o.open.weights.vision.reset();
       if (v == "auto") return;
       o.open.weights.vision = load::precision_named(v, "option vision_weights");
       require(v != "int4", "option vision_weights: found 'int4', wanted f32, bf16, f16 or int8");
     }},
    {"activations",
     [](LocalModelOptions& o, const std::string& v) {
       require(v == "auto" || v == "rounded" || v == "f32", "option activations: found '", v,
               "', wanted auto, rounded or f32");
       o.open.weights.round_input = v != "f32";
     }},
    {"kv", [](LocalModelOptions& o,
              const std::string& v) { o.kv = v == "auto" ? std::nullopt : kv_type(v); }},
    {"max_batch_size",
     [](LocalModelOptions& o, const std::string& v) {
       o.batch = whole_number("max_batch_size", v, 1, 1024);
     }},
    {"ctx", [](LocalModelOptions& o,
               const std::string& v) { o.context = whole_number("ctx", v, 1, kMost); }},
    {"max_pixels",
     [](LocalModelOptions& o, const std::string& v) {
       o.open.pictures.max_pixels = whole_number("max_pixels", v, 1, kMost);
     }},
    {"image_mode",
     [](LocalModelOptions& o, const std::string& v) { o.open.pictures.image_mode = v; }},
    {"threads",
     [](LocalModelOptions& o, const std::string& v) {
       o.open.threads = static_cast<int>(whole_number("threads", v, 0, 4096));
     }},
    {"vision_cache",
     [](LocalModelOptions& o, const std::string& v) {
       o.vision_cache.reset();
       if (v == "auto") return;
       o.vision_cache =
           v == "off" ? 0 : whole_number("vision_cache", v, 0, kMostMegabytes) * 1'000'000;
     }},
    {"prefix_cache",
     [](LocalModelOptions& o, const std::string& v) {
       require(v == "on" || v == "off", "option prefix_cache: found '", v, "', wanted on or off");
       o.prefix_cache = v == "on";
     }},
    {"cache",
     [](LocalModelOptions& o, const std::string& v) {
       require(v == "auto" || v == "on" || v == "off", "option cache: found '", v,
               "', wanted auto, on or off");
       o.cache.least_bytes = v == "on" ? 0 : load::CacheOptions{}.least_bytes;
       o.cache.use = v != "off";
     }},
    {"cache_dir",
     [](LocalModelOptions& o, const std::string& v) {
       require(!v.empty(), "option cache_dir: found '', wanted a folder or 'beside'");
       o.cache.folder = v;
     }},
};

class Host : public chat::ModelHost {
 public:
  Host(Log log, bool writes_behind) : log_(std::move(log)), writes_behind_(writes_behind) {}
  ~Host() override {
    for (Resident& resident : residents_) finish_writing(resident);
    residents_.clear();  // models before their devices
  }

  std::vector<std::string> known() const override {
    std::vector<std::string> names;
    for (const hub::CatalogueEntry& entry : hub::catalogue()) names.emplace_back(entry.name);
    return names;
  }

  chat::ChatModel& open(const std::string& model, const chat::ModelOptions& options) override {
    for (const Resident& resident : residents_) {
      if (resident.name == model && resident.options == options) return *resident.model;
    }
    LocalModelOptions settings = local_options(model, options);
    generate::DeviceLoop& device = cpu(settings.open.threads);
    auto loaded =
        std::make_unique<generate::LocalModel>(device, std::move(settings), base::steady_clock());
    log_(model + ": " + loaded->plan().text(loaded->limits()));
    residents_.push_back({model, options, std::move(loaded), {}});
    keep_packed(residents_.back());
    return *residents_.back().model;
  }

  chat::Scorer* scorer(chat::ChatModel& model) override {
    for (const Resident& resident : residents_) {
      if (resident.model.get() == &model) return resident.model.get();
    }
    return nullptr;
  }

  void close(chat::ChatModel& model) override {
    for (Resident& resident : residents_)
      if (resident.model.get() == &model) finish_writing(resident);
    std::erase_if(residents_, [&model](const Resident& r) { return r.model.get() == &model; });
  }

 private:
  struct Resident {
    std::string name;
    chat::ModelOptions options;
    std::unique_ptr<generate::LocalModel> model;
    std::future<std::optional<std::string>> writing;  // of packed weights; why there are none
  };

  // Says what became of the cache, and writes what a next start can map.
  void keep_packed(Resident& resident) {
    const std::shared_ptr<load::WeightCache> cache = resident.model->cache();
    if (cache == nullptr) return;
    if (cache->served()) log_("weights from " + cache->file().string());
    if (!cache->refusal().empty()) log_("packed weights not used: " + cache->refusal());
    if (!cache->wants_writing()) return;
    log_("writing " + base::human_bytes(cache->kept_bytes()) + " of packed weights to " +
         cache->file().string() + " for the next start (--no-cache refuses)");
    resident.writing = std::async(std::launch::async, [cache] { return cache->write(); });
    if (!writes_behind_) finish_writing(resident);
  }

  void finish_writing(Resident& resident) {
    if (!resident.writing.valid()) return;
    const std::optional<std::string> refusal = resident.writing.get();
    if (refusal) log_("no packed weights kept: " + *refusal);
  }

  // One loop per thread count: models that ask for the same share the device's thread and arena.
  generate::DeviceLoop& cpu(int threads) {
    auto& loop = cpus_[threads];
    if (!loop) {
      loop = std::make_unique<generate::DeviceLoop>(ops::make_cpu_ops({.threads = threads}));
    }
    return *loop;
  }

  Log log_;
  bool writes_behind_;
  std::map<int, std::unique_ptr<generate::DeviceLoop>> cpus_;
  std::vector<Resident> residents_;
};

}  // namespace

std::unique_ptr<chat::ModelHost> make_model_host(Log log, bool writes_behind) {
  return std::make_unique<Host>(std::move(log), writes_behind);
}

std::filesystem::path model_folder(const std::string& model) {
  require(!model.starts_with("http://") && !model.starts_with("https://"), "model '", model,
          "': endpoints come with another version; wanted a checkpoint folder");
  return hub::resolve_model_folder(model);
}

generate::LocalModelOptions local_options(const std::string& model,
                                          const chat::ModelOptions& options) {
  LocalModelOptions result;
  result.name = model;
  const size_t at = model.rfind('@');
  const bool placed = at != std::string::npos && !std::filesystem::is_directory(model);
  if (placed) require_cpu(model.substr(at + 1));
  result.folder = model_folder(placed ? model.substr(0, at) : model);
  for (const auto& [given, value] : options) {
    const std::string key = base::replace_all(given, "-", "_");
    const Key* row = std::find_if(std::begin(kKeys), std::end(kKeys),
                                  [&key](const Key& k) { return key == k.name; });
    if (row == std::end(kKeys)) {
      std::vector<std::string> known;
      for (const Key& each : kKeys) known.emplace_back(each.name);
      fail("unknown model option '", given, "'; known: ", base::join(known, ", "));
    }
    row->apply(result, value);
  }
  if (result.cache.folder.empty())
    result.cache.folder = user_cache_folder();
  else if (result.cache.folder == "beside")
    result.cache.folder = result.folder;
  return result;
}

}  // namespace visavis::cli

#include "cli/wiring.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <future>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/data_folders.h"
#include "cli/devices.h"
#include "engine/adopt/adopt.h"
#include "engine/load/weight_policy.h"
#include "hub/catalogue.h"
#include "remote/remote_model.h"

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
    {"device", [](LocalModelOptions&, const std::string& v) { place_named(v); }},
    {"vram_budget",
     [](LocalModelOptions& o, const std::string& v) {
       o.vram_budget = v == "auto" ? 0 : bytes_named("vram_budget", v);
     }},
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
    {"max_video_pixels",
     [](LocalModelOptions& o, const std::string& v) {
       o.open.pictures.max_video_pixels = whole_number("max_video_pixels", v, 1, kMost);
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
  Host(Log log, const HostOptions& options) : log_(std::move(log)), options_(options) {}
  ~Host() override {
    for (Resident& resident : residents_) finish_writing(resident);
    residents_.clear();  // models before their devices
  }

  std::vector<std::string> known() const override {
    std::vector<std::string> names;
    for (const hub::CatalogueEntry& entry : hub::read_catalogue(model_places()))
      names.push_back(entry.name);
    return names;
  }

  chat::ChatModel& open(const std::string& model, const chat::ModelOptions& options) override {
    if (remote::is_endpoint(model)) return open_endpoint(model, options);
    for (const Resident& resident : residents_) {
      if (resident.name == model && resident.options == options) return *resident.model;
    }
    LocalModelOptions settings = local_options(model, options);
    Device& device = device_for(place_of(model, options), settings.open.threads);
    suit_device(device.place, settings);
    settings.tap = device.tap;
    if (settings.vram_budget > 0)
      device.loop->call(
          [&](ops::Ops& ops) { limit_memory(ops, settings.vram_budget, device.context_bytes); });
    auto loaded = std::make_unique<generate::LocalModel>(*device.loop, std::move(settings),
                                                         base::steady_clock());
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
    std::erase_if(endpoints_, [&model](const Far& far) { return far.model.get() == &model; });
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

  struct Far {
    std::string name;
    chat::ModelOptions options;
    std::unique_ptr<remote::RemoteModel> model;
  };

  chat::ChatModel& open_endpoint(const std::string& model, const chat::ModelOptions& options) {
    for (const Far& far : endpoints_)
      if (far.name == model && far.options == options) return *far.model;
    endpoints_.push_back({model, options,
                          std::make_unique<remote::RemoteModel>(
                              model, remote::read_endpoint(model, options), base::steady_clock())});
    return *endpoints_.back().model;
  }

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
    if (!options_.writes_behind) finish_writing(resident);
  }

  void finish_writing(Resident& resident) {
    if (!resident.writing.valid()) return;
    const std::optional<std::string> refusal = resident.writing.get();
    if (refusal) log_("no packed weights kept: " + *refusal);
  }

  struct Device {
    Place place;  // never automatic
    int threads = 0;
    int64_t context_bytes = 0;
    generate::LayerTap* tap = nullptr;  // the loop's Ops, if layers are to be shown
    std::unique_ptr<generate::DeviceLoop> loop;
  };

  // One loop per card, and per thread count of the CPU: models share its thread and arena.
  Device& device_for(Place place, int threads) {
    if (place.automatic && settled_) place = *settled_;
    for (Device& device : devices_)
      if (device.place == place && (place.cuda >= 0 || device.threads == threads)) return device;
    OpenDevice opened = open_device(place, threads, log_);
    if (place.automatic) {
      settled_ = opened.place;
      // Somebody may have named before what was found now.
      for (Device& device : devices_)
        if (device.place == opened.place && (opened.place.cuda >= 0 || device.threads == threads))
          return device;
    }
    generate::LayerTap* tap = nullptr;
    if (options_.shows_layers) {
      auto tapped = std::make_unique<generate::LayerTap>(std::move(opened.ops));
      tap = tapped.get();
      opened.ops = std::move(tapped);
    }
    devices_.push_back(
        {opened.place, threads, opened.context_bytes, tap,
         std::make_unique<generate::DeviceLoop>(std::move(opened.ops), std::move(opened.memory))});
    return devices_.back();
  }

  Log log_;
  HostOptions options_;
  std::optional<Place> settled_;  // what auto came to
  std::deque<Device> devices_;    // before the models on them
  std::vector<Resident> residents_;
  std::vector<Far> endpoints_;
};

}  // namespace

std::unique_ptr<chat::ModelHost> make_model_host(Log log, const HostOptions& options) {
  return std::make_unique<Host>(std::move(log), options);
}

std::filesystem::path model_folder(const std::string& model) {
  require(!remote::is_endpoint(model), "model '", model,
          "' is an endpoint; this needs the files of a checkpoint");
  const std::filesystem::path path = model;
  const bool file = path.extension() == ".gguf" && std::filesystem::is_regular_file(path);
  const auto find = [](const std::string& name) {
    return hub::resolve_model_folder(name, model_places());
  };
  return adopt::hub_layout(file ? path : find(model), user_cache_folder(), find);
}

void suit_device(const Place& place, generate::LocalModelOptions& options) {
  options.open.weights.interleave = place.cuda < 0;
  options.open.weights.blocks = place.cuda < 0;
  if (place.cuda < 0) return;
  // A card multiplies long chunks about as fast as it expands the weights for short ones; a CPU's
  // caches want short ones. A picture of 336 x 336 and its question fit into the first.
  options.chunk = 704;
  options.longest_chunk = 1280;
}

generate::LocalModelOptions local_options(const std::string& model,
                                          const chat::ModelOptions& options) {
  LocalModelOptions result;
  result.name = model;
  place_of(model, options);  // says what is wrong with it
  result.folder = model_folder(without_place(model));
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

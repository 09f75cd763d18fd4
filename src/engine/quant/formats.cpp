#include "engine/quant/formats.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/checkpoint/source_over.h"

namespace visavis::quant {

Opened open_pack_quantized(Module module, const checkpoint::ConfigReader& settings);
Opened open_int_quantized(Module module, const checkpoint::ConfigReader& settings);
Opened open_awq(Module module, const checkpoint::ConfigReader& settings);
Opened open_gptq(Module module, const checkpoint::ConfigReader& settings);
Opened open_bitsandbytes(Module module, const checkpoint::ConfigReader& settings);
Opened open_fp8(Module module, const checkpoint::ConfigReader& settings);

namespace {

namespace fs = std::filesystem;
using checkpoint::ConfigReader;
using checkpoint::TensorInfo;
using checkpoint::TensorSource;
using tensor::DType;

// A layer takes the first row of its method whose marker fits.
constexpr Format kFormats[] = {
    {"compressed-tensors pack-quantized",
     "compressed-tensors",
     "weight_packed",
     {DType::i32},
     {"weight_packed", "weight_scale", "weight_zero_point", "weight_shape", "weight_g_idx"},
     &open_pack_quantized},
    {"compressed-tensors int-quantized",
     "compressed-tensors",
     "weight",
     {DType::i8},
     {"weight", "weight_scale"},
     &open_int_quantized},
    {"compressed-tensors float-quantized",
     "compressed-tensors",
     "weight",
     {DType::f8_e4m3, DType::f8_e5m2},
     {"weight", "weight_scale"},
     &open_fp8},
    {"FP8",
     "fp8",
     "weight",
     {DType::f8_e4m3, DType::f8_e5m2},
     {"weight", "weight_scale", "weight_scale_inv"},
     &open_fp8},
    {"AWQ", "awq", "qweight", {DType::i32}, {"qweight", "qzeros", "scales"}, &open_awq},
    {"GPTQ", "gptq", "qweight", {DType::i32}, {"qweight", "qzeros", "scales", "g_idx"}, &open_gptq},
    {"bitsandbytes 4-bit",
     "bitsandbytes",
     "weight.absmax",
     {DType::f32, DType::u8},
     {"weight", "weight.absmax", "weight.quant_map", "weight.nested_absmax",
      "weight.nested_quant_map", "weight.quant_state.bitsandbytes__nf4",
      "weight.quant_state.bitsandbytes__fp4"},
     &open_bitsandbytes},
};

bool marks(const Format& format, const TensorInfo& info) {
  const std::string ending = std::string(".") + format.marker;
  return info.name.ends_with(ending) &&
         std::find(format.marker_types.begin(), format.marker_types.end(), info.dtype) !=
             format.marker_types.end();
}

class QuantSource : public checkpoint::SourceOver {
 public:
  QuantSource(std::unique_ptr<TensorSource> source, const ConfigReader& settings)
      : SourceOver(std::move(source)) {
    const std::string method = settings.require_string("quant_method");
    std::vector<TensorInfo> infos;
    std::set<std::string> hidden;
    for (const TensorInfo& info : stored().tensors()) {
      const auto* format =
          std::find_if(std::begin(kFormats), std::end(kFormats),
                       [&](const Format& row) { return row.method == method && marks(row, info); });
      if (format == std::end(kFormats)) continue;
      const std::string prefix =
          info.name.substr(0, info.name.size() - std::string_view(format->marker).size());
      const std::string name = prefix + "weight";
      Opened opened = format->open(Module(stored(), prefix), settings);
      for (const char* part : format->parts) hidden.insert(prefix + part);
      infos.push_back({name, opened.dtype, {opened.rows, opened.cols}, info.file});
      require(encoded_.emplace(name, std::move(opened.tensor)).second, info.file, ": tensor '",
              name, "' is there in two formats");
    }
    for (const TensorInfo& info : stored().tensors()) {
      if (hidden.count(info.name) > 0) continue;
      if (const auto twin = encoded_.find(info.name); twin != encoded_.end())
        fail(info.file, ": tensor '", info.name, "' is there as it is and as ",
             twin->second->format());
      infos.push_back(info);
    }
    show(std::move(infos));
  }

  const checkpoint::EncodedTensor* encoded(const std::string& name) const override {
    const auto at = encoded_.find(name);
    return at == encoded_.end() ? stored().encoded(name) : at->second.get();
  }

 protected:
  const std::string& stored_name(const std::string& name) const override {
    require(encoded_.count(name) == 0, "tensor '", name, "' is in codes and has no values to map");
    return name;
  }

 private:
  std::map<std::string, std::unique_ptr<checkpoint::EncodedTensor>> encoded_;
};

std::vector<std::string> known_methods() {
  std::vector<std::string> known;
  for (const Format& format : kFormats)
    if (known.empty() || known.back() != format.method) known.emplace_back(format.method);
  return known;
}

// What a folder states, without a look at its method.
std::optional<ConfigReader> stated_settings(const fs::path& folder) {
  if (fs::is_regular_file(folder / "config.json")) {
    const ConfigReader config = ConfigReader::open(folder / "config.json");
    for (const char* key :
         {"quantization_config", "compression_config", "text_config.quantization_config"})
      if (config.has(key)) return ConfigReader(config.section(key).json(), config.file());
  }
  // What GPTQ's and AWQ's first tools wrote has no quant_method.
  constexpr std::pair<const char*, const char*> kOlder[] = {{"quantize_config.json", "gptq"},
                                                            {"quant_config.json", "awq"}};
  for (const auto& [file, method] : kOlder) {
    if (!fs::is_regular_file(folder / file)) continue;
    const ConfigReader older = ConfigReader::open(folder / file);
    base::Json document = older.json();
    if (!older.has("quant_method")) document["quant_method"] = method;
    return ConfigReader(std::move(document), older.file());
  }
  return std::nullopt;
}

}  // namespace

std::span<const Format> formats() { return kFormats; }

std::optional<ConfigReader> read_settings(const fs::path& folder) {
  std::optional<ConfigReader> settings = stated_settings(folder);
  if (!settings) return settings;
  const std::string method = settings->require_string("quant_method");
  const std::vector<std::string> known = known_methods();
  if (std::find(known.begin(), known.end(), method) == known.end())
    fail(settings->file(), ": quant_method '", method,
         "' is not supported; known: ", base::join(known, ", "));
  return settings;
}

std::unique_ptr<TensorSource> with_formats(std::unique_ptr<TensorSource> stored,
                                           const ConfigReader& settings) {
  return std::make_unique<QuantSource>(std::move(stored), settings);
}

std::unique_ptr<TensorSource> open_tensors(const fs::path& folder) {
  std::unique_ptr<TensorSource> stored = checkpoint::open_tensors(folder);
  const std::optional<ConfigReader> settings = read_settings(folder);
  if (settings) return with_formats(std::move(stored), *settings);
  for (const TensorInfo& info : stored->tensors())
    for (const Format& format : kFormats)
      require(!marks(format, info), info.file, ": tensor '", info.name, "' is in the codes of ",
              format.name, ", but config.json has no quantization_config");
  return stored;
}

}  // namespace visavis::quant

// The models that visavis knows by name, and where such a name leads on this machine. Nothing here
// downloads. Not the table of model families (engine/models): a name is a checkpoint, a family is
// an architecture.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::hub {

struct CatalogueEntry {
  std::string_view name;          // what the user types
  std::string_view family;        // "Qwen3-VL", "LLaVA-1.5"
  std::string_view repository;    // on the Hugging Face hub, "" if it comes with visavis
  std::string_view demo_folder;   // below models/, "" if it does not come with visavis
  double parameters_billion = 0;  // rounded
  double download_gb = 0;         // weights as published, 1 GB = 1e9 bytes; rounded
};

/// In the order in which `visavis models` prints them.
std::span<const CatalogueEntry> catalogue();
/// Null if the name is not in the catalogue.
const CatalogueEntry* find_entry(std::string_view name);

/// Where models are looked for, in this order.
struct Places {
  std::vector<std::filesystem::path> models;  // folders that hold demo_folder
  std::filesystem::path hub_cache;            // "models--ORG--NAME" folders of the hub's own tools
};

/// share/visavis/models beside the running program's bin, then models/ of the source tree that it
/// was built from; $HF_HUB_CACHE, $HF_HOME/hub or ~/.cache/huggingface/hub.
Places default_places();

/// The folder in which a catalogue entry lies on this machine, if it does.
std::optional<std::filesystem::path> locate(const CatalogueEntry& entry, const Places& places);

/// The folder that MODEL names: an existing folder, a catalogue name, or ORG/NAME of a repository
/// in the hub's cache. Throws Error, saying where was looked and which names are known.
std::filesystem::path resolve_model_folder(const std::string& model,
                                           const Places& places = default_places());

/// Bytes of all files below a folder (links followed); 0 if it cannot be read.
int64_t folder_bytes(const std::filesystem::path& folder);

}  // namespace visavis::hub

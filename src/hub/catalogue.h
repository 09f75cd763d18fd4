// The models that visavis knows by name, and where such a name leads on this machine. Nothing here
// fetches (pull.h does). Not the table of model families (engine/models): a name is a checkpoint, a
// family is an architecture.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/selection.h"

namespace visavis::hub {

/// ORG/NAME at each hub, or "".
struct Repository {
  std::string huggingface;
  std::string modelscope;
};

/// One published form of a model.
struct Form {
  std::string format;  // a name of formats.h
  int bits = 16;       // of most weights
  Repository repository;
  Repository beside;             // where settings and tokenizer are, if not in the repository
  std::string revision;          // at Hugging Face: a commit, tag or branch; "": its default
  double download_gb = 0;        // 1 GB = 1e9 bytes; rounded; 0: not known before the hub is asked
  std::vector<KnownFile> files;  // paths may be patterns; empty: by rule (selection.h)
};

struct CatalogueEntry {
  std::string name;               // what the user types
  std::string family;             // "Qwen3-VL", "LLaVA-1.5"
  std::string license;            // as its publisher writes it, or ""
  std::string demo_folder;        // below models/, "" if it does not come with visavis
  double parameters_billion = 0;  // rounded
  double memory_gb = 0;           // measured on a card with int4 weights; 0: not measured
  std::vector<Form> forms;
};

/// Where models are looked for, in this order.
struct Places {
  std::vector<std::filesystem::path> models;  // folders that hold demo_folder
  std::filesystem::path hub_cache;            // "models--ORG--NAME" folders of the hub's own tools
  std::filesystem::path modelscope_cache;     // ORG/NAME folders of ModelScope's own tools
  std::filesystem::path user_catalogue;       // a file of the user's, or ""
  bool for_card = false;                      // models are to run on a GPU
};

/// share/visavis/models beside the running program's bin, then models/ of the source tree that it
/// was built from; the hubs' caches as their own tools find them; $VISAVIS_CATALOGUE, else
/// visavis/models.json below $XDG_CONFIG_HOME or ~/.config.
Places default_places();

/// Reads a catalogue: {"models": {NAME: {...}}}. `file` is how errors call it. Throws Error with
/// the model's name, what was found and the known keys.
std::vector<CatalogueEntry> parse_catalogue(std::string_view text, const std::string& file);

/// The models that visavis knows, then those of the user's file; one of the same name takes the
/// other's place. Throws Error if that file is not one.
std::vector<CatalogueEntry> read_catalogue(const Places& places);

/// Null if the name is not in the catalogue.
const CatalogueEntry* find_entry(const std::vector<CatalogueEntry>& catalogue,
                                 std::string_view name);

/// How far a form is from the best kind, 0: four bits (or above three); four bits that take eight
/// on the card that models are to run on; 16 bits; what is between.
int form_rank(const Form& form, bool for_card);

/// The forms that the engine loads, by rank; within a rank the smaller download first, unknown ones
/// in the catalogue's order.
std::vector<const Form*> loadable_forms(const CatalogueEntry& entry, bool for_card);

/// The folder in which a catalogue entry lies on this machine, if it does.
std::optional<std::filesystem::path> locate(const CatalogueEntry& entry, const Places& places);

/// The folder of a repository in the hubs' caches, if it is there.
std::optional<std::filesystem::path> locate_repository(std::string_view repository,
                                                       const Places& places);

/// The folder that MODEL names: an existing folder, a catalogue name, or ORG/NAME of a repository
/// in a hub's cache. Throws Error, saying where was looked and how to get it, or which of its files
/// are missing.
std::filesystem::path resolve_model_folder(const std::string& model,
                                           const Places& places = default_places());

/// Bytes of all files below a folder (links followed); 0 if it cannot be read.
int64_t folder_bytes(const std::filesystem::path& folder);

}  // namespace visavis::hub

// Getting a model: which repository and which of its files, what of it is on the disk already,
// whether the rest fits, and then all of it into the Hugging Face cache.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "hub/catalogue.h"
#include "hub/download.h"
#include "hub/hubs.h"

namespace visavis::hub {

struct PullOptions {
  std::string model;                 // a name of the catalogue, or ORG/NAME
  std::string from = "huggingface";  // a name of hubs.h
  std::string revision;              // "": the catalogue's, else the hub's default
  std::string format;                // "": by rule (catalogue.h, loadable_forms)
  std::vector<std::string> include;  // patterns; empty: by rule (selection.h)
  bool check = false;                // read what is there again and fetch what is damaged
  FetchRules rules;
  int64_t (*free_bytes)(const std::filesystem::path& folder) = nullptr;  // null: the system's
};

struct PlannedFile {
  RemoteFile file;
  std::string repository;     // another one than the plan's for what stands beside a GGUF
  std::string at;             // what the hub calls this state of it
  int64_t missing_bytes = 0;  // to fetch
  int64_t space_bytes = 0;    // that this takes on the disk beyond what is taken
};

/// What pulling would do.
struct PullPlan {
  const Hub* hub = nullptr;
  HubSettings settings;
  std::string repository;
  std::string revision;
  std::string format;  // of the catalogue; "" for ORG/NAME
  std::string license;
  std::string commit;
  std::filesystem::path cache;
  std::vector<PlannedFile> files;
  std::vector<std::string> passed_over;  // forms that could not be asked for, and why

  int64_t bytes() const;
  int64_t missing_bytes() const;
  int64_t space_bytes() const;
};

struct PullReport {
  std::filesystem::path folder;
  int64_t received_bytes = 0;
};

/// Asks the hub. Of several forms of one rank the one with the fewest bytes wins; one that the
/// hub refuses is passed over while another is left. Throws Error, Stopped.
PullPlan plan_pull(const PullOptions& options, const std::vector<CatalogueEntry>& catalogue,
                   const Places& places, const std::atomic<bool>& cancelled);

/// Fetches what is missing and links the snapshot together; nothing is visible in it before all of
/// it is there. Files that another process is fetching are waited for. Throws Error (disk too full,
/// before anything is fetched; what download throws), Stopped.
PullReport pull(const PullPlan& plan, const PullOptions& options, const Watch& watch,
                const std::atomic<bool>& cancelled);

}  // namespace visavis::hub

#include "hub/pull.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "hub/cache.h"
#include "hub/checksum.h"
#include "hub/partial_file.h"
#include "hub/stopped.h"

namespace visavis::hub {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSpareBytes = int64_t{64} << 20;  // left free for links, journals and others

int64_t system_free_bytes(const fs::path& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0)
    fail("cannot ask how much is free in '", folder.string(), "': ", std::strerror(errno));
  return static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize);
}

// Different for every process, so that two that were refused together do not come back together.
uint64_t seed_of_process() {
  return static_cast<uint64_t>(::getpid()) ^
         static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

std::unique_ptr<Session> make_session(const Hub& hub, const HubSettings& settings,
                                      const FetchRules& rules, const std::atomic<bool>& cancelled,
                                      uint64_t number) {
  return std::make_unique<Session>(settings.endpoint, hub.credentials(settings.token), rules,
                                   cancelled, seed_of_process() + number);
}

std::vector<const Form*> wanted_forms(const CatalogueEntry& entry, const PullOptions& options,
                                      const Hub& hub, bool for_card) {
  std::vector<const Form*> forms;
  if (options.format.empty()) {
    forms = loadable_forms(entry, for_card);
  } else {
    std::vector<std::string> known;
    for (const Form& form : entry.forms) {
      known.push_back(form.format);
      if (form.format == options.format) forms.push_back(&form);
    }
    require(!forms.empty(), "model '", entry.name, "' is not published as '", options.format,
            "'; known: ", base::join(known, ", "));
  }
  std::erase_if(forms,
                [&](const Form* form) { return (form->repository.*hub.repository).empty(); });
  require(!forms.empty(), "no form of model '", entry.name, "' that can be loaded is known at ",
          hub.name, "; another hub may have one (--from)");
  return forms;
}

std::string explained(const Error& error, const Hub& hub, const HubSettings& settings) {
  const std::string line = error.what();
  if (line.find(": status 401") == std::string::npos &&
      line.find(": status 403") == std::string::npos)
    return line;
  return line + " (there is no such repository, or it wants its terms accepted at " +
         settings.endpoint + " and " +
         (settings.token.empty() ? std::string("a token: ") : std::string("another token: ")) +
         hub.token_hint + ")";
}

// A GGUF file holds weights; the engine wants settings and tokenizer as well.
bool is_bare_gguf(const std::vector<RemoteFile>& files) {
  const auto any = [&](auto&& holds) { return std::any_of(files.begin(), files.end(), holds); };
  return any([](const RemoteFile& file) { return file.path.ends_with(".gguf"); }) &&
         !any([](const RemoteFile& file) { return file.path == "config.json"; });
}

// Settings and tokenizer of the model that the weights were made from.
void add_from_beside(PullPlan& plan, const Hub& hub, const std::string& beside, Session& session) {
  const Listing listing = hub.list(session, plan.settings.endpoint, beside, hub.default_revision);
  for (const RemoteFile& file : select_side_files(listing)) {
    const bool there = std::any_of(plan.files.begin(), plan.files.end(),
                                   [&](const auto& each) { return each.file.path == file.path; });
    // An index would name weights that are not these.
    if (there || file.path.ends_with(".index.json")) continue;
    plan.files.push_back({.file = file,
                          .repository = beside,
                          .at = hub.has_commits ? listing.commit : hub.default_revision});
  }
}

// Asks for the size or the digest that a listing left out.
void complete(PlannedFile& each, const Hub& hub, const HubSettings& settings, Session& session) {
  RemoteFile& file = each.file;
  if (file.bytes >= 0 && !blob_name(file).empty()) return;
  const std::string what = "'" + file.path + "' of repository '" + each.repository + "'";
  const Fetched said =
      session.probe(hub.file_url(settings.endpoint, each.repository, each.at, file.path), what);
  if (file.bytes < 0) file.bytes = said.bytes;
  if (blob_name(file).empty()) take_etag(said.etag, file);
  require(file.bytes >= 0 && !blob_name(file).empty(), what,
          ": the hub gives no size or no checksum for it");
}

// What one form, or a repository named by the user, comes to.
PullPlan ask(const PullOptions& options, const Hub& hub, const HubSettings& settings,
             const std::string& repository, const Form* form, Session& session) {
  PullPlan plan{.hub = &hub,
                .settings = settings,
                .repository = repository,
                .revision = options.revision,
                .format = form == nullptr ? std::string() : form->format,
                .license = {},
                .commit = {},
                .cache = {},
                .files = {},
                .passed_over = {}};
  if (plan.revision.empty() && form != nullptr && hub.has_commits) plan.revision = form->revision;
  if (plan.revision.empty()) plan.revision = hub.default_revision;
  const Listing listing = hub.list(session, settings.endpoint, repository, plan.revision);
  plan.commit = listing.commit;
  plan.license = listing.license;
  std::vector<RemoteFile> files;
  std::vector<std::string> patterns = options.include;
  if (patterns.empty() && form != nullptr)
    for (const KnownFile& file : form->files) patterns.push_back(file.path);
  if (patterns.empty()) {
    files = select_by_rule(listing, repository);
  } else {
    // Weights by name, and beside them whatever the engine reads; a list of one's own is complete.
    files = select_named(listing, patterns, repository);
    if (options.include.empty())
      for (const RemoteFile& file : select_side_files(listing))
        if (std::none_of(files.begin(), files.end(),
                         [&](const RemoteFile& each) { return each.path == file.path; }))
          files.push_back(file);
  }
  if (form != nullptr) hold_against(files, form->files, repository);
  const std::string at = hub.has_commits ? plan.commit : plan.revision;
  for (const RemoteFile& file : files)
    plan.files.push_back({.file = file, .repository = repository, .at = at});
  std::string beside = form == nullptr ? std::string() : form->beside.*hub.repository;
  if (beside.empty() && is_bare_gguf(files) && options.include.empty()) beside = listing.base_model;
  if (!beside.empty()) add_from_beside(plan, hub, beside, session);
  for (PlannedFile& each : plan.files) complete(each, hub, settings, session);
  return plan;
}

fs::path blob_path(const PullPlan& plan, const RemoteFile& file) {
  return repository_folder(plan.cache, plan.repository) / "blobs" / blob_name(file);
}

fs::path partial_path(const PullPlan& plan, const RemoteFile& file) {
  return blob_path(plan, file).string() + std::string(kPartialEnding);
}

// By length, as the hub's own tools trust it; --check reads it.
bool is_there(const PullPlan& plan, const RemoteFile& file) {
  std::error_code missing;
  const auto size = fs::file_size(blob_path(plan, file), missing);
  return !missing && static_cast<int64_t>(size) == file.bytes;
}

// The other repository may be in the cache itself.
bool take_from_beside(const PullPlan& plan, const PlannedFile& each,
                      const std::atomic<bool>& cancelled) {
  if (each.repository == plan.repository) return false;
  const fs::path there =
      repository_folder(plan.cache, each.repository) / "blobs" / blob_name(each.file);
  std::error_code error;
  if (!fs::is_regular_file(there, error) ||
      static_cast<int64_t>(fs::file_size(there, error)) != each.file.bytes || error ||
      !has_right_bytes(there, each.file, nullptr, cancelled))
    return false;
  fs::create_hard_link(there, blob_path(plan, each.file), error);
  return !error;
}

void measure(const PullPlan& plan, PlannedFile& each) {
  each.missing_bytes = each.space_bytes = 0;
  if (is_there(plan, each.file)) return;
  const Leftover left = leftover(partial_path(plan, each.file), each.file.bytes);
  each.missing_bytes = each.file.bytes - left.done_bytes;
  each.space_bytes = std::max<int64_t>(0, each.file.bytes - left.disk_bytes);
}

}  // namespace

int64_t PullPlan::bytes() const {
  int64_t sum = 0;
  for (const PlannedFile& each : files) sum += each.file.bytes;
  return sum;
}

int64_t PullPlan::missing_bytes() const {
  int64_t sum = 0;
  for (const PlannedFile& each : files) sum += each.missing_bytes;
  return sum;
}

int64_t PullPlan::space_bytes() const {
  int64_t sum = 0;
  for (const PlannedFile& each : files) sum += each.space_bytes;
  return sum;
}

PullPlan plan_pull(const PullOptions& options, const std::vector<CatalogueEntry>& catalogue,
                   const Places& places, const std::atomic<bool>& cancelled) {
  const Hub& hub = find_hub(options.from);
  const HubSettings settings = hub.settings();
  require(!places.hub_cache.empty(), "no place for the cache: set HF_HOME or HOME");
  const std::unique_ptr<Session> session =
      make_session(hub, settings, options.rules, cancelled, 1000);
  std::optional<PullPlan> best;
  std::vector<std::string> passed_over;
  const CatalogueEntry* entry = find_entry(catalogue, options.model);
  if (entry != nullptr) {
    require(entry->demo_folder.empty(), "model '", entry->name,
            "' comes with visavis: there is nothing to fetch");
    const std::vector<const Form*> forms = wanted_forms(*entry, options, hub, places.for_card);
    int rank = 0;
    for (const Form* form : forms) {
      if (best && form_rank(*form, places.for_card) != rank) break;  // a fallback only
      const std::string& repository = form->repository.*hub.repository;
      try {
        PullPlan plan = ask(options, hub, settings, repository, form, *session);
        if (!best || plan.bytes() < best->bytes()) best = std::move(plan);
        rank = form_rank(*form, places.for_card);
      } catch (const Stopped&) {
        throw;
      } catch (const Error& error) {
        passed_over.push_back(explained(error, hub, settings));
        if (!best && form == forms.back()) fail(base::join(passed_over, "; "));
      }
    }
  } else {
    std::vector<std::string> names;
    for (const CatalogueEntry& each : catalogue) names.push_back(each.name);
    require(is_repository_name(options.model), "no model '", options.model,
            "': wanted ORG/NAME or one of ", base::join(names, ", "));
    require(options.format.empty(), "--format goes with a name of the catalogue; '", options.model,
            "' is a repository, whose files --include names");
    try {
      best = ask(options, hub, settings, options.model, nullptr, *session);
    } catch (const Stopped&) {
      throw;
    } catch (const Error& error) {
      fail(explained(error, hub, settings));
    }
  }
  best->passed_over = std::move(passed_over);
  best->cache = places.hub_cache;
  for (PlannedFile& each : best->files) measure(*best, each);
  return std::move(*best);
}

PullReport pull(const PullPlan& plan, const PullOptions& options, const Watch& watch,
                const std::atomic<bool>& cancelled) {
  const fs::path folder = repository_folder(plan.cache, plan.repository);
  base::make_folder(folder / "blobs");
  const int64_t free =
      (options.free_bytes == nullptr ? &system_free_bytes : options.free_bytes)(folder);
  const int64_t space = plan.space_bytes();
  require(space == 0 || space + kSpareBytes <= free, "'", plan.cache.string(), "' has ",
          base::human_bytes(free), " free, '", plan.repository, "' needs ",
          base::human_bytes(space + kSpareBytes), "; HF_HOME names another place");

  PullReport report;
  // Two names may share one blob.
  std::map<std::string, PlannedFile> waiting;
  for (const PlannedFile& each : plan.files) {
    const RemoteFile& file = each.file;
    if (is_there(plan, file)) {
      if (!options.check || has_right_bytes(blob_path(plan, file), file, nullptr, cancelled))
        continue;
      std::error_code error;
      fs::remove(blob_path(plan, file), error);
      require(!error, "cannot remove the damaged '", blob_path(plan, file).string(),
              "': ", error.message());
    }
    waiting.emplace(blob_name(file), each);
  }
  while (!waiting.empty()) {
    std::vector<FileLock> held;
    std::vector<Job> jobs;
    for (auto each = waiting.begin(); each != waiting.end();) {
      const RemoteFile& file = each->second.file;
      std::optional<FileLock> lock =
          FileLock::try_take(lock_path(plan.cache, plan.repository, each->first));
      if (!lock) {
        ++each;
        continue;
      }
      held.push_back(std::move(*lock));
      if (!is_there(plan, file) && !take_from_beside(plan, each->second, cancelled))
        jobs.push_back({.file = file,
                        .url = plan.hub->file_url(plan.settings.endpoint, each->second.repository,
                                                  each->second.at, file.path),
                        .partial = partial_path(plan, file),
                        .target = blob_path(plan, file)});
      each = waiting.erase(each);
    }
    if (!jobs.empty()) {
      base::make_folder(folder / "blobs");
      report.received_bytes += download(
          std::move(jobs),
          [&](uint64_t number) {
            return make_session(*plan.hub, plan.settings, options.rules, cancelled, number);
          },
          options.rules, watch, cancelled);
    }
    if (waiting.empty()) break;
    if (cancelled) throw Stopped();
    if (watch)
      watch({.files = static_cast<int64_t>(waiting.size()),
             .waiting = "another process is fetching the same files"});
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  // config.json last: a folder that has it is taken for a model.
  const auto link = [&](bool last) {
    for (const PlannedFile& each : plan.files)
      if ((each.file.path == "config.json") == last)
        link_into_snapshot(folder, plan.commit, each.file.path, blob_name(each.file));
  };
  link(false);
  link(true);
  if (plan.revision != plan.commit)
    write_ref(folder, plan.hub->ref_prefix + plan.revision, plan.commit);
  report.folder = folder / "snapshots" / plan.commit;
  return report;
}

}  // namespace visavis::hub

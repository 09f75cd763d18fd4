#include "hub/catalogue.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "hub/built_in_catalogue.h"
#include "hub/cache.h"
#include "hub/formats.h"

namespace visavis::hub {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxCatalogueBytes = int64_t{4} << 20;

fs::path environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : fs::path(value);
}

// One object of the file; every error says where.
class Fields {
 public:
  Fields(const base::Json& object, std::string where, std::initializer_list<const char*> known)
      : object_(object), where_(std::move(where)) {
    require(object.is_object(), where_, ": wanted an object");
    for (const auto& [key, value] : object.items()) {
      const std::string& given = key;
      if (std::any_of(known.begin(), known.end(), [&](const char* each) { return given == each; }))
        continue;
      fail(where_, ": key '", base::valid_utf8(given), "' is not known; known: ",
           base::join(std::vector<std::string>(known.begin(), known.end()), ", "));
    }
  }

  const base::Json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  std::string text(const char* key) const {
    const base::Json* value = find(key);
    if (value == nullptr) return {};
    require(value->is_string(), where_, ": '", key, "' is no text");
    return value->get<std::string>();
  }
  double number(const char* key, double fallback, double low, double high) const {
    const base::Json* value = find(key);
    if (value == nullptr) return fallback;
    const double found = value->is_number() ? value->get<double>() : low - 1;
    require(found >= low && found <= high, where_, ": '", key, "' is no number from ", low, " to ",
            high);
    return found;
  }
  Repository repositories() const {
    Repository names{.huggingface = text("huggingface"), .modelscope = text("modelscope")};
    for (const std::string& name : {names.huggingface, names.modelscope})
      require(name.empty() || is_repository_name(name), where_, ": found '", name,
              "', wanted ORG/NAME");
    return names;
  }

 private:
  const base::Json& object_;
  std::string where_;
};

KnownFile read_file_row(const base::Json& row, const std::string& where) {
  const Fields fields(row, where, {"path", "bytes", "sha256"});
  KnownFile file{.path = fields.text("path"),
                 .bytes = static_cast<int64_t>(fields.number("bytes", -1, -1, 1e15)),
                 .sha256 = fields.text("sha256")};
  require(is_safe_path(file.path), where, ": 'path' is missing or leads out of the folder");
  RemoteFile checked;
  require(file.sha256.empty() || (file.sha256.size() == 64 && take_etag(file.sha256, checked)),
          where, ": 'sha256' is not 64 lower-case hex digits");
  return file;
}

Form read_form(const base::Json& row, const std::string& where) {
  const Fields fields(row, where,
                      {"format", "bits", "huggingface", "modelscope", "beside", "revision",
                       "download_gb", "files"});
  Form form{.format = fields.text("format"),
            .bits = static_cast<int>(fields.number("bits", 16, 1, 64)),
            .repository = fields.repositories(),
            .beside = {},
            .revision = fields.text("revision"),
            .download_gb = fields.number("download_gb", 0, 0, 1e6),
            .files = {}};
  std::vector<std::string> known;
  for (const Format& format : formats()) known.emplace_back(format.name);
  require(find_format(form.format) != nullptr, where, ": 'format' is '", form.format,
          "'; known: ", base::join(known, ", "));
  require(!form.repository.huggingface.empty() || !form.repository.modelscope.empty(), where,
          ": names no repository ('huggingface' or 'modelscope')");
  require(form.revision.empty() || is_safe_path(form.revision), where,
          ": 'revision' is no name of a commit, tag or branch");
  if (const base::Json* beside = fields.find("beside"))
    form.beside =
        Fields(*beside, where + ", 'beside'", {"huggingface", "modelscope"}).repositories();
  if (const base::Json* files = fields.find("files")) {
    require(files->is_array(), where, ": 'files' is no list");
    for (const base::Json& file : *files)
      form.files.push_back(read_file_row(file, where + ", 'files'"));
  }
  return form;
}

CatalogueEntry read_entry(const std::string& name, const base::Json& row,
                          const std::string& where) {
  const Fields fields(
      row, where, {"family", "license", "demo_folder", "parameters_billion", "memory_gb", "forms"});
  CatalogueEntry entry{.name = name,
                       .family = fields.text("family"),
                       .license = fields.text("license"),
                       .demo_folder = fields.text("demo_folder"),
                       .parameters_billion = fields.number("parameters_billion", 0, 0, 1e6),
                       .memory_gb = fields.number("memory_gb", 0, 0, 1e6),
                       .forms = {}};
  require(entry.demo_folder.empty() || is_safe_path(entry.demo_folder), where,
          ": 'demo_folder' leads out of the folder");
  if (const base::Json* forms = fields.find("forms")) {
    require(forms->is_array(), where, ": 'forms' is no list");
    for (const base::Json& form : *forms)
      entry.forms.push_back(
          read_form(form, where + ", form " + std::to_string(entry.forms.size() + 1)));
  }
  require(entry.forms.empty() != entry.demo_folder.empty(), where,
          ": wanted either 'forms' or 'demo_folder'");
  return entry;
}

std::string known_names(const std::vector<CatalogueEntry>& catalogue) {
  std::vector<std::string> names;
  for (const CatalogueEntry& entry : catalogue) names.push_back(entry.name);
  return base::join(names, ", ");
}

// ModelScope's tools put "___" for a dot in the model's name, and newer ones all models below
// "models".
std::optional<fs::path> modelscope_folder(std::string_view repository, const fs::path& cache) {
  if (cache.empty() || !is_repository_name(repository)) return std::nullopt;
  const size_t slash = repository.find('/');
  const std::string dotless = std::string(repository.substr(0, slash + 1)) +
                              base::replace_all(repository.substr(slash + 1), ".", "___");
  for (const fs::path& folder : {cache / "models" / dotless, cache / dotless})
    if (is_checkpoint(folder)) return folder;
  return std::nullopt;
}

// The revision that the catalogue names, if all of it is in the cache.
std::optional<fs::path> pinned_snapshot(const Form& form, const Places& places) {
  if (form.revision.empty() || form.repository.huggingface.empty() || places.hub_cache.empty())
    return std::nullopt;
  const fs::path snapshot = repository_folder(places.hub_cache, form.repository.huggingface) /
                            "snapshots" / form.revision;
  if (!is_checkpoint(snapshot) || !missing_files(snapshot).empty()) return std::nullopt;
  return snapshot;
}

std::string how_to_get(const std::string& model) {
  return "; visavis pull " + model + " fetches it";
}

}  // namespace

std::vector<CatalogueEntry> parse_catalogue(std::string_view text, const std::string& file) {
  const base::Json document = base::parse_json(text, file);
  const Fields top(document, file, {"about", "models"});
  const base::Json* models = top.find("models");
  require(models != nullptr && models->is_object(), file, ": found no object 'models'");
  std::vector<CatalogueEntry> entries;
  for (const auto& [name, row] : models->items()) {
    require(!name.empty() && name.find('/') == std::string::npos && is_safe_path(name), file, ": '",
            base::valid_utf8(name), "' is no name for a model");
    entries.push_back(read_entry(name, row, file + ": model '" + name + "'"));
  }
  return entries;
}

std::vector<CatalogueEntry> read_catalogue(const Places& places) {
  std::vector<CatalogueEntry> catalogue = parse_catalogue(built_in_catalogue(), "the catalogue");
  std::error_code ignored;
  if (places.user_catalogue.empty() || !fs::exists(places.user_catalogue, ignored))
    return catalogue;
  const std::string text = base::read_file(places.user_catalogue, kMaxCatalogueBytes);
  for (CatalogueEntry& entry : parse_catalogue(text, places.user_catalogue.string())) {
    const auto same =
        std::find_if(catalogue.begin(), catalogue.end(),
                     [&](const CatalogueEntry& each) { return each.name == entry.name; });
    if (same == catalogue.end())
      catalogue.push_back(std::move(entry));
    else
      *same = std::move(entry);
  }
  return catalogue;
}

const CatalogueEntry* find_entry(const std::vector<CatalogueEntry>& catalogue,
                                 std::string_view name) {
  const auto entry = std::find_if(catalogue.begin(), catalogue.end(),
                                  [&](const CatalogueEntry& each) { return each.name == name; });
  return entry == catalogue.end() ? nullptr : &*entry;
}

int form_rank(const Form& form, bool for_card) {
  if (form.bits > 3 && form.bits <= 4)
    return for_card && find_format(form.format)->grows_on_card ? 1 : 0;
  return form.bits == 16 ? 2 : 3;
}

std::vector<const Form*> loadable_forms(const CatalogueEntry& entry, bool for_card) {
  std::vector<const Form*> forms;
  for (const Form& form : entry.forms)
    if (find_format(form.format)->loads) forms.push_back(&form);
  std::stable_sort(forms.begin(), forms.end(), [for_card](const Form* a, const Form* b) {
    const int ranks[] = {form_rank(*a, for_card), form_rank(*b, for_card)};
    if (ranks[0] != ranks[1]) return ranks[0] < ranks[1];
    return a->download_gb > 0 && b->download_gb > 0 && a->download_gb < b->download_gb;
  });
  return forms;
}

Places default_places() {
  Places places;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error)
    places.models.push_back(program.parent_path().parent_path() / "share" / "visavis" / "models");
  places.models.emplace_back(VISAVIS_MODELS_DIR);
  places.hub_cache = default_hub_cache();
  const fs::path home = environment("HOME");
  places.modelscope_cache = environment("MODELSCOPE_CACHE");
  if (places.modelscope_cache.empty() && !home.empty())
    places.modelscope_cache = home / ".cache" / "modelscope" / "hub";
  places.user_catalogue = environment("VISAVIS_CATALOGUE");
  const fs::path config = environment("XDG_CONFIG_HOME");
  if (places.user_catalogue.empty() && (!config.empty() || !home.empty()))
    places.user_catalogue = (config.empty() ? home / ".config" : config) / "visavis/models.json";
  return places;
}

std::optional<fs::path> locate_repository(std::string_view repository, const Places& places) {
  if (!is_repository_name(repository)) return std::nullopt;
  if (!places.hub_cache.empty())
    if (auto snapshot = find_snapshot(repository_folder(places.hub_cache, repository)))
      return snapshot;
  return modelscope_folder(repository, places.modelscope_cache);
}

std::optional<fs::path> locate(const CatalogueEntry& entry, const Places& places) {
  if (!entry.demo_folder.empty()) {
    for (const fs::path& models : places.models)
      if (is_checkpoint(models / entry.demo_folder)) return models / entry.demo_folder;
    return std::nullopt;
  }
  std::optional<fs::path> partial;
  for (const Form* form : loadable_forms(entry, places.for_card)) {
    if (auto folder = pinned_snapshot(*form, places)) return folder;
    for (const std::string& repository :
         {form->repository.huggingface, form->repository.modelscope})
      if (auto folder = locate_repository(repository, places)) {
        if (missing_files(*folder).empty()) return folder;
        if (!partial) partial = folder;
      }
  }
  return partial;
}

fs::path resolve_model_folder(const std::string& model, const Places& places) {
  std::error_code ignored;
  if (!model.empty() && fs::is_directory(model, ignored)) return model;
  const std::vector<CatalogueEntry> catalogue = read_catalogue(places);
  require(!model.empty(), "no model given; known names: ", known_names(catalogue));
  std::optional<fs::path> folder;
  const CatalogueEntry* entry = find_entry(catalogue, model);
  if (entry != nullptr)
    folder = locate(*entry, places);
  else
    folder = locate_repository(model, places);
  if (folder) {
    const std::vector<std::string> missing = missing_files(*folder);
    require(missing.empty(), "model '", model, "' is not all on this machine: '", folder->string(),
            "' lacks ", missing.empty() ? "" : missing.front(),
            missing.size() > 1 ? " and more" : "", how_to_get(model));
    return *folder;
  }
  if (entry != nullptr && !entry->demo_folder.empty()) {
    std::vector<std::string> looked;
    for (const fs::path& models : places.models) {
      std::string& place = looked.emplace_back("'");
      place.append((models / entry->demo_folder).string()).append("'");
    }
    fail("model '", model, "' is not on this machine: looked in ", base::join(looked, ", "));
  }
  if (entry != nullptr)
    fail("model '", model, "' is not on this machine: looked for its repositories in '",
         places.hub_cache.string(), "'", how_to_get(model));
  if (is_repository_name(model))
    fail("no model '", model, "': found no such folder, and no such repository in '",
         places.hub_cache.string(), "'", how_to_get(model),
         " if a hub has it; known names: ", known_names(catalogue));
  fail("no model '", model, "': found no such folder; known names: ", known_names(catalogue));
}

int64_t folder_bytes(const fs::path& folder) {
  int64_t bytes = 0;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    std::error_code unreadable;
    const auto size = fs::file_size(at->path(), unreadable);
    if (!unreadable) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

}  // namespace visavis::hub

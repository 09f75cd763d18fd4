#include "hub/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "base/error.h"
#include "base/temporary_folder.h"

namespace visavis::hub {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Machine {
 public:
  Places places() const {
    return {.models = {root() / "share", root() / "source"},
            .hub_cache = root() / "hub",
            .modelscope_cache = root() / "modelscope",
            .user_catalogue = root() / "models.json"};
  }
  fs::path add(const std::string& folder) const {
    put(folder + "/config.json", "{}");
    return root() / folder;
  }
  void put(const std::string& file, const std::string& text) const {
    fs::create_directories((root() / file).parent_path());
    std::ofstream(root() / file) << text;
  }
  std::string refusal(const std::string& model) const {
    try {
      resolve_model_folder(model, places());
    } catch (const Error& error) {
      return error.what();
    }
    return "(nothing was refused)";
  }
  const fs::path& root() const { return folder_.path(); }

 private:
  base::TemporaryFolder folder_;
};

TEST(Catalogue, NamesAreUniqueAndEveryFormIsKnown) {
  const std::vector<CatalogueEntry> catalogue = read_catalogue({});
  std::set<std::string> names;
  for (const CatalogueEntry& entry : catalogue) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(find_entry(catalogue, entry.name), &entry);
    EXPECT_FALSE(entry.license.empty()) << entry.name;
    EXPECT_EQ(loadable_forms(entry, false).empty(), !entry.demo_folder.empty())
        << entry.name << " cannot be pulled";
    for (const Form& form : entry.forms)
      EXPECT_TRUE(form.bits < 16 || !form.repository.modelscope.empty()) << entry.name;
  }
  EXPECT_EQ(find_entry(catalogue, "gpt-4"), nullptr);
}

TEST(Catalogue, TakesModelsOfTheUsersOwn) {
  const Machine machine;
  machine.put("models.json", R"({"models": {"mine": {"family": "Qwen3-VL", "forms": [
      {"format": "safetensors", "huggingface": "me/mine", "files": [{"path": "*.safetensors"}]}]},
    "qwen3-vl-8b": {"forms": [{"format": "awq", "bits": 4, "modelscope": "me/other"}]}}})");
  const std::vector<CatalogueEntry> catalogue = read_catalogue(machine.places());
  EXPECT_EQ(find_entry(catalogue, "mine")->forms.at(0).repository.huggingface, "me/mine");
  EXPECT_EQ(find_entry(catalogue, "qwen3-vl-8b")->forms.size(), 1U) << "the user's stands instead";
  EXPECT_EQ(catalogue.size(), read_catalogue({}).size() + 1);
}

TEST(Catalogue, RefusesWhatItDoesNotKnowByModelAndKey) {
  const auto error_of = [](const std::string& row) {
    try {
      parse_catalogue(R"({"models": {"mine": )" + row + "}}", "models.json");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error_of(R"({"form": []})"),
              AllOf(HasSubstr("models.json: model 'mine': key 'form' is not known"),
                    HasSubstr("parameters_billion")));
  EXPECT_THAT(error_of("{}"), HasSubstr("either 'forms' or 'demo_folder'"));
  const auto form = [&](const std::string& rest) {
    return error_of(R"({"forms": [{"format": "safetensors", "huggingface": "a/b")" + rest + "}]}");
  };
  EXPECT_EQ(form(""), "no error");
  EXPECT_THAT(form(R"(, "bits": "4")"), HasSubstr("form 1: 'bits' is no number"));
  EXPECT_THAT(form(R"(, "modelscope": "../x")"), HasSubstr("wanted ORG/NAME"));
  EXPECT_THAT(form(R"(, "files": [{"path": "/etc/passwd"}])"), HasSubstr("leads out"));
  EXPECT_THAT(form(R"(, "files": [{"path": "a", "sha256": "AB"}])"), HasSubstr("64 lower-case"));
  EXPECT_THAT(error_of(R"({"forms": [{"format": "zip", "huggingface": "a/b"}]})"),
              HasSubstr("known: safetensors, compressed-tensors"));
  EXPECT_THAT(error_of(R"({"forms": [{"format": "gguf"}]})"), HasSubstr("names no repository"));
}

TEST(LoadableForms, AreTheSmallestOfFourBitsThenSixteen) {
  const auto form = [](const char* format, int bits, double gb) {
    return Form{.format = format,
                .bits = bits,
                .repository = {format, {}},
                .beside = {},
                .revision = {},
                .download_gb = gb,
                .files = {}};
  };
  const CatalogueEntry entry{.name = "m",
                             .family = {},
                             .license = {},
                             .demo_folder = {},
                             .forms = {form("safetensors", 8, 2), form("safetensors", 16, 4),
                                       form("awq", 4, 1.5), form("gguf", 4, 1)}};
  const auto sizes = [&](bool for_card) {
    std::vector<double> sizes;
    for (const Form* each : loadable_forms(entry, for_card)) sizes.push_back(each->download_gb);
    return sizes;
  };
  EXPECT_EQ(sizes(false), (std::vector<double>{1, 1.5, 4, 2}));
  EXPECT_EQ(sizes(true), (std::vector<double>{1.5, 1, 4, 2})) << "GGUF takes eight bits there";
}

TEST(ResolveModelFolder, TakesAFolderAsItIs) {
  const Machine machine;
  const fs::path folder = machine.add("somewhere/model");
  EXPECT_EQ(resolve_model_folder(folder.string(), machine.places()), folder);
}

TEST(ResolveModelFolder, FindsDemoModelsInstalledFirst) {
  const Machine machine;
  EXPECT_THAT(machine.refusal("demo-llava"),
              AllOf(HasSubstr("not on this machine"), HasSubstr("source/demo/llava")));
  const fs::path source = machine.add("source/demo/llava");
  EXPECT_EQ(resolve_model_folder("demo-llava", machine.places()), source);
  const fs::path installed = machine.add("share/demo/llava");
  EXPECT_EQ(resolve_model_folder("demo-llava", machine.places()), installed);
}

TEST(ResolveModelFolder, FindsRepositoriesInTheHubsCache) {
  const Machine machine;
  const std::string repository = "hub/models--Qwen--Qwen3-VL-8B-Instruct/";
  EXPECT_THAT(machine.refusal("qwen3-vl-8b"),
              AllOf(HasSubstr("not on this machine"), HasSubstr("visavis pull qwen3-vl-8b")));
  const fs::path old = machine.add(repository + "snapshots/aaa");
  EXPECT_EQ(resolve_model_folder("qwen3-vl-8b", machine.places()), old) << "the only snapshot";
  const fs::path current = machine.add(repository + "snapshots/bbb");
  machine.put(repository + "refs/main", "bbb\n");
  EXPECT_EQ(resolve_model_folder("qwen3-vl-8b", machine.places()), current);
  EXPECT_EQ(resolve_model_folder("Qwen/Qwen3-VL-8B-Instruct", machine.places()), current);
  machine.put(repository + "refs/main", "../../../secret");
  EXPECT_THAT(machine.refusal("qwen3-vl-8b"), HasSubstr("not on this machine"));
}

TEST(ResolveModelFolder, SaysWhichShardIsMissing) {
  const Machine machine;
  const std::string snapshot = "hub/models--llava-hf--llava-1.5-7b-hf/snapshots/aaa/";
  machine.add(snapshot);
  machine.put(snapshot + "model.safetensors.index.json",
              R"({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})");
  machine.put(snapshot + "model-1.safetensors", "");
  EXPECT_THAT(machine.refusal("llava-1.5-7b"),
              AllOf(HasSubstr("lacks model-2.safetensors"), HasSubstr("visavis pull")));
  machine.put(snapshot + "model-2.safetensors", "");
  EXPECT_EQ(resolve_model_folder("llava-1.5-7b", machine.places()).filename(), "aaa");
}

TEST(ResolveModelFolder, FindsWhatModelScopesToolsFetched) {
  const Machine machine;
  const fs::path folder = machine.add("modelscope/models/swift/llava-1___5-7b-hf");
  EXPECT_EQ(resolve_model_folder("llava-1.5-7b", machine.places()), folder);
  EXPECT_EQ(resolve_model_folder("swift/llava-1.5-7b-hf", machine.places()), folder);
}

TEST(ResolveModelFolder, PrefersTheRevisionThatTheCatalogueNames) {
  const Machine machine;
  machine.put("models.json", R"({"models": {"mine": {"forms": [
      {"format": "safetensors", "huggingface": "me/mine", "revision": "bbb"}]}}})");
  for (const char* commit : {"aaa", "bbb", "ccc"})
    machine.add(std::string("hub/models--me--mine/snapshots/") + commit);
  machine.put("hub/models--me--mine/refs/main", "aaa");
  EXPECT_EQ(resolve_model_folder("mine", machine.places()).filename(), "bbb");
  EXPECT_EQ(resolve_model_folder("me/mine", machine.places()).filename(), "aaa");
}

TEST(ResolveModelFolder, UnknownNamesListTheKnownOnes) {
  const Machine machine;
  for (const char* name : {"qwen9", "", "../../etc", "a/b", "/nowhere"})
    EXPECT_THAT(machine.refusal(name), HasSubstr("known names: demo-qwen3-vl, demo-llava"));
}

TEST(DefaultPlaces, HoldTheDemoModelsOfThisSourceTree) {
  const Places places = default_places();
  EXPECT_FALSE(places.models.empty());
  for (const CatalogueEntry& entry : read_catalogue({}))
    EXPECT_TRUE(entry.demo_folder.empty() || locate(entry, places)) << entry.name;
}

TEST(FolderBytes, CountAllFiles) {
  const Machine machine;
  machine.put("m/a", "12345");
  machine.put("m/b/c", "123");
  EXPECT_EQ(folder_bytes(machine.root() / "m"), 8);
  EXPECT_EQ(folder_bytes(machine.root() / "none"), 0);
}

}  // namespace
}  // namespace visavis::hub

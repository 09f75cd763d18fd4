#include "hub/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "base/error.h"

namespace visavis::hub {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Machine {
 public:
  Machine()
      : root_(fs::temp_directory_path() /
              ("visavis_hub_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~Machine() { fs::remove_all(root_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  Places places() const { return {{root_ / "share", root_ / "source"}, root_ / "hub"}; }
  fs::path add(const std::string& folder) const {
    fs::create_directories(root_ / folder);
    std::ofstream(root_ / folder / "config.json") << "{}";
    return root_ / folder;
  }
  void put(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  std::string refusal(const std::string& model) const {
    try {
      resolve_model_folder(model, places());
    } catch (const Error& error) {
      return error.what();
    }
    return "(nothing was refused)";
  }
  const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

TEST(Catalogue, NamesAreUniqueAndSayWhereTheModelComesFrom) {
  std::set<std::string_view> names;
  for (const CatalogueEntry& entry : catalogue()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_NE(entry.repository.empty(), entry.demo_folder.empty()) << entry.name;
    EXPECT_EQ(find_entry(entry.name), &entry);
  }
  EXPECT_EQ(find_entry("gpt-4"), nullptr);
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
              AllOf(HasSubstr("Qwen/Qwen3-VL-8B-Instruct"), HasSubstr("17.5 GB")));
  const fs::path old = machine.add(repository + "snapshots/aaa");
  EXPECT_EQ(resolve_model_folder("qwen3-vl-8b", machine.places()), old) << "the only snapshot";
  const fs::path current = machine.add(repository + "snapshots/bbb");
  machine.put(repository + "refs/main", "bbb\n");
  EXPECT_EQ(resolve_model_folder("qwen3-vl-8b", machine.places()), current);
  EXPECT_EQ(resolve_model_folder("Qwen/Qwen3-VL-8B-Instruct", machine.places()), current);
  machine.put(repository + "refs/main", "../../../secret");
  EXPECT_THAT(machine.refusal("qwen3-vl-8b"), HasSubstr("not on this machine"));
}

TEST(ResolveModelFolder, UnknownNamesListTheKnownOnes) {
  const Machine machine;
  for (const char* name : {"qwen9", "", "../../etc", "a/b", "/nowhere"})
    EXPECT_THAT(machine.refusal(name), HasSubstr("known names: demo-qwen3-vl, demo-llava"));
}

TEST(DefaultPlaces, HoldTheDemoModelsOfThisSourceTree) {
  const Places places = default_places();
  EXPECT_FALSE(places.models.empty());
  for (const CatalogueEntry& entry : catalogue())
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

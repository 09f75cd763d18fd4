#include "hub/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "hub/cache.h"
#include "hub/stopped.h"
#include "hub/test_hub.h"

namespace visavis::hub {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kPiece = 4096;

std::string noise(size_t bytes, uint64_t seed) {
  base::Rng rng(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(rng.next());
  return text;
}

// Ten pieces and a short one, one piece, nothing at all, and what nobody needs.
std::map<std::string, std::string> model_files() {
  return {{"config.json", "{\"architectures\": []}"},
          {"empty.json", ""},
          {"tokenizer.json", noise(9000, 1)},
          {"model-00001-of-00002.safetensors", noise(10 * kPiece + 123, 2)},
          {"model-00002-of-00002.safetensors", noise(1000, 3)},
          {"README.md", "# A model"},
          {"figures/a.png", noise(100, 4)}};
}

// A machine with a cache of its own and a hub of its own; its environment is that of the process.
class Machine {
 public:
  Machine() : Machine(model_files()) {}
  explicit Machine(std::map<std::string, std::string> files) : hub(std::move(files)) {
    for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH",
                             "HF_HUB_DISABLE_IMPLICIT_TOKEN", "MODELSCOPE_API_TOKEN"})
      ::unsetenv(name);
    ::setenv("HF_HOME", (folder_.path() / "home").c_str(), 1);
    ::setenv("HF_ENDPOINT", (hub.endpoint() + "/").c_str(), 1);
    ::setenv("MODELSCOPE_ENDPOINT", hub.endpoint().c_str(), 1);
    places.hub_cache = folder_.path() / "home" / "hub";
    options.model = TestHub::kRepository;
    options.rules = {.connections = 3,
                     .retries = 4,
                     .first_wait_seconds = 0.001,
                     .stall_seconds = 5,
                     .piece_bytes = kPiece};
  }

  PullPlan plan() const { return plan_pull(options, catalogue, places, never); }
  PullReport get() const { return pull(plan(), options, {}, never); }
  std::string refusal() const {
    try {
      get();
    } catch (const Error& error) {
      return error.what();
    }
    return "(nothing was refused)";
  }
  fs::path repository() const { return repository_folder(places.hub_cache, TestHub::kRepository); }
  void expect_whole(const fs::path& snapshot) const {
    for (const auto& [path, bytes] : hub.files()) {
      if (path == "README.md" || path.starts_with("figures/"))
        EXPECT_FALSE(fs::exists(snapshot / path)) << path;
      else
        EXPECT_TRUE(base::read_file(snapshot / path) == bytes) << path;
    }
    for (const fs::directory_entry& blob : fs::directory_iterator(repository() / "blobs"))
      EXPECT_EQ(blob.path().extension(), "") << blob.path();
  }

  TestHub hub;
  PullOptions options;
  Places places;
  std::vector<CatalogueEntry> catalogue;
  const std::atomic<bool> never{false};

 private:
  base::TemporaryFolder folder_;
};

TEST(Pull, PutsAModelIntoTheHubsCacheAsItsOwnToolsDo) {
  const Machine machine;
  const PullReport report = machine.get();
  EXPECT_EQ(report.folder, machine.repository() / "snapshots" / TestHub::kCommit);
  machine.expect_whole(report.folder);
  EXPECT_EQ(base::read_file(machine.repository() / "refs" / "main"), TestHub::kCommit);
  const std::string& weights = machine.hub.files().at("model-00002-of-00002.safetensors");
  EXPECT_EQ(fs::read_symlink(report.folder / "model-00002-of-00002.safetensors"),
            "../../blobs/" + base::sha256_hex(weights));
  EXPECT_TRUE(fs::exists(machine.repository() / "blobs" /
                         TestHub::git_sha1(machine.hub.files().at("config.json"))));
  EXPECT_EQ(resolve_model_folder(TestHub::kRepository, machine.places), report.folder);
}

TEST(Pull, FetchesNothingTwice) {
  const Machine machine;
  const int64_t all = machine.get().received_bytes;
  EXPECT_EQ(all, machine.plan().bytes());
  const int64_t sent = machine.hub.sent();
  EXPECT_EQ(machine.get().received_bytes, 0);
  EXPECT_EQ(machine.hub.sent(), sent);
}

TEST(Pull, SurvivesFiftyCutsAtRandomPlaces) {
  Machine machine;
  machine.hub.behave([](Manners& manners) { manners.cuts = 50; });
  const PullReport report = machine.get();
  machine.expect_whole(report.folder);
  EXPECT_EQ(machine.hub.manners().cuts, 0);
  EXPECT_EQ(report.received_bytes, machine.plan().bytes()) << "no byte came twice";
}

TEST(Pull, GoesOnWhereAnEarlierOneStopped) {
  Machine machine;
  machine.options.rules.connections = 1;
  std::atomic<bool> stop{false};
  int64_t before = 0;
  machine.hub.behave([](Manners& manners) { manners.pause_seconds = 0.05; });
  EXPECT_THROW(pull(
                   machine.plan(), machine.options,
                   [&](const Progress& now) {
                     before = now.done_bytes;
                     stop = before > 3 * kPiece;
                   },
                   stop),
               Stopped);
  machine.hub.behave([](Manners& manners) { manners.pause_seconds = 0; });
  EXPECT_FALSE(fs::exists(machine.repository() / "snapshots")) << "nothing half done is visible";
  const PullPlan plan = machine.plan();
  EXPECT_LT(plan.missing_bytes(), plan.bytes() - 3 * kPiece);
  const PullReport report = machine.get();
  EXPECT_LE(report.received_bytes, plan.bytes() - before);
  machine.expect_whole(report.folder);
}

TEST(Pull, TriesAgainWhereThatIsWorthIt) {
  for (const char* refusal : {"HTTP/1.1 429 X\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
                              "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", "nonsense\r\n", ""}) {
    Machine machine;
    machine.hub.behave([&](Manners& manners) {
      manners.refusals = 4;
      manners.refusal = refusal;
    });
    machine.expect_whole(machine.get().folder);
    EXPECT_EQ(machine.hub.manners().refusals, 0) << refusal;
  }
}

TEST(Pull, WaitsAsLongAsItIsAskedTo) {
  Machine machine;
  machine.options.rules.connections = 1;
  machine.hub.behave([](Manners& manners) {
    manners.refusals = 1;
    manners.refusal = "HTTP/1.1 429 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
  });
  const PullPlan plan = machine.plan();
  std::string waiting;
  const auto begin = std::chrono::steady_clock::now();
  pull(
      plan, machine.options,
      [&](const Progress& now) {
        if (!now.waiting.empty()) waiting = now.waiting;
      },
      machine.never);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_THAT(waiting, HasSubstr("status 429"));
}

TEST(Pull, GivesUpWithOneLineAndKeepsWhatCame) {
  Machine machine;
  machine.hub.behave([](Manners& manners) { manners.refusals = 1000; });
  EXPECT_THAT(machine.refusal(), AllOf(HasSubstr("status 503"), HasSubstr("pull again to go on"),
                                       Not(HasSubstr("\n"))));
  machine.hub.behave([](Manners& manners) {
    manners.refusal = "HTTP/1.1 429 X\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n";
  });
  EXPECT_THAT(machine.refusal(), HasSubstr("asks to wait for 7200 s"));
  machine.hub.behave([](Manners& manners) { manners.refusals = 0; });
  machine.expect_whole(machine.get().folder);
}

TEST(Pull, TakesEverythingInOneStreamFromAServerWithoutRanges) {
  Machine machine;
  machine.hub.behave([](Manners& manners) {
    manners.ranges = false;
    manners.cuts = 6;
  });
  machine.options.rules.retries = 20;
  machine.expect_whole(machine.get().folder);
}

TEST(Pull, FetchesAFileWithWrongBytesOnceMore) {
  Machine machine;
  machine.hub.behave([](Manners& manners) { manners.wrong_bytes = 1; });
  const PullReport report = machine.get();
  machine.expect_whole(report.folder);
  EXPECT_GT(report.received_bytes, machine.plan().bytes());
}

TEST(Pull, RefusesWrongBytesLengthsAndTags) {
  Machine machine;
  machine.hub.behave([](Manners& manners) { manners.wrong_bytes = 1 << 20; });
  EXPECT_THAT(machine.refusal(),
              AllOf(HasSubstr("its bytes are not the ones"), HasSubstr("after 2 downloads")));
  machine.hub.behave([](Manners& manners) {
    manners.wrong_bytes = 0;
    manners.wrong_total = 5;
  });
  EXPECT_THAT(machine.refusal(), AllOf(HasSubstr("bytes, wanted"), HasSubstr("the hub's file")));
  machine.hub.behave([](Manners& manners) {
    manners.wrong_total = 0;
    manners.wrong_etag = std::string(40, 'a');
  });
  EXPECT_THAT(machine.refusal(), HasSubstr("the hub's listing names"));
  EXPECT_FALSE(fs::exists(machine.repository() / "snapshots"));
}

TEST(Pull, SendsTheTokenToTheHubAndNowhereElse) {
  Machine machine;
  machine.hub.behave([](Manners& manners) { manners.token = "hf_secret"; });
  EXPECT_THAT(machine.refusal(), AllOf(HasSubstr("status 401"), HasSubstr("a token: HF_TOKEN"),
                                       HasSubstr("Repository not found")));
  ::setenv("HF_TOKEN", "hf_wrong", 1);
  EXPECT_THAT(machine.refusal(), AllOf(HasSubstr("another token"), Not(HasSubstr("hf_wrong"))));
  ::setenv("HF_TOKEN", "hf_secret", 1);
  machine.expect_whole(machine.get().folder);
  EXPECT_GT(machine.hub.storage().requests().size(), 0U);
  for (const http::ServedRequest& request : machine.hub.storage().requests())
    EXPECT_THAT(request.head, AllOf(Not(HasSubstr("hf_")), Not(HasSubstr("uthorization"))));
}

TEST(Pull, TakesTokensFromWhereOtherToolsDo) {
  const Machine machine;
  const auto token = [] { return find_hub("huggingface").settings().token; };
  EXPECT_EQ(token(), "");
  const fs::path home = std::getenv("HF_HOME");
  base::make_folder(home);
  base::write_file_atomically(home / "token", "from_home\n");
  EXPECT_EQ(token(), "from_home");
  base::write_file_atomically(home / "other", "from_path");
  ::setenv("HF_TOKEN_PATH", (home / "other").c_str(), 1);
  EXPECT_EQ(token(), "from_path");
  ::setenv("HUGGING_FACE_HUB_TOKEN", "from_old_name", 1);
  EXPECT_EQ(token(), "from_old_name");
  ::setenv("HF_TOKEN", "from_name", 1);
  EXPECT_EQ(token(), "from_name");
  ::setenv("HF_TOKEN", "with\r\nX-Other: header", 1);
  EXPECT_THROW(token(), Error);
}

TEST(Pull, AsksTheTreeWhereAMirrorSaysTooLittle) {
  Machine machine;
  machine.hub.behave([](Manners& manners) { manners.blobs = false; });
  machine.expect_whole(machine.get().folder);
  size_t pages = 0;
  for (const http::ServedRequest& request : machine.hub.hub().requests())
    pages += request.head.find("/tree/") != std::string::npos ? 1 : 0;
  EXPECT_EQ(pages, 4U) << "seven files, two a page";
}

TEST(Pull, AsksForSizesFileByFileAtLast) {
  auto files = model_files();
  files.erase("empty.json");
  Machine machine(std::move(files));
  machine.hub.behave([](Manners& manners) { manners.blobs = manners.tree = false; });
  machine.expect_whole(machine.get().folder);
}

TEST(Pull, FetchesFromModelScopeAsWell) {
  Machine machine;
  machine.options.from = "modelscope";
  machine.hub.behave([](Manners& manners) { manners.token = "ms-secret"; });
  ::setenv("MODELSCOPE_API_TOKEN", "ms-secret", 1);
  const PullReport report = machine.get();
  machine.expect_whole(report.folder);
  EXPECT_EQ(report.folder.filename().string().size(), 40U);
  EXPECT_EQ(base::read_file(machine.repository() / "refs/modelscope/master"),
            report.folder.filename().string());
  EXPECT_EQ(resolve_model_folder(TestHub::kRepository, machine.places), report.folder);
  for (const http::ServedRequest& request : machine.hub.storage().requests())
    EXPECT_THAT(request.head, Not(HasSubstr("ms-secret")));
  // The other hub names large files by the same digest.
  machine.options.from = "huggingface";
  machine.hub.behave([](Manners& manners) { manners.token = ""; });
  EXPECT_LT(machine.plan().missing_bytes(), 3 * kPiece);
}

TEST(Pull, SaysBeforeItBeginsThatTheDiskIsTooFull) {
  Machine machine;
  machine.options.free_bytes = [](const fs::path&) { return int64_t{1000}; };
  EXPECT_THAT(machine.refusal(), AllOf(HasSubstr("1.0 kB free"), HasSubstr("needs"),
                                       HasSubstr("HF_HOME names another place")));
  EXPECT_EQ(machine.hub.sent(), 0);
}

TEST(Pull, ChecksWhatIsThereIfAsked) {
  Machine machine;
  const fs::path folder = machine.get().folder;
  const fs::path weights = fs::canonical(folder / "model-00002-of-00002.safetensors");
  std::fstream(weights, std::ios::in | std::ios::out | std::ios::binary) << "damage";
  EXPECT_EQ(machine.get().received_bytes, 0) << "its length is right";
  machine.options.check = true;
  EXPECT_EQ(machine.get().received_bytes, 1000);
  machine.expect_whole(folder);
}

TEST(Pull, TwoAtOnceShareTheWork) {
  Machine machine;
  machine.hub.behave([](Manners& manners) { manners.pause_seconds = 0.02; });
  std::vector<std::thread> threads;
  std::atomic<int64_t> received{0};
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] { received += machine.get().received_bytes; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(received, machine.plan().bytes());
  machine.expect_whole(machine.repository() / "snapshots" / TestHub::kCommit);
}

TEST(Pull, TakesTheNamedFilesAlone) {
  Machine machine;
  machine.options.include = {"config.json", "figures/*"};
  const fs::path folder = machine.get().folder;
  EXPECT_TRUE(fs::exists(folder / "figures" / "a.png"));
  EXPECT_FALSE(fs::exists(folder / "tokenizer.json"));
  machine.options.include = {"*.gguf"};
  EXPECT_THAT(machine.refusal(),
              AllOf(HasSubstr("no file is called '*.gguf'"), HasSubstr("config.json")));
}

CatalogueEntry entry_with(std::vector<Form> forms) {
  return {
      .name = "small", .family = "", .license = "", .demo_folder = {}, .forms = std::move(forms)};
}

TEST(Pull, HoldsAListingAgainstTheCatalogue) {
  Machine machine;
  machine.options.model = "small";
  const std::string sha =
      base::sha256_hex(machine.hub.files().at("model-00002-of-00002.safetensors"));
  const auto know = [&](int64_t bytes, const std::string& digest) {
    machine.catalogue = {entry_with(
        {{.format = "safetensors",
          .repository = {TestHub::kRepository, {}},
          .beside = {},
          .revision = {},
          .files = {{"model-*", -1, ""}, {"model-00002-of-00002.safetensors", bytes, digest}}}})};
  };
  know(1001, "");
  EXPECT_THAT(machine.refusal(), HasSubstr("has 1000 bytes, the catalogue wants 1001"));
  know(1000, std::string(64, '0'));
  EXPECT_THAT(machine.refusal(), HasSubstr("the catalogue wants 0000"));
  know(1000, sha);
  machine.expect_whole(machine.get().folder);
  EXPECT_EQ(resolve_model_folder(TestHub::kRepository, machine.places), machine.get().folder);
}

TEST(Pull, TakesWhatAGgufLacksFromBesideIt) {
  const std::string config = "{}";
  Machine machine({{"m-Q4_K_M.gguf", noise(3 * kPiece, 5)}, {"mmproj-F16.gguf", noise(99, 6)}});
  machine.hub.add("maker/base", {{"config.json", config},
                                 {"model.safetensors.index.json", "{}"},
                                 {"model.safetensors", noise(100, 7)}});
  machine.hub.behave([](Manners& manners) { manners.base_model = "maker/base"; });
  const fs::path folder = machine.get().folder;
  EXPECT_EQ(base::read_file(folder / "config.json"), config);
  EXPECT_FALSE(fs::exists(folder / "model.safetensors.index.json"));
  EXPECT_TRUE(fs::exists(folder / "mmproj-F16.gguf"));
  // What lies in the cache of the other repository already is not fetched once more.
  remove_repository(machine.places.hub_cache, TestHub::kRepository);
  machine.options.model = "maker/base";
  machine.get();
  machine.options.model = TestHub::kRepository;
  EXPECT_EQ(machine.get().received_bytes, 3 * kPiece + 99);
  EXPECT_EQ(base::read_file(folder / "config.json"), config);
}

TEST(Pull, PassesOverAFormThatTheHubDoesNotHave) {
  Machine machine;
  machine.options.model = "small";
  const Form gone{.format = "safetensors",
                  .bits = 4,
                  .repository = {"maker/gone", {}},
                  .beside = {},
                  .revision = {},
                  .files = {}};
  const Form there{.format = "safetensors",
                   .repository = {TestHub::kRepository, {}},
                   .beside = {},
                   .revision = {},
                   .files = {}};
  machine.catalogue = {entry_with({there, gone})};
  const PullPlan plan = machine.plan();
  EXPECT_EQ(plan.repository, TestHub::kRepository);
  EXPECT_THAT(plan.passed_over, ElementsAre(HasSubstr("maker/gone")));
  machine.catalogue = {entry_with({gone})};
  EXPECT_THAT(machine.refusal(), HasSubstr("status 404"));
  machine.options.from = "modelscope";
  EXPECT_THAT(machine.refusal(), HasSubstr("no form of model 'small'"));
}

TEST(Pull, GoesThroughTheProxyOfTheEnvironment) {
  Machine machine;
  const std::string proxy = machine.hub.endpoint();
  ::setenv("http_proxy", proxy.c_str(), 1);
  ::setenv("HF_ENDPOINT", "http://hub.invalid", 1);
  machine.options.rules.retries = 0;
  EXPECT_THAT(machine.refusal(), HasSubstr("status"));
  ASSERT_FALSE(machine.hub.hub().requests().empty());
  EXPECT_THAT(machine.hub.hub().requests().front().head,
              HasSubstr("GET http://hub.invalid/api/models/maker/model/revision/main?blobs=true"));
}

TEST(RemoveRepository, FreesTheSpaceUnlessSomebodyFetches) {
  const Machine machine;
  machine.get();
  const auto cached = cached_repositories(machine.places.hub_cache);
  ASSERT_EQ(cached.size(), 1U);
  EXPECT_EQ(cached[0].name, TestHub::kRepository);
  EXPECT_FALSE(cached[0].partial);
  {
    const std::string& config = machine.hub.files().at("config.json");
    const auto lock = FileLock::try_take(
        lock_path(machine.places.hub_cache, TestHub::kRepository, TestHub::git_sha1(config)));
    ASSERT_TRUE(lock.has_value());
    EXPECT_THROW(remove_repository(machine.places.hub_cache, TestHub::kRepository), Error);
  }
  EXPECT_GT(remove_repository(machine.places.hub_cache, TestHub::kRepository), 10 * kPiece);
  EXPECT_TRUE(cached_repositories(machine.places.hub_cache).empty());
  EXPECT_THROW(remove_repository(machine.places.hub_cache, "../../etc"), Error);
}

}  // namespace
}  // namespace visavis::hub

// The routes of the page: what there is, loading, and comparisons from start to end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "server/running_server.h"
#include "server/test_client.h"

namespace visavis::server {
namespace {

using testing::HasSubstr;

const std::filesystem::path kTiny =
    std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/suites/tiny";
constexpr int kTinyItems = 11;

class PageRoutesTest : public testing::Test {
 protected:
  base::TemporaryFolder folder;
  RunningServer server{options()};

  void SetUp() override { server.server().residents().load("fake-b", {}, 1); }
  void TearDown() override { server.stop(); }

  ServerOptions options() {
    ServerOptions options;
    options.setting.suites = [] {
      return base::Json::array({{{"name", "tiny"}, {"path", kTiny.string()}}});
    };
    options.setting.price = 3.5;
    options.setting.runs.folder = folder.path() / "runs";
    options.setting.runs.machine_json = [] { return std::string("{}"); };
    options.setting.runs.build_json = [] { return std::string("{}"); };
    options.setting.runs.experiment_of = [](const RunOrder& order) {
      runner::Experiment experiment;
      for (const RunOrder::Model& model : order.models)
        experiment.providers.push_back({model.name, "", model.options});
      experiment.suites = {{order.suite, ""}};
      experiment.warmup = 0;
      experiment.revisits = 0;
      if (order.limit) experiment.limits.max_items = *order.limit;
      if (order.price) experiment.limits.price_per_hour = *order.price;
      runner::label_providers(experiment);
      runner::check_experiment(experiment);
      return experiment;
    };
    return options;
  }

  Reply get(const std::string& path) const {
    TestClient client(server.port());
    client.get(path);
    return client.reply();
  }
  Reply post(const std::string& path, const base::Json& body = base::Json::object()) const {
    TestClient client(server.port());
    client.post(path, body.dump());
    return client.reply();
  }
  std::string start(const base::Json& more = base::Json::object()) const {
    base::Json order = {{"suite", kTiny.string()}, {"models", {"fake-a", "fake-b"}}};
    order.update(more);
    const Reply reply = post("/api/runs", order);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.json()["id"].get<std::string>();
  }
  // The events until the run ends, parsed.
  std::vector<base::Json> events(const std::string& id) const {
    std::vector<base::Json> events;
    const Reply reply = get("/api/runs/" + id + "/events");
    EXPECT_TRUE(reply.complete);
    for (const std::string& line : base::split(reply.body, '\n'))
      if (line.starts_with("data: ")) events.push_back(base::parse_json(line.substr(6), "event"));
    return events;
  }
  void slow_down(int milliseconds) {
    for (auto& [name, model] : server.models.models) model->delay_ms = milliseconds;
  }
};

TEST_F(PageRoutesTest, TellsWhatThereIs) {
  const base::Json state = get("/api/state").json();
  EXPECT_EQ(state["price_per_hour"], 3.5);
  EXPECT_EQ(state["models"].size(), 2);
  EXPECT_EQ(state["models"][0]["name"], "fake-a");
  EXPECT_EQ(state["models"][0]["state"], "resident");
  EXPECT_EQ(state["models"][0]["context"], 100);
  EXPECT_EQ(state["suites"][0]["name"], "tiny");
  EXPECT_THAT(state["features"].dump(), HasSubstr("\"recommend\""));
}

TEST_F(PageRoutesTest, UnloadsAndLoadsModelsByName) {
  EXPECT_EQ(post("/api/models/unload", {{"model", "fake-b"}}).status, 200);
  const base::Json state = get("/api/state").json();
  EXPECT_EQ(state["models"][1]["state"], "available");
  EXPECT_EQ(post("/api/models/unload", {{"model", "fake-b"}}).status, 404);
  const Reply loaded = post("/api/models/load", {{"model", "fake-b"}, {"options", {{"ctx", 512}}}});
  EXPECT_EQ(loaded.status, 200) << loaded.body;
  EXPECT_EQ(loaded.json()["state"], "resident");
  EXPECT_EQ(server.server().residents().find("fake-b")->options.at(0).second, "512");
  EXPECT_EQ(post("/api/models/load", {{"model", "fake-b"}}).status, 409);  // other options
  EXPECT_EQ(post("/api/models/plan", {{"model", "fake-a"}}).json()["model"], "fake-a");
}

TEST_F(PageRoutesTest, LoadsNoPathsAndTakesNoOptionsThatNameFiles) {
  for (const char* const name : {"/etc", "../models", "http://127.0.0.1/v1#x", "fake-c"})
    EXPECT_EQ(post("/api/models/load", {{"model", name}}).status, 404) << name;
  const Reply reply =
      post("/api/models/load", {{"model", "fake-a"}, {"options", {{"cache_dir", "/tmp"}}}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json()["error"]["param"], "options.cache_dir");
}

TEST_F(PageRoutesTest, KeepsAModelThatIsAnswering) {
  TestClient client(server.port());
  client.ask("HANG");
  while (server.model().active == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(post("/api/models/unload", {{"model", "fake-a"}}).status, 409);
  EXPECT_EQ(post("/api/runs", {{"suite", kTiny.string()}, {"models", {"fake-a"}}}).status, 409);
}

TEST_F(PageRoutesTest, RunsAComparisonToItsEnd) {
  const std::string id = start({{"price", 2}});
  const std::vector<base::Json> told = events(id);
  EXPECT_EQ(told.back()["state"], "finished");
  EXPECT_EQ(told.back()["answers_done"], 2 * kTinyItems);
  EXPECT_EQ(told.back()["answers_total"], 2 * kTinyItems);
  EXPECT_TRUE(told.back()["now"].is_null());
  const base::Json runs = get("/api/runs").json();
  ASSERT_EQ(runs.size(), 1);
  EXPECT_EQ(runs[0]["id"], id);
  EXPECT_EQ(runs[0]["models"], base::Json({"fake-a", "fake-b"}));
  EXPECT_EQ(runs[0]["items"], kTinyItems);
  EXPECT_GT(runs[0]["spent"].get<double>(), 0);
  const base::Json run = get("/api/runs/" + id).json();
  EXPECT_EQ(run["items"].size(), kTinyItems);
  EXPECT_TRUE(run.contains("words"));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "runs" / id / "report.html"));
  EXPECT_EQ(server.models.models.size(), 2);  // resident models stay
}

TEST_F(PageRoutesTest, ListsARunFromTheMomentItIsStarted) {
  slow_down(20);
  const std::string id = start({{"limit", 3}});
  const base::Json runs = get("/api/runs").json();
  ASSERT_EQ(runs.size(), 1);
  EXPECT_EQ(runs[0]["id"], id);
  EXPECT_EQ(runs[0]["state"], "running");
  EXPECT_EQ(runs[0]["models"], base::Json({"fake-a", "fake-b"}));
  EXPECT_EQ(runs[0]["answers_total"], 6);
  events(id);
}

TEST_F(PageRoutesTest, StopsAndGoesOn) {
  slow_down(60);
  const std::string id = start();
  EXPECT_EQ(post("/api/runs", {{"suite", kTiny.string()}, {"models", {"fake-a"}}}).status, 409);
  TestClient client(server.port());
  client.ask("SAY 1");
  const Reply refused = client.reply();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.json()["error"]["code"], "run_in_progress");
  EXPECT_EQ(post("/api/models/unload", {{"model", "fake-a"}}).status, 409);
  while (server.server().runs().standing(id)->answers.answered < 2)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(post("/api/runs/" + id + "/stop").status, 200);
  const std::vector<base::Json> told = events(id);
  EXPECT_EQ(told.front()["state"], "stopping");
  EXPECT_THAT(told.front()["now"]["model"].get<std::string>(), testing::StartsWith("fake-"));
  EXPECT_FALSE(told.front()["now"]["item"].get<std::string>().empty());
  const base::Json& stopped = told.back();
  EXPECT_EQ(stopped["state"], "stopped");
  EXPECT_LT(stopped["answers_done"], 2 * kTinyItems);
  EXPECT_EQ(post("/api/runs/" + id + "/stop").status, 409);
  slow_down(0);
  EXPECT_EQ(post("/api/runs/" + id + "/resume").status, 200);
  const base::Json end = events(id).back();
  EXPECT_EQ(end["state"], "finished") << end;
  EXPECT_EQ(end["answers_done"], 2 * kTinyItems);
}

TEST_F(PageRoutesTest, PutsAVerdictIntoTheStatistics) {
  const std::string id = start();
  events(id);
  const std::string path = "/api/runs/" + id;
  const base::Json before = get(path).json();
  const Reply given =
      post(path + "/verdicts", {{"item", 3}, {"model", "fake-a"}, {"grade", "full"}});
  EXPECT_EQ(given.status, 204) << given.body;
  const base::Json after = get(path).json();
  const auto right = [](const base::Json& run) {
    return run["groups"][0]["cells"][0]["full"].get<int>();
  };
  EXPECT_EQ(before["items"][3]["answers"][0]["verdict"], "wrong");
  EXPECT_EQ(after["items"][3]["answers"][0]["verdict"], "full");
  EXPECT_EQ(right(after), right(before) + 1);
  EXPECT_EQ(after["overruled"][0]["changed"], 1);
  EXPECT_EQ(after["agreement"][0]["answers"], 1);
  EXPECT_EQ(post(path + "/verdicts", {{"item", 99}, {"model", "fake-a"}, {"grade", "full"}}).status,
            400);
  EXPECT_EQ(post(path + "/verdicts", {{"item", 3}, {"model", "x"}, {"grade", "full"}}).status, 400);
  EXPECT_EQ(post(path + "/verdicts", {{"item", 3}, {"model", "fake-a"}, {"grade", "good"}}).status,
            400);
}

base::Json vote(const char* winner) {
  const std::string pixel =
      "data:image/"
      "png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
      "WjR9awAAAABJRU5ErkJggg==";
  return {{"prompt", "有几个杯子？"},
          {"pictures", {pixel}},
          {"answers",
           {{{"model", "fake-b"}, {"text", "two"}, {"seconds", 2}, {"completion_tokens", 1}},
            {{"model", "fake-a"}, {"text", "三个"}, {"seconds", 1}, {"first_seconds", 0.5}}}},
          {"winner", winner},
          {"grades", {{"fake-a", "partial"}}},
          {"blind", true}};
}

TEST_F(PageRoutesTest, KeepsVotesInARunThatCountsThem) {
  for (const char* const winner : {"fake-a", "fake-a", "tie", "none"}) {
    const Reply reply = post("/api/votes", vote(winner));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.json()["id"], "live");
  }
  const base::Json entry = get("/api/runs").json()[0];
  EXPECT_EQ(entry["id"], "live");
  EXPECT_EQ(entry["state"], "finished");
  EXPECT_EQ(entry["items"], 4);
  const base::Json run = get("/api/runs/live").json();
  EXPECT_EQ(run["models"][0]["label"], "fake-b");
  EXPECT_EQ(run["votes"]["votes"], 4);
  EXPECT_EQ(run["votes"]["people"], 1);
  EXPECT_GT(run["votes"]["strengths"][1]["strength"].get<double>(), 0) << "two wins, two ties";
  const base::Json& item = run["items"][3];
  EXPECT_EQ(item["question"], "有几个杯子？");
  EXPECT_EQ(item["lang"], "zh");
  EXPECT_EQ(item["answers"][0]["verdict"], "shown");
  EXPECT_EQ(item["answers"][1]["verdict"], "partial");
  EXPECT_EQ(item["answers"][1]["text"], "三个");
  EXPECT_EQ(item["answers"][1]["ttft"], 0.5);
  EXPECT_EQ(run["pictures"].size(), 1);
  EXPECT_THAT(run["pictures"].begin()->get<std::string>(), testing::StartsWith("data:image/"));
  const base::Json& cells = run["groups"][0]["cells"];
  EXPECT_EQ(cells[0]["graded"], 0);
  EXPECT_EQ(cells[1]["partial"], 4);
  EXPECT_EQ(run["run"]["wall_seconds"], 12);
  EXPECT_EQ(
      post("/api/runs/live/verdicts", {{"item", 0}, {"model", "fake-b"}, {"grade", "full"}}).status,
      204);
  EXPECT_EQ(get("/api/runs/live").json()["groups"][0]["cells"][0]["full"], 1);
  EXPECT_EQ(post("/api/runs/live/resume").status, 409);
}

TEST_F(PageRoutesTest, RefusesVotesThatItCannotCount) {
  const auto with = [](const char* key, const base::Json& value) {
    base::Json body = vote("tie");
    body[key] = value;
    return body;
  };
  for (const base::Json& body :
       {with("winner", "fake-c"), with("grades", {{"fake-a", "good"}}),
        with("grades", {{"fake-c", "full"}}), with("pictures", {"data:image/png;base64,AAAA"}),
        with("pictures", {"http://127.0.0.1/x.png"}), with("answers", base::Json::array()),
        with("answers", {{{"model", "fake-a"}, {"text", ""}}, {{"model", "fake-a"}, {"text", ""}}}),
        with("prompt", 1), with("votes", 1)})
    EXPECT_EQ(post("/api/votes", body).status, 400) << body;
  EXPECT_EQ(post("/api/votes", with("answers", {{{"model", "x"}, {"text", ""}}})).status, 404);
  EXPECT_EQ(get("/api/runs").json().size(), 0);
}

TEST_F(PageRoutesTest, RecommendsByLimitsAndWeights) {
  const std::string id = start();
  events(id);
  const std::string path = "/api/runs/" + id + "/recommend";
  const base::Json weights = {{"quality", 1}, {"speed", 0}, {"memory", 0}, {"cost", 0}};
  const Reply reply = post(path, {{"weights", weights}});
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(reply.json().contains("sentence"));
  const base::Json nobody = post(path, {{"weights", weights}, {"max_p95_s", 1e-6}}).json();
  EXPECT_NE(nobody["sentence"], reply.json()["sentence"]);
  EXPECT_EQ(post(path, {{"weights", {{"quality", 0}}}}).status, 400);
  EXPECT_EQ(post(path, {{"weights", {{"beauty", 1}}}}).status, 400);
}

TEST_F(PageRoutesTest, OpensNothingOutsideItsFolder) {
  base::make_folder(folder.path() / "elsewhere");
  base::write_file_atomically(folder.path() / "elsewhere/order.json", "{}");
  for (const char* const id :
       {"..", "../elsewhere", "%2e%2e%2felsewhere", "elsewhere", "..%2felsewhere"})
    EXPECT_EQ(get(std::string("/api/runs/") + id).status, 404) << id;
  EXPECT_EQ(get("/api/runs/nothing/events").status, 404);
  EXPECT_EQ(post("/api/runs", {{"suite", "/etc"}, {"models", {"fake-a"}}}).status, 400);
  EXPECT_EQ(post("/api/runs", {{"suite", kTiny.string()}, {"models", {"nobody"}}}).status, 404);
}

}  // namespace
}  // namespace visavis::server

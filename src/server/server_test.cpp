// What clients of every kind get, well-behaved ones first.
#include "server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/base64.h"
#include "base/text.h"
#include "server/running_server.h"
#include "server/test_client.h"

namespace visavis::server {
namespace {

using testing::HasSubstr;

// The JSON of a stream's events, without the last, which must be [DONE].
std::vector<base::Json> events_of(const Reply& reply) {
  std::vector<base::Json> events;
  for (const std::string& line : base::split(reply.body, '\n'))
    if (line.starts_with("data: {")) events.push_back(base::parse_json(line.substr(6), "event"));
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
  return events;
}

TEST(Server, AnswersAChat) {
  RunningServer server;
  TestClient client(server.port());
  client.ask("SAY 2");
  const Reply reply = client.reply();
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(reply.has("X-Content-Type-Options: nosniff"));
  EXPECT_TRUE(reply.has("Content-Security-Policy: default-src 'none'"));
  EXPECT_FALSE(reply.has("Access-Control"));
  const base::Json json = reply.json();
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["choices"][0]["message"]["content"], "word0 word1 ");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["usage"]["prompt_tokens"], 10);
  EXPECT_EQ(json["usage"]["total_tokens"], 12);
  EXPECT_EQ(json["timings"]["e2e_s"], 0.25);
  EXPECT_GE(json["timings"]["queued_s"].get<double>(), 0);
  EXPECT_TRUE(json["memory"].contains("kv_bytes"));
}

TEST(Server, AnswersSeveralRequestsOnOneConnectionAlsoWhenSentAtOnce) {
  RunningServer server;
  TestClient client(server.port());
  client.ask("SAY 1");
  client.get("/health");
  client.ask("SLOW 3");
  EXPECT_EQ(client.reply().json()["choices"][0]["message"]["content"], "word0 ");
  EXPECT_EQ(client.reply().json()["status"], "ok");
  EXPECT_EQ(client.reply().json()["choices"][0]["message"]["content"], "word0 word1 word2 ");
}

TEST(Server, StreamsWithUsageAndTimingsAtTheEnd) {
  RunningServer server;
  TestClient client(server.port());
  client.ask("SAY 2", R"(,"stream":true,"stream_options":{"include_usage":true})");
  const std::vector<base::Json> events = events_of(client.reply());
  ASSERT_EQ(events.size(), 5);
  EXPECT_EQ(events[0]["choices"][0]["delta"]["role"], "assistant");
  EXPECT_EQ(events[1]["choices"][0]["delta"]["content"], "word0 ");
  EXPECT_EQ(events[3]["choices"][0]["finish_reason"], "stop");
  EXPECT_FALSE(events[3].contains("timings"));
  EXPECT_TRUE(events[4]["choices"].empty());
  EXPECT_EQ(events[4]["usage"]["completion_tokens"], 2);
  EXPECT_EQ(events[4]["timings"]["e2e_s"], 0.25);

  client.ask("SAY 1", R"(,"stream":true)");
  const std::vector<base::Json> plain = events_of(client.reply());
  ASSERT_EQ(plain.size(), 3);
  EXPECT_TRUE(plain[2].contains("timings"));
  EXPECT_TRUE(plain[2].contains("memory"));
}

TEST(Server, SendsPiecesWhenTheyAreThere) {
  RunningServer server;
  TestClient client(server.port());
  client.ask("SLOW 100", R"(,"stream":true)");
  ASSERT_TRUE(client.read_until("word1 "));
  EXPECT_EQ(server.model().active, 1);  // it goes on
}

TEST(Server, GivesSeveralChoicesRandomStreamsOfTheirOwn) {
  RunningServer server;
  TestClient client(server.port());
  client.ask("SAY 1", R"(,"n":3,"seed":7)");
  const base::Json json = client.reply().json();
  EXPECT_EQ(json["choices"].size(), 3);
  EXPECT_EQ(json["choices"][2]["index"], 2);
  EXPECT_EQ(json["usage"]["completion_tokens"], 3);
  EXPECT_EQ(json["usage"]["prompt_tokens"], 10);
  std::set<std::string> labels;
  for (const chat::Request& request : server.model().requests) {
    EXPECT_EQ(request.sampling.seed, 7);
    labels.insert(request.sampling.seed_label);
  }
  EXPECT_EQ(labels.size(), 3);

  client.ask("SAY 2", R"(,"n":2,"stream":true)");
  std::map<int, std::string> texts;
  for (const base::Json& event : events_of(client.reply()))
    for (const base::Json& choice : event["choices"])
      texts[choice["index"].get<int>()] += choice["delta"].value("content", "");
  EXPECT_EQ(texts, (std::map<int, std::string>{{0, "word0 word1 "}, {1, "word0 word1 "}}));
}

TEST(Server, HandsPicturesOn) {
  RunningServer server;
  TestClient client(server.port());
  const std::string url = "data:image/png;base64," + base::base64(std::string(1000, 'p'));
  client.post("/v1/chat/completions",
              R"({"messages":[{"role":"user","content":[{"type":"text","text":"?"},)"
              R"({"type":"image_url","image_url":{"url":")" +
                  url +
                  R"("}},)"
                  R"({"type":"image_url","image_url":{"url":")" +
                  url + R"("}}]}]})");
  const Reply reply = client.reply();
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json()["choices"][0]["message"]["content"], "2 pictures, 2000 bytes");
}

TEST(Server, GivesLogprobsInBothForms) {
  RunningServer server;
  TestClient client(server.port());
  client.ask("SAY 1", R"(,"logprobs":true,"top_logprobs":2)");
  const base::Json token = client.reply().json()["choices"][0]["logprobs"]["content"][0];
  EXPECT_EQ(token["token"], "word0 ");
  EXPECT_EQ(token["logprob"], -0.25);
  EXPECT_EQ(token["bytes"][0], 'w');
  EXPECT_EQ(token["top_logprobs"][1]["token"], "other");
  client.post("/v1/completions", R"({"prompt":"SAY 2","logprobs":1,"max_tokens":9})");
  const base::Json logprobs = client.reply().json()["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"][1], "word1 ");
  EXPECT_EQ(logprobs["text_offset"][1], 6);
  EXPECT_TRUE(server.model().requests.back().plain);
}

TEST(Server, ContinuesAPromptAndScores) {
  RunningServer server;
  TestClient client(server.port());
  client.post("/v1/completions", R"({"prompt":"SAY 1","echo":true})");
  EXPECT_EQ(client.reply().json()["choices"][0]["text"], "SAY 1word0 ");
  client.post("/v1/score", R"({"messages":[{"role":"user","content":"x"}],"continuation":"yes"})");
  EXPECT_EQ(client.reply().json()["continuation"]["sum_logprob"], -0.5);
  client.post("/v1/score", R"({"messages":[{"role":"user","content":"x"}],"continuation":"BAD"})");
  EXPECT_EQ(client.reply().status, 400);
}

TEST(Server, ListsModelsAndCounts) {
  RunningServer server;
  TestClient client(server.port());
  client.get("/v1/models");
  const base::Json models = client.reply().json();
  ASSERT_EQ(models["data"].size(), 1);
  EXPECT_EQ(models["data"][0]["id"], "fake-a");
  EXPECT_EQ(models["data"][0]["visavis"]["context"], 100);
  client.get("/v1/models/fake-a");
  EXPECT_EQ(client.reply().json()["id"], "fake-a");
  server.server().residents().load("fake/b", {}, 1);
  for (const char* const path : {"/v1/models/fake%2Fb", "/v1/models/fake/b"}) {
    client.get(path);
    EXPECT_EQ(client.reply().json()["id"], "fake/b") << path;
  }
  client.get("/v1/models/other");
  EXPECT_EQ(client.reply().status, 404);
  client.ask("SAY 2");
  client.reply();
  client.get("/metrics");
  const Reply metrics = client.reply();
  EXPECT_TRUE(metrics.has("text/plain; version=0.0.4"));
  EXPECT_THAT(metrics.body, HasSubstr("visavis_completion_tokens_total{model=\"fake-a\"} 2\n"));
  EXPECT_THAT(metrics.body, HasSubstr("visavis_responses_total{route=\"/v1/chat/completions\","
                                      "status=\"200\"} 1\n"));
}

TEST(Server, SendsThePageWithAPolicyOfItsOwn) {
  ServerOptions options;
  options.access.api_key = "secret";  // the page asks for it
  RunningServer server(options);
  TestClient client(server.port());
  client.get("/");
  const Reply page = client.reply();
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(page.has("Content-Type: text/html"));
  EXPECT_TRUE(page.has("Content-Security-Policy: default-src 'self';"));
  EXPECT_FALSE(page.has("default-src 'none'"));
  EXPECT_THAT(page.body, HasSubstr("page.js"));
  client.get("/page.js");
  const Reply script = client.reply();
  EXPECT_TRUE(script.has("Content-Type: text/javascript"));
  const size_t tag = script.head.find("ETag: ") + 6;
  client.get("/page.js", "If-None-Match: " +
                             script.head.substr(tag, script.head.find("\r\n", tag) - tag) + "\r\n");
  EXPECT_EQ(client.reply().status, 304);
  client.get("/report.html");
  EXPECT_EQ(client.reply().status, 404);
}

TEST(Server, EndsOnASignalThoughNobodyIsConnected) {
  FakeModels models;
  ServerOptions options;
  options.port = 0;
  Server server(options, models, base::steady_clock());
  server.stop_on_signals();
  std::thread signal([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::kill(::getpid(), SIGTERM);
  });
  server.run();  // or CTest's time limit ends it
  signal.join();
}

TEST(Server, SpeaksOfErrorsAsOpenAiDoes) {
  RunningServer server;
  TestClient client(server.port());
  const auto error = [&](int status) {
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, status) << reply.body;
    return reply.json()["error"];
  };
  client.post("/v1/chat/completions",
              R"({"model":"gpt","messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(error(404)["code"], "model_not_found");
  client.ask("x", R"(,"n":99)");
  EXPECT_EQ(error(400)["param"], "n");
  client.ask("BAD");
  EXPECT_EQ(error(400)["message"], "the prompt has too many tokens");
  client.ask("BREAK");
  EXPECT_EQ(error(500)["type"], "server_error");
  client.ask("BAD", R"(,"stream":true)");  // nothing was sent yet
  EXPECT_EQ(error(400)["message"], "the prompt has too many tokens");
  client.post("/v1/chat/completions", "{\"messages\": [");
  EXPECT_EQ(error(400)["code"], "invalid_json");
}

}  // namespace
}  // namespace visavis::server

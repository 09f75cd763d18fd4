#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <future>
#include <thread>

#include "base/base64.h"
#include "base/error.h"
#include "base/text.h"
#include "http/retry.h"
#include "http/test_server.h"
#include "picture/encode.h"
#include "remote/pace.h"
#include "remote/remote_model.h"
#include "remote/reply.h"

namespace visavis::remote {
namespace {

using http::ServedRequest;
using http::TestServer;
using http::Wire;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// Quick waits, no probe; what a test gives comes last and wins.
std::unique_ptr<RemoteModel> open(const TestServer& server, chat::ModelOptions options = {}) {
  chat::ModelOptions all = {{"probe", "off"}, {"first_wait", "0.01"}, {"retries", "3"}};
  all.insert(all.end(), options.begin(), options.end());
  return std::make_unique<RemoteModel>(server.model(), read_endpoint(server.model(), all),
                                       base::steady_clock());
}

chat::Request ask(const std::string& question) {
  chat::Request request;
  request.turns.push_back({chat::Role::user, {chat::Text{question}}});
  return request;
}

chat::Completion answer_of(RemoteModel& model, chat::Request request = ask("?")) {
  const chat::Outcome outcome = chat::complete(model, std::move(request));
  if (const auto* failure = std::get_if<chat::Failure>(&outcome))
    throw std::runtime_error("failed: " + failure->message);
  return std::get<chat::Completion>(outcome);
}

std::string failure_of(RemoteModel& model, chat::Request request = ask("?")) {
  const chat::Outcome outcome = chat::complete(model, std::move(request));
  const auto* failure = std::get_if<chat::Failure>(&outcome);
  return failure == nullptr ? "no failure" : failure->message;
}

TEST(RemoteModel, StreamsAnAnswerWithItsTimesAndTokens) {
  const TestServer server([](const ServedRequest&, const Wire& wire) {
    wire.begin_stream();
    wire.event({{"choices", {{{"index", 0}, {"delta", {{"role", "assistant"}}}}}}});
    wire.pause(0.1);
    wire.piece("两");
    wire.pause(0.1);
    wire.piece("个杯子");
    wire.pause(0.1);
    wire.end_stream(321, 4, "length");
  });
  const auto model = open(server);
  std::vector<std::string> pieces;
  const chat::Outcome outcome = chat::complete(
      *model, ask("几个？"), [&](std::string_view text) { pieces.emplace_back(text); });
  const auto& completion = std::get<chat::Completion>(outcome);
  EXPECT_EQ(completion.text, "两个杯子");
  EXPECT_EQ(pieces, (std::vector<std::string>{"两", "个杯子"}));
  EXPECT_EQ(completion.finish, chat::Finish::length);
  EXPECT_EQ(completion.usage.prompt_tokens, 321);
  EXPECT_EQ(completion.usage.completion_tokens, 4);
  // The role-only event at the beginning is no text, and what follows the last text no answer.
  EXPECT_GE(completion.timing.ttft, 0.1);
  EXPECT_GE(completion.timing.e2e, 0.2);
  EXPECT_LT(completion.timing.e2e - completion.timing.ttft, 0.19);
  ASSERT_EQ(completion.token_times.size(), 2u);
  EXPECT_NEAR(completion.timing.tpot, (completion.token_times[1] - completion.token_times[0]) / 3,
              1e-9);
  EXPECT_LT(completion.timing.prefill, 0) << "the split is not known";
  EXPECT_EQ(completion.prompt_sha256.size(), 64u);
}

TEST(RemoteModel, SendsTurnsPicturesAndSampling) {
  const TestServer server([](const ServedRequest&, const Wire& wire) { wire.answer({"ok"}); });
  const auto model = open(server, {{"extra_body", R"({"enable_thinking": false, "top_k": null})"}});
  const auto png =
      std::make_shared<const std::string>(picture::encode_png(picture::RgbImage(2, 2)));
  chat::Request request;
  request.turns.push_back({chat::Role::system, {chat::Text{"short"}}});
  request.turns.push_back(
      {chat::Role::user, {chat::Image{png, "a.png"}, chat::Text{"</script> 几个？"}}});
  request.sampling = {.temperature = 0.5F, .top_k = 7, .top_p = 0.9F, .seed = 3, .seed_label = "x"};
  request.max_tokens = 17;
  request.stop = {"\n"};
  const std::string hash = answer_of(*model, request).prompt_sha256;
  request.sampling.seed_label = "y";
  EXPECT_EQ(answer_of(*model, request).prompt_sha256, hash);
  const base::Json body = server.requests().at(0).json();
  EXPECT_EQ(body.at("model"), "test-vl");
  EXPECT_EQ(body.at("max_tokens"), 17);
  EXPECT_EQ(body.at("stop"), base::Json::array({"\n"}));
  EXPECT_EQ(body.at("temperature"), 0.5);
  EXPECT_FALSE(body.contains("top_k"));
  EXPECT_EQ(body.at("enable_thinking"), false);
  EXPECT_TRUE(body.at("stream").get<bool>());
  EXPECT_NE(body.at("seed"), server.requests().at(1).json().at("seed"));
  EXPECT_EQ(body.at("messages").at(0).at("content"), "short");
  const base::Json& parts = body.at("messages").at(1).at("content");
  const auto url = parts.at(0).at("image_url").at("url").get<std::string>();
  const std::string prefix = "data:image/png;base64,";
  ASSERT_TRUE(url.starts_with(prefix));
  EXPECT_EQ(base::from_base64(url.substr(prefix.size())), *png);
  EXPECT_EQ(parts.at(1).at("text"), "</script> 几个？");
}

TEST(RemoteModel, SendsVideoFilesAndRefusesFolders) {
  const TestServer server([](const ServedRequest&, const Wire& wire) { wire.answer({"ok"}); });
  const auto model = open(server);
  const auto webm = std::make_shared<const std::string>("\x1A\x45\xDF\xA3 a film");
  chat::Request request;
  request.turns.push_back(
      {chat::Role::user, {chat::Video{.bytes = webm, .name = "a.webm"}, chat::Text{"Who?"}}});
  answer_of(*model, request);
  const base::Json parts = server.requests().at(0).json().at("messages").at(0).at("content");
  EXPECT_EQ(parts.at(0).at("type"), "video_url");
  const auto url = parts.at(0).at("video_url").at("url").get<std::string>();
  const std::string prefix = "data:video/webm;base64,";
  ASSERT_TRUE(url.starts_with(prefix));
  EXPECT_EQ(base::from_base64(url.substr(prefix.size())), *webm);
  request.turns[0].parts[0] = chat::Video{.frames = {{webm, "0.png"}}, .name = "frames"};
  EXPECT_THAT(failure_of(*model, request),
              HasSubstr("a folder of frames cannot be sent to an endpoint"));
}

TEST(RemoteModel, KeepsThinkingApart) {
  const TestServer server([](const ServedRequest& request, const Wire& wire) {
    const std::string question = request.json().at("messages").at(0).at("content");
    if (question == "tags") return wire.answer({"<th", "ink>hm", "</think>", "\n\n", "three"});
    if (question == "no beginning") return wire.answer({"hm</think>three"});
    if (question == "no end") return wire.answer({"<think>hm"});
    wire.begin_stream();
    wire.event({{"choices", {{{"delta", {{"reasoning_content", "hm"}, {"content", nullptr}}}}}}});
    wire.piece("three");
    wire.end_stream(1, 2);
  });
  const auto model = open(server);
  for (const char* question : {"tags", "field", "no beginning"}) {
    const chat::Completion completion = answer_of(*model, ask(question));
    EXPECT_EQ(completion.text, "three") << question;
    EXPECT_EQ(completion.thinking, "hm") << question;
    EXPECT_EQ(completion.token_times.size(), 1u) << question;
  }
  const chat::Completion completion = answer_of(*model, ask("no end"));
  EXPECT_EQ(completion.text, "");
  EXPECT_EQ(completion.thinking, "hm");
  EXPECT_LT(completion.timing.ttft, 0);
}

TEST(RemoteModel, TakesAReplyThatIsNoStream) {
  const TestServer server([](const ServedRequest&, const Wire& wire) {
    wire.reply(200, "application/json; charset=utf-8",
               R"({"choices": [{"message": {"role": "assistant", "content": "three"},
                   "finish_reason": "stop"}],
                   "usage": {"prompt_tokens": 5, "completion_tokens": 1}})");
  });
  const auto model = open(server, {{"stream", "off"}});
  const chat::Completion completion = answer_of(*model);
  EXPECT_EQ(completion.text, "three");
  EXPECT_LT(completion.timing.ttft, 0) << "nobody saw the first text";
  EXPECT_GT(completion.timing.e2e, 0);
  EXPECT_EQ(completion.usage.prompt_tokens, 5);
  EXPECT_FALSE(server.requests().at(0).json().contains("stream"));
}

// Each misbehaves at the first two requests and answers the third one.
struct Misdeed {
  const char* name;
  void (*reply)(const Wire& wire);
};

const Misdeed kMisdeeds[] = {
    {"TooMany", [](const Wire& w) { w.reply(429, "application/json", R"({"error": "slow"})"); }},
    {"ServerError", [](const Wire& w) { w.reply(500, "text/html", "<html>oops"); }},
    {"Overloaded", [](const Wire& w) { w.reply(529, "text/plain", ""); }},
    {"NoReply", [](const Wire&) {}},
    {"NoHttp", [](const Wire& w) { w.send("220 smtp.example ready\r\n"); }},
    {"CutStream",
     [](const Wire& w) {
       w.begin_stream();
       w.piece("thr");
     }},
    {"CutEvent",
     [](const Wire& w) {
       w.begin_stream();
       w.piece("thr");
       w.send("data: {\"choices\": [{\"del");
     }},
    {"WrongLength",
     [](const Wire& w) {
       w.send(
           "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
           R"({"choices": [{"message": {"content": "three"}}]})");
     }},
    {"TooShortALength",
     [](const Wire& w) {
       w.send(
           "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"
           R"({"choices": [{"message": {"content": "three"}}]})");
     }},
    {"WrongJson",
     [](const Wire& w) { w.reply(200, "application/json", R"({"choices": [{"message": )"); }},
    {"OtherJson", [](const Wire& w) { w.reply(200, "application/json", R"(["three"])"); }},
    {"NoChoices", [](const Wire& w) { w.reply(200, "application/json", R"({"choices": []})"); }},
    {"Html", [](const Wire& w) { w.reply(200, "text/html", "<html>sign in"); }},
    {"ErrorInStream",
     [](const Wire& w) {
       w.begin_stream();
       w.event({{"error", {{"message", "engine died"}}}});
     }},
    {"Slow",
     [](const Wire& w) {
       w.begin_stream();
       w.piece("thr");
       w.pause(1.0);
       w.piece("ee");
       w.end_stream(1, 2);
     }},
};

class Misbehaving : public testing::TestWithParam<Misdeed> {};

TEST_P(Misbehaving, IsAskedAgainAndThenAnswers) {
  const TestServer server([](const ServedRequest& request, const Wire& wire) {
    if (request.number <= 2) return GetParam().reply(wire);
    wire.answer({"three"});
  });
  const auto model = open(server, {{"stall_timeout", "0.3"}});
  const chat::Completion completion = answer_of(*model);
  EXPECT_EQ(completion.text, "three");
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_THAT(completion.notes, testing::Contains(HasSubstr("attempt 3")));
  EXPECT_LT(completion.timing.e2e, 0.2) << "failed attempts are not part of the answer's time";
}

TEST_P(Misbehaving, FailsWithOneLineWhenItNeverStops) {
  const TestServer server([](const ServedRequest&, const Wire& wire) { GetParam().reply(wire); });
  const auto model = open(server, {{"stall_timeout", "0.3"}, {"retries", "1"}});
  const std::string line = failure_of(*model);
  EXPECT_THAT(line, AllOf(HasSubstr(server.url()), HasSubstr("attempt 2 of 2")));
  EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  EXPECT_EQ(server.requests().size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Endpoint, Misbehaving, testing::ValuesIn(kMisdeeds),
                         [](const auto& info) { return info.param.name; });

TEST(RemoteModel, DoesNotRepeatWhatCannotSucceed) {
  const TestServer server([](const ServedRequest&, const Wire& wire) {
    wire.reply(400, "application/json", R"({"error": {"message": "image too large"}})");
  });
  const auto model = open(server);
  EXPECT_EQ(failure_of(*model), "endpoint " + server.url() + ": status 400: image too large");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(RemoteModel, WaitsAsLongAsTheEndpointAsks) {
  const TestServer server([](const ServedRequest& request, const Wire& wire) {
    if (request.number == 1)
      return wire.reply(429, "application/json", "{}", "Retry-After: 0.4\r\n");
    wire.answer({"ok"});
  });
  const auto model = open(server, {{"parallel", "4"}});
  const double begin = static_cast<double>(base::steady_clock().now_ns()) * 1e-9;
  EXPECT_EQ(answer_of(*model).text, "ok");
  EXPECT_GE(static_cast<double>(base::steady_clock().now_ns()) * 1e-9 - begin, 0.4);
}

TEST(RemoteModel, DoesNotWaitForHours) {
  const TestServer server([](const ServedRequest&, const Wire& wire) {
    wire.reply(429, "application/json", "{}", "Retry-After: 7200\r\n");
  });
  const auto model = open(server);
  EXPECT_THAT(failure_of(*model), AllOf(HasSubstr("7200 s"), HasSubstr("longest_wait is 120")));
}

TEST(RemoteModel, AnswersSeveralRequestsAtOnceAndNoMore) {
  const TestServer server([](const ServedRequest& request, const Wire& wire) {
    wire.pause(0.05);
    wire.answer({request.json().at("messages").at(0).at("content").get<std::string>()});
  });
  const auto model = open(server, {{"parallel", "4"}});
  std::vector<std::thread> users;
  for (int i = 0; i < 16; ++i)
    users.emplace_back([&, i] {
      const std::string question = "q" + std::to_string(i);
      EXPECT_EQ(answer_of(*model, ask(question)).text, question);
    });
  for (std::thread& user : users) user.join();
  EXPECT_EQ(server.requests().size(), 16u);
  EXPECT_GE(server.most_at_once(), 2);
  EXPECT_LE(server.most_at_once(), 4);
  EXPECT_EQ(model->facts().parallel, 4);
}

TEST(RemoteModel, CancelsAtOnce) {
  const TestServer server([](const ServedRequest&, const Wire& wire) {
    wire.begin_stream();
    wire.piece("a");
    wire.pause(1.5);
  });
  const auto model = open(server);
  class Sink : public chat::Sink {
   public:
    void on_text(std::string_view) override {}
    void on_done(chat::Outcome outcome) override { done.set_value(std::move(outcome)); }
    std::promise<chat::Outcome> done;
  } sink;
  const chat::Ticket ticket = model->submit(ask("?"), sink);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto begin = std::chrono::steady_clock::now();
  model->cancel(ticket);
  const chat::Outcome outcome = sink.done.get_future().get();
  EXPECT_EQ(std::get<chat::Completion>(outcome).finish, chat::Finish::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
}

TEST(RemoteModel, NeverShowsTheKey) {
  ::setenv("VISAVIS_TEST_KEY", "sk-very-secret", 1);
  const TestServer server([](const ServedRequest&, const Wire& wire) {
    wire.reply(401, "application/json", R"({"error": {"message": "bad key sk-very-secret"}})");
  });
  const auto model = open(server, {{"api_key_env", "VISAVIS_TEST_KEY"}});
  EXPECT_THAT(failure_of(*model), AllOf(HasSubstr("bad key ***"), Not(HasSubstr("secret"))));
  EXPECT_THAT(server.requests().at(0).head, HasSubstr("Authorization: Bearer sk-very-secret"));
  for (const char* name : {"api_key", "apiKey", "api_key_env"}) {
    const std::string line = error_of([&] {
      read_endpoint(server.model(), {{name, "sk-very-secret"}});
    });
    EXPECT_THAT(line, AllOf(HasSubstr("environment variable"), Not(HasSubstr("secret")))) << name;
  }
  EXPECT_THAT(error_of([] { read_endpoint("https://me:secret@host/v1#m", {}); }),
              AllOf(HasSubstr("api_key_env"), Not(HasSubstr("secret"))));
}

TEST(RemoteModel, AsksForTheModelFirst) {
  const TestServer server([](const ServedRequest& request, const Wire& wire) {
    if (request.is_get())
      return wire.reply(200, "application/json",
                        R"({"data": [{"id": "test-vl"}, {"id": "other"}]})");
    wire.answer({"ok"});
  });
  const auto open_it = [&](const std::string& model) {
    RemoteModel(model, read_endpoint(model, {{"connect_timeout", "1"}}), base::steady_clock());
  };
  EXPECT_EQ(error_of([&] { open_it(server.model()); }), "no error");
  EXPECT_THAT(error_of([&] { open_it(server.model("gone")); }),
              AllOf(HasSubstr("no model 'gone'"), HasSubstr("test-vl, other")));
  EXPECT_THAT(error_of([&] { open_it("http://127.0.0.1:1/v1#m"); }),
              HasSubstr("cannot reach endpoint http://127.0.0.1:1/v1"));
}

TEST(Endpoint, IsReadFromAModelAndItsOptions) {
  const Endpoint endpoint = read_endpoint("http://host:8000/v1/#org/model-7b",
                                          {{"parallel", "8"},
                                           {"price_prompt", "0.8"},
                                           {"requests-per-minute", "60"},
                                           {"max_tokens_field", "max_completion_tokens"}});
  EXPECT_EQ(endpoint.base_url, "http://host:8000/v1");
  EXPECT_EQ(endpoint.name, "org/model-7b");
  EXPECT_EQ(endpoint.parallel, 8);
  EXPECT_EQ(endpoint.price_prompt, 0.8);
  const Endpoint other =
      read_endpoint("openai:chat:gpt", {{"apiBaseUrl", "http://localhost:1/v1"}});
  EXPECT_EQ(other.base_url, "http://localhost:1/v1");
  EXPECT_EQ(other.name, "gpt");
  EXPECT_TRUE(is_endpoint("https://h/v1#m"));
  EXPECT_FALSE(is_endpoint("models/demo"));
  const std::pair<const char*, chat::ModelOptions> bad[] = {
      {"http://h/v1", {}},
      {"http:///v1#m", {}},
      {"http://h/v1?x=1#m", {}},
      {"openai:chat:gpt", {}},
      {"http://h/v1#m", {{"parallel", "0"}}},
      {"http://h/v1#m", {{"timeout", "soon"}}},
      {"http://h/v1#m", {{"weights", "int4"}}},
      {"http://h/v1#m", {{"extra_body", "[]"}}},
      {"http://h/v1#m", {{"apiBaseUrl", "http://other/v1"}}},
      {"http://h/v1#m", {{"api_key_env", "VISAVIS_NO_SUCH_VARIABLE"}}}};
  for (const auto& [model, options] : bad)
    EXPECT_NE(error_of([&, &m = model, &o = options] { read_endpoint(m, o); }), "no error")
        << model;
}

TEST(Pace, SpacesRequestsAndPaysForTokens) {
  Pace pace(60, 0);
  EXPECT_EQ(pace.start(10), 0);
  EXPECT_EQ(pace.start(10.25), 0.75);
  EXPECT_EQ(pace.start(11), 0);
  Pace tokens(0, 600);
  EXPECT_EQ(tokens.start(0), 0);
  tokens.spend(100, 0);
  EXPECT_EQ(tokens.start(4), 6);
  EXPECT_EQ(tokens.start(10), 0);
  tokens.pause(50);
  EXPECT_EQ(tokens.start(20), 30);
}

TEST(Pace, BacksOffInGrowingStepsAndReadsRetryAfter) {
  base::Rng rng(1);
  for (int attempt = 1; attempt < 12; ++attempt) {
    const double most = std::min(30.0, 0.5 * std::pow(2, attempt - 1));
    const double wait = http::back_off(attempt, 0.5, rng);
    EXPECT_GE(wait, most / 2);
    EXPECT_LE(wait, most);
  }
  EXPECT_EQ(http::retry_after("12", 0), 12);
  EXPECT_EQ(http::retry_after("Thu, 01 Jan 1970 00:02:00 GMT", 60), 60);
  EXPECT_EQ(http::retry_after("Thu, 01 Jan 1970 00:02:00 GMT", 600), 0);
  for (const char* bad : {"", "soon", "-1", "nan", "1e999"})
    EXPECT_EQ(http::retry_after(bad, 0), std::nullopt) << bad;
  EXPECT_TRUE(http::is_worth_another(429) && http::is_worth_another(503));
  EXPECT_FALSE(http::is_worth_another(404) || http::is_worth_another(501));
}

TEST(ReplyReader, ReadsEventsHoweverTheyAreCut) {
  const std::string stream =
      ": comment\r\n\r\ndata: {\"choices\": [{\"delta\": {\"content\": \"三\"}}]}\r\n\r\n"
      "event: x\ndata: {\"choices\":\ndata: [{\"delta\": {\"content\": \"个\"},"
      "\"finish_reason\": \"stop\"}]}\n\ndata: [DONE]";
  for (size_t size = 1; size < stream.size(); ++size) {
    ReplyReader reader;
    std::string text;
    for (size_t at = 0; at < stream.size(); at += size)
      text += reader.feed_events(std::string_view(stream).substr(at, size), 1);
    EXPECT_EQ(text, "三个");
    EXPECT_TRUE(reader.is_complete());
    EXPECT_EQ(reader.take().text, "三个");
  }
}

}  // namespace
}  // namespace visavis::remote

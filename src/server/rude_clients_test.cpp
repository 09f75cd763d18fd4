// Clients that stall, lie, flood or leave, and ones that may not ask.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/error.h"
#include "server/running_server.h"
#include "server/test_client.h"

namespace visavis::server {
namespace {

using testing::HasSubstr;

template <class Condition>
bool soon(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

ServerOptions hurried() {
  ServerOptions options;
  options.limits.header_seconds = 0.3;
  options.limits.body_seconds = 0.3;
  options.limits.drain_seconds = 0.3;
  return options;
}

TEST(RudeClients, LoseTheirSlotWhenTheyLeave) {
  RunningServer server({}, 1);
  for (const bool stream : {false, true}) {
    const int before = server.model().cancellations;
    {
      TestClient leaver(server.port());
      leaver.ask("HANG", stream ? R"(,"stream":true)" : "");
      ASSERT_TRUE(soon([&] { return server.model().active == 1; }));
    }
    EXPECT_TRUE(soon([&] { return server.model().cancellations == before + 1; }));
    TestClient next(server.port());
    next.ask("SAY 1");
    EXPECT_EQ(next.reply().status, 200);
  }
  TestClient counter(server.port());
  counter.get("/metrics");
  EXPECT_THAT(counter.reply().body, HasSubstr("status=\"499\"} 2\n"));
}

TEST(RudeClients, LoseTheirPlaceInTheQueueWhenTheyLeave) {
  RunningServer server({}, 1);
  TestClient first(server.port());
  first.ask("HANG");
  ASSERT_TRUE(soon([&] { return server.model().active == 1; }));
  const auto lane = server.server().residents().find("fake-a")->lane;
  {
    TestClient second(server.port());
    second.ask("SAY 1");
    ASSERT_TRUE(soon([&] { return lane->load().waiting == 1; }));
  }
  EXPECT_TRUE(soon([&] { return lane->load().waiting == 0; }));
  EXPECT_EQ(server.model().active, 1);
}

TEST(RudeClients, CountAsGoneWhenTheyCloseTheirHalf) {
  RunningServer server;
  TestClient client(server.port());
  client.ask("HANG");
  ASSERT_TRUE(soon([&] { return server.model().active == 1; }));
  client.half_close();
  EXPECT_TRUE(soon([&] { return server.model().cancellations == 1; }));
  EXPECT_TRUE(client.is_closed());
}

TEST(RudeClients, AreToldToComeAgainWhenTheQueueIsFull) {
  ServerOptions options;
  options.limits.max_waiting = 1;
  RunningServer server(options, 1);
  TestClient first(server.port());
  TestClient second(server.port());
  first.ask("HANG");
  ASSERT_TRUE(soon([&] { return server.model().active == 1; }));
  second.ask("SAY 1");
  const auto lane = server.server().residents().find("fake-a")->lane;
  ASSERT_TRUE(soon([&] { return lane->load().waiting == 1; }));
  TestClient third(server.port());
  third.ask("SAY 1");
  const Reply reply = third.reply();
  EXPECT_EQ(reply.status, 429);
  EXPECT_TRUE(reply.has("Retry-After: "));
  EXPECT_EQ(reply.json()["error"]["code"], "queue_full");
  first.close();
  EXPECT_EQ(second.reply().status, 200);
}

TEST(RudeClients, AreCutOffWhenTheySendTooSlowly) {
  RunningServer server(hurried());
  TestClient head(server.port());
  const auto begin = std::chrono::steady_clock::now();
  head.send("GET /health HTTP/1.1\r\n");
  for (int i = 0; i < 20 && head.send("X: y\r\n"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_TRUE(head.is_closed());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  TestClient body(server.port());
  body.send(
      "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 1000\r\n\r\n{");
  EXPECT_TRUE(body.is_closed());
  TestClient fine(server.port());
  fine.get("/health");
  EXPECT_EQ(fine.reply().status, 200);
}

TEST(RudeClients, GetAnAnswerThoughTheirBodyIsRefused) {
  ServerOptions options = hurried();
  options.limits.max_body_bytes = 1000;
  RunningServer server(options);
  // Told by its length, before anything is read.
  TestClient declared(server.port());
  declared.send(
      "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 100000000\r\n\r\n");
  EXPECT_EQ(declared.reply().status, 413);
  EXPECT_TRUE(declared.is_closed());
  // Sent to the end before the answer is read.
  TestClient stubborn(server.port());
  stubborn.post("/v1/score", std::string(10'000'000, ' '));
  const Reply reply = stubborn.reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_TRUE(reply.complete);
  // In chunks, without a length.
  TestClient chunked(server.port());
  chunked.send(
      "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) chunked.send("64\r\n" + std::string(100, 'x') + "\r\n");
  EXPECT_EQ(chunked.reply().status, 413);
}

TEST(RudeClients, ShareABoundOnTheBytesOfAllBodies) {
  ServerOptions options;
  options.limits.max_bodies_bytes = 1500;
  RunningServer server(options);
  const std::string head =
      "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 1000\r\n\r\n";
  TestClient first(server.port());
  first.send(head + "{");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  {
    TestClient second(server.port());
    second.send(head);
    const Reply reply = second.reply();
    EXPECT_EQ(reply.status, 429);
    EXPECT_TRUE(reply.has("Retry-After: "));
  }
  first.close();
  EXPECT_TRUE(soon([&] {
    TestClient third(server.port());
    third.send(head + std::string(1000, ' '));
    return third.reply().status == 400;
  }));
}

TEST(RudeClients, AreRefusedWithoutOrWithAWrongKey) {
  ServerOptions options;
  options.access.api_key = "secret";
  RunningServer server(options);
  for (const char* const header :
       {"", "Authorization: Bearer wrong\r\n", "Authorization: secret\r\n"}) {
    TestClient client(server.port());
    client.get("/v1/models", header);
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 401);
    EXPECT_TRUE(reply.has("WWW-Authenticate: Bearer"));
    EXPECT_EQ(reply.json()["error"]["code"], "invalid_api_key");
  }
  TestClient client(server.port());
  client.get("/v1/models", "Authorization: Bearer secret\r\n");
  EXPECT_EQ(client.reply().status, 200);
  client.get("/health");
  EXPECT_EQ(client.reply().status, 200);
}

TEST(RudeClients, GetNoHttpForNoHttp) {
  RunningServer server(hurried());
  struct Case {
    std::string bytes;
    int status;
  };
  const std::string host = "Host: localhost\r\n";
  for (const Case& each :
       {Case{"hello\r\n\r\n", 400}, Case{"GET / HTTP/9.9\r\n\r\n", 400},
        Case{std::string("\0\1\2\3\r\n\r\n", 8), 400},
        Case{"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
        Case{"GET /health HTTP/1.1\r\n\r\n", 403},
        Case{"GET /health HTTP/1.1\r\n" + host + "Origin: http://evil.example\r\n\r\n", 403},
        Case{"GET /../../etc/passwd HTTP/1.1\r\n" + host + "\r\n", 404},
        Case{"GET /api/runs/%2e%2e%2f HTTP/1.1\r\n" + host + "\r\n", 404},
        Case{"GET /api/runs/..\\..\\x HTTP/1.1\r\n" + host + "\r\n", 404},
        Case{"DELETE /v1/models HTTP/1.1\r\n" + host + "\r\n", 405},
        Case{"OPTIONS /v1/models HTTP/1.1\r\n" + host + "\r\n", 405},
        Case{"GET /health HTTP/1.1\r\n" + host + "X: " + std::string(20'000, 'x') + "\r\n\r\n",
             431},
        Case{"POST /v1/score HTTP/1.1\r\n" + host +
                 "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5\r\n\r\n--x--",
             415},
        Case{"POST /v1/score HTTP/1.1\r\n" + host +
                 "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
             400}}) {
    TestClient client(server.port());
    client.send(each.bytes);
    EXPECT_EQ(client.reply().status, each.status) << each.bytes.substr(0, 60);
    EXPECT_TRUE(client.is_closed());
  }
}

TEST(RudeClients, PagesOfAllowedOriginsMayAsk) {
  ServerOptions options;
  options.access.origins = {"http://friend.example"};
  RunningServer server(options);
  TestClient client(server.port());
  client.send(
      "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
      "Origin: http://friend.example\r\n\r\n");
  const Reply preflight = client.reply();
  EXPECT_EQ(preflight.status, 204);
  EXPECT_TRUE(preflight.has("Access-Control-Allow-Origin: http://friend.example"));
  client.get("/v1/models", "Origin: http://friend.example\r\n");
  const Reply reply = client.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.has("Access-Control-Allow-Origin: http://friend.example"));
}

TEST(RudeClients, HttpOneZeroAndContinueAreServed) {
  RunningServer server;
  TestClient old(server.port());
  old.send("GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(old.reply().status, 200);
  EXPECT_TRUE(old.is_closed());
  TestClient careful(server.port());
  const std::string body = R"({"messages":[{"role":"user","content":"SAY 1"}]})";
  careful.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(careful.reply().status, 100);
  careful.send(body);
  EXPECT_EQ(careful.reply().status, 200);
}

TEST(RudeClients, AnswersThatTakeTooLongAreGivenUp) {
  ServerOptions options;
  options.limits.answer_seconds = 0.1;
  RunningServer server(options);
  TestClient client(server.port());
  client.ask("HANG");
  const Reply reply = client.reply();
  EXPECT_EQ(reply.status, 504);
  EXPECT_EQ(reply.json()["error"]["code"], "timeout");
  EXPECT_TRUE(soon([&] { return server.model().cancellations == 1; }));
  client.ask("SLOW 1000", R"(,"stream":true)");
  const Reply stream = client.reply();
  EXPECT_EQ(stream.status, 200);
  EXPECT_FALSE(stream.complete);
  EXPECT_THAT(stream.body, HasSubstr("\"code\":\"timeout\""));
}

TEST(Stopping, FinishesWhatIsUnderWay) {
  RunningServer server({}, 1);
  TestClient answering(server.port());
  TestClient waiting(server.port());
  TestClient idle(server.port());
  answering.ask("SLOW 20", R"(,"stream":true)");
  ASSERT_TRUE(answering.read_until("word0"));
  waiting.ask("SAY 1");
  const auto lane = server.server().residents().find("fake-a")->lane;
  ASSERT_TRUE(soon([&] { return lane->load().waiting == 1; }));
  server.server().stop();
  EXPECT_EQ(waiting.reply().status, 503);
  EXPECT_TRUE(idle.is_closed());
  const Reply whole = answering.reply();
  EXPECT_TRUE(whole.complete);
  EXPECT_TRUE(whole.body.ends_with("data: [DONE]\n\n"));
  server.stop();
}

TEST(Stopping, CancelsWhatTakesTooLong) {
  ServerOptions options;
  options.limits.stop_seconds = 0.1;
  RunningServer server(options);
  TestClient client(server.port());
  client.ask("HANG");
  ASSERT_TRUE(soon([&] { return server.model().active == 1; }));
  server.server().stop();
  EXPECT_EQ(client.reply().status, 503);
  server.stop();
  EXPECT_EQ(server.model().cancellations, 1);
}

TEST(Listening, ElsewhereNeedsAKey) {
  FakeModels models;
  ServerOptions options;
  options.port = 0;
  options.host = "0.0.0.0";
  EXPECT_THROW(Server(options, models, base::steady_clock()), Error);
  options.access.api_key = "secret";
  EXPECT_NO_THROW(Server(options, models, base::steady_clock()));
}

TEST(Listening, SaysThatAPortIsTaken) {
  RunningServer server;
  FakeModels models;
  ServerOptions options;
  options.port = server.port();
  try {
    const Server second(options, models, base::steady_clock());
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot listen on 127.0.0.1"));
  }
}

}  // namespace
}  // namespace visavis::server

#include "server/orders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "server/api_error.h"

namespace visavis::server {
namespace {

using testing::HasSubstr;

// The error of a body; fails the test if there is none.
ApiError error_of(const std::string& body, const OrderRules& rules = {}) {
  try {
    (void)parse_chat(body, rules);
  } catch (const ApiError& error) {
    return error;
  }
  ADD_FAILURE() << "taken: " << body.substr(0, 200);
  return ApiError(0, "");
}

std::string with(const std::string& more) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" +
         (more.empty() ? "" : "," + more) + "}";
}

std::string with_picture(const std::string& url) {
  return R"({"messages":[{"role":"user","content":[{"type":"text","text":"what?"},)"
         R"({"type":"image_url","image_url":{"url":")" +
         url + R"("}}]}]})";
}

TEST(Orders, TakeEveryFieldOfAChat) {
  const AnswerOrder order = parse_chat(
      R"({"model":"m","messages":[{"role":"developer","content":"be brief"},
          {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
          {"role":"assistant","content":"c"},{"role":"user","content":"d","name":"x"}],
          "temperature":0.5,"top_p":0.9,"top_k":40,"repetition_penalty":1.1,"seed":-3,"n":2,
          "stop":["x","y"],"max_tokens":5,"max_completion_tokens":7,"logprobs":true,
          "top_logprobs":3,"stream":true,"stream_options":{"include_usage":true},
          "response_format":{"type":"text"},"user":"u","frequency_penalty":0,"tools":[]})",
      {});
  EXPECT_EQ(order.model, "m");
  ASSERT_EQ(order.request.turns.size(), 4);
  EXPECT_EQ(order.request.turns[0].role, chat::Role::system);
  ASSERT_EQ(order.request.turns[1].parts.size(), 2);
  EXPECT_EQ(std::get<chat::Text>(order.request.turns[1].parts[1]).text, "b");
  EXPECT_EQ(order.request.turns[2].role, chat::Role::assistant);
  EXPECT_FLOAT_EQ(order.request.sampling.temperature, 0.5F);
  EXPECT_FLOAT_EQ(order.request.sampling.top_p, 0.9F);
  EXPECT_EQ(order.request.sampling.top_k, 40);
  EXPECT_FLOAT_EQ(order.request.sampling.repetition_penalty, 1.1F);
  EXPECT_EQ(order.request.sampling.seed, static_cast<uint64_t>(int64_t{-3}));
  EXPECT_EQ(order.request.max_tokens, 7);
  EXPECT_EQ(order.request.stop, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(order.request.logprobs);
  EXPECT_EQ(order.request.top_logprobs, 3);
  EXPECT_EQ(order.choices, 2);
  EXPECT_TRUE(order.stream);
  EXPECT_TRUE(order.usage_in_stream);
}

TEST(Orders, TakePicturesFromDataUrls) {
  const std::string bytes("\x89PNG\0\x01", 6);
  const AnswerOrder order =
      parse_chat(with_picture("data:image/png;base64," + base::base64(bytes)), {});
  EXPECT_EQ(order.pictures, 1);
  const auto& picture = std::get<chat::Image>(order.request.turns[0].parts[1]);
  EXPECT_EQ(*picture.bytes, bytes);
  EXPECT_EQ(picture.name, "picture 1");
}

TEST(Orders, RefuseOtherPictures) {
  struct Case {
    const char* url;
    const char* words;
  };
  for (const Case& each :
       {Case{"file:///etc/passwd", "wanted a data: URL"},
        Case{"http://127.0.0.1/x.png", "fetches no pictures"},
        Case{"/etc/passwd", "wanted a data: URL"}, Case{"data:image/png,abc", "without base64"},
        Case{"data:image/png;base64,a!", "damaged"}, Case{"data:image/png;base64,", "empty"}}) {
    const ApiError error = error_of(with_picture(each.url));
    EXPECT_EQ(error.status(), 400) << each.url;
    EXPECT_THAT(error.what(), HasSubstr(each.words));
    EXPECT_EQ(error.json()["error"]["param"], "messages[0].content[1].image_url.url");
  }
}

TEST(Orders, BoundPicturesByBytesAndNumber) {
  OrderRules rules;
  rules.limits.max_picture_bytes = 10;
  const auto picture = [](size_t bytes) {
    return with_picture("data:image/png;base64," + base::base64(std::string(bytes, 'x')));
  };
  EXPECT_EQ(parse_chat(picture(10), rules).pictures, 1);
  EXPECT_EQ(error_of(picture(11), rules).status(), 413);
  EXPECT_EQ(error_of(picture(1000), rules).status(), 413);
  rules.limits.max_pictures = 0;
  EXPECT_THAT(error_of(picture(1), rules).what(), HasSubstr("more than 0 pictures"));
}

TEST(Orders, RefuseByNameWhatTheyCannotDo) {
  for (const char* const field :
       {R"("tools":[{"type":"function"}])", R"("tool_choice":"required")",
        R"("logit_bias":{"5":1})", R"("frequency_penalty":0.5)", R"("presence_penalty":-1)",
        R"("response_format":{"type":"json_object"})", R"("modalities":["text","audio"])",
        R"("response_format":{"type":"json_schema","json_schema":{}})"}) {
    const ApiError error = error_of(with(field));
    EXPECT_EQ(error.status(), 400) << field;
    const std::string name(field + 1, std::string_view(field).find('"', 1) - 1);
    EXPECT_THAT(error.what(), HasSubstr(name));
    EXPECT_EQ(error.json()["error"]["param"], name);
  }
}

TEST(Orders, SayWhatIsWrongWithAField) {
  struct Case {
    const char* field;
    const char* param;
  };
  for (const Case& each :
       {Case{R"("temperature":-1)", "temperature"}, Case{R"("temperature":"hot")", "temperature"},
        Case{R"("top_p":0)", "top_p"}, Case{R"("n":0)", "n"}, Case{R"("n":17)", "n"},
        Case{R"("n":1.5)", "n"}, Case{R"("max_tokens":0)", "max_tokens"},
        Case{R"("max_tokens":99999999999999999999)", "max_tokens"}, Case{R"("stop":[1])", "stop"},
        Case{R"("stream":"yes")", "stream"},
        Case{R"("stream_options":{"include_usage":true})", "stream_options"},
        Case{R"("top_logprobs":2)", "top_logprobs"}, Case{R"("colour":"red")", "colour"}}) {
    const ApiError error = error_of(with(each.field));
    EXPECT_EQ(error.status(), 400) << each.field;
    EXPECT_EQ(error.json()["error"]["param"], each.param);
  }
  EXPECT_THAT(error_of(with(R"("colour":"red")")).what(), HasSubstr("known: model, messages"));
}

TEST(Orders, RefuseMessagesOfOtherForms) {
  for (const char* const messages :
       {"5", "[]", "[5]", R"([{"content":"x"}])", R"([{"role":"tool","content":"x"}])",
        R"([{"role":"user"}])", R"([{"role":"user","content":[]}])",
        R"([{"role":"user","content":[{"type":"input_audio"}]}])",
        R"([{"role":"user","content":[{"type":"text"}]}])",
        R"([{"role":"user","content":[{"type":"image_url","image_url":"x"}]}])",
        R"([{"role":"assistant","content":"x","tool_calls":[{}]}])"}) {
    const ApiError error = error_of(R"({"messages":)" + std::string(messages) + "}");
    EXPECT_EQ(error.status(), 400) << messages;
    EXPECT_THAT(error.what(), HasSubstr("messages"));
  }
  EXPECT_THAT(error_of("{}").what(), HasSubstr("'messages' is missing"));
}

TEST(Orders, RefuseBodiesThatAreNoObjectOrTooLarge) {
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("\xff"),
        std::string(100'000, '['), "{\"a\":[" + std::string(300'000, ',') + "]}",
        R"({"model":")" + std::string("\xff\xfe") + "\"}"})
    EXPECT_EQ(error_of(body).status(), 400) << body.substr(0, 20);
  // Depth counts outside of strings only.
  EXPECT_NO_THROW(parse_chat(with(R"("user":")" + std::string(100, '[') + "\\\"\""), {}));
}

TEST(Orders, TakeCompletionsAsPlainTexts) {
  const AnswerOrder order =
      parse_completion(R"({"prompt":"once","max_tokens":3,"echo":true,"n":1})", {});
  EXPECT_TRUE(order.request.plain);
  EXPECT_TRUE(order.echo);
  EXPECT_EQ(order.request.max_tokens, 3);
  EXPECT_EQ(std::get<chat::Text>(order.request.turns.at(0).parts.at(0)).text, "once");
  EXPECT_EQ(parse_completion(R"({"prompt":["once"]})", {}).request.max_tokens, 16);
  EXPECT_THROW(parse_completion(R"({"prompt":["a","b"]})", {}), ApiError);
  EXPECT_THROW(parse_completion(R"({"prompt":[1,2]})", {}), ApiError);
  EXPECT_THROW(parse_completion(R"({"prompt":"a","best_of":2})", {}), ApiError);
}

TEST(Orders, TakeScores) {
  const ScoreOrder order = parse_score(
      R"({"messages":[{"role":"user","content":"x"}],"continuation":"yes","top":3})", {});
  EXPECT_EQ(order.request.continuation, "yes");
  EXPECT_EQ(order.request.top, 3);
  EXPECT_THROW(parse_score(R"({"messages":[{"role":"user","content":"x"}],"top":-1})", {}),
               ApiError);
}

TEST(Orders, AnotherSeedEachTimeUnlessOneIsNamed) {
  EXPECT_NE(parse_chat(with(""), {}).request.sampling.seed,
            parse_chat(with(""), {}).request.sampling.seed);
  EXPECT_EQ(parse_chat(with(R"("seed":5)"), {}).request.sampling.seed, 5);
}

}  // namespace
}  // namespace visavis::server

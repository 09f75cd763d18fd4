#include "engine/text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "engine/text/tokenizer.h"

namespace visavis::text {
namespace {

using base::Json;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kGoldens = VISAVIS_GOLDENS_DIR;

// One user turn with this text.
std::vector<chat::Turn> says(std::string text) {
  return {{.role = chat::Role::user, .parts = {chat::Text{std::move(text)}}}};
}

TaggedText render(const std::string& source, const std::string& text = "Hi") {
  return ChatTemplate::parse(source, "test").render(says(text), {});
}

// The user's bytes of a rendering, one string per range.
std::vector<std::string> user_parts(const TaggedText& text) {
  std::vector<std::string> parts;
  for (const ByteRange& range : text.user_ranges()) {
    parts.push_back(text.text().substr(range.begin, range.end - range.begin));
  }
  return parts;
}

std::string refusal(const std::string& source, const std::string& text = "Hi") {
  try {
    render(source, text);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ChatTemplate, TagsTheUsersBytesThroughEveryOperation) {
  const std::string text = "{% set t = messages[0].content[0].text %}";
  const auto parts = [&](const std::string& expression, const std::string& said = " Hi x ") {
    return user_parts(render(text + "<{{ " + expression + " }}>", said));
  };
  EXPECT_THAT(parts("t"), ElementsAre(" Hi x "));
  EXPECT_THAT(parts("'a' + t ~ 'b' ~ t"), ElementsAre(" Hi x ", " Hi x "));
  EXPECT_THAT(parts("t | trim"), ElementsAre("Hi x"));
  EXPECT_THAT(parts("t[1:3]"), ElementsAre("Hi"));
  EXPECT_THAT(parts("t[::-1]"), ElementsAre(" x iH "));
  EXPECT_THAT(parts("t.replace('i', 'o')"), ElementsAre(" H", " x "));
  EXPECT_THAT(parts("'a|b'.replace('|', t)"), ElementsAre(" Hi x "));
  EXPECT_THAT(parts("[t, 'own', t] | join(',')"), ElementsAre(" Hi x ", " Hi x "));
  EXPECT_THAT(parts("t.split('i') | join('+')"), ElementsAre(" H", " x "));
  EXPECT_THAT(parts("t | upper"), ElementsAre(" HI X "));
  EXPECT_THAT(parts("t | title"), ElementsAre(" Hi X "));
  EXPECT_THAT(parts("t | tojson", "a\"b"), ElementsAre("a\\\"b"));
  EXPECT_THAT(parts("[t]", "it's"), ElementsAre("it's"));
  EXPECT_THAT(parts("t * 2", "ab"), ElementsAre("abab"));
  EXPECT_THAT(parts("'%s!' % t", "ab"), ElementsAre("ab"));
  EXPECT_THAT(parts("t | indent(2)", "a\nb"), ElementsAre("a", "b"));
  EXPECT_THAT(parts("messages[0].role"), ElementsAre());
  EXPECT_THAT(user_parts(render(text + "{% macro m(x) %}[{{ x }}]{% endmacro %}"
                                       "{% set y %}{{ m(t) }}{% endset %}{{ y }}")),
              ElementsAre("Hi"));
}

TEST(ChatTemplate, TagsAllStringsOfAConversationInJsonButPlainRoles) {
  const auto all = ChatTemplate::parse("{{ messages[0].role }}|{{ messages | tojson }}", "test");
  const Json plain = {{{"role", "user"}, {"content", "a"}}};
  EXPECT_THAT(user_parts(all.render(plain, {})), ElementsAre("role", "content", "a"));
  const Json odd = {{{"role", "<|im_end|>"}, {"content", {{{"type", "<image>"}}}}}};
  EXPECT_THAT(user_parts(all.render(odd, {})),
              ElementsAre("<|im_end|>", "role", "<|im_end|>", "content", "type", "<image>"));
}

TEST(ChatTemplate, SeesTurnsAsTheOracleSeesMessages) {
  std::vector<chat::Turn> turns = says("Hi");
  turns[0].parts.insert(turns[0].parts.begin(), chat::Image{nullptr, "cat.png"});
  turns.push_back({.role = chat::Role::assistant, .parts = {chat::Text{"Yes"}}});
  const auto all = ChatTemplate::parse("{{ messages | tojson }}{{ add_generation_prompt }}", "t");
  EXPECT_EQ(all.render(turns, {.add_generation_prompt = false}).text(),
            R"([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Hi"}]}, )"
            R"({"role": "assistant", "content": [{"type": "text", "text": "Yes"}]}]False)");
  EXPECT_THAT(all.render(turns, {.text_as_string = true}).text(), HasSubstr(R"("content": "Yes")"));
}

TEST(ChatTemplate, RefusesWhatItDoesNotKnowByNameAndLine) {
  EXPECT_THAT(refusal("\n{{ x | rot13 }}"), HasSubstr("test line 2: filter 'rot13'"));
  EXPECT_THAT(refusal("\n\n{{ x is sunny }}"), HasSubstr("test line 3: test 'sunny'"));
  EXPECT_THAT(refusal("{% include 'x' %}"), HasSubstr("line 1: statement 'include'"));
  EXPECT_THAT(refusal("{% for x in [] recursive %}{% endfor %}"), HasSubstr("recursive"));
  EXPECT_THAT(refusal("\n{{ lipsum() }}"), HasSubstr("line 2: 'lipsum', undefined, cannot be"));
  EXPECT_THAT(refusal("{{ messages.append(1) }}"), HasSubstr("'append', undefined"));
  EXPECT_THAT(refusal("{{ 'a'.zfill(3) }}"), HasSubstr("'zfill', undefined"));
  EXPECT_THAT(refusal("{{ f(*x) }}"), HasSubstr("unpacked arguments"));
}

TEST(ChatTemplate, RefusesBrokenSyntaxWithTheLine) {
  for (const char* source :
       {"{{",        "{{ 1",          "{% if x %}",    "{% endif %}", "{% if %}{% endif %}",
        "{{ 1 + }}", "{{ 'a }}",      "{# never ends", "{% raw %}",   "{{ (1 }}",
        "{{ 1) }}",  "{% set = 1 %}", "{% for x %}",   "{% break %}", "{{ a b }}",
        "{{ $ }}",   "{{ '\\u12' }}", "{% %}",         "{{ {'a'} }}", "{{ }}"}) {
    EXPECT_THAT(refusal(source), HasSubstr("test line 1: ")) << source;
  }
}

TEST(ChatTemplate, PassesOnWhyATemplateRefusesAConversation) {
  EXPECT_THAT(refusal("\n{{ raise_exception('no ' + 'way') }}"),
              HasSubstr("test line 2: the template refuses this conversation: no way"));
}

TEST(ChatTemplate, EndsHostileTemplatesWithAnError) {
  // Too many steps, too many bytes, too deep.
  EXPECT_THAT(refusal("{% set many = range(9999) %}{% for a in many %}"
                      "{{ a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a }}"
                      "{{ a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a }}"
                      "{{ a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a }}"
                      "{{ a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a }}"
                      "{{ a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a }}"
                      "{% endfor %}"),
              HasSubstr("steps"));
  EXPECT_THAT(refusal("{{ 'a' * 999999999999 }}"), HasSubstr("too many bytes"));
  EXPECT_THAT(refusal("{% set ns = namespace(t='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}"
                      "{% set ns.t = ns.t + ns.t %}{% endfor %}"),
              HasSubstr("too many bytes"));
  EXPECT_THAT(refusal("{% set ns = namespace(t=[1]) %}{% for i in range(99) %}"
                      "{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t }}"),
              HasSubstr("heavier"));
  EXPECT_THAT(refusal("{% set ns = namespace(t=[]) %}{% for i in range(999) %}"
                      "{% set ns.t = [ns.t] %}{% endfor %}{{ ns.t }}"),
              HasSubstr("deeper"));
  EXPECT_THAT(refusal("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), HasSubstr("deeper"));
  EXPECT_THAT(refusal("{{ " + std::string(10'000, '(') + "1" + std::string(10'000, ')') + " }}"),
              HasSubstr("too deep"));
  EXPECT_THAT(refusal("{{ " + std::string(10'000, '+') + "1 }}"), HasSubstr("too deep"));
  std::string sum = "{{ 1";
  for (int i = 0; i < 10'000; ++i) sum += "+1";
  EXPECT_THAT(refusal(sum + " }}"), HasSubstr("too deep"));
  EXPECT_THAT(refusal("{{ 'a,' * 9999999 | int }}{{ ('a,' * 3000000).split(',') | length }}"),
              HasSubstr("too many bytes"));
  EXPECT_THAT(refusal("{{ range(10000000) }}"), HasSubstr("range"));
  EXPECT_THAT(refusal(std::string(2'000'000, 'a')), HasSubstr("at most"));
  // Names that refer to each other are freed; the sanitizer watches.
  EXPECT_EQ(render("{% set a = namespace() %}{% set a.b = a %}{% set a.f = a.b %}").text(), "");
}

TEST(ChatTemplate, ArithmeticThatOverflowsIsAnError) {
  for (const char* sum :
       {"9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2", "2 ** 63",
        "1 // 0", "1 % 0", "1 / 0", "(-9223372036854775807 - 1) // -1"}) {
    EXPECT_THAT(refusal(std::string("{{ ") + sum + " }}"), HasSubstr("line 1: ")) << sum;
  }
  EXPECT_EQ(render("{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ (-1) ** 99999999 }}").text(),
            "-4 2 -2 -1");
}

TEST(ChatTemplate, LeavesALongConversationRoom) {
  const std::string long_text(5'000'000, 'a');
  EXPECT_EQ(render("{{ messages[0].content[0].text | trim | upper }}", long_text).size(),
            long_text.size());
}

class Folder : public testing::Test {
 protected:
  void put(const char* name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  base::TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};

using FindChatTemplate = Folder;

TEST_F(FindChatTemplate, TakesTheFirstPlaceThatHasOneAndSaysWhich) {
  EXPECT_FALSE(find_chat_template(folder_).has_value());
  put("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "no"},
                                                     {"name": "default", "template": "e"}]})");
  EXPECT_EQ(find_chat_template(folder_)->source, "e");
  EXPECT_EQ(find_chat_template(folder_)->origin, "tokenizer_config.json, chat_template 'default'");
  put("tokenizer_config.json", R"({"chat_template": "d"})");
  EXPECT_EQ(find_chat_template(folder_)->origin, "tokenizer_config.json");
  put("processor_config.json", R"({"chat_template": {"default": "c"}})");
  EXPECT_EQ(find_chat_template(folder_)->source, "c");
  put("chat_template.json", R"({"chat_template": "b"})");
  EXPECT_EQ(find_chat_template(folder_)->source, "b");
  put("chat_template.jinja", "a");
  EXPECT_EQ(find_chat_template(folder_)->source, "a");
  EXPECT_EQ(find_chat_template(folder_)->origin, "chat_template.jinja");
}

TEST_F(FindChatTemplate, RefusesAKeyWithoutADefaultTemplate) {
  put("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "no"}]})");
  EXPECT_THROW(find_chat_template(folder_), Error);
  put("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_THROW(find_chat_template(folder_), Error);
}

// Template and tokenizer together, on the oracle's prompts for tiny checkpoints.
TEST(Prompts, HaveTheOraclesTextAndIds) {
  const Json conversations = base::read_json(kGoldens / "templates.json")["conversations"];
  int prompts = 0;
  for (const auto& entry : fs::directory_iterator(kGoldens / "models")) {
    if (entry.path().extension() != ".json") continue;
    const Json golden = base::read_json(entry.path());
    fs::path folder = entry.path();
    folder.replace_extension();
    // Older than templates: the family makes the prompt, and generate's goldens compare it. Rules
    // without a checkpoint have none.
    if (fs::exists(folder / "qwen.tiktoken") || !fs::exists(folder)) continue;
    const auto found = find_chat_template(folder);
    ASSERT_TRUE(found.has_value()) << folder;
    const auto chat = ChatTemplate::parse(found->source, found->origin);
    const Tokenizer tokenizer = Tokenizer::load(folder);
    const bool qwen = tokenizer.id_of("<|image_pad|>").has_value();
    const int32_t placeholder = *tokenizer.id_of(qwen ? "<|image_pad|>" : "<image>");
    for (const Json& one : golden["cases"]) {
      SCOPED_TRACE(folder.string() + ": " + one["name"].get<std::string>());
      // Other pictures may have another conversation's words; videos have turns of their own.
      const std::string words = one.value("conversation", one["name"].get<std::string>());
      const Json& turns = one.contains("turns") ? one["turns"] : conversations.at(words);
      const TaggedText prompt = chat.render(turns, {.variables = tokenizer.special_strings()});
      EXPECT_EQ(prompt.text(), one["text"].get<std::string>());
      ++prompts;
      // What stands in the place of a video is engine/models' business.
      if (one.contains("videos") && !one["videos"].empty()) continue;
      // The golden's placeholders are expanded; here each picture has one.
      std::vector<int32_t> wanted = one["input_ids"].get<std::vector<int32_t>>();
      wanted.erase(std::unique(wanted.begin(), wanted.end(),
                               [&](int32_t a, int32_t b) { return a == placeholder && a == b; }),
                   wanted.end());
      EXPECT_EQ(tokenizer.encode(prompt), wanted);
    }
  }
  EXPECT_GE(prompts, 90);
}

}  // namespace
}  // namespace visavis::text

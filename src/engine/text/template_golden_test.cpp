// Rendered prompts against those of the oracle (tools/oracle/README.md describes the file).
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "engine/text/chat_template.h"

namespace visavis::text {
namespace {

using base::Json;

const std::filesystem::path kFile = VISAVIS_GOLDENS_DIR "/templates.json";

RenderOptions options_of(const Json& golden, const Json& arguments) {
  RenderOptions options;
  options.variables = {{"bos_token", golden["bos_token"]}, {"eos_token", golden["eos_token"]}};
  for (const auto& [name, value] : arguments.items()) {
    if (name == "add_generation_prompt") {
      options.add_generation_prompt = value.get<bool>();
    } else {
      options.flags[name] = value.get<bool>();
    }
  }
  return options;
}

TEST(TemplateGoldens, RenderAsTheOracleDoes) {
  const Json golden = base::read_json(kFile);
  std::map<std::string, ChatTemplate> templates;
  for (const auto& [name, source] : golden["templates"].items()) {
    templates.emplace(name, ChatTemplate::parse(source.get<std::string>(), name));
  }
  ASSERT_GE(golden["cases"].size(), 600u);
  for (const Json& one : golden["cases"]) {
    const auto name = one["template"].get<std::string>();
    const auto conversation = one["conversation"].get<std::string>();
    SCOPED_TRACE(name + " with " + conversation + " and " + one["arguments"].dump());
    const Json& messages = golden["conversations"][conversation];
    const RenderOptions options = options_of(golden, one["arguments"]);
    if (one.contains("text")) {
      try {
        EXPECT_EQ(templates.at(name).render(messages, options).text(),
                  one["text"].get<std::string>());
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    } else {
      try {
        templates.at(name).render(messages, options);
        ADD_FAILURE() << "the oracle refuses: " << one["error"];
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(one["error"].get<std::string>()),
                  std::string::npos)
            << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace visavis::text

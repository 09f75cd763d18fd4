#include "engine/checkpoint/config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace visavis::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ConfigReader reader(const char* json) {
  return {base::parse_json(json, "config.json"), "config.json"};
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "(nothing was refused)";
}

TEST(ConfigReader, ReadsNestedKeysAndTakesDefaultsForAbsentOrNullOnes) {
  const ConfigReader config = reader(
      R"({"text_config":{"hidden_size":256,"eps":1e-6,"theta":1e4,"tie":true,"act":"silu","pad":null}})");
  EXPECT_EQ(config.require_int("text_config.hidden_size"), 256);
  EXPECT_EQ(config.int_or("text_config.layers", 32), 32);
  EXPECT_EQ(config.int_or("text_config.pad", -1, -1), -1);
  EXPECT_EQ(config.require_int("text_config.theta"), 10000) << "1e4 is a whole number";
  EXPECT_EQ(config.require_number("text_config.eps", 0, 1), 1e-6);
  EXPECT_EQ(config.number_or("text_config.none", 0.5, 0, 1), 0.5);
  EXPECT_TRUE(config.bool_or("text_config.tie", false));
  EXPECT_TRUE(config.bool_or("tie", true));
  EXPECT_EQ(config.require_string("text_config.act"), "silu");
  EXPECT_EQ(config.string_or("text_config.pad", "gelu"), "gelu");
  EXPECT_FALSE(config.has("text_config.pad"));
  EXPECT_FALSE(config.has("text_config.act.deeper"));
}

TEST(ConfigReader, ListsMayBeSingleValues) {
  const ConfigReader config = reader(R"({"eos":7,"taps":[5,11,17],"mean":[0.5,0],"s":["a","b"]})");
  EXPECT_THAT(config.ints("eos"), ElementsAre(7));
  EXPECT_THAT(config.ints("taps"), ElementsAre(5, 11, 17));
  EXPECT_THAT(config.ints("none"), IsEmpty());
  EXPECT_THAT(config.numbers("mean"), ElementsAre(0.5, 0.0));
  EXPECT_THAT(config.strings("s"), ElementsAre("a", "b"));
}

TEST(ConfigReader, ComplaintsNameFileKeyFoundAndWanted) {
  const ConfigReader config =
      reader(R"({"a":{"n":-3,"s":"x","big":99999999999999999999,"f":1.5,"l":[1,"x"],"o":{}}})");
  EXPECT_EQ(refusal([&] { config.require_int("a.n"); }),
            "config.json: key 'a.n' is -3, wanted a whole number from 1 to 1048576");
  EXPECT_EQ(refusal([&] { config.require_int("a.missing"); }),
            "config.json: key 'a.missing' is absent, wanted a whole number");
  EXPECT_THAT(refusal([&] { config.require_int("a.s"); }), HasSubstr("key 'a.s' is \"x\""));
  EXPECT_THAT(refusal([&] { config.require_int("a.big"); }), HasSubstr("wanted a whole number"));
  EXPECT_THAT(refusal([&] { config.require_int("a.f"); }), HasSubstr("is 1.5"));
  EXPECT_THAT(refusal([&] { config.require_number("a.n", 0, 1); }),
              HasSubstr("wanted a number from 0 to 1"));
  EXPECT_THAT(refusal([&] { config.bool_or("a.s", true); }), HasSubstr("wanted true or false"));
  EXPECT_THAT(refusal([&] { config.require_string("a.n"); }), HasSubstr("wanted a string"));
  EXPECT_THAT(refusal([&] { config.ints("a.l"); }), HasSubstr("key 'a.l' is [1,\"x\"]"));
  EXPECT_THAT(refusal([&] { config.strings("a.l"); }), HasSubstr("list of strings"));
  EXPECT_THAT(refusal([&] { config.section("a.n"); }), HasSubstr("wanted an object"));
}

TEST(ConfigReader, SectionsKeepTellingTheFullPath) {
  const ConfigReader config = reader(R"({"text_config":{"rope":{"theta":"x"}}})");
  const ConfigReader rope = config.section("text_config").section("rope");
  EXPECT_THAT(refusal([&] { rope.require_number("theta", 0, 1e9); }),
              HasSubstr("key 'text_config.rope.theta' is \"x\""));
  EXPECT_EQ(config.section("vision_config").int_or("depth", 24), 24);
}

TEST(ConfigReader, RefusesDocumentsThatAreNotObjects) {
  EXPECT_THAT(refusal([] { reader("[1]"); }), HasSubstr("config.json: found array"));
}

}  // namespace
}  // namespace visavis::checkpoint

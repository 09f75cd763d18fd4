#include "page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace visavis::page {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Page, HoldsEveryFileOfTheBuiltPageByteForByte) {
  for (const char* name : {"index.html", "page.js", "page.css", "favicon.svg", "report.html"}) {
    ASSERT_TRUE(file(name).has_value()) << name;
    EXPECT_EQ(file(name)->bytes,
              base::read_file(std::string(VISAVIS_SOURCE_DIR) + "/web/dist/" + name))
        << name;
  }
  EXPECT_EQ(file("page.js")->mime, "text/javascript; charset=utf-8");
  EXPECT_EQ(file("index.html")->mime, "text/html; charset=utf-8");
}

TEST(Page, KnowsNoOtherName) {
  for (const char* name : {"", "/", "..", "../page.js", "./page.js", "PAGE.JS", "page.js/"})
    EXPECT_FALSE(file(name).has_value()) << name;
}

TEST(Page, TheServersPageHasNoInlineScriptOrStyle) {
  const std::string html = file("index.html")->bytes;
  EXPECT_THAT(html, HasSubstr("<script src=\"page.js\" defer></script>"));
  EXPECT_THAT(html, Not(HasSubstr("<style")));
  EXPECT_THAT(html, Not(HasSubstr("style=")));
}

// An inline script ends at the first "</script", and "<!--" with "<script" would hide its end.
TEST(Page, TheScriptCanStandInsideAFile) {
  const std::string script = file("page.js")->bytes;
  for (const char* ending : {"</script", "<script", "<!--"})
    EXPECT_THAT(script, Not(HasSubstr(ending)));
}

TEST(Page, AReportIsOneFileThatMayAskForNothing) {
  const std::string html = report(R"({"a":"</script><!-- @JS@ @DATA@"})");
  EXPECT_THAT(html, HasSubstr(R"("a":"\u003c/script>\u003c!-- @JS@ @DATA@")"));
  EXPECT_THAT(html, HasSubstr("default-src 'none'; img-src data:;"));
  EXPECT_THAT(html, Not(HasSubstr("@CSS@")));
  EXPECT_THAT(html, Not(HasSubstr("<script src")));
  EXPECT_THAT(html, Not(HasSubstr("<link rel=\"stylesheet\"")));
  const std::string style = file("page.css")->bytes;
  for (const char* outside : {"url(", "@import"}) EXPECT_THAT(style, Not(HasSubstr(outside)));
}

}  // namespace
}  // namespace visavis::page

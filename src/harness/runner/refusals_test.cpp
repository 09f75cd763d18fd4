// What a user can get wrong in a data set or an experiment, one row each: it is refused with the
// file, the line and what was wanted, and never passed over.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "harness/runner/experiment.h"
#include "harness/runner/schedule.h"

namespace visavis::runner {
namespace {

namespace fs = std::filesystem;

struct Refusal {
  const char* what;  // the mistake
  const char* file;  // where it is made
  const char* text;  // what the file holds
  std::vector<const char*> wanted;
};

const Refusal kRefusals[] = {
    // JSONL
    {"empty file", "s.jsonl", "", {"s.jsonl: holds no question"}},
    {"no JSON",
     "s.jsonl",
     "{\"id\": 1, \"question\": \"q\"}\n{\"id\"",
     {"s.jsonl:2: not valid JSON"}},
    {"unknown key",
     "s.jsonl",
     "\n{\"id\": 1, \"question\": \"q\", \"anwser\": \"x\"}",
     {"s.jsonl:2: unknown key 'anwser'", "known: id,"}},
    {"key twice",
     "s.jsonl",
     "{\"id\": 1, \"id\": 2, \"question\": \"q\"}",
     {"s.jsonl:1:", "twice"}},
    {"no question", "s.jsonl", "{\"id\": 1, \"answer\": \"x\"}", {"s.jsonl:1:", "no 'question'"}},
    {"id of an earlier one",
     "s.jsonl",
     "{\"id\": 1, \"question\": \"q\"}\n\n{\"id\": 1, \"question\": \"q\"}",
     {"s.jsonl:3: question '1'", "earlier one"}},
    {"missing picture",
     "s.jsonl",
     "{\"id\": 1, \"question\": \"q\"}\n{\"id\": 2, \"question\": \"q\", \"images\": "
     "[\"gone.png\"]}",
     {"s.jsonl:2: question '2'", "'gone.png'", "no readable file"}},
    {"picture of the network",
     "s.jsonl",
     "{\"question\": \"q\", \"images\": [\"https://example.org/a.png\"]}",
     {"s.jsonl:1:", "on the network"}},
    {"unknown grader",
     "s.jsonl",
     "{\"question\": \"q\", \"grader\": \"bleu\"}",
     {"s.jsonl:1:", "no grader 'bleu'; known: exact,"}},
    {"grader without its key",
     "s.jsonl",
     "{\"question\": \"q\", \"grader\": \"facts\"}",
     {"s.jsonl:1:", "grader 'facts' needs 'facts'"}},
    {"answer that is no option",
     "s.jsonl",
     "{\"question\": \"q\", \"options\": [\"a\", \"b\"], \"answer\": \"C\"}",
     {"s.jsonl:1:", "one of the options"}},
    {"pattern that is none",
     "s.jsonl",
     "{\"question\": \"q\", \"grader\": \"regex\", \"answer\": \"(\"}",
     {"s.jsonl:1:", "pattern '('"}},
    {"schema that is none",
     "s.jsonl",
     "{\"question\": \"q\", \"schema\": \"{\\\"tipe\\\": 1}\"}",
     {"s.jsonl:1:", "'tipe'"}},
    {"two forms at once",
     "s.jsonl",
     "{\"question\": \"q\", \"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}",
     {"s.jsonl:1: both 'messages' and 'question'"}},
    {"two names of a key",
     "s.jsonl",
     "{\"question\": \"q\", \"prompt\": \"q\"}",
     {"s.jsonl:1: both 'question' and 'prompt'"}},
    {"no turn of the user",
     "s.jsonl",
     "{\"messages\": [{\"role\": \"system\", \"content\": \"q\"}]}",
     {"s.jsonl:1:", "no turn of the user"}},
    {"unknown role",
     "s.jsonl",
     "{\"messages\": [{\"role\": \"tool\", \"content\": \"q\"}]}",
     {"s.jsonl:1: 'role' is 'tool'"}},
    {"unknown part",
     "s.jsonl",
     "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"audio\"}]}]}",
     {"s.jsonl:1: 'type' is 'audio'"}},
    {"bad data URL",
     "s.jsonl",
     "{\"question\": \"q\", \"images\": [\"data:image/png,xx\"]}",
     {"s.jsonl:1:", "not base64"}},
    // TSV
    {"empty TSV", "s.tsv", "", {"s.tsv: is empty"}},
    {"TSV without rows", "s.tsv", "index\tquestion\n", {"s.tsv: holds no question"}},
    {"TSV without questions", "s.tsv", "index\tanswer\n1\tx\n", {"s.tsv", "no column 'question'"}},
    {"index twice",
     "s.tsv",
     "index\tquestion\n1\tq\n2\tq\n1\tq\n",
     {"s.tsv:4: index '1'", "twice"}},
    {"column twice",
     "s.tsv",
     "index\tquestion\tindex\n1\tq\t2\n",
     {"s.tsv:1: two columns 'index'"}},
    {"reference to nowhere",
     "s.tsv",
     "index\tquestion\timage\n1\tq\t9\n",
     {"s.tsv:2: question '1'", "row '9', which does not exist"}},
    {"quote without end",
     "s.tsv",
     "index\tquestion\n1\tq\n2\t\"q\n",
     {"s.tsv:3: a quoted cell does not end"}},
    {"missing picture file",
     "s.tsv",
     "index\tquestion\timage_path\n1\tq\tgone.png\n",
     {"s.tsv:2:", "'gone.png'"}},
    {"answer beyond the options",
     "s.tsv",
     "index\tquestion\tA\tB\tanswer\n1\tq\tx\ty\tE\n",
     {"s.tsv:2:", "one of the options"}},
    // CSV
    {"unknown column", "s.csv", "question,anwser\nq,x\n", {"s.csv:1: unknown column 'anwser'"}},
    {"cell too many",
     "s.csv",
     "question,answer\nq,x\nWhat, now?,x\n",
     {"s.csv:3: found 3 cells, wanted 2"}},
    {"no UTF-8", "s.csv", "question,answer\nq,\xC3\xC8\n", {"s.csv:2:", "not UTF-8"}},
    {"empty question", "s.csv", "question,answer\n,x\n", {"s.csv:2: column 'question' is empty"}},
    {"options twice over", "s.csv", "question,options,A\nq,a;b,c\n", {"s.csv:1: both a column"}},
    {"CSV id twice", "s.csv", "id,question\n1,q\n1,q\n", {"s.csv:3: question '1'", "earlier one"}},
    {"CSV language", "s.csv", "question,lang\nq,fr\n", {"s.csv:2:", "wanted en or zh"}},
    // no suite
    {"unknown format", "s.xlsx", "x", {"s.xlsx", "known formats: suite folder, JSONL"}},
    // experiment files
    {"unknown key of an experiment",
     "e.yaml",
     "providers: [a]\nsuites: [demo]\nbuget: 1\n",
     {"e.yaml:3: unknown key 'buget'", "budget"}},
    {"no provider", "e.yaml", "suites: [demo]\n", {"e.yaml:1:", "no 'providers'"}},
    {"no suite", "e.yaml", "providers: [a]\nsuites: []\n", {"e.yaml:2: 'suites'"}},
    {"suite that is not there",
     "e.yaml",
     "providers: [a]\nsuites:\n  - nowhere.jsonl\n",
     {"e.yaml:3:", "nowhere.jsonl"}},
    {"limit of cost without a price",
     "e.yaml",
     "providers: [a]\nsuites: [good.jsonl]\nbudget: {max_cost: 5}\n",
     {"e.yaml:3: ", "price"}},
    {"card that has no price",
     "e.yaml",
     "providers: [a]\nsuites: [good.jsonl]\nbudget:\n  card: Voodoo\n",
     {"e.yaml:4: ", "'Voodoo'"}},
    {"samples that are all alike",
     "e.yaml",
     "providers: [a]\nsuites: [good.jsonl]\nschedule:\n  samples: 3\n",
     {"e.yaml:4: samples: 3", "wanted a temperature"}},
    {"key in the file",
     "e.yaml",
     "suites: [good.jsonl]\nproviders:\n  - a\n  - {id: b, config: {api_key: x}}\n",
     {"e.yaml:4: option api_key"}},
    {"password in the judge's URL",
     "e.yaml",
     "suites: [good.jsonl]\nproviders: [a]\njudge:\n  id: http://me:secret@host/v1#m\n",
     {"e.yaml:4: ", "password"}},
    {"baseline that is no provider",
     "e.yaml",
     "providers: [a]\nsuites: [good.jsonl]\ncompare: {baseline: b}\n",
     {"e.yaml:3: ", "'b'", "known: a"}},
    {"partly above fully right",
     "e.yaml",
     "providers: [a]\nsuites: [good.jsonl]\ngrading: {facts_full: 0.2}\n",
     {"e.yaml:3:", "'facts_partial' is above 'facts_full'"}},
    {"two labels alike",
     "e.yaml",
     "providers: [{id: a, label: x}, {id: b, label: x}]\nsuites: [good.jsonl]\n",
     {"e.yaml:1: two providers have the label 'x'"}},
    {"the same suite twice",
     "e.yaml",
     "providers: [a]\nsuites:\n  - good.jsonl\n  - good.jsonl\n",
     {"e.yaml:4: two suites are called 'good'"}},
    {"rotations of nothing",
     "e.yaml",
     "providers: [a]\nsuites: [{tests: good.jsonl, circular: true}]\n",
     {"good.jsonl", "no question has options"}},
    {"sample of nothing",
     "e.yaml",
     "providers: [a]\nsuites: [{tests: good.jsonl, limit: 0}]\n",
     {"e.yaml:2: 'limit'"}},
};

std::string error_of(const fs::path& folder, const Refusal& refusal) {
  std::ofstream(folder / "good.jsonl") << "{\"question\": \"q\", \"answer\": \"x\"}\n";
  const fs::path file = folder / refusal.file;
  std::ofstream(file, std::ios::binary) << refusal.text;
  try {
    Experiment experiment;
    if (file.extension() == ".yaml") {
      experiment = read_experiment(file, {});
    } else {
      experiment.providers.push_back({"a", "", {}});
      experiment.suites.push_back({.path = file, .name = ""});
    }
    settle_price(experiment);
    label_providers(experiment);
    make_schedule(experiment);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Refusals, NameFileAndLineAndWhatIsWanted) {
  const base::TemporaryFolder temporary;
  const fs::path folder = temporary.path() / "run";
  for (const Refusal& refusal : kRefusals) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    const std::string error = error_of(folder, refusal);
    for (const char* wanted : refusal.wanted)
      EXPECT_NE(error.find(wanted), std::string::npos)
          << refusal.what << ": wanted '" << wanted << "' in: " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << refusal.what;
  }
}

}  // namespace
}  // namespace visavis::runner

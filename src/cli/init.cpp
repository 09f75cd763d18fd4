// visavis init: an experiment of one's own from a folder of pictures: a suite with a question to
// fill in for each, and the experiment file that compares models on it.
#include "cli/init.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/language.h"
#include "cli/verbs.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 4> kPictures = {".jpg", ".jpeg", ".png", ".webp"};
constexpr size_t kMaxPictures = 100'000;

struct Options {
  fs::path folder;
  std::string lang;
  std::string models = "demo-qwen3-vl,demo-llava";
};

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::find(kPictures.begin(), kPictures.end(), extension) != kPictures.end();
}

std::vector<std::string> pictures_in(const fs::path& folder) {
  std::vector<std::string> found;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
    if (it->is_regular_file(failed) && is_picture(it->path()))
      found.push_back(it->path().filename().string());
  require(!failed, "cannot read '", folder.string(), "': ", failed.message());
  require(!found.empty(), "'", folder.string(),
          "' holds no picture, wanted files ending in .jpg, .jpeg, .png or .webp");
  require(found.size() <= kMaxPictures, "'", folder.string(), "' holds ", found.size(),
          " pictures, wanted at most ", kMaxPictures);
  std::sort(found.begin(), found.end());
  return found;
}

// A cell that a spreadsheet takes as it is. Several pictures in one cell are separated by
// semicolons, so a name must not hold one.
std::string cell(const std::string& text) {
  require(text.find(';') == std::string::npos, "the picture '", base::valid_utf8(text),
          "' has a semicolon in its name; rename it");
  require(base::valid_utf8(text) == text, "the picture '", base::valid_utf8(text),
          "' has a name that is not UTF-8; rename it");
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return "\"" + base::replace_all(text, "\"", "\"\"") + "\"";
}

std::string questions_csv(const std::vector<std::string>& pictures, const std::string& lang) {
  // Begins with the mark by which Excel knows UTF-8.
  std::string text = "\xEF\xBB\xBFimage,question,answer,aliases,A,B,C,D,category\n";
  const char* const asked =
      lang == "zh" ? "请用三句话描述这张图片。" : "Describe this picture in three sentences.";
  for (const std::string& picture : pictures)
    text += cell(picture) + "," + asked + ",,,,,,,describe\n";
  return text;
}

std::string experiment_yaml(const Options& options) {
  std::string providers;
  for (const std::string& model : base::split(options.models, ',')) {
    const std::string_view name = base::trim(model);
    require(!name.empty(), "--models holds an empty name");
    require(name.find_first_of("\"\\\n") == std::string_view::npos, "--models: '", name,
            "' holds a quote or a backslash");
    providers += fmt::format("  - id: \"{}\"\n", name);
  }
  if (options.lang == "zh")
    return "# 用法：\n"
           "#   1. 用表格软件打开 questions.csv（UTF-8），改写问题，填上答案；answer "
           "为空的题目只展示、不评分。\n"
           "#      选择题：在 A、B、C、D 列写选项，answer 写字母。一题多图：文件名之间用分号。\n"
           "#   2. visavis suites questions.csv          检查题目\n"
           "#   3. visavis compare experiment.yaml       运行并生成报告\n"
           "description: 我的图片\n"
           "providers:      # 模型目录、目录中的名称\n" +
           providers +
           "suites:\n"
           "  - questions.csv\n"
           "schedule: {seed: 42, warmup: 2, order: abba}\n"
           "generation_kwargs: {temperature: 0, max_tokens: 256}\n"
           "budget: {currency: CNY, gpu_price_per_hour: 2.0, max_cost: 5, max_time: 2h}\n"
           "compare: {alpha: 0.05, equivalence_margin: 0.05}\n"
           "lang: zh\n";
  return "# What to do:\n"
         "#   1. Open questions.csv (UTF-8) in a spreadsheet, change the questions, fill in "
         "answers; rows\n"
         "#      without an answer are shown, not graded. Multiple choice: options in A, B, C, D "
         "and a\n"
         "#      letter in answer. Several pictures: names with semicolons between them.\n"
         "#   2. visavis suites questions.csv          checks them\n"
         "#   3. visavis compare experiment.yaml       runs and writes the report\n"
         "description: My pictures\n"
         "providers:      # a model's folder or a catalogue name\n" +
         providers +
         "suites:\n"
         "  - questions.csv\n"
         "schedule: {seed: 42, warmup: 2, order: abba}\n"
         "generation_kwargs: {temperature: 0, max_tokens: 256}\n"
         "budget: {currency: CNY, gpu_price_per_hour: 2.0, max_cost: 5, max_time: 2h}\n"
         "compare: {alpha: 0.05, equivalence_margin: 0.05}\n"
         "lang: en\n";
}

}  // namespace

size_t init_experiment(const fs::path& folder, const std::string& lang, const std::string& models) {
  const Options options{folder, lang, models};
  std::error_code ignored;
  require(fs::is_directory(folder, ignored), "no folder at '", folder.string(), "'");
  const fs::path questions = folder / "questions.csv";
  const fs::path experiment = folder / "experiment.yaml";
  for (const fs::path& file : {questions, experiment})
    require(!fs::exists(file, ignored), "'", file.string(),
            "' exists already and is not overwritten; move it away first");
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    require(entry.path().extension() != ".csv", "'", entry.path().string(),
            "' may hold questions already: try visavis suites '", folder.string(), "'");
  const std::vector<std::string> pictures = pictures_in(folder);
  const std::string text = experiment_yaml(options);
  base::write_file_atomically(questions, questions_csv(pictures, lang));
  base::write_file_atomically(experiment, text);
  return pictures.size();
}

void add_init(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("init", "Makes an experiment of your own from a folder of pictures");
  verb->add_option("DIR", options->folder, "A folder with pictures (.jpg, .png, .webp)")
      ->required();
  add_language(*verb, options->lang);
  verb->add_option("--models", options->models,
                   "Models to compare, separated by commas (default: the two demo models)");
  verb->footer(
      "Examples:\n"
      "  visavis init holiday-pictures\n"
      "  visavis init 我的图片 --lang zh --models qwen3-vl-8b,llava-1.5-7b");
  verb->callback([options, &exit_code] {
    const size_t pictures = init_experiment(options->folder, options->lang, options->models);
    const std::string questions = (options->folder / "questions.csv").string();
    const std::string experiment = (options->folder / "experiment.yaml").string();
    say(options->lang,
        "{} pictures: wrote {} and {}\nfill in questions.csv, then: visavis compare {}\n",
        "已为 {} 张图片写好 {} 和 {}\n请先在 questions.csv 中填写问题和答案，再运行："
        "visavis compare {}\n",
        pictures, questions, experiment, experiment);
    exit_code = kDone;
  });
}

}  // namespace visavis::cli

#include "harness/suites/items.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/mmap.h"
#include "base/text.h"
#include "harness/suites/document.h"
#include "harness/suites/options.h"

namespace visavis::suites {
namespace {

constexpr size_t kMaxQuestions = 1'000'000;
constexpr size_t kMaxImages = 64;
constexpr size_t kMaxOptions = 26;  // A to Z

// One line of the file and where it stands.
struct Line {
  std::string_view text;
  const std::string& file;
  int number;
  int64_t offset;  // of the text in the file
};

std::vector<Fact> read_facts(const Fields& fields, std::string_view key) {
  std::vector<Fact> facts;
  const Node* list = fields.find(key);
  if (list == nullptr) return facts;
  if (list->kind != Node::Kind::list)
    fields.fail_at(*list, "'" + std::string(key) + "' is not a list of {\"any\": [...]}");
  for (const Node& item : list->items) {
    const Fields entry(item, fields.file(), "'" + std::string(key) + "' entry", {"any"});
    Fact fact{entry.texts("any")};
    if (fact.any.empty()) entry.fail_at(item, "'any' is empty");
    for (const std::string& wording : fact.any)
      if (base::trim(wording).empty()) entry.fail_at(item, "'any' holds an empty wording");
    facts.push_back(std::move(fact));
  }
  return facts;
}

std::vector<std::string> read_wordings(const Fields& fields, std::string_view key) {
  std::vector<std::string> out = fields.texts(key);
  for (const std::string& wording : out)
    if (base::trim(wording).empty())
      fields.fail_at(fields.node(), "'" + std::string(key) + "' holds an empty text");
  return out;
}

std::string default_grader(const Key& key) {
  if (!key.facts.empty()) return "facts";
  if (!key.changes.empty()) return "changes";
  if (!key.schema.empty()) return "schema";
  if (!key.options.empty()) return "choice";
  return key.answers.empty() ? "shown" : "contains";
}

// One picture as another tool writes it: a path, file://path or a data: URL, whose base64 is read
// from the line again when it is needed.
Picture read_picture(const Fields& fields, std::string name, const Line& line, size_t number,
                     const std::filesystem::path& folder) {
  constexpr std::string_view kFile = "file://";
  constexpr std::string_view kBase64 = ";base64,";
  if (name.empty()) fields.fail_at(fields.node(), "a picture has an empty name");
  if (name.starts_with("http://") || name.starts_with("https://"))
    fields.fail_at(fields.node(), "picture '" + name.substr(0, 80) +
                                      "' is on the network, wanted a file (download it first)");
  if (name.starts_with(kFile)) name.erase(0, kFile.size());
  if (!name.starts_with("data:")) return {name, base::resolve(folder, name)};
  const size_t begin = name.find(kBase64);
  if (begin == std::string::npos) fields.fail_at(fields.node(), "a data: URL is not base64");
  const std::string_view code = std::string_view(name).substr(begin + kBase64.size());
  const size_t place = line.text.find(code);
  if (code.empty() || place == std::string_view::npos)
    fields.fail_at(fields.node(), "a data: URL is empty or written with escapes");
  return {.name = "line " + std::to_string(fields.node().line) + "#" + std::to_string(number),
          .path = line.file,
          .offset = line.offset + static_cast<int64_t>(place),
          .length = static_cast<int64_t>(code.size())};
}

// A path of a video file or of a folder of frames.
Picture read_video(const Fields& fields, const std::string& name,
                   const std::filesystem::path& folder) {
  constexpr double kUnknownRate = 24;  // what the oracle assumes of frames
  if (name.empty()) fields.fail_at(fields.node(), "a video has an empty name");
  if (name.find("://") != std::string::npos)
    fields.fail_at(fields.node(),
                   "video '" + name.substr(0, 80) + "' is on the network, wanted a file or folder");
  return {.name = name,
          .path = base::resolve(folder, name),
          .frame_rate = fields.number("frame_rate", kUnknownRate, 0.001, 1000)};
}

// "messages" as OpenAI's chat interface takes them: roles, and content that is a text or a list of
// texts and pictures. A last turn of the assistant is the answer.
class Conversation {
 public:
  Conversation(const Node& list, const std::string& file, const Line& line,
               const std::filesystem::path& folder)
      : file_(file), line_(line), folder_(folder) {
    if (list.kind != Node::Kind::list || list.items.empty())
      fail_at(file, list.line, "'messages' is not a list of at least one message");
    for (const Node& node : list.items) read_turn(node);
  }

  void put_into(Question& question, const Node& node) {
    if (!turns_.empty() && turns_.back().role == chat::Role::assistant) {
      if (!question.key.answers.empty())
        fail_at(file_, node.line, "both 'answer' and a last turn of the assistant, wanted one");
      question.key.answers = {text_of(turns_.back())};
      turns_.pop_back();
    }
    if (turns_.empty() || turns_.back().role != chat::Role::user)
      fail_at(file_, node.line, "'messages' has no turn of the user at its end");
    question.stem = text_of(turns_.back());
    if (base::trim(question.stem).empty())
      fail_at(file_, node.line, "the last turn of the user has no text");
    // Options stand below the question's last text.
    for (Piece& piece : turns_.back().pieces)
      if (&piece == last_text(turns_.back()))
        piece.text = with_options({.hint = "",
                                   .question = piece.text,
                                   .options = question.key.options,
                                   .lang = question.lang});
    question.question = text_of(turns_.back());
    question.turns = std::move(turns_);
    question.images = std::move(images_);
  }

 private:
  void read_turn(const Node& node) {
    const Fields fields(node, file_, "message", {"role", "content"});
    Turn turn;
    const std::string role = fields.required_text("role");
    if (role == "system")
      turn.role = chat::Role::system;
    else if (role == "assistant")
      turn.role = chat::Role::assistant;
    else if (role != "user")
      fields.fail_at(node, "'role' is '" + role + "', wanted system, user or assistant");
    const Node& content = fields.require("content");
    if (content.kind == Node::Kind::scalar) {
      turn.pieces.push_back({content.scalar, -1});
    } else {
      if (content.kind != Node::Kind::list)
        fields.fail_at(content, "'content' is a map, wanted a text or a list of parts");
      for (const Node& part : content.items) read_part(part, turn);
    }
    turns_.push_back(std::move(turn));
  }

  void read_part(const Node& node, Turn& turn) {
    const Fields fields(node, file_, "content part", {"type", "text", "image_url"});
    const std::string type = fields.required_text("type");
    if (type == "text") {
      turn.pieces.push_back({fields.required_text("text"), -1});
      return;
    }
    if (type != "image_url")
      fields.fail_at(node, "'type' is '" + type + "', wanted text or image_url");
    if (turn.role != chat::Role::user)
      fields.fail_at(node, "only the user's turns may hold pictures");
    const Node& place = fields.require("image_url");
    std::string url = place.scalar;
    if (place.kind != Node::Kind::scalar)
      url = Fields(place, file_, "image_url", {"url", "detail"}).required_text("url");
    turn.pieces.push_back({"", static_cast<int>(images_.size())});
    images_.push_back(read_picture(fields, std::move(url), line_, images_.size(), folder_));
  }

  static Piece* last_text(Turn& turn) {
    Piece* last = nullptr;
    for (Piece& piece : turn.pieces)
      if (piece.image < 0) last = &piece;
    return last;
  }

  static std::string text_of(const Turn& turn) {
    std::vector<std::string> texts;
    for (const Piece& piece : turn.pieces)
      if (piece.image < 0) texts.push_back(piece.text);
    return base::join(texts, "\n");
  }

  const std::string& file_;
  const Line& line_;
  const std::filesystem::path& folder_;
  std::vector<Turn> turns_;
  std::vector<Picture> images_;
};

// A name that other tools use for the same key; both at once contradict each other.
const char* either(const Fields& fields, const char* ours, const char* theirs) {
  if (fields.find(theirs) == nullptr) return ours;
  if (fields.find(ours) != nullptr)
    fields.fail_at(fields.node(),
                   std::string("both '") + ours + "' and '" + theirs + "', wanted one of them");
  return theirs;
}

void check_form(const Fields& fields) {
  if (fields.find("messages") == nullptr) return;
  for (const char* key : {"question", "prompt", "images", "image_files", "video"})
    if (fields.find(key) != nullptr)
      fields.fail_at(fields.node(),
                     std::string("both 'messages' and '") + key + "', wanted one of them");
}

Question read_question(const Line& line, const std::filesystem::path& folder) {
  const Node node = parse_json_line(line.text, line.file, line.number);
  const std::string& file = line.file;
  const Fields fields(
      node, file, "item",
      {"id",       "scenario",       "category",    "lang",        "difficulty", "cluster",
       "images",   "question",       "grader",      "answer",      "aliases",    "options",
       "facts",    "contradictions", "changes",     "distractors", "schema",     "hint",
       "messages", "prompt",         "image_files", "video",       "frame_rate"});
  check_form(fields);
  Question question;
  question.line = line.number;
  question.id = fields.text("id", std::to_string(line.number));
  if (question.id.empty()) fields.fail_at(node, "'id' of item is empty");
  // "category" is the word of other tools' files for the same thing.
  question.scenario = fields.text("scenario", fields.text("category", "all"));
  question.lang = fields.text("lang", "en");
  if (question.lang != "en" && question.lang != "zh")
    fields.fail_at(node, "'lang' is '" + question.lang + "', wanted en or zh");
  question.difficulty = static_cast<int>(fields.integer("difficulty", 1, 1, 3));
  for (std::string& name : fields.texts(either(fields, "images", "image_files")))
    question.images.push_back(
        read_picture(fields, std::move(name), line, question.images.size(), folder));
  for (const std::string& name : fields.texts("video"))
    question.images.push_back(read_video(fields, name, folder));
  if (fields.find("frame_rate") != nullptr && fields.find("video") == nullptr)
    fields.fail_at(node, "'frame_rate' without 'video'");
  question.key.answers = read_wordings(fields, "answer");
  for (std::string& alias : read_wordings(fields, "aliases"))
    question.key.answers.push_back(std::move(alias));
  question.key.options = fields.texts("options");
  if (question.key.options.size() > kMaxOptions)
    fields.fail_at(node, "found " + std::to_string(question.key.options.size()) +
                             " options, wanted at most " + std::to_string(kMaxOptions));
  if (const Node* messages = fields.find("messages")) {
    Conversation(*messages, file, line, folder).put_into(question, node);
  } else {
    question.hint = fields.text("hint");
    question.stem = fields.required_text(either(fields, "question", "prompt"));
    question.question = with_options({.hint = question.hint,
                                      .question = question.stem,
                                      .options = question.key.options,
                                      .lang = question.lang});
  }
  if (question.images.size() > kMaxImages)
    fields.fail_at(node, "found " + std::to_string(question.images.size()) +
                             " images, wanted at most " + std::to_string(kMaxImages));
  question.cluster =
      fields.text("cluster", question.images.empty() ? question.id : question.images.front().name);
  question.key.schema = fields.text("schema");
  question.key.facts = read_facts(fields, "facts");
  question.key.contradictions = read_wordings(fields, "contradictions");
  question.key.changes = read_facts(fields, "changes");
  question.key.distractors = read_facts(fields, "distractors");
  question.grader = fields.text("grader", default_grader(question.key));
  return question;
}

}  // namespace

std::vector<Question> parse_items(std::string_view text, const std::string& file,
                                  const std::filesystem::path& folder) {
  std::vector<Question> questions;
  int line = 0;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = base::trim(text.substr(begin, end - begin));
    begin = end + 1;
    ++line;
    if (content.empty()) continue;
    require(questions.size() < kMaxQuestions, file, ": more than ", kMaxQuestions, " questions");
    questions.push_back(read_question({content, file, line, content.data() - text.data()}, folder));
  }
  require(!questions.empty(), file, ": holds no question");
  return questions;
}

std::vector<Question> read_items(const std::filesystem::path& path,
                                 const std::filesystem::path& folder) {
  const base::MappedFile file(path);
  const auto bytes = file.bytes();
  return parse_items({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(),
                     folder);
}

}  // namespace visavis::suites

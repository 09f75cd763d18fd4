#include "harness/store/opinion_files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <tuple>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace visavis::store {
namespace {

using base::Json;

constexpr std::array<const char*, 11> kColumns = {"suite",   "id",       "sample", "model",
                                                  "verdict", "first",    "second", "score",
                                                  "who",     "given_at", "note"};

// The fields of one row as text; absent ones are empty.
using Row = std::map<std::string, std::string>;

std::string score_text(double score) { return base::dump_json(Json(score)); }

Row common(const RunData& run, int64_t item_id, const std::string& who, const std::string& given_at,
           const std::string& note) {
  const ItemRow& item = run.items.at(static_cast<size_t>(item_id));
  Row row = {{"suite", run.suites.at(static_cast<size_t>(item.suite)).name},
             {"id", item.question.id},
             {"who", who},
             {"given_at", given_at},
             {"note", note}};
  if (item.sample > 0) row["sample"] = std::to_string(item.sample);
  return row;
}

std::vector<Row> rows_of(const RunData& run) {
  const auto label = [&](int64_t model) { return run.models.at(static_cast<size_t>(model)).label; };
  std::vector<Row> rows;
  for (const HumanVerdictRow& verdict : run.human_verdicts) {
    Row row = common(run, verdict.item, verdict.who, verdict.given_at, verdict.note);
    row["model"] = label(verdict.model);
    row["verdict"] = graders::name_of(verdict.verdict);
    rows.push_back(std::move(row));
  }
  for (const HumanVoteRow& vote : run.human_votes) {
    Row row = common(run, vote.item, vote.who, vote.given_at, vote.note);
    row["first"] = label(vote.first);
    row["second"] = label(vote.second);
    row["score"] = score_text(vote.score);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return "\"" + base::replace_all(text, "\"", "\"\"") + "\"";
}

struct Line {
  std::vector<std::string> cells;
  int number = 0;  // of its first line in the file
};

std::vector<Line> read_csv(std::string_view text, const std::string& file) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  std::vector<Line> lines;
  Line line{{}, 1};
  std::string cell;
  bool quoted = false;
  int number = 1;
  const auto end_cell = [&] { line.cells.push_back(std::exchange(cell, {})); };
  const auto end_line = [&] {
    end_cell();
    if (line.cells.size() > 1 || !line.cells[0].empty()) lines.push_back(line);
    line = {{}, number};
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++number;
    if (quoted) {
      if (c != '"') {
        cell += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        cell += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && cell.empty()) {
      quoted = true;
    } else if (c == ',') {
      end_cell();
    } else if (c == '\n') {
      end_line();
    } else if (c != '\r') {
      cell += c;
    }
  }
  require(!quoted, file, ":", line.number, ": a quoted field does not end");
  if (!cell.empty() || !line.cells.empty()) end_line();
  return lines;
}

std::vector<std::pair<int, Row>> csv_rows(std::string_view text, const std::string& file) {
  const std::vector<Line> lines = read_csv(text, file);
  require(!lines.empty(), file, ": found no header, wanted the columns ",
          base::join({kColumns.begin(), kColumns.end()}, ", "));
  std::vector<std::pair<int, Row>> rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    require(lines[i].cells.size() == lines[0].cells.size(), file, ":", lines[i].number, ": found ",
            lines[i].cells.size(), " fields, wanted ", lines[0].cells.size(), " as in the header");
    Row row;
    for (size_t j = 0; j < lines[i].cells.size(); ++j) row[lines[0].cells[j]] = lines[i].cells[j];
    rows.emplace_back(lines[i].number, std::move(row));
  }
  return rows;
}

std::vector<std::pair<int, Row>> jsonl_rows(std::string_view text, const std::string& file) {
  std::vector<std::pair<int, Row>> rows;
  int number = 0;
  for (const std::string& line : base::split(text, '\n')) {
    ++number;
    if (base::trim(line).empty()) continue;
    const Json json = base::parse_json(line, file + ":" + std::to_string(number));
    require(json.is_object(), file, ":", number, ": wanted a JSON object");
    Row row;
    for (const auto& [key, value] : json.items())
      row[key] = value.is_string() ? value.get<std::string>() : base::dump_json(value);
    rows.emplace_back(number, std::move(row));
  }
  return rows;
}

double number_in(const std::string& text, const char* name) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc() && stop == text.data() + text.size(), "'", name, "' is '", text,
          "', wanted a number");
  return value;
}

void add_row(const RunData& run, Row row, HumanOpinions& opinions) {
  for (const auto& [key, value] : row)
    require(std::find(kColumns.begin(), kColumns.end(), key) != kColumns.end(), "unknown field '",
            key, "'; known: ", base::join({kColumns.begin(), kColumns.end()}, ", "));
  require(!row["who"].empty(), "'who' is empty; wanted the name of who judged");
  const int sample =
      row["sample"].empty() ? 0 : static_cast<int>(number_in(row["sample"], "sample"));
  const int64_t item = find_item(run, row["suite"], row["id"], sample);
  const std::string at = row["given_at"].empty() ? base::utc_timestamp() : row["given_at"];
  if (!row["model"].empty()) {
    const std::string& word = row["verdict"];
    require(word == "full" || word == "partial" || word == "wrong", "'verdict' is '", word,
            "', wanted full, partial or wrong");
    opinions.verdicts.push_back({.id = 0,
                                 .item = item,
                                 .model = find_model(run, row["model"]),
                                 .verdict = graders::verdict_from(word),
                                 .who = row["who"],
                                 .given_at = at,
                                 .note = row["note"]});
    return;
  }
  require(!row["first"].empty() && !row["second"].empty(),
          "found neither 'model' with 'verdict' nor 'first' and 'second' with 'score'");
  HumanVoteRow vote{.id = 0,
                    .item = item,
                    .first = find_model(run, row["first"]),
                    .second = find_model(run, row["second"]),
                    .score = number_in(row["score"], "score"),
                    .who = row["who"],
                    .given_at = at,
                    .note = row["note"]};
  require(vote.first != vote.second, "'first' and 'second' are the same model");
  require(vote.score == 0 || vote.score == 0.5 || vote.score == 1, "'score' is ", vote.score,
          ", wanted 1, 0.5 or 0");
  opinions.votes.push_back(std::move(vote));
}

auto place_of(const HumanVerdictRow& row) {
  return std::tie(row.item, row.model, row.verdict, row.who, row.given_at, row.note);
}

auto place_of(const HumanVoteRow& row) {
  return std::tie(row.item, row.first, row.second, row.score, row.who, row.given_at, row.note);
}

template <class Rows>
void drop_known(Rows& rows, const Rows& known) {
  std::erase_if(rows, [&](const auto& row) {
    return std::any_of(known.begin(), known.end(),
                       [&](const auto& other) { return place_of(row) == place_of(other); });
  });
}

}  // namespace

std::string opinions_jsonl(const RunData& run) {
  std::string out;
  for (const Row& row : rows_of(run)) {
    Json json = Json::object();
    for (const char* column : kColumns)
      if (const auto found = row.find(column); found != row.end()) json[column] = found->second;
    if (row.count("score") > 0) json["score"] = Json::parse(row.at("score"));
    if (row.count("sample") > 0) json["sample"] = Json::parse(row.at("sample"));
    out += base::dump_json(json) + "\n";
  }
  return out;
}

std::string opinions_csv(const RunData& run) {
  std::string out = base::join({kColumns.begin(), kColumns.end()}, ",") + "\r\n";
  for (const Row& row : rows_of(run)) {
    std::vector<std::string> cells;
    for (const char* column : kColumns) {
      const auto found = row.find(column);
      cells.push_back(found == row.end() ? "" : cell(found->second));
    }
    out += base::join(cells, ",") + "\r\n";
  }
  return out;
}

HumanOpinions read_opinions(const RunData& run, std::string_view text, const std::string& file,
                            bool csv) {
  HumanOpinions opinions;
  for (auto& [number, row] : csv ? csv_rows(text, file) : jsonl_rows(text, file)) {
    try {
      add_row(run, std::move(row), opinions);
    } catch (const Error& error) {
      fail(file, ":", number, ": ", error.what());
    }
  }
  return opinions;
}

HumanOpinions only_new(const RunData& run, HumanOpinions opinions) {
  drop_known(opinions.verdicts, run.human_verdicts);
  drop_known(opinions.votes, run.human_votes);
  return opinions;
}

int64_t find_item(const RunData& run, const std::string& suite, const std::string& id, int sample) {
  std::vector<int64_t> found;
  for (const ItemRow& item : run.items)
    if (item.question.id == id && item.sample == sample &&
        (suite.empty() || run.suites.at(static_cast<size_t>(item.suite)).name == suite))
      found.push_back(item.id);
  require(!found.empty(), "no question '", id, "'",
          suite.empty() ? "" : " in suite '" + suite + "'");
  require(found.size() == 1, "question '", id, "' stands in several suites; say which one");
  return found.front();
}

int64_t find_model(const RunData& run, const std::string& label) {
  std::vector<std::string> known;
  for (const ModelRow& model : run.models) {
    if (model.label == label) return model.id;
    known.push_back(model.label);
  }
  fail("no model '", label, "'; known: ", base::join(known, ", "));
}

}  // namespace visavis::store

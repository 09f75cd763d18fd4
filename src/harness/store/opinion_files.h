// People's verdicts and votes as files: JSON lines and CSV, to and fro.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/store/rows.h"

namespace visavis::store {

struct HumanOpinions {
  std::vector<HumanVerdictRow> verdicts;
  std::vector<HumanVoteRow> votes;
};

/// One object a line: suite, id, sample (if not 0), who, given_at, note and either model and
/// verdict, or first, second and score (1: the first is better, 0.5: as good, 0: the second).
std::string opinions_jsonl(const RunData& run);
/// RFC 4180 with the same fields as columns.
std::string opinions_csv(const RunData& run);

/// Reads either form. Throws Error with file and line for unknown columns, questions, models or
/// verdicts, a score that is none of the three, and a row without a name.
HumanOpinions read_opinions(const RunData& run, std::string_view text, const std::string& file,
                            bool csv);

/// The opinions without those that the run holds already, to the letter.
HumanOpinions only_new(const RunData& run, HumanOpinions opinions);

/// The item of that question; `suite` may be empty if the id is unique. Throws Error.
int64_t find_item(const RunData& run, const std::string& suite, const std::string& id, int sample);
/// The model of that label. Throws Error that lists the labels.
int64_t find_model(const RunData& run, const std::string& label);

}  // namespace visavis::store

// The parts of rows that are stored as JSON text, to and fro. Reading is strict: a store that holds
// something else is damaged.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "harness/store/rows.h"

namespace visavis::store {

base::Json key_json(const suites::Key& key);
suites::Key key_from(const std::string& text);

/// What of a question has no column of its own (its conversation, what it is a copy of); stored
/// beside the key. Empty for most questions.
base::Json form_json(const suites::Question& question);
void read_form(const std::string& text, suites::Question& question);

base::Json judgement_json(const Judgement& judgement);
Judgement judgement_from(const std::string& text);

base::Json limits_json(const Limits& limits);
Limits limits_from(const std::string& text);

base::Json effort_json(const chat::Effort& effort);
chat::Effort effort_from(const std::string& text);

base::Json pictures_json(const std::vector<suites::Picture>& pictures);
std::vector<suites::Picture> pictures_from(const std::string& text);

base::Json evidence_json(const std::vector<graders::Evidence>& evidence);
std::vector<graders::Evidence> evidence_from(const std::string& text);

base::Json options_json(const std::vector<std::pair<std::string, std::string>>& options);
std::vector<std::pair<std::string, std::string>> options_from(const std::string& text);

std::string texts_json(const std::vector<std::string>& texts);
std::vector<std::string> texts_from(const std::string& text);

/// Seconds to the microsecond.
std::string seconds_json(const std::vector<double>& seconds);
std::vector<double> seconds_from(const std::string& text);

/// Throws Error for an unknown name.
chat::Finish finish_from(std::string_view name);

}  // namespace visavis::store

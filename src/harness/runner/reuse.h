// Answers by content: what earlier runs were told when they asked exactly the same of exactly the
// same model, so that nobody waits for it again. Used only when the user asks for it.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/runner/experiment.h"
#include "harness/store/rows.h"

namespace visavis::runner {

/// Names everything that an answer and its times follow from: the checkpoint's hash (of an endpoint
/// its address and name, since nobody knows what runs there), the model's options, the device, the
/// machine, the program, the pictures' bytes, the question, the sampling and, unless it is greedy,
/// its random stream. The prompt's template is part of the checkpoint and of the program.
std::string content_key(const store::ModelRow& model, const chat::ModelFacts& facts,
                        const store::ItemRow& item, const Generation& generation, uint64_t seed,
                        const std::string& machine, const std::string& build);

class AnswerLibrary {
 public:
  /// Takes the answers of a finished or stopped run; failures are left out, and so are answers of
  /// layouts without keys. `path` is its store. Throws Error if that cannot be read.
  void add_run(const std::filesystem::path& path);

  /// The answer of that key with `reused_from` filled: where and when it was given first.
  std::optional<store::AnswerRow> find(const std::string& key) const;
  size_t size() const { return answers_.size(); }

 private:
  std::map<std::string, store::AnswerRow> answers_;
};

}  // namespace visavis::runner

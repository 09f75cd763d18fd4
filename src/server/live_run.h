// What people vote on while they compare models live, as a run of its own ("live") below the folder
// of all runs: one question for each vote, with the answers that were voted on, and the pictures
// beside the store. It opens, counts and exports like every other run.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "chat/completion.h"
#include "chat/model_host.h"
#include "harness/graders/grade.h"
#include "harness/store/rows.h"

namespace visavis::server {

/// Its name among the runs.
inline constexpr const char* kLiveRun = "live";

struct LiveVote {
  struct Answer {
    std::string model;  // as it is called here
    chat::ModelOptions options;
    chat::ModelFacts facts;
    std::string text;
    chat::Finish finish = chat::Finish::stop;
    chat::Usage usage;
    chat::Timing timing;  // as the page was told; negative: not known
  };
  std::string prompt;
  std::vector<std::string> pictures;            // bytes of PNG, JPEG or WebP files
  std::vector<Answer> answers;                  // of different models
  int winner = -1;                              // of answers; negative: none is better than another
  std::map<size_t, graders::Verdict> verdicts;  // of answers, by place
  std::string who;
  std::string note;  // e.g. that it was a blind vote
};

/// The kind of picture that these bytes begin as: "png", "jpg" or "webp"; empty: none of them.
std::string picture_kind(std::string_view bytes);

/// Adds the vote to the run in that folder, which is made with the first one from `row`: what it
/// holds beside its questions (price, language, machine). Blocks; one call at a time. Throws Error:
/// no room on the disk, the store in use by another process.
void keep_live_vote(const std::filesystem::path& folder, const store::RunRow& row,
                    const LiveVote& vote);

}  // namespace visavis::server

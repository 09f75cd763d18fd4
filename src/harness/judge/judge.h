// Lets a model judge the stored answers of a run: each by itself (rubric), and each two against
// each other with their sides swapped. Replies are stored under what they follow from, so that
// nothing is asked twice. What they come to is counted in verdict/opinions.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "chat/chat_model.h"
#include "harness/runner/progress.h"
#include "harness/store/store.h"

namespace visavis::judge {

struct Judged {
  int64_t asked = 0;     // replies that came in this call
  int64_t known = 0;     // taken from the store
  int64_t unparsed = 0;  // of `asked`: no verdict in the reply
  int64_t failed = 0;    // no reply; the next call asks again
  bool stopped = false;
};

/// Judges what the run's judge plan (judgement.judge) wants judged and stores every reply as it
/// comes. Questions whose pictures are gone or not the same count as failed. Ends early when `stop`
/// becomes true.
Judged judge_run(store::Store& store, chat::ChatModel& judge, const std::atomic<bool>& stop,
                 runner::Progress& progress);

/// The grades with those of questions of grader "judge" filled in from the judge's rubric replies:
/// full 1, partial 0.5, wrong 0. Where there is no such reply, or none that could be read, the
/// answer stays out of the count.
std::vector<store::GradeRow> with_judgements(const store::RunData& run,
                                             std::vector<store::GradeRow> grades);

}  // namespace visavis::judge

#include "cli/judging.h"

#include <fmt/format.h>

#include "harness/judge/judge.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"
#include "harness/verdict/opinions.h"

namespace visavis::cli {

bool judge_answers(const std::filesystem::path& folder, chat::ModelHost& host,
                   const std::atomic<bool>& stop, runner::Progress& progress) {
  store::Store store = store::Store::open(runner::store_path(folder));
  const store::RunRow run = store.run();
  chat::ChatModel& judge = host.open(run.judgement.judge.provider, run.judgement.judge.options);
  const judge::Judged judged = judge::judge_run(store, judge, stop, progress);
  const store::RunData data = store.read_all();
  store.replace_grades(judge::with_judgements(data, data.grades));
  progress.note(fmt::format("judged: {} replies, {} known before, {} unreadable, {} failed",
                            judged.asked, judged.known, judged.unparsed, judged.failed));
  for (const verdict::JudgeSummary& summary : verdict::summarise_judges(data))
    if (summary.partiality && summary.judge == run.judgement.judge.provider)
      progress.note("warning: " +
                    (run.lang == "zh" ? summary.partiality->zh : summary.partiality->en));
  return !judged.stopped;
}

}  // namespace visavis::cli

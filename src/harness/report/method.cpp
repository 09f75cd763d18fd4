#include "harness/report/method.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace visavis::report {
namespace {

int64_t failures(const store::RunData& run) {
  return std::count_if(run.answers.begin(), run.answers.end(),
                       [](const store::AnswerRow& answer) { return !answer.failure.empty(); });
}

// Graded questions and the groups of questions about the same source among them.
std::pair<size_t, size_t> questions_and_clusters(const store::RunData& run) {
  size_t questions = 0;
  std::set<std::string> clusters;
  for (const store::ItemRow& item : run.items) {
    if (!run.scenario_of(item).graded) continue;
    ++questions;
    clusters.insert(store::cluster_name(item));
  }
  return {questions, clusters.size()};
}

// What the latencies owe to earlier questions: nothing, but for those that were asked again.
Titles reuse_note(const Results& results) {
  Titles note = {
      "No model on this machine uses what an earlier question left behind: every picture is "
      "encoded and every "
      "prompt computed from its beginning.",
      "本机模型的回答都不利用此前题目留下的结果：每张图片都重新编码，每个提示都从头计算。"};
  int64_t asked = 0;
  int64_t failed = 0;
  int64_t same = 0;
  for (const ModelSummary& model : results.models) {
    asked += model.revisits.asked;
    failed += model.revisits.failed;
    same += model.revisits.same;
  }
  if (asked == 0) return note;
  note.en += fmt::format(
      " Afterwards {} of them were asked again right behind another question about the same "
      "pictures, with picture features and equal prompt beginnings kept; {} failed, {} answers "
      "began as before. Their times are in the row \"when the picture was seen before\" (median of "
      "the same "
      "questions the first time, then the new one) and nowhere else.",
      asked, failed, same);
  note.zh += fmt::format(
      "之后，其中 {} 个在另一道关于相同图片的题目之后再次提问，并保留图片特征与相同的提示开头；"
      "失败 {} 个，{} "
      "个回答的开头与之前相同。其时间只列在“图片此前看过时的首字时间”一行（相同题目首次的中位数 → "
      "此次的中位数）。",
      asked, failed, same);
  return note;
}

}  // namespace

std::vector<Titles> reader_notes(const Results& results) {
  const store::RunData& run = results.run;
  std::vector<Titles> notes;
  const size_t planned = run.items.size() * run.models.size();
  if (run.answers.size() < planned)
    notes.push_back({fmt::format("The run is not complete ({}): {} of {} answers are here.",
                                 run.run.state, run.answers.size(), planned),
                     fmt::format("本次运行未完成（{}）：共 {} 个回答，已有 {} 个。", run.run.state,
                                 planned, run.answers.size())});
  if (const int64_t failed = failures(run); failed > 0)
    notes.push_back({fmt::format("{} answers failed; they count as not right.", failed),
                     fmt::format("有 {} 个回答失败，按未答对计算。", failed)});
  const auto [questions, clusters] = questions_and_clusters(run);
  if (clusters < questions)
    notes.push_back(
        {fmt::format("{} graded questions share {} groups of pictures; intervals and tests count "
                     "groups, not questions, as independent.",
                     questions, clusters),
         fmt::format("{} 道评分题共用 {} 组图片；区间与检验以组而非题为独立单位。", questions,
                     clusters)});
  if (run.run.limits.price_per_hour <= 0)
    notes.push_back({"No price was given (--price), so there are no costs.",
                     "未给出价格（--price），因此没有费用数据。"});
  return notes;
}

std::vector<Titles> method_notes(const Results& results) {
  const store::RunData& run = results.run;
  const graders::Cutoffs& cutoffs = run.run.judgement.cutoffs;
  std::vector<Titles> notes;
  notes.push_back(
      {fmt::format(
           "Questions are shuffled once with seed {} and asked in the order {}; every answer "
           "is generated alone (batch 1). {} warm-up answers were discarded.",
           run.run.seed, run.run.order, run.warmups.size()),
       fmt::format("题目以种子 {} 打乱一次，提问顺序为 {}；每个回答单独生成（批大小为 1）。"
                   "丢弃了 {} 个预热回答。",
                   run.run.seed, run.run.order, run.warmups.size())});
  notes.push_back(reuse_note(results));
  notes.push_back(
      {"TTFT runs from the picture's bytes in memory to the first visible text and holds picture "
       "decoding, resizing, the vision encoder and the prompt. TPOT = (last - first token) / (n - "
       "1). "
       "Percentiles interpolate linearly. Loading and warm-up are not in the latencies but are in "
       "the "
       "cost of the run.",
       "TTFT 指从图片字节进入内存到第一段可见文字的时间，含图片解码、缩放、视觉编码与提示处理。"
       "TPOT =（末词元时间 − 首词元时间）/（n − 1）。分位数按线性插值。"
       "加载与预热不计入延迟，但计入运行费用。"});
  notes.push_back(
      {fmt::format(
           "Accuracy is the share of fully right answers, with Wilson's 95 % interval at the "
           "effective number of questions (several about one source count less). Graded "
           "scores: full from {:.3g}, partly above 0. Facts: full from {:.0f} % without a "
           "contradiction, partly from {:.0f} %.",
           cutoffs.graded_full, 100 * cutoffs.facts_full, 100 * cutoffs.facts_partial),
       fmt::format("准确率为完全正确回答的比例，附按有效题数（同源题目折减）计算的 95 % Wilson "
                   "区间。评分题：不低于 {:.3g} 为正确，"
                   "大于 0 为部分正确。要点题：不低于 {:.0f} % 且无矛盾为正确，不低于 {:.0f} % "
                   "为部分正确。",
                   cutoffs.graded_full, 100 * cutoffs.facts_full, 100 * cutoffs.facts_partial)});
  notes.push_back(
      {fmt::format(
           "Models are compared on the questions that both answered: by the exact McNemar test, "
           "and "
           "where questions share a source also by a t test over sources (the larger p counts), "
           "corrected by Holm within scenarios; alpha = {:.2g}. Equivalent: the 90 % interval of "
           "the difference lies within {:.3g} points.",
           run.run.judgement.alpha, 100 * run.run.judgement.equivalence_margin),
       fmt::format("模型之间比较两者都回答的题目：用精确 McNemar 检验；题目同源时再用按来源聚类的 "
                   "t 检验，取较大的 p 值；各场景之间用 Holm 校正；α = {:.2g}。"
                   "差异的 90 % 区间落在 ±{:.3g} 个百分点内即为相当。",
                   run.run.judgement.alpha, 100 * run.run.judgement.equivalence_margin)});
  notes.push_back(
      {fmt::format("Loading took {:.1f} s, warm-up {:.1f} s, the whole run {:.1f} s. Machine: {}. "
                   "Build: {}.",
                   results.load_seconds, results.warmup_seconds, results.wall_seconds,
                   run.run.machine, run.run.build),
       fmt::format("加载 {:.1f} 秒，预热 {:.1f} 秒，全程 {:.1f} 秒。机器：{}。版本：{}。",
                   results.load_seconds, results.warmup_seconds, results.wall_seconds,
                   run.run.machine, run.run.build)});
  return notes;
}

}  // namespace visavis::report

#include "harness/report/words.h"

namespace visavis::report {
namespace {

constexpr Word kWords[] = {
    {"recommendation", "Recommendation", "推荐"},
    {"summary", "Figures", "指标"},
    {"summary_note",
     "Accuracy: share of fully right answers [95 % interval]. Times: median / 95th percentile.",
     "准确率：完全正确的比例 [95 % 区间]。时间：中位数 / 95 分位。"},
    {"items", "answered / questions", "已答 / 题数"},
    {"accuracy", "accuracy", "准确率"},
    {"macro", "accuracy, scenarios weighted equally", "准确率（各场景等权）"},
    {"buckets", "full / partly / wrong / unreadable / refused / failed",
     "正确 / 部分 / 错误 / 无法识别 / 拒答 / 失败"},
    {"mean_score", "mean score", "平均得分"},
    {"ttft", "time to first text", "首字时间 TTFT"},
    {"split", "of it: decode + resize + vision + prompt (medians)",
     "其中：解码 + 缩放 + 视觉 + 提示（中位数）"},
    {"seen", "time to first text when the picture was seen before (n)",
     "图片此前看过时的首字时间（n）"},
    {"tpot", "time per token", "每词元时间 TPOT"},
    {"e2e", "whole answer", "完整回答"},
    {"characters", "characters per second", "字符 / 秒"},
    {"tokens", "tokens per second (generation)", "词元 / 秒（生成）"},
    {"cost_1000", "cost of 1000 questions", "每千题费用"},
    {"cost_correct", "cost of a fully right answer", "每个正确回答的费用"},
    {"e2e_p50_interval", "whole answer, median [95 % interval]", "完整回答中位数 [95 % 区间]"},
    {"e2e_p95_interval", "whole answer, 95th percentile [95 % interval]",
     "完整回答 95 分位 [95 % 区间]"},
    {"costs", "Cost and energy of the run", "本次运行的费用与能耗"},
    {"seconds", "seconds", "秒"},
    {"cost_load", "loading", "加载"},
    {"cost_warmup", "warm-up", "预热"},
    {"cost_answers", "measured answers", "计量回答"},
    {"cost_again", "questions asked again", "再次提问"},
    {"cost_rest", "the rest: grading, storing, reading pictures", "其余：评分、存储、读取图片"},
    {"cost_total", "all", "合计"},
    {"price_per_hour", "price per hour", "每小时价格"},
    {"energy", "energy of the cards", "显卡能耗"},
    {"not_available", "n/a", "无数据"},
    {"answer", "answer", "每个回答"},
    {"costs_note",
     "Energy is the card's own counter and holds what others did on the card meanwhile. n/a: no "
     "card, or one that does not tell.",
     "能耗取自显卡自身的计数器，包含同期其他任务的消耗。无数据：没有显卡或显卡不提供。"},
    {"other_cards", "The same answers on other cards (estimate)", "同样的回答在其他显卡上（估计）"},
    {"card", "card", "显卡"},
    {"model", "model", "模型"},
    {"seconds_per_question", "seconds per question", "每题秒数"},
    {"fits", "fits", "放得下"},
    {"no", "no", "否"},
    {"price_source", "price", "价格"},
    {"measured_over_formula", "measured / formula on this card", "本卡实测 / 公式"},
    {"other_cards_note",
     "Estimates, not measurements: counted tokens x bytes and operations of the model's tensors / "
     "rates that the card is taken to sustain, reading and multiplying one after the other; "
     "attention is left out, decoding and resizing taken as here. Where this card's rates are "
     "known, estimates are multiplied with measured / formula.",
     "以下为估计而非实测：计数的词元 × 由模型张量得出的字节与运算量 ÷ 显卡的持续速率，"
     "读取与运算先后相加；不含注意力，图片解码与缩放按本机计。若本卡速率已知，"
     "则乘以实测与公式之比。"},
    {"speeds", "Speed on the same questions", "相同题目上的速度"},
    {"ratio", "time of the first / the second [95 % interval]", "前者 / 后者用时 [95 % 区间]"},
    {"speeds_note",
     "Median over questions of the ratio of whole answers' times; bootstrap over groups of "
     "questions. Below 1 the first is faster. * marks a 95th percentile of fewer than 90 answers.",
     "各题完整回答用时之比的中位数；按题组自助抽样。小于 1 表示前者更快。* "
     "表示不足 90 个回答的 95 分位。"},
    {"fixed_length", "Speed at equal lengths", "等长输出下的速度"},
    {"fixed_items", "answers x tokens", "回答数 × 词元数"},
    {"fixed_length_note",
     "The same questions asked again for exactly so many tokens, whatever would end the answer. "
     "The other figures are of answers as long as each model makes them: what a user waits for.",
     "同样的题目再次提问，强制输出固定词元数。其他指标基于各模型自然长度的回答，即用户实际等待的时"
     "间。"},
    {"fidelity", "What quantising changed", "量化带来的变化"},
    {"precisions", "weights / against", "权重 / 对照"},
    {"divergence", "KL divergence per token (nats)", "每词元 KL 散度（nat）"},
    {"agreement", "same likeliest token (%)", "首选词元一致（%）"},
    {"perplexity", "perplexity ratio", "困惑度之比"},
    {"same_text", "equal answers", "相同回答"},
    {"flips", "lost : won / questions", "变错 : 变对 / 题数"},
    {"loss", "loss (points)", "损失（百分点）"},
    {"fidelity_note",
     "One model at two precisions on the same questions, predicting the tokens of the reference's "
     "answers; brackets: 95 % intervals over groups of questions.",
     "同一模型以两种精度回答相同题目，并预测参考回答的词元；方括号为按题组计算的 95 % 区间。"},
    {"provenance", "Provenance", "来源与复现"},
    {"found", "as found", "记录"},
    {"program", "program", "程序"},
    {"machine", "machine", "机器"},
    {"suite", "questions", "题集"},
    {"plan", "plan", "计划"},
    {"session", "session", "会话"},
    {"command", "command", "命令"},
    {"repeat", "To repeat it: run the command again in the same folder with another --out",
     "复现：在同一目录以另一个 --out 再次运行该命令"},
    {"plot_accuracy", "Accuracy with 95 % intervals", "准确率与 95 % 区间"},
    {"plot_latency", "Latency of whole answers", "完整回答的延迟"},
    {"plot_latency_axis", "share of answers (%) that take at most this long",
     "在该时间内完成的回答比例（%）"},
    {"plot_memory", "Memory", "内存"},
    {"plot_memory_note", "weights, vision, KV cache, workspace; line: measured peak",
     "权重、视觉、KV 缓存、工作区；竖线：实测峰值"},
    {"plot_cost", "Accuracy against cost", "准确率与费用"},
    {"plot_cost_axis", "cost of 1000 questions", "每千题费用"},
    {"no_price", "Give --price to see costs.", "用 --price 给出价格后可见费用。"},
    {"tests", "Paired tests", "配对检验"},
    {"tests_note",
     "Discordant: questions that only the first : only the second model answers fully right.",
     "不一致：仅前者 : 仅后者完全答对的题数。"},
    {"pair", "models", "模型"},
    {"paired_items", "questions", "题数"},
    {"discordant", "discordant", "不一致"},
    {"p_holm", "p (Holm)", "p（Holm）"},
    {"verdict", "outcome", "结论"},
    {"deployment", "Deployment and memory", "部署与内存"},
    {"architecture", "architecture", "架构"},
    {"weights_format", "weights", "权重格式"},
    {"device", "device", "设备"},
    {"parameters", "parameters", "参数量"},
    {"download", "checkpoint on disk", "检查点大小"},
    {"load", "time to load", "加载时间"},
    {"from_cache", "weights packed by an earlier load", "使用先前加载时打包的权重"},
    {"weights", "text model weights", "文本模型权重"},
    {"vision", "vision encoder and projector", "视觉编码器与投影"},
    {"kv", "KV cache", "KV 缓存"},
    {"workspace", "workspace", "工作区"},
    {"peak", "measured peak", "实测峰值"},
    {"memory_note",
     "MiB = 2^20 bytes. The parts are the plan, allocated at load. Measured: what the memory in "
     "use "
     "on the card (the driver's own part goes to the first model), or on a CPU the process, grew "
     "by "
     "at most while this model loaded and answered the warm-up questions.",
     "MiB = 2^20 字节。各部分为计划值，在加载时分配。实测峰值为加载该模型并回答预热题期间"
     "显卡已用显存（驱动自身占用计入第一个模型）或 CPU 上进程内存的最大增量。"},
    {"multi_image", "trained on several pictures", "针对多图训练"},
    {"yes", "yes", "是"},
    {"not_designed_for", "no: outside its training", "否：超出训练范围"},
    {"judge", "Judged by a model", "模型评审"},
    {"judged", "answers of", "被评模型"},
    {"unread", "unreadable or failed", "无法识别或失败"},
    {"judge_pair",
     "{a} against {b}, each pair of answers both ways round: {wins} won, {losses} lost, {ties} "
     "tied "
     "({inconsistent} of these because the verdict went with the side), {unread} without a "
     "readable "
     "verdict.",
     "{a} 对 {b}（每对回答交换位置各评一次）：胜 {wins}，负 {losses}，平 {ties}"
     "（其中 {inconsistent} 次因结论随位置改变），{unread} 次没有可识别的结论。"},
    {"judge_cost",
     "Judge {judge}, counted apart from the run: {replies} replies, {prompt} + {completion} "
     "tokens, "
     "{seconds:.1f} s",
     "评审 {judge}（费用与运行分开计算）：{replies} 次回复，{prompt} + {completion} 个词元，"
     "{seconds:.1f} 秒"},
    {"strengths", "strengths (Bradley-Terry) with 95 % intervals",
     "强度（Bradley-Terry）与 95 % 区间"},
    {"people", "Judged by people", "人工评审"},
    {"against", "against", "对照"},
    {"automatic", "automatic grades", "自动评分"},
    {"answers_both", "answers", "回答数"},
    {"agreement", "same verdict", "结论一致"},
    {"kappa", "Cohen's kappa", "Cohen κ"},
    {"people_note",
     "Verdicts full, partly and wrong; kappa is the agreement beyond chance (1: complete, 0: as by "
     "chance), with 95 % intervals.",
     "结论分为正确、部分正确和错误；κ 为超出偶然的一致程度（1：完全一致，0：等同偶然），附 95 % "
     "区间。"},
    {"overruled",
     "{model}: {judged} answers count as people judged them ({changed} of them were graded "
     "otherwise); fully right by the automatic grades alone: {automatic}.",
     "{model}：{judged} 个回答按人工结论计入（其中 {changed} 个与自动评分不同）；仅按自动评分，"
     "完全正确率为 {automatic}。"},
    {"votes", "{votes} votes of {people} people; strengths (Bradley-Terry, ties half): {strengths}",
     "{people} 人共 {votes} 票；强度（Bradley-Terry，平局计半）：{strengths}"},
    {"answers", "Questions and answers", "题目与回答"},
    {"reference", "reference", "参考答案"},
    {"difficulty", "difficulty", "难度"},
    {"tokens_short", "tokens", "词元"},
    {"full", "right", "正确"},
    {"partial", "partly right", "部分正确"},
    {"wrong", "wrong", "错误"},
    {"unparsed", "unreadable", "无法识别"},
    {"refused", "refused", "拒绝回答"},
    {"failed", "failed", "失败"},
    {"shown", "not graded", "不评分"},
    {"missing", "not asked", "未提问"},
    {"show_all", "all", "全部"},
    {"show_disagree", "only disagreements", "仅结果不同"},
    {"show_wrong", "only wrong", "仅错误"},
    {"more", "show more", "显示更多"},
    {"method", "How this was measured", "测量方法"},
    {"picture_gone", "picture not found", "图片已不存在"},
};

}  // namespace

std::span<const Word> words() { return kWords; }

std::string word(const std::string& key, const std::string& lang) {
  for (const Word& entry : kWords)
    if (key == entry.key) return lang == "zh" ? entry.zh : entry.en;
  return key;
}

base::Json words_json() {
  base::Json json = base::Json::object();
  for (const Word& entry : kWords) json[entry.key] = {{"en", entry.en}, {"zh", entry.zh}};
  return json;
}

}  // namespace visavis::report

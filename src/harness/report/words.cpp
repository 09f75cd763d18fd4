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

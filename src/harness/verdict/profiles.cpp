#include "harness/verdict/profiles.h"

namespace visavis::verdict {

std::span<const Profile> profiles() {
  static const Profile table[] = {
      {"budget",
       {"Smallest budget, simple questions", "预算最小，问题简单"},
       {.accuracy = 0.4, .latency = 0.1, .cost = 0.45, .memory = 0.05},
       [](const store::ItemRow& item) { return item.question.difficulty <= 1; }},
      {"detail_chinese",
       {"High accuracy, detail and Chinese", "高准确率，注重细节与中文"},
       {.accuracy = 0.9, .latency = 0.05, .cost = 0.03, .memory = 0.02},
       [](const store::ItemRow& item) {
         return item.question.lang == "zh" && item.question.difficulty >= 2;
       }},
      {"memory",
       {"Smallest memory", "内存最小"},
       {.accuracy = 0.4, .latency = 0.05, .cost = 0.05, .memory = 0.5},
       [](const store::ItemRow&) { return true; }},
      {"several_pictures",
       {"Several pictures at once", "同时看多张图片"},
       {.accuracy = 0.75, .latency = 0.15, .cost = 0.05, .memory = 0.05},
       [](const store::ItemRow& item) { return item.question.images.size() > 1; }},
  };
  return table;
}

}  // namespace visavis::verdict

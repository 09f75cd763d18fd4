#include "server/metrics.h"

#include <fmt/format.h>

#include <iterator>
#include <memory>

#include "base/text.h"
#include "machine/process_memory.h"
#include "server/residents.h"

namespace visavis::server {
namespace {

// As the format wants label values.
std::string escaped(const std::string& value) {
  std::string text = base::replace_all(value, "\\", "\\\\");
  text = base::replace_all(text, "\"", "\\\"");
  return base::replace_all(text, "\n", "\\n");
}

std::string model_label(const std::string& model) {
  return fmt::format("model=\"{}\"", escaped(model));
}

void head(std::string& out, const char* name, const char* type, const char* help) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

}  // namespace

void Metrics::Histogram::add(double value) {
  if (value < 0) return;
  for (size_t i = 0; i < kBounds.size(); ++i)
    if (value <= kBounds[i]) ++below[i];
  ++count;
  sum += value;
}

void Metrics::Histogram::print(std::string& out, const std::string& name,
                               const std::string& label) const {
  for (size_t i = 0; i < kBounds.size(); ++i)
    out += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, label, kBounds[i], below[i]);
  out += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n", name, label, count);
  out += fmt::format("{0}_sum{{{1}}} {2}\n{0}_count{{{1}}} {3}\n", name, label, sum, count);
}

void Metrics::count_response(const std::string& route, int status) {
  const std::lock_guard lock(mutex_);
  ++responses_[{route, status}];
}

void Metrics::count_answer(const std::string& model, const chat::Completion& completion,
                           double queued_seconds) {
  const std::lock_guard lock(mutex_);
  PerModel& row = models_[model];
  ++row.answers;
  if (completion.finish == chat::Finish::cancelled) ++row.cancelled;
  row.prompt_tokens += completion.usage.prompt_tokens;
  row.image_tokens += completion.usage.image_tokens;
  row.completion_tokens += completion.usage.completion_tokens;
  row.queued.add(queued_seconds);
  if (completion.finish == chat::Finish::cancelled) return;
  row.first_token.add(completion.timing.ttft);
  row.whole.add(completion.timing.e2e);
}

std::string Metrics::text(const Residents& residents, double uptime_seconds) const {
  std::string out;
  head(out, "visavis_uptime_seconds", "gauge", "Seconds since the server started.");
  out += fmt::format("visavis_uptime_seconds {}\n", uptime_seconds);
  head(out, "process_resident_memory_bytes", "gauge", "Resident memory of the server.");
  out += fmt::format("process_resident_memory_bytes {}\n", machine::resident_bytes());
  head(out, "visavis_answering", "gauge", "Requests that are with the model.");
  for (const auto& resident : residents.all())
    out += fmt::format("visavis_answering{{{}}} {}\n", model_label(resident->name),
                       resident->lane->load().answering);
  head(out, "visavis_waiting", "gauge", "Requests that wait for the model.");
  for (const auto& resident : residents.all())
    out += fmt::format("visavis_waiting{{{}}} {}\n", model_label(resident->name),
                       resident->lane->load().waiting);

  const std::lock_guard lock(mutex_);
  head(out, "visavis_responses_total", "counter",
       "Responses by route and status; 499: the client went away.");
  for (const auto& [key, count] : responses_)
    out += fmt::format("visavis_responses_total{{route=\"{}\",status=\"{}\"}} {}\n",
                       escaped(key.first), key.second, count);
  struct Counter {
    const char* name;
    const char* help;
    int64_t PerModel::*value;
  };
  static const Counter kCounters[] = {
      {"visavis_answers_total", "Answers, cancelled ones included.", &PerModel::answers},
      {"visavis_cancelled_total", "Answers that ended early.", &PerModel::cancelled},
      {"visavis_prompt_tokens_total", "Tokens of prompts, pictures included.",
       &PerModel::prompt_tokens},
      {"visavis_image_tokens_total", "Tokens of pictures.", &PerModel::image_tokens},
      {"visavis_completion_tokens_total", "Tokens of answers.", &PerModel::completion_tokens},
  };
  for (const Counter& counter : kCounters) {
    head(out, counter.name, "counter", counter.help);
    for (const auto& [model, row] : models_)
      out += fmt::format("{}{{{}}} {}\n", counter.name, model_label(model), row.*counter.value);
  }
  struct Times {
    const char* name;
    const char* help;
    Histogram PerModel::*value;
  };
  static const Times kTimes[] = {
      {"visavis_queued_seconds", "Time before the model got the request.", &PerModel::queued},
      {"visavis_ttft_seconds", "Time to the first token, waiting excluded.",
       &PerModel::first_token},
      {"visavis_answer_seconds", "Time of the whole answer, waiting excluded.", &PerModel::whole},
  };
  for (const Times& times : kTimes) {
    head(out, times.name, "histogram", times.help);
    for (const auto& [model, row] : models_)
      (row.*times.value).print(out, times.name, model_label(model));
  }
  return out;
}

}  // namespace visavis::server

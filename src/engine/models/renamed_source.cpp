#include "engine/models/renamed_source.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "engine/models/mapped_rows.h"

namespace visavis::models {
namespace {

using checkpoint::TensorInfo;
using tensor::Shape;

constexpr std::string_view kNumber = "{}";

// The name that a rule gives, if it fits.
std::optional<std::string> renamed(const std::string& stored, const RenameRule& rule) {
  const size_t hole = rule.stored.find(kNumber);
  if (hole == std::string::npos)
    return stored == rule.stored ? std::optional(rule.name) : std::nullopt;
  const std::string before = rule.stored.substr(0, hole);
  const std::string after = rule.stored.substr(hole + kNumber.size());
  if (stored.size() <= before.size() + after.size() || !stored.starts_with(before) ||
      !stored.ends_with(after))
    return std::nullopt;
  const std::string number =
      stored.substr(before.size(), stored.size() - before.size() - after.size());
  if (number.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  std::string name = rule.name;
  const size_t at = name.find(kNumber);
  return at == std::string::npos ? name : name.replace(at, kNumber.size(), number);
}

}  // namespace

RenamedSource::RenamedSource(std::unique_ptr<checkpoint::TensorSource> source,
                             const std::vector<RenameRule>& rules)
    : SourceOver(std::move(source)) {
  const RenameRule as_it_is;
  std::set<std::string> halves;  // the second ones of pairs
  for (const TensorInfo& info : stored().tensors())
    for (const RenameRule& each : rules)
      if (each.rows == RenameRule::Rows::paired && renamed(info.name, each))
        halves.insert(info.name + ".1");
  std::vector<TensorInfo> infos;
  for (const TensorInfo& info : stored().tensors()) {
    if (halves.count(info.name) > 0) continue;
    std::optional<std::string> name;
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const RenameRule& each) {
      name = renamed(info.name, each);
      return name.has_value();
    });
    infos.push_back(add(info, name.value_or(info.name), rule == rules.end() ? as_it_is : *rule));
  }
  show(std::move(infos));
}

TensorInfo RenamedSource::add(const TensorInfo& info, const std::string& name,
                              const RenameRule& rule) {
  TensorInfo result = info;
  result.name = name;
  Entry entry = {.stored = info.name};
  const int64_t rows = info.shape.rank() == 0 ? 1 : info.shape[0];
  switch (rule.rows) {
    case RenameRule::Rows::as_stored:
      break;
    case RenameRule::Rows::paired: {
      require(info.shape.rank() >= 2, info.file, ": tensor '", info.name, "' has shape ",
              info.shape.text(), ", wanted two dimensions and more");
      entry.encoded = paired_rows(stored(), info.name, info.name + ".1");
      Shape shape = {info.shape[0], info.shape[1], 2};
      for (int axis = 2; axis < info.shape.rank(); ++axis) shape.push_back(info.shape[axis]);
      result.shape = shape;
      break;
    }
    case RenameRule::Rows::rotary: {
      const int64_t head = rule.count;
      require(head > 0 && head % 2 == 0 && rows % head == 0, info.file, ": tensor '", info.name,
              "' has ", rows, " rows, wanted heads of ", head);
      entry.encoded = mapped_rows(stored(), info.name, rows, [head](int64_t row) {
        const int64_t inside = row % head;
        return row - inside + 2 * (inside % (head / 2)) + inside / (head / 2);
      });
      break;
    }
    case RenameRule::Rows::vocabulary: {
      if (rows >= rule.count) break;
      entry.encoded = mapped_rows(stored(), info.name, rule.count,
                                  [rows](int64_t row) { return row < rows ? row : int64_t{-1}; });
      Shape shape = {rule.count};
      for (int axis = 1; axis < info.shape.rank(); ++axis) shape.push_back(info.shape[axis]);
      result.shape = shape;
      break;
    }
  }
  const auto [at, fresh] = entries_.try_emplace(name, std::move(entry));
  require(fresh, info.file, ": tensors '", info.name, "' and '", at->second.stored,
          "' both stand for '", name, "'");
  return result;
}

const checkpoint::EncodedTensor* RenamedSource::encoded(const std::string& name) const {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return nullptr;
  return at->second.encoded != nullptr ? at->second.encoded.get()
                                       : stored().encoded(at->second.stored);
}

const std::string& RenamedSource::stored_name(const std::string& name) const {
  const auto at = entries_.find(name);
  require(at != entries_.end(), "the checkpoint has no tensor '", name, "'");
  require(at->second.encoded == nullptr, "tensor '", name, "' is not in its stored order");
  return at->second.stored;
}

}  // namespace visavis::models

// What people want a model for: a few uses as weights and the questions that tell about them. The
// report recommends for each of them that the run has questions of.
#pragma once

#include <span>

#include "harness/store/rows.h"
#include "harness/verdict/recommendation.h"

namespace visavis::verdict {

struct Profile {
  const char* key;
  Titles title;
  Weights weights;
  bool (*tells)(const store::ItemRow& item);  // whether the question is about this use
};

/// Smallest budget with simple questions; high accuracy with detail and Chinese; smallest memory;
/// several pictures.
std::span<const Profile> profiles();

}  // namespace visavis::verdict

// The tables of a results store and their version.
#pragma once

#include <array>

namespace visavis::store {

/// "vvis": marks an SQLite file as ours (PRAGMA application_id).
inline constexpr int kApplicationId = 0x76766973;
/// Grows with every change of the tables (PRAGMA user_version).
inline constexpr int kSchemaVersion = 6;

/// Creates the tables of version 1, as they are since (but without its rule that a question stands
/// in a run once: it may have several samples).
extern const char* const kSchema;

/// What a version added to the one before it.
struct Addition {
  int version;
  const char* sql;
};

/// In the order of versions; all of them follow kSchema in a new store.
extern const std::array<Addition, 5> kAdditions;

}  // namespace visavis::store

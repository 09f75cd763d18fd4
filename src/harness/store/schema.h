// The tables of a results store and their version.
#pragma once

namespace visavis::store {

/// "vvis": marks an SQLite file as ours (PRAGMA application_id).
inline constexpr int kApplicationId = 0x76766973;
/// Grows with every change of the tables (PRAGMA user_version).
inline constexpr int kSchemaVersion = 3;

/// Creates all tables but `revisits`.
extern const char* const kSchema;
/// Creates `revisits`, which version 1 did not have.
extern const char* const kRevisitsSchema;
/// Adds the column of `models` that versions 1 and 2 did not have.
extern const char* const kFromCacheSchema;

}  // namespace visavis::store

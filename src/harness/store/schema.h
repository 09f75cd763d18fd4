// The tables of a results store and their version.
#pragma once

namespace visavis::store {

/// "vvis": marks an SQLite file as ours (PRAGMA application_id).
inline constexpr int kApplicationId = 0x76766973;
/// Grows with every change of the tables (PRAGMA user_version).
inline constexpr int kSchemaVersion = 1;

/// Creates all tables.
extern const char* const kSchema;

}  // namespace visavis::store

// SQLite as RAII: a connection, statements that bind and read their values in order, and
// transactions that roll back unless committed. Every failure becomes an Error naming the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace visavis::store {

class Connection {
 public:
  enum class Mode { create, write, read };
  /// Throws Error if the file cannot be opened (or, with `create`, exists already).
  Connection(const std::filesystem::path& path, Mode mode);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Runs statements that return nothing of interest.
  void execute(const std::string& sql);
  sqlite3* handle() const { return handle_; }
  /// Throws Error that says what SQLite complains about, in the user's words where we know them.
  [[noreturn]] void fail_now(std::string_view action) const;

 private:
  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
};

class Statement {
 public:
  Statement(const Connection& connection, std::string_view sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// Binds the values to the parameters in order and runs the statement to its end.
  template <class... Values>
  void run(const Values&... values) {
    bind_all(values...);
    while (step()) {
    }
  }

  /// Binds the values and stands before the first row.
  template <class... Values>
  void bind_all(const Values&... values) {
    reset();
    (bind(values), ...);
  }

  /// Moves to the next row; false at the end.
  bool step();

  // The next column of the row.
  int64_t integer();
  double real();
  std::string text();

 private:
  void reset();
  void bind(int64_t value);
  void bind(int value) { bind(static_cast<int64_t>(value)); }
  void bind(bool value) { bind(static_cast<int64_t>(value)); }
  void bind(double value);
  void bind(std::string_view value);

  const Connection& connection_;
  sqlite3_stmt* statement_ = nullptr;
  int parameter_ = 0;
  int column_ = 0;
};

/// Rolls back at the end of its scope unless commit() was called.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

}  // namespace visavis::store

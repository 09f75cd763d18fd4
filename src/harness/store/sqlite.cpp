#include "harness/store/sqlite.h"

#include <sqlite3.h>

#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace visavis::store {
namespace {

constexpr int kBusyMilliseconds = 2000;

// "file:" URI of a path; only what has a meaning in URIs is escaped.
std::string uri_of(const std::filesystem::path& path) {
  std::string out = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr std::string_view kHex = "0123456789abcdef";
      out += '%';
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[static_cast<uint8_t>(c) & 15];
    } else {
      out += c;
    }
  }
  return out;
}

int open_file(const std::filesystem::path& path, Connection::Mode mode, sqlite3** handle) {
  if (mode == Connection::Mode::write)
    return sqlite3_open_v2(path.c_str(), handle, SQLITE_OPEN_READWRITE, nullptr);
  if (mode == Connection::Mode::create)
    return sqlite3_open_v2(path.c_str(), handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                           nullptr);
  // Without a log nobody writes and nothing is left over from a crash: such a file can be read even
  // in a read-only folder, and without files of SQLite's own beside it.
  std::error_code ignored;
  const bool has_log = std::filesystem::exists(path.string() + "-wal", ignored);
  return sqlite3_open_v2((uri_of(path) + (has_log ? "" : "?immutable=1")).c_str(), handle,
                         SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
}

}  // namespace

Connection::Connection(const std::filesystem::path& path, Mode mode) : path_(path) {
  std::error_code ignored;
  const bool exists = std::filesystem::exists(path, ignored);
  if (mode == Mode::create)
    require(!exists, "'", path.string(), "' exists already");
  else
    require(exists, "no results store at '", path.string(), "'");
  if (open_file(path, mode, &handle_) != SQLITE_OK) {
    try {
      fail_now("cannot open");
    } catch (...) {
      sqlite3_close(handle_);  // the destructor does not run for a constructor that throws
      throw;
    }
  }
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
}

Connection::~Connection() { sqlite3_close(handle_); }

void Connection::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail_now("cannot write");
}

void Connection::fail_now(std::string_view action) const {
  const int code = sqlite3_errcode(handle_);
  std::string why = sqlite3_errmsg(handle_);
  if (code == SQLITE_FULL) why = "the disk is full";
  if (code == SQLITE_IOERR)
    why = "the system refused to read or write (is the disk full?): error " +
          std::to_string(sqlite3_extended_errcode(handle_));
  if (code == SQLITE_READONLY) why = "it is read-only";
  if (code == SQLITE_NOTADB) why = "it is not a results store";
  if (code == SQLITE_CORRUPT) why = "it is damaged";
  if (code == SQLITE_BUSY) why = "another program is using it";
  fail(action, " '", path_.string(), "': ", why);
}

Statement::Statement(const Connection& connection, std::string_view sql) : connection_(connection) {
  if (sqlite3_prepare_v2(connection.handle(), sql.data(), static_cast<int>(sql.size()), &statement_,
                         nullptr) != SQLITE_OK)
    connection.fail_now("cannot use");
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::reset() {
  sqlite3_reset(statement_);
  parameter_ = 0;
  column_ = 0;
}

bool Statement::step() {
  column_ = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) connection_.fail_now("cannot use");
  return false;
}

void Statement::bind(int64_t value) { sqlite3_bind_int64(statement_, ++parameter_, value); }

void Statement::bind(double value) {
  // SQLite would turn a NaN into NULL; in our tables a negative number says "not known".
  sqlite3_bind_double(statement_, ++parameter_, std::isnan(value) ? -1 : value);
}

void Statement::bind(std::string_view value) {
  sqlite3_bind_text(statement_, ++parameter_, value.data(), static_cast<int>(value.size()),
                    SQLITE_TRANSIENT);
}

int64_t Statement::integer() { return sqlite3_column_int64(statement_, column_++); }

double Statement::real() { return sqlite3_column_double(statement_, column_++); }

std::string Statement::text() {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column_));
  const int size = sqlite3_column_bytes(statement_, column_++);
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<size_t>(size));
}

Transaction::Transaction(Connection& connection) : connection_(connection) {
  connection_.execute(sqlite3_db_readonly(connection_.handle(), "main") == 1 ? "BEGIN"
                                                                             : "BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  // After some failures SQLite has rolled back by itself; a second time does no harm.
  if (open_) sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  connection_.execute("COMMIT");
  open_ = false;
}

}  // namespace visavis::store

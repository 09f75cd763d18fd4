// What a hub says a repository holds. The documents come from outside: paths that would leave the
// folder, sizes and digests that cannot be, and endless lists are refused with an Error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::hub {

struct RemoteFile {
  std::string path;      // relative, with plain names only
  int64_t bytes = -1;    // -1: not said
  std::string sha256;    // of the bytes: 64 lower-case hex digits, or ""
  std::string git_sha1;  // of git's blob (a header and the bytes): 40 lower-case hex digits, or ""
};

struct Listing {
  std::string commit;  // names the snapshot: 40 hex digits
  std::string license;
  std::string base_model;  // ORG/NAME that this was made from, if it says so
  std::vector<RemoteFile> files;
};

/// The digest by which the cache calls a file's bytes, as the hub's own tools do: SHA-256 where it
/// is known, else git's SHA-1; "" if neither is.
const std::string& blob_name(const RemoteFile& file);

/// Whether a path from outside may be created below a folder.
bool is_safe_path(std::string_view path);
/// ORG/NAME in the characters that hubs allow.
bool is_repository_name(std::string_view name);
/// Sets file.sha256 or file.git_sha1 from an ETag ('"..."', 'W/"..."' or bare); false if it is
/// neither.
bool take_etag(std::string_view etag, RemoteFile& file);

/// GET /api/models/ORG/NAME/revision/REVISION?blobs=true: commit, licence and, from hubs that know
/// "blobs", sizes and digests.
Listing parse_huggingface_info(std::string_view text, std::string_view name);
/// One page of GET /api/models/ORG/NAME/tree/COMMIT?recursive=true.
std::vector<RemoteFile> parse_huggingface_tree(std::string_view text, std::string_view name);

struct ModelScopePage {
  std::vector<RemoteFile> files;
  int64_t entries = 0;  // files and folders on this page
  int64_t total = 0;    // of all pages; 0: not said
};
/// One page of GET /api/v1/models/ORG/NAME/repo/files?Revision=...&Recursive=true.
ModelScopePage parse_modelscope_files(std::string_view text, std::string_view name);
/// Forty hex digits that follow from the names and digests of all files: ModelScope's listing names
/// no commit.
std::string content_commit(const std::vector<RemoteFile>& files);

}  // namespace visavis::hub

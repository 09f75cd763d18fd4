// A hub for tests: both hubs' listings and files on one origin, the bytes of large files on another
// one, as the hubs' storage is; well-behaved unless a test says otherwise.
#pragma once

#include <fmt/format.h>
#include <openssl/evp.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/hash.h"
#include "base/rng.h"
#include "base/text.h"
#include "http/test_server.h"

namespace visavis::hub {

struct Manners {
  bool redirects = true;  // files with SHA-256 lie on another origin
  bool ranges = true;     // false: every request brings the whole file
  bool blobs = true;      // the listing says sizes and digests
  bool tree = true;       // so does the tree, in pages of two
  std::string token;      // wanted by the hub itself
  int cuts = 0;           // so many bodies end at a random place
  int refusals = 0;       // so many requests for files get this reply instead:
  std::string refusal = "HTTP/1.1 503 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  int wrong_bytes = 0;       // so many bodies have a wrong byte
  int64_t wrong_total = 0;   // added to what replies call the file's length
  std::string wrong_etag;    // of files
  double pause_seconds = 0;  // before each body
  std::string base_model;    // that the card names
};

class TestHub {
 public:
  static constexpr const char* kRepository = "maker/model";
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

  explicit TestHub(std::map<std::string, std::string> files)
      : files_(std::move(files)),
        storage_([this](const http::ServedRequest& request, const http::Wire& wire) {
          serve_storage(request, wire);
        }),
        hub_([this](const http::ServedRequest& request, const http::Wire& wire) {
          serve_hub(request, wire);
        }) {}

  std::string endpoint() const { return root(hub_); }
  http::TestServer& hub() { return hub_; }
  http::TestServer& storage() { return storage_; }
  const std::map<std::string, std::string>& files() const { return files_; }
  /// One more repository; before the first request.
  void add(const std::string& repository, std::map<std::string, std::string> files) {
    others_[repository] = std::move(files);
  }
  void behave(const std::function<void(Manners&)>& change) {
    const std::lock_guard lock(mutex_);
    change(manners_);
  }
  Manners manners() const {
    const std::lock_guard lock(mutex_);
    return manners_;
  }
  /// Bytes of bodies of files that were sent.
  int64_t sent() const { return sent_; }

  static bool is_large(const std::string& path) {
    return path.ends_with(".safetensors") || path.ends_with(".gguf") || path.ends_with(".bin");
  }
  static std::string git_sha1(const std::string& bytes) {
    const std::string blob = "blob " + std::to_string(bytes.size()) + '\0' + bytes;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(blob.data(), blob.size(), digest, &size, EVP_sha1(), nullptr);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
    return hex;
  }

 private:
  static std::string root(const http::TestServer& server) {
    const std::string url = server.url();
    return url.substr(0, url.size() - 3);
  }

  static std::string header(const http::ServedRequest& request, const std::string& name) {
    const size_t at = request.head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const size_t begin = at + name.size() + 4;
    return request.head.substr(begin, request.head.find("\r\n", begin) - begin);
  }

  void serve_hub(const http::ServedRequest& request, const http::Wire& wire) {
    const std::string target = base::split(request.head, ' ').at(1);
    const Manners now = manners();
    if (!now.token.empty() && header(request, "Authorization") != "Bearer " + now.token)
      return wire.reply(401, "text/plain", "", "X-Error-Message: Repository not found\r\n");
    const std::string name = kRepository;
    if (target.starts_with("/api/models/" + name + "/tree/")) return reply_tree(target, now, wire);
    if (target.starts_with("/api/v1/models/" + name + "/repo/files?"))
      return wire.reply(200, "application/json", base::dump_json(modelscope_listing(target)));
    const std::string modelscope = "/api/v1/models/" + name + "/repo?Revision=master&FilePath=";
    const std::string* found = nullptr;
    std::string path;
    for (const auto& [repository, files] : all()) {
      if (target == "/api/models/" + repository + "/revision/main?blobs=true")
        return wire.reply(200, "application/json", base::dump_json(info(now, *files)));
      const std::string resolve = "/" + repository + "/resolve/" + kCommit + "/";
      for (const std::string& prefix : {resolve, modelscope})
        if (target.starts_with(prefix) && files->contains(target.substr(prefix.size()))) {
          path = target.substr(prefix.size());
          found = &files->at(path);
        }
    }
    if (found == nullptr) return wire.reply(404, "text/plain", "Entry not found");
    if (refuse(wire)) return;
    const std::string digest = is_large(path) ? base::sha256_hex(*found) : git_sha1(*found);
    const std::string etag = now.wrong_etag.empty() ? digest : now.wrong_etag;
    if (!is_large(path) || !now.redirects)
      return send_file(request, wire, *found, "ETag: \"" + etag + "\"\r\n");
    wire.reply(302, "text/plain", "Found",
               "Location: " + root(storage_) + "/" + digest + "?signature=1\r\nX-Linked-Etag: \"" +
                   etag + "\"\r\nX-Linked-Size: " + std::to_string(found->size()) +
                   "\r\nX-Repo-Commit: " + kCommit + "\r\n");
  }

  void serve_storage(const http::ServedRequest& request, const http::Wire& wire) {
    const std::string target = base::split(request.head, ' ').at(1);
    if (refuse(wire)) return;
    for (const auto& [repository, files] : all())
      for (const auto& [path, bytes] : *files)
        if (base::sha256_hex(bytes) == target.substr(1, 64))
          return send_file(request, wire, bytes, "ETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\n");
    wire.reply(404, "text/plain", "");
  }

  bool refuse(const http::Wire& wire) {
    std::string refusal;
    {
      const std::lock_guard lock(mutex_);
      if (manners_.refusals == 0) return false;
      --manners_.refusals;
      refusal = manners_.refusal;
    }
    wire.send(refusal);
    return true;
  }

  void send_file(const http::ServedRequest& request, const http::Wire& wire,
                 const std::string& bytes, const std::string& headers) {
    const Manners now = manners();
    size_t first = 0;
    size_t last = bytes.size() - 1;
    const std::string range = header(request, "Range");
    const bool partial = now.ranges && range.starts_with("bytes=");
    if (partial) {
      first = std::stoul(range.substr(6));
      last = std::min(last, static_cast<size_t>(std::stoul(range.substr(range.find('-') + 1))));
    }
    std::string body = bytes.substr(first, last - first + 1);
    const auto total = std::to_string(static_cast<int64_t>(bytes.size()) + now.wrong_total);
    const auto length =
        std::to_string(partial ? static_cast<int64_t>(body.size())
                               : static_cast<int64_t>(body.size()) + now.wrong_total);
    {
      const std::lock_guard lock(mutex_);
      if (manners_.wrong_bytes > 0) {
        --manners_.wrong_bytes;
        body[body.size() / 2] = static_cast<char>(body[body.size() / 2] + 1);
      }
      if (manners_.cuts > 0 && body.size() > 1) {
        --manners_.cuts;
        body.resize(1 + rng_.below(body.size() - 1));
      }
    }
    if (now.pause_seconds > 0) wire.pause(now.pause_seconds);
    wire.send((partial ? "HTTP/1.1 206 X\r\nContent-Range: bytes " + std::to_string(first) + "-" +
                             std::to_string(last) + "/" + total + "\r\n"
                       : std::string("HTTP/1.1 200 X\r\n")) +
              "Content-Length: " + length + "\r\nConnection: close\r\n" + headers + "\r\n" + body);
    sent_ += static_cast<int64_t>(body.size());
  }

  using Files = std::map<std::string, std::string>;
  std::map<std::string, const Files*> all() const {
    std::map<std::string, const Files*> repositories = {{kRepository, &files_}};
    for (const auto& [name, files] : others_) repositories[name] = &files;
    return repositories;
  }

  static base::Json info(const Manners& now, const Files& files) {
    base::Json siblings = base::Json::array();
    for (const auto& [path, bytes] : files) {
      base::Json entry = {{"rfilename", path}};
      if (now.blobs) {
        entry["size"] = bytes.size();
        entry["blobId"] = git_sha1(bytes);
        if (is_large(path))
          entry["lfs"] = {
              {"sha256", base::sha256_hex(bytes)}, {"size", bytes.size()}, {"pointerSize", 134}};
      }
      siblings.push_back(entry);
    }
    base::Json card = {{"license", "apache-2.0"}};
    if (!now.base_model.empty()) card["base_model"] = base::Json::array({now.base_model});
    return {{"sha", kCommit}, {"cardData", card}, {"siblings", siblings}};
  }

  void reply_tree(const std::string& target, const Manners& now, const http::Wire& wire) const {
    const size_t cursor = target.find("cursor=");
    const size_t begin = cursor == std::string::npos ? 0 : std::stoul(target.substr(cursor + 7));
    base::Json page = {{{"type", "directory"}, {"oid", "0"}, {"path", "folder"}}};
    size_t at = 0;
    for (const auto& [path, bytes] : files_) {
      if (at >= begin && at < begin + 2) {
        base::Json entry = {{"type", "file"}, {"path", path}};
        if (now.tree) {
          entry["size"] = bytes.size();
          entry["oid"] = git_sha1(bytes);
          if (is_large(path))
            entry["lfs"] = {{"oid", base::sha256_hex(bytes)}, {"size", bytes.size()}};
        }
        page.push_back(entry);
      }
      ++at;
    }
    const std::string next =
        begin + 2 >= files_.size()
            ? std::string()
            : "Link: <" + endpoint() + "/api/models/" + kRepository + "/tree/" + kCommit +
                  "?recursive=true&cursor=" + std::to_string(begin + 2) + ">; rel=\"next\"\r\n";
    wire.reply(200, "application/json", base::dump_json(page), next);
  }

  base::Json modelscope_listing(const std::string& target) const {
    const size_t number = target.find("PageNumber=");
    const size_t page = number == std::string::npos ? 1 : std::stoul(target.substr(number + 11));
    base::Json files = base::Json::array();
    size_t at = 0;
    for (const auto& [path, bytes] : files_) {
      if (at++ / 2 != page - 1) continue;
      files.push_back({{"Path", path},
                       {"Type", "blob"},
                       {"Size", bytes.size()},
                       {"Sha256", base::sha256_hex(bytes)},
                       {"IsLFS", is_large(path)}});
    }
    return {{"Code", 200},
            {"Success", true},
            {"Data", {{"Files", files}, {"TotalCount", files_.size()}}}};
  }

  std::map<std::string, std::string> files_;
  std::map<std::string, std::map<std::string, std::string>> others_;
  mutable std::mutex mutex_;
  Manners manners_;
  base::Rng rng_{7};
  std::atomic<int64_t> sent_{0};
  http::TestServer storage_;
  http::TestServer hub_;
};

}  // namespace visavis::hub

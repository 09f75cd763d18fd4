#include "hub/hubs.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "http/url.h"
#include "hub/cache.h"

namespace visavis::hub {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxTokenBytes = 4096;
constexpr int kMaxPages = 1000;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(base::trim(value));
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

// A token becomes part of a header, so that it may hold no line break.
std::string checked_token(std::string token, const std::string& from) {
  for (const char c : token)
    require(c > 32 && c < 127, "the token of ", from, " holds a character that no token has");
  return token;
}

std::string token_of_file(const fs::path& path) {
  std::error_code ignored;
  if (path.empty() || !fs::is_regular_file(path, ignored)) return {};
  const std::string text = base::read_file(path, kMaxTokenBytes);
  return checked_token(std::string(base::trim(text)), path.string());
}

HubSettings huggingface_settings() {
  HubSettings settings{.endpoint = without_slash(environment("HF_ENDPOINT")), .token = {}};
  if (settings.endpoint.empty()) settings.endpoint = "https://huggingface.co";
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})
    if (settings.token.empty()) settings.token = checked_token(environment(name), name);
  const std::string implicit = environment("HF_HUB_DISABLE_IMPLICIT_TOKEN");
  if (!settings.token.empty() || (!implicit.empty() && implicit != "0")) return settings;
  const std::string path = environment("HF_TOKEN_PATH");
  const fs::path home = default_hub_home();
  settings.token = token_of_file(!path.empty()  ? fs::path(path)
                                 : home.empty() ? fs::path()
                                                : home / "token");
  return settings;
}

std::vector<std::string> bearer(const std::string& token) {
  if (token.empty()) return {};
  return {"Authorization: Bearer " + token};
}

Listing list_huggingface(Session& session, const std::string& endpoint,
                         const std::string& repository, const std::string& revision) {
  const std::string api = endpoint + "/api/models/" + http::escape_url(repository, true);
  const std::string what = "repository '" + repository + "'";
  Listing listing = parse_huggingface_info(
      session.page(api + "/revision/" + http::escape_url(revision, false) + "?blobs=true", what)
          .body,
      what);
  const bool complete = std::all_of(
      listing.files.begin(), listing.files.end(),
      [](const RemoteFile& file) { return file.bytes >= 0 && !blob_name(file).empty(); });
  if (complete) return listing;
  // A mirror that does not know "blobs".
  std::vector<RemoteFile> files;
  std::string url = api + "/tree/" + listing.commit + "?recursive=true";
  for (int page = 0; !url.empty(); ++page) {
    require(page < kMaxPages, what, ": its listing does not end");
    const Session::Page tree = session.page(url, what);
    for (RemoteFile& file : parse_huggingface_tree(tree.body, what))
      files.push_back(std::move(file));
    url = tree.next;
  }
  listing.files = std::move(files);
  return listing;
}

std::string huggingface_file(const std::string& endpoint, const std::string& repository,
                             const std::string& at, const std::string& path) {
  return endpoint + "/" + http::escape_url(repository, true) + "/resolve/" +
         http::escape_url(at, false) + "/" + http::escape_url(path, true);
}

HubSettings modelscope_settings() {
  HubSettings settings{
      .endpoint = without_slash(environment("MODELSCOPE_ENDPOINT")),
      .token = checked_token(environment("MODELSCOPE_API_TOKEN"), "MODELSCOPE_API_TOKEN")};
  const std::string domain = environment("MODELSCOPE_DOMAIN");
  if (settings.endpoint.empty())
    settings.endpoint = "https://" + (domain.empty() ? "www.modelscope.cn" : domain);
  return settings;
}

// The API takes the token as such; private repositories of old want it as their session's cookie.
std::vector<std::string> modelscope_credentials(const std::string& token) {
  if (token.empty()) return {};
  return {"Authorization: Bearer " + token, "Cookie: m_session_id=" + token};
}

Listing list_modelscope(Session& session, const std::string& endpoint,
                        const std::string& repository, const std::string& revision) {
  const std::string what = "repository '" + repository + "'";
  const std::string url =
      endpoint + "/api/v1/models/" + http::escape_url(repository, true) +
      "/repo/files?Recursive=true&Revision=" + http::escape_url(revision, false);
  Listing listing;
  int64_t seen = 0;
  int64_t page_size = 0;
  for (int number = 1;; ++number) {
    require(number < kMaxPages, what, ": its listing does not end");
    const std::string more = number == 1 ? std::string()
                                         : "&PageNumber=" + std::to_string(number) +
                                               "&PageSize=" + std::to_string(page_size);
    ModelScopePage page = parse_modelscope_files(session.page(url + more, what).body, what);
    for (RemoteFile& file : page.files) listing.files.push_back(std::move(file));
    seen += page.entries;
    if (number == 1) page_size = page.entries;
    if (page.entries == 0 || seen >= page.total) break;
  }
  listing.commit = content_commit(listing.files);
  return listing;
}

std::string modelscope_file(const std::string& endpoint, const std::string& repository,
                            const std::string& at, const std::string& path) {
  return endpoint + "/api/v1/models/" + http::escape_url(repository, true) +
         "/repo?Revision=" + http::escape_url(at, false) +
         "&FilePath=" + http::escape_url(path, false);
}

constexpr Hub kHubs[] = {
    {"huggingface", "main", "",
     "HF_TOKEN, HUGGING_FACE_HUB_TOKEN, or the file that HF_TOKEN_PATH names "
     "(~/.cache/huggingface/token)",
     &huggingface_settings, &bearer, &list_huggingface, &huggingface_file, true,
     &Repository::huggingface},
    {"modelscope", "master", "modelscope/", "MODELSCOPE_API_TOKEN", &modelscope_settings,
     &modelscope_credentials, &list_modelscope, &modelscope_file, false, &Repository::modelscope},
};

}  // namespace

std::span<const Hub> hubs() { return kHubs; }

const Hub& find_hub(std::string_view name) {
  std::vector<std::string> known;
  for (const Hub& hub : kHubs) {
    if (hub.name == name) return hub;
    known.emplace_back(hub.name);
  }
  fail("no hub '", name, "'; known: ", base::join(known, ", "));
}

}  // namespace visavis::hub

#include "http/client.h"

#include <curl/curl.h>

#include <array>
#include <cctype>
#include <chrono>
#include <exception>
#include <mutex>

#include "base/error.h"
#include "base/text.h"

namespace visavis::http {
namespace {

constexpr int kPollMilliseconds = 50;
constexpr size_t kMostHeaders = 200;
constexpr size_t kLongestHeader = 8192;

long milliseconds(double seconds) { return static_cast<long>(seconds * 1000 + 0.5); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool is_this_machine(const std::string& url) {
  for (const char* host : {"://127.", "://localhost:", "://localhost/", "://[::1]"})
    if (url.find(host) != std::string::npos) return true;
  return false;
}

// What curl's callbacks see of one transfer.
struct Transfer {
  Reply reply;
  const std::function<void(const Reply&, std::string_view)>& use;
  std::chrono::steady_clock::time_point last_byte;
  std::exception_ptr refused;
};

size_t on_header(char* bytes, size_t size, size_t count, void* pointer) {
  auto& transfer = *static_cast<Transfer*>(pointer);
  transfer.last_byte = std::chrono::steady_clock::now();
  const std::string_view line = base::trim({bytes, size * count});
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    if (line.starts_with("HTTP/")) transfer.reply = {};  // after an interim reply
    return size * count;
  }
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = base::trim(line.substr(colon + 1));
  if (transfer.reply.headers.size() < kMostHeaders)
    transfer.reply.headers.emplace_back(name, value.substr(0, kLongestHeader));
  if (name == "content-type") transfer.reply.content_type = lower(value.substr(0, value.find(';')));
  if (name == "retry-after") transfer.reply.retry_after = std::string(value);
  return size * count;
}

}  // namespace

std::string_view Reply::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

struct Client::State {
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
};

namespace {

size_t on_body(char* bytes, size_t size, size_t count, void* pointer) {
  auto& [transfer, easy] = *static_cast<std::pair<Transfer&, CURL*>*>(pointer);
  transfer.last_byte = std::chrono::steady_clock::now();
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  transfer.reply.status = static_cast<int>(status);
  // Exceptions must not pass through curl's frames.
  try {
    transfer.use(transfer.reply, {bytes, size * count});
  } catch (...) {
    transfer.refused = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
  return size * count;
}

}  // namespace

Client::Client() : state_(std::make_unique<State>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  state_->multi = curl_multi_init();
  state_->easy = curl_easy_init();
  require(state_->multi != nullptr && state_->easy != nullptr, "cannot start an HTTP client");
}

Client::~Client() {
  curl_easy_cleanup(state_->easy);
  curl_multi_cleanup(state_->multi);
}

Reply Client::send(const std::string& url, const std::vector<std::string>& headers,
                   const std::string* body, const Limits& limits,
                   const std::atomic<bool>& cancelled,
                   const std::function<void(const Reply& head, std::string_view bytes)>& use) {
  CURL* easy = state_->easy;
  curl_easy_reset(easy);
  Transfer transfer{{}, use, std::chrono::steady_clock::now(), nullptr};
  std::pair<Transfer&, CURL*> body_target{transfer, easy};
  std::array<char, CURL_ERROR_SIZE> why{};
  curl_slist* list = nullptr;
  for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why.data());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(limits.total_seconds));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(limits.connect_seconds));
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body_target);
  if (is_this_machine(url)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (body != nullptr) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
  }
  curl_multi_add_handle(state_->multi, easy);
  bool stalled = false;
  CURLcode code = CURLE_OK;
  for (int running = 1; running > 0;) {
    const CURLMcode step = curl_multi_perform(state_->multi, &running);
    if (step != CURLM_OK) {
      code = CURLE_FAILED_INIT;
      break;
    }
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(state_->multi, &left))
      if (message->msg == CURLMSG_DONE) code = message->data.result;
    if (running == 0) break;
    const std::chrono::duration<double> silence =
        std::chrono::steady_clock::now() - transfer.last_byte;
    stalled = silence.count() > limits.stall_seconds;
    transfer.reply.cancelled = cancelled;
    if (stalled || transfer.reply.cancelled) break;
    curl_multi_poll(state_->multi, nullptr, 0, kPollMilliseconds, nullptr);
  }
  curl_multi_remove_handle(state_->multi, easy);
  curl_slist_free_all(list);
  if (transfer.refused) std::rethrow_exception(transfer.refused);
  Reply reply = std::move(transfer.reply);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  if (stalled) {
    std::ostringstream line;
    line << "nothing came for " << limits.stall_seconds << " s";
    reply.error = line.str();
  } else if (code != CURLE_OK) {
    reply.error = why[0] != '\0' ? why.data() : curl_easy_strerror(code);
  }
  return reply;
}

}  // namespace visavis::http

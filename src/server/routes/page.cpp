// GET / and the page's files, from inside the program.
#include "page/page.h"

#include "base/hash.h"
#include "server/api_error.h"
#include "server/exchange.h"
#include "server/routes.h"

namespace visavis::server {

void page(const ExchangePtr& exchange, Context& /*context*/) {
  const std::string& path = exchange->request().path;
  std::optional<visavis::page::File> file =
      visavis::page::file(path == "/" ? "index.html" : path.substr(1));
  if (!file) throw ApiError(404, "no such file");
  // Programs of another build have other files under the same names.
  const std::string tag = "\"" + base::sha256_hex(file->bytes).substr(0, 16) + "\"";
  Response response{.content_type = std::string(file->mime),
                    .headers = {{"ETag", tag},
                                {"Cache-Control", "no-cache"},
                                {"Content-Security-Policy",
                                 "default-src 'self'; img-src 'self' data: blob:; "
                                 "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}}};
  if (exchange->request().if_none_match == tag)
    response.status = 304;
  else
    response.body = std::move(file->bytes);
  exchange->respond(std::move(response));
}

}  // namespace visavis::server

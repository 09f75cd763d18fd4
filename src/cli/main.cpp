// visavis: one program, one file per command (verbs.cpp lists them).
#include <iostream>

#include "base/error.h"
#include "cli/verbs.h"

int main(int argc, char** argv) {
  using namespace visavis;
  CLI::App app(
      "Puts vision-language models side by side on your pictures, your machine and your budget.",
      "visavis");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("visavis ") + cli::kVersion);
  int exit_code = cli::kDone;
  for (const cli::Verb& verb : cli::verbs()) verb.add(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cli::kDone : cli::kUsage;
  } catch (const std::exception& error) {
    std::cerr << "visavis: " << error.what() << "\n";
    return cli::kFailed;
  }
  return exit_code;
}

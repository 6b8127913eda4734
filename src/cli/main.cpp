#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "src/cli/keys.h"
#include "src/cli/launch.h"

namespace {

// The exit code that shells use for a wrong command line.
constexpr int kUsageError = 2;

// The program must be given, although it is not an option.
class LaunchFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string name) const override {
    return "Usage: " + name + " [OPTIONS] program.py [args]\n";
  }
};

int no_command(std::string_view name) {
  fmt::print(stderr,
             "tine: unknown command '{}'; expected `tine launch`, `tine graph` or `tine keys` (`tine --help` "
             "describes them)\n",
             name);
  return kUsageError;
}

int run(int argc, char** argv) {
  CLI::App app("tine: one asynchronous runtime for tensor programs", "tine");
  app.set_version_flag("--version", "tine " TINE_VERSION);
  app.require_subcommand(1);

  tine::cli::LaunchOptions options;
  double grace = 5.0;
  CLI::App* launch = app.add_subcommand(
      "launch",
      "Starts a program in N processes, which find each other by RANK, WORLD_SIZE, MASTER_ADDR,\n"
      "MASTER_PORT and share the secret TINE_AUTH_KEY. Each line of their output gets its rank in "
      "front.\n"
      "When one fails the others are ended, and its exit code is returned. With --keep-going they are "
      "left to go on.");
  launch->add_option("-n,--processes", options.count, "how many processes to start here")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  launch->add_option("--master-addr", options.master_addr, "address of rank 0")->capture_default_str();
  launch->add_option("--master-port", options.master_port, "port of rank 0; 0 picks a free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  launch->add_option("--first-rank", options.first_rank, "rank of the first process started here")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  launch
      ->add_option("--world-size", options.world_size,
                   "processes on all machines; 0 means first rank + processes")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  launch->add_flag(
      "--pytorch", options.pytorch,
      "run it by python -m tine.pytorch: torch.distributed.rpc over tine (or, after --, -m module)");
  launch->add_flag(
      "--keep-going", options.keep_going,
      "when a process fails, leave the others to go on; the first failure's exit code is returned");
  launch->add_option("--grace", grace, "seconds between asking a process to end and killing it")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  launch->footer(
      "program.py [args]: the program and its arguments come last, after -- if they start with a "
      "dash. A .py file is run by Python, anything else as it is: a worker in C++, or another command.\n");
  launch->formatter(std::make_shared<LaunchFormatter>());
  // All arguments from the name of the program on belong to the program.
  launch->prefix_command();

  tine::cli::KeysOptions keys_options;
  CLI::App* keys = app.add_subcommand(
      "keys",
      "Makes certificates with which workers encrypt TCP (TLS), and an authority that signs them.\n"
      "Prints what to set. Nothing is overwritten; an authority that lies in the folder signs more.");
  keys->add_option("folder", keys_options.folder, "where the files go; only its owner may read them")
      ->required();
  keys->add_option("workers", keys_options.workers,
                   "names of workers, a certificate for each; without names one that serves every worker");
  keys->add_option("--days", keys_options.days, "for how long the certificates are valid")
      ->check(CLI::Range(1, 36500))
      ->capture_default_str();

  CLI::App* graph = app.add_subcommand(
      "graph",
      "Shows what a script function of a Python file is compiled to: tine graph file.py:name\n"
      "[--emit tree|ir|code|dot|svg] [--inline] [-o FILE]. Runs the file.");
  graph->prefix_command();

  const std::string_view command = argc > 1 ? argv[1] : "";
  // All of its arguments, --help too, are those of the program in the package.
  if (command == "graph") tine::cli::become_module("tine.jit._show", {argv + 2, argv + argc});
  if (command == "help") {
    const std::string_view about = argc > 2 ? argv[2] : "";
    if (!about.empty() && about != "launch" && about != "keys" && about != "graph") return no_command(about);
    fmt::print("{}", about == "launch"  ? launch->help("tine")
                     : about == "keys"  ? keys->help("tine")
                     : about == "graph" ? graph->help("tine")
                                        : app.help());
    return 0;
  }
  if (!command.empty() && !command.starts_with("-") && command != "launch" && command != "keys")
    return no_command(command);

  // `--` ends the options, unless it comes after the name of the program: then it is an argument of the program.
  int separator = 1;
  while (separator < argc && std::string_view(argv[separator]) != "--") ++separator;
  try {
    app.parse(separator, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  if (keys->parsed()) return tine::cli::make_keys(keys_options);
  options.command = launch->remaining();
  if (options.command.empty()) ++separator;
  for (int i = separator; i < argc; ++i) options.command.emplace_back(argv[i]);
  const bool is_option = separator >= argc && !options.command.empty();
  options.grace = std::chrono::milliseconds(static_cast<long>(grace * 1000));
  if (options.command.empty()) {
    fmt::print(stderr, "tine launch: no program given; expected `tine launch -n {} program.py [args]`\n",
               options.count);
    return kUsageError;
  }
  if (is_option && options.command.front().starts_with("-")) {
    fmt::print(stderr, "tine launch: unknown option '{}'; `tine launch --help` lists them\n",
               options.command.front());
    return kUsageError;
  }
  return tine::cli::launch(options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tine {}: {}\n", argc > 1 ? argv[1] : "launch", error.what());
    return kUsageError;
  }
}

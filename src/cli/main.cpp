// `fnstack`: reads the command line and hands it to one of the commands. The only source that compiles CLI11, and
// the one that says what bad usage is. What the arguments mean is the commands' business: they get them as typed.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include <fnstack/step_kind.hpp>

#include "base/suggest.hpp"
#include "cli/cli.hpp"
#include "cli/output.hpp"

namespace {

using namespace fnstack::cli;

// One argument each time it is given: without this an option that may be repeated would take all that follows.
CLI::Option* add_list(CLI::App& command, const std::string& name, std::vector<std::string>& unused,
                      const std::string& type, const std::string& description) {
  return command.add_option(name, unused, description)->type_name(type)->allow_extra_args(false);
}

CLI::Option* add_text(CLI::App& command, const std::string& name, std::string& unused, const std::string& type,
                      const std::string& description) {
  return command.add_option(name, unused, description)->type_name(type);
}

// Where CLI11 puts what it has read. Nothing looks there: it takes "{}" and "[...]" for lists of its own, so what was
// typed is taken from Option::results() instead.
struct Unused {
  std::string text;
  std::vector<std::string> list;
  bool flag = false;
};

std::optional<std::string> text_of(const CLI::Option* option) {
  if (option->count() == 0) return std::nullopt;
  return option->results().back();
}

std::vector<std::string> list_of(const CLI::Option* option) { return option->results(); }

struct RunOptionsTyped {
  CLI::Option *file, *flow, *inputs, *env, *env_file, *functions, *cache, *database, *rewrite, *allow_host, *timeout,
      *limit, *trace, *repeat, *concurrency, *allow_private, *skip_waits;
};

RunOptionsTyped declare_run(CLI::App& run, Unused& unused) {
  RunOptionsTyped typed{};
  typed.file =
      add_text(run, "file", unused.text, "FILE", "the definition: JSON, or Markdown with JSON in it")->required();

  constexpr const char* what = "What runs";
  typed.flow = add_text(run, "--flow", unused.text, "NAME", "which definition, if the file has several")->group(what);
  typed.inputs =
      add_text(run, "--inputs", unused.text, "JSON|@FILE|-", "its inputs, an object; - reads stdin")->group(what);
  typed.env = add_list(run, "--env", unused.list, "K=V|NAME",
                       "what {{env.K}} sees; NAME alone takes it from the process environment")
                  ->group(what);
  typed.env_file = add_list(run, "--env-file", unused.list, "FILE", "the same from a file of K=V lines")->group(what);
  typed.functions = add_list(run, "--functions", unused.list, "FILE", "definitions that can be called")->group(what);

  constexpr const char* world = "What it reaches";
  typed.cache =
      add_text(run, "--cache", unused.text, "memory|redis://...", "default: memory, gone at the end")->group(world);
  typed.database = add_text(run, "--database", unused.text, "sqlite:PATH|sqlite::memory:|postgresql://...",
                            "default: sqlite::memory:, gone at the end")
                       ->group(world);
  typed.rewrite = add_list(run, "--rewrite", unused.list, "ORIGIN=ORIGIN",
                           "connect elsewhere: https://api.example.com=http://127.0.0.1:4010")
                      ->group(world);
  typed.allow_host =
      add_list(run, "--allow-host", unused.list, "HOST[:PORT]", "may be reached although its address is not public")
          ->group(world);
  typed.allow_private =
      run.add_flag("--allow-private", unused.flag, "so may all private and loopback addresses")->group(world);

  constexpr const char* how = "How it runs";
  typed.skip_waits = run.add_flag("--skip-waits", unused.flag, "a virtual clock: waits take no time")->group(how);
  typed.timeout =
      add_text(run, "--timeout", unused.text, "S", "ends the run as failed after so many seconds")->group(how);
  typed.limit = add_list(run, "--limit", unused.list, "NAME=VALUE", "steps=1000, wall_s=60, ...")->group(how);
  typed.trace = add_text(run, "--trace", unused.text, "FILE", "writes what happens as JSON Lines")->group(how);
  typed.repeat = add_text(run, "--repeat", unused.text, "N", "runs it so often and prints statistics only")->group(how);
  typed.concurrency = add_text(run, "--concurrency", unused.text, "C", "so many of them at a time")->group(how);

  run.footer(
      "Prints one JSON object: status, response, variables, error, stats.\n"
      "Exit status: 0 completed; 1 failed or cancelled; 2 bad usage or an invalid definition.");
  return typed;
}

RunCommand to_command(const RunOptionsTyped& typed) {
  RunCommand command;
  command.file = text_of(typed.file).value_or("");
  command.flow = text_of(typed.flow);
  command.inputs = text_of(typed.inputs);
  command.env = list_of(typed.env);
  command.env_files = list_of(typed.env_file);
  command.functions = list_of(typed.functions);
  command.cache = text_of(typed.cache);
  command.database = text_of(typed.database);
  command.rewrites = list_of(typed.rewrite);
  command.allow_hosts = list_of(typed.allow_host);
  command.allow_private = typed.allow_private->count() > 0;
  command.skip_waits = typed.skip_waits->count() > 0;
  command.timeout = text_of(typed.timeout);
  command.limits = list_of(typed.limit);
  command.trace = text_of(typed.trace);
  command.repeat = text_of(typed.repeat);
  command.concurrency = text_of(typed.concurrency);
  return command;
}

// What CLI11 says, in our words where they help more: the word that was probably meant.
std::string words_for(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  std::vector<std::string_view> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(command->get_name());
  }
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (chosen.empty()) {
    if (argc < 2) return "expected a command: run, check or eval";
    const std::string_view word = argv[1];
    std::string message = "there is no command \"" + std::string(word) + "\"";
    if (const auto near = fnstack::suggest(word, commands)) return message + fnstack::did_you_mean(near);
    return message + "; expected run, check or eval";
  }
  const CLI::App& command = *chosen.front();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    for (const std::string& extra : command.remaining()) {
      const std::string word = extra.substr(0, extra.find('='));
      if (word.size() < 2 || word[0] != '-') continue;
      std::string message = command.get_name() + ": there is no option \"" + word + "\"";
      message += fnstack::did_you_mean(fnstack::suggest(word, known));
      return message;
    }
    const std::vector<std::string> extras = command.remaining();
    if (!extras.empty()) return command.get_name() + ": one argument too many: \"" + extras.front() + "\"";
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const std::string text = error.what();
    const std::string option = text.substr(0, text.find(':'));
    const bool too_many = text.find("At Most") != std::string::npos;
    return command.get_name() + ": " + option + (too_many ? ": given twice" : ": expected a value after it");
  }
  return command.get_name() + ": " + error.what();
}

int read_and_run(int argc, char** argv) {
  CLI::App app("fnstack runs function stacks: workflows written as JSON.", "fnstack");
  app.set_version_flag("--version", "fnstack " FNSTACK_VERSION, "print the version");
  app.require_subcommand(1);
  app.get_formatter()->column_width(44);
  Unused unused;

  CLI::App* run_app = app.add_subcommand("run", "run a definition and print what came of it");
  const RunOptionsTyped typed = declare_run(*run_app, unused);

  CLI::App* check_app = app.add_subcommand("check", "say everything that is wrong with definitions");
  CLI::Option* files = check_app->add_option("files", unused.list, "definitions; they may call one another's")
                           ->type_name("FILE...")
                           ->required();
  CLI::Option* format = check_app->add_option("--format", unused.text, "default: text")->type_name("text|json");
  check_app->footer("Exit status: 0 nothing wrong, or warnings only; 1 errors; 2 bad usage or an unreadable file.");

  CLI::App* eval_app = app.add_subcommand("eval", "evaluate a template");
  CLI::Option* text = eval_app->add_option("template", unused.text, "such as '{{price * 2}}'")->type_name("TEMPLATE");
  CLI::Option* vars =
      eval_app->add_option("--vars", unused.text, "the names it may use, an object")->type_name("JSON|@FILE");
  CLI::Option* batch = eval_app->add_flag("--batch", unused.flag,
                                          "reads {\"template\",\"vars\"} from stdin, one a line; answers"
                                          " {\"value\"} or {\"error\"}, one a line");

  CLI::App* reference_app = app.add_subcommand("reference", "print the reference of all steps, in Markdown");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" too, of exit code 0.
    if (error.get_exit_code() == 0) {
      app.exit(error, std::cout, std::cerr);
      return std::cout.flush() ? status_ok : status_failed;
    }
    const int status = refuse(words_for(app, error, argc, argv));
    tell("try: fnstack " + (app.get_subcommands().empty() ? "" : app.get_subcommands().front()->get_name() + " ") +
         "--help\n");
    return status;
  }

  if (run_app->parsed()) return run(to_command(typed));
  if (check_app->parsed()) {
    CheckCommand command;
    command.files = list_of(files);
    const std::string wanted = text_of(format).value_or("text");
    if (wanted != "text" && wanted != "json") return refuse("--format: expected text or json, got \"" + wanted + "\"");
    command.json = wanted == "json";
    return check(command);
  }
  if (reference_app->parsed()) return reference();
  EvalCommand command;
  command.text = text_of(text);
  command.vars = text_of(vars);
  command.batch = batch->count() > 0;
  return eval(command);
}

}  // namespace

int fnstack::cli::reference() { return print(step_reference(builtin_step_kinds())) ? status_ok : status_failed; }

// A standard stream that is closed would become the first file that is opened, and results would end up in it. What
// takes its place refuses to be used, so that stays an error.
static void fill_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    if (::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

int main(int argc, char** argv) {
  fill_standard_streams();
  // A reader that goes away is an error of the write, not a death.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return read_and_run(argc, argv);
  } catch (const std::bad_alloc&) {
    complain("out of memory");
  } catch (const std::exception& error) {
    complain(std::string("unexpected: ") + error.what());
  }
  return status_failed;
}

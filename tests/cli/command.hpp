// Runs the real `fnstack` as a process of its own, with what it is given on stdin, and tells what it said and how it
// ended.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace fnstack_test {

struct Said {
  int status = -1;  // the exit status; 128 + the signal that ended it
  std::string out, err;
};

// The environment is empty but for `environment` ("K=V").
Said fnstack(const std::vector<std::string>& arguments, const std::string& input = "",
             const std::vector<std::string>& environment = {});
// The same with a process that is still there: `meanwhile` gets its id before its output is read to the end.
Said fnstack_meanwhile(const std::vector<std::string>& arguments, const std::function<void(pid_t)>& meanwhile);
// Its stdin and stdout as a dialogue: sends a line, then waits for one, for each of `lines`; the answers.
std::vector<std::string> fnstack_dialogue(const std::vector<std::string>& arguments,
                                          const std::vector<std::string>& lines);

void write_file(const std::string& path, const std::string& text);
std::string read_file(const std::string& path);

}  // namespace fnstack_test

// What bench_growth's rows are made of: a row prepares work of a size and does it; the cost at 8 n is set against n.
#pragma once

#include <fnstack/fnstack.hpp>
#include <functional>
#include <string>
#include <vector>

namespace bench {

using Work = std::function<void()>;

struct Growth {
  std::string name;
  long n;                           // the smallest size; it is measured at 1, 2, 4 and 8 times that
  std::function<Work(long)> begin;  // prepares work of a size; only what it answers is measured
  double most = 13;                 // cost at 8 n / cost at n; 8 is linear, the rest is for caches; 0: told, not judged
};

// A text of `count` parts with commas between.
template <class Part>
std::string listed(long count, Part part, std::string_view between = ",") {
  std::string text;
  for (long i = 0; i < count; ++i) {
    if (i > 0) text += between;
    text += part(i);
  }
  return text;
}
inline std::string number(long i) { return std::to_string(i); }
// A JSON string.
inline std::string in_quotes(std::string_view text) {
  std::string out;
  fnstack::append_json_string(out, text);
  return out;
}

// A merge sort of records that leave the processor's cache.
inline constexpr double most_of_sorts = 16;

// No limit of a run or a text.
[[nodiscard]] fnstack::Limits boundless();

// Running a definition; `inputs` may be null for {"n": n}.
[[nodiscard]] Work running(const std::string& definition, fnstack::Value inputs, fnstack::EngineOptions options = {});
// Reading a text: parsing, compiling, and writing what is wrong with it. `expected`: is it to have errors?
enum class Expected { program, errors };
[[nodiscard]] Work loading(std::string definition, Expected expected = Expected::program);

// The rows, by what grows in them.
void add_loops(std::vector<Growth>& rows);        // passes, variables, values put together
void add_expressions(std::vector<Growth>& rows);  // functions over long lists and texts
void add_texts(std::vector<Growth>& rows);        // definitions, mistakes in them, JSON
void add_runs(std::vector<Growth>& rows);         // calls, strands, effects, backends, snapshots

}  // namespace bench

// Numbers as text, exactly as ECMAScript and JSON have them. Knows no locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fnstack/value.hpp>

namespace fnstack::base {

// The most characters that one takes, and some.
inline constexpr std::size_t longest_number = 32;

// As ECMAScript's Number::toString: the shortest digits that read back as the same double; "1e+21", "-0" as "0",
// "NaN", "Infinity".
void append_number(std::string& out, double number);
void append_integer(std::string& out, std::int64_t number);
// The same at `to`, where there is room for the longest. They return where it ends.
char* write_number(char* to, double number);
char* write_integer(char* to, std::int64_t number);
// Both kinds of number.
void append_number(std::string& out, const Value& number);

enum class NumberText {
  read,
  malformed,     // not of JSON's grammar: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
  out_of_range,  // beyond double: ECMAScript's Infinity
};

// Reads the whole of `text`: digits alone that fit 64 bits as an integer, everything else as the nearest double
// (0 for what is too small). "-0" is the integer 0.
NumberText read_number(std::string_view text, Value& number);

// The length of the longest start of `text` that is a number in JSON's grammar; 0 if there is none.
std::size_t number_length(std::string_view text) noexcept;

}  // namespace fnstack::base

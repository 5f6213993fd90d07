// Catch2 2 (Debian 12) and 3 (Debian 13) under one include. Test files include this and nothing of Catch2 itself.
// Beside the macros it gives fnstack_test::Approx, fnstack_test::contains, starts_with and ends_with.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)

#include <catch2/catch_approx.hpp>
#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace fnstack_test {
using Approx = Catch::Approx;
inline auto contains(const std::string& text) { return Catch::Matchers::ContainsSubstring(text); }
inline auto starts_with(const std::string& text) { return Catch::Matchers::StartsWith(text); }
inline auto ends_with(const std::string& text) { return Catch::Matchers::EndsWith(text); }
}  // namespace fnstack_test

#else

#include <catch2/catch.hpp>

namespace fnstack_test {
using Approx = Catch::Detail::Approx;
inline auto contains(const std::string& text) { return Catch::Matchers::Contains(text); }
inline auto starts_with(const std::string& text) { return Catch::Matchers::StartsWith(text); }
inline auto ends_with(const std::string& text) { return Catch::Matchers::EndsWith(text); }
}  // namespace fnstack_test

#endif

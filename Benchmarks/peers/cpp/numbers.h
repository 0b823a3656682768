// Numbers on the command line.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "options.h"

[[noreturn]] inline void misused(const std::string& reason) {
  std::cerr << reason << std::endl;
  std::exit(2);
}

// `most` is as a rule what bench.Order can carry.
inline int64_t number(const Options& options, const std::string& name, int64_t least,
                      const std::string& otherwise = "", int64_t most = INT32_MAX) {
  const std::string text = options.text(name, otherwise);
  const bool has_digits_only = text.find_first_not_of("0123456789") == std::string::npos;
  // stoll would throw at a number that is too long.
  const bool is_number = !text.empty() && text.size() <= 10 && has_digits_only;
  if (!is_number || std::stoll(text) < least || std::stoll(text) > most) {
    misused("--" + name + " needs a number from " + std::to_string(least) + " to " +
            std::to_string(most));
  }
  return std::stoll(text);
}

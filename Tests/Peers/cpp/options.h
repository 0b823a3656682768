// The command line: `--name=value` and `--name value`, and `--name` alone for what is true.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>

class Options {
 public:
  // Ends the program at a name that is not in `known`.
  Options(int count, char** arguments, const std::set<std::string>& known) {
    for (int index = 1; index < count; index++) {
      std::string text = arguments[index];
      std::string value = "true";
      size_t equals = text.find('=');
      if (equals != std::string::npos) {
        value = text.substr(equals + 1);
        text = text.substr(0, equals);
      } else if (index + 1 < count && std::string(arguments[index + 1]).rfind("--", 0) != 0) {
        value = arguments[++index];
      }
      if (text.rfind("--", 0) != 0 || known.count(text.substr(2)) == 0) {
        std::cerr << "unknown option " << text << std::endl;
        std::exit(2);
      }
      values_[text.substr(2)] = value;
    }
  }

  std::string text(const std::string& name, const std::string& otherwise = "") const {
    auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }

  bool is_true(const std::string& name) const { return text(name) == "true"; }

  // The contents of the file that the option names; empty without the option.
  std::string file(const std::string& name) const {
    if (text(name).empty()) return "";
    std::ifstream stream(text(name));
    if (!stream) {
      std::cerr << "--" << name << ": cannot read " << text(name) << std::endl;
      std::exit(2);
    }
    std::ostringstream contents;
    contents << stream.rdbuf();
    return contents.str();
  }

 private:
  std::map<std::string, std::string> values_;
};

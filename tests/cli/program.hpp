#pragma once

#include <cafegram/cli/child.hpp>

#include <array>
#include <cstdio>
#include <string>
#include <sys/wait.h>

#include "../support.hpp"
#include "../temporary_folder.hpp"

namespace cafegram::test {

/// What a run of the program gave: both outputs in one text, and the exit status.
struct run_result {
  std::string output;
  int status = -1;
};

/// Runs `cafegram ARGUMENTS` through the shell; `input` becomes its standard input.
inline run_result run_program(const std::string& arguments, const std::string& input = {}) {
  const temporary_folder folder;
  const auto file = folder.file("input");
  std::ofstream{file, std::ios::binary} << input;
  const std::string command =
      std::string{CAFEGRAM_PROGRAM} + " " + arguments + " <" + file + " 2>&1";
  run_result out;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "the program could not be started";
    return out;
  }
  std::array<char, 4096> block{};
  for (std::size_t got = 0; (got = std::fread(block.data(), 1, block.size(), pipe)) > 0;) {
    out.output.append(block.data(), got);
  }
  const int raw = ::pclose(pipe);
  out.status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  return out;
}

} // namespace cafegram::test

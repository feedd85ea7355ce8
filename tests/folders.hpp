#pragma once

#include <filesystem>

namespace cafegram::test {

/// The root of the sources that were built.
std::filesystem::path source_folder();

/// The folder of shared vectors and rigs, empty where it is missing.
std::filesystem::path shared_folder();

} // namespace cafegram::test

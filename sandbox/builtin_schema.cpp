#include <cafegram/sandbox/builtin_schema.hpp>

// The assembler puts the file into the program as it is: no generated source, nothing to compile.
__asm__(".pushsection .rodata\n"
        ".global cafegram_api_schema_begin\n"
        ".global cafegram_api_schema_end\n"
        "cafegram_api_schema_begin:\n"
        ".incbin \"" CAFEGRAM_API_SCHEMA "\"\n"
        "cafegram_api_schema_end:\n"
        ".popsection\n");

extern "C" {
extern const char cafegram_api_schema_begin[];
extern const char cafegram_api_schema_end[];
}

namespace cafegram::sandbox {

std::string_view builtin_api_schema() {
  return {static_cast<const char*>(cafegram_api_schema_begin),
          static_cast<const char*>(cafegram_api_schema_end)};
}

} // namespace cafegram::sandbox

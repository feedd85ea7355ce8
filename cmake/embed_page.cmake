# Writes a source file that holds the page's files as octets.
#
# cmake -DOUTPUT=page_assets.cpp -DFOLDER=sandbox/page "-DFILES=index.html,app.js" -P embed_page.cmake
string(REPLACE "," ";" FILES "${FILES}")
set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_svg "image/svg+xml")

set(arrays "")
set(rows "")
set(index 0)
foreach(name IN LISTS FILES)
  file(READ ${FOLDER}/${name} octets HEX)
  file(SHA256 ${FOLDER}/${name} digest)
  string(SUBSTRING ${digest} 0 16 digest)
  string(LENGTH "${octets}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n" octets "${octets}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," octets "${octets}")
  string(APPEND arrays "constexpr unsigned char file_${index}[] = {\n${octets}};\n")

  get_filename_component(extension ${name} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  set(path "/${name}")
  if(name STREQUAL "index.html")
    set(path "/")
  endif()
  string(APPEND rows "  {\"${path}\", \"${type_${extension}}\", \"\\\"${digest}\\\"\",\n"
    "   {reinterpret_cast<const char*>(file_${index}), ${size}}},\n")
  math(EXPR index "${index} + 1")
endforeach()

file(WRITE ${OUTPUT} "// Made by cmake/embed_page.cmake from the files of sandbox/page.
#include <cafegram/sandbox/page_assets.hpp>

namespace cafegram::sandbox {
namespace {
${arrays}
const page_asset assets[] = {
${rows}};
} // namespace

const page_asset* find_asset(std::string_view path) {
  for (const auto& asset : assets) {
    if (asset.path == path) {
      return &asset;
    }
  }
  return nullptr;
}

} // namespace cafegram::sandbox
")

// For: tl/schema.cpp tl/schema_parser.cpp tl/schema_json.cpp
#include <cafegram/tl/schema.hpp>

#include <iterator>
#include <string>
#include <vector>

#include "fuzz.hpp"

// A schema as TL text or as Telegram's JSON. What was read and is written reads as the same.
namespace {

using namespace cafegram;
using fuzz::holds;

/// As they are written: constructors first.
std::vector<tl::definition> in_order(const tl::schema& value) {
  std::vector<tl::definition> out;
  for (const bool function : {false, true}) {
    std::ranges::copy_if(value.definitions(), std::back_inserter(out),
                         [&](const tl::definition& def) { return def.function == function; });
  }
  return out;
}

/// JSON has no place for type parameters but as the types of queries.
bool fits_json(const tl::schema& value) {
  return std::ranges::all_of(value.definitions(), [](const tl::definition& def) {
    std::vector<std::string> queries;
    for (const auto& field : def.params) {
      if (field.type.query) {
        queries.push_back(field.type.name);
      }
    }
    return queries == def.type_parameters;
  });
}

void reads_the_same(const tl::schema& value, const std::string& form) {
  const auto again = tl::schema::parse(form);
  holds(again.has_value(), "what was written can be read");
  holds(again->definitions() == in_order(value), "and is the same");
  holds(again->layer() == value.layer(), "of the same layer");
}

void everything_is_found(const tl::schema& value) {
  for (const auto& definition : value.definitions()) {
    holds(value.find(definition.id) == &definition, "found by its id");
    const auto* named = definition.function ? value.find_function(definition.name)
                                            : value.find_constructor(definition.name);
    holds(named == &definition, "found by its name");
    for (const auto& field : definition.params) {
      holds(tl::find_parameter(definition, field.name) >= 0, "a field is found by its name");
      value.bare_definition(field.type);
    }
    if (!definition.function && !definition.result.is_vector()) {
      holds(!value.constructors_of(definition.result.name).empty(), "found by its type");
      holds(value.has_type(definition.result.name), "which is there");
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({data, size});
  if (const auto type = tl::parse_type(text)) {
    holds(fuzz::is(tl::parse_type(to_string(*type)), *type), "a type is written as it was read");
  }
  const auto read = tl::schema::parse(text);
  if (!read) {
    holds(read.error().code == errc::malformed, "the text is at fault");
    return 0;
  }
  reads_the_same(*read, to_text(*read));
  if (fits_json(*read)) {
    reads_the_same(*read, to_telegram_json(*read));
  }
  everything_is_found(*read);
  return 0;
}

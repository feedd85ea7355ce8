#pragma once

#include <cafegram/tl/schema.hpp>

#include <map>
#include <set>

namespace cafegram::tl::generator {

/// Where the C++ of one schema goes.
struct target {
  std::string name_space; ///< `cafegram::tl`, `cafegram::mtproto`
  std::string stem;       ///< of the files: `api`, `mtproto`
  int parts = 1;          ///< headers and units among which the definitions are spread
};

/// A schema with what C++ needs to know of it.
class model {
public:
  /// Errors: what a schema may say and the generator has no C++ for.
  static result<model> make(const schema& from, target to);

  const schema& source() const { return *schema_; }
  const target& to() const { return target_; }

  /// Those that become structs: all but `boolTrue`, `boolFalse`.
  const std::vector<const definition*>& structs() const { return structs_; }
  /// Boxed types that become classes, by name.
  const std::map<std::string, std::vector<const definition*>, std::less<>>& types() const {
    return types_;
  }
  /// Structs that others hold as plain members: they come first, in this order.
  const std::vector<const definition*>& held() const { return held_; }
  bool is_held(const definition& def) const { return held_names_.contains(def.name); }

  /// The part for a definition: constructors of one type stay together; the others do not move
  /// when a schema grows.
  int part_of(const definition& def) const;
  int part_of_type(std::string_view type) const;

  /// Last component as a C++ identifier: `sendMessage`, `updates_`.
  std::string local_name(std::string_view name) const;
  /// `cafegram::tl::messages`.
  std::string name_space_of(std::string_view name) const;
  /// `::cafegram::tl::messages::sendMessage`.
  std::string qualified(std::string_view name) const;
  /// The C++ type of a field without its condition.
  std::string cpp_type(const definition& def, const type_expr& type) const;

private:
  result<void> check(const definition& def) const;
  void hold(const definition& def);

  const schema* schema_ = nullptr;
  target target_;
  std::vector<const definition*> structs_;
  std::map<std::string, std::vector<const definition*>, std::less<>> types_;
  std::vector<const definition*> held_;
  std::set<std::string, std::less<>> held_names_;
  std::set<std::string, std::less<>> name_spaces_;
};

/// Name of the object with what the runtime knows of a struct.
std::string info_name(std::string_view local_name);

/// A field's name as a C++ identifier.
std::string field_name(std::string_view name);

/// `body:Object` behind `bytes:int`: the number says where the object ends.
bool is_sized_object(const definition& def, std::size_t param);

/// Output files by their path below the output folder.
using files = std::map<std::string, std::string>;

/// Forward declarations, boxed types, structs, the umbrella header.
void emit_headers(const model& m, files& out);
/// Reading and writing of each struct, one unit per part.
void emit_units(const model& m, files& out);
/// The descriptors, one unit.
void emit_table(const model& m, files& out);
/// One unit with a list of every struct's `tl_info`: `std::span<const info* const> all_<stem>()`.
/// For tests, which go through all of them; nothing else needs all at once.
void emit_registry(const model& m, files& out);

} // namespace cafegram::tl::generator

#pragma once

#include <cafegram/tl/schema.hpp>

#include <span>

namespace cafegram::tl {

/// The text whose CRC-32 is a definition's id: no id, no `flags.N?true`, no brackets, `bytes` as
/// `string`. Spec: "TL language", "Combinator name".
std::string checksum_text(const definition& def);

/// The id that the definition's text gives (CRC-32, IEEE 802.3).
std::uint32_t compute_id(const definition& def);

/// An id that is known not to be the CRC-32 of its text.
struct id_exception {
  std::string_view name;
  std::uint32_t id;
  std::string_view reason;
};

/// The exceptions in Telegram's published schemas.
std::span<const id_exception> known_id_exceptions();

/// A definition whose id is not the CRC-32 of its text.
struct id_mismatch {
  std::string name;
  std::uint32_t written = 0;
  std::uint32_t computed = 0;
  std::string reason; ///< of the exception that covers it; empty when none does
};

/// Every id that differs from its CRC-32, known exceptions included (they have a reason).
std::vector<id_mismatch> check_ids(const schema& value,
                                   std::span<const id_exception> known = known_id_exceptions());

/// One difference between two schemas.
struct schema_change {
  enum class kind { added, removed, altered };
  kind what = kind::added;
  bool function = false;
  std::string name;
  std::string before; ///< the TL line; empty when added
  std::string after;  ///< the TL line; empty when removed
};

/// Definitions added, removed and altered (same name, other text or id), constructors first, each
/// group by name.
std::vector<schema_change> diff(const schema& before, const schema& after);

/// For people: one line a change, `+`, `-`, or `~` with both texts, and a summary at the end.
std::string to_string(const std::vector<schema_change>& changes);

/// The same definitions in the one order in which we keep schemas: constructors by type and name,
/// functions by name. `to_text` of it does not depend on where a schema came from.
result<schema> canonical(const schema& value);

/// One schema of two: definitions of `first`, then those of `second` whose name it lacks.
result<schema> merge(const schema& first, const schema& second);

} // namespace cafegram::tl

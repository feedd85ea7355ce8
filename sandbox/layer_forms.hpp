#pragma once

#include <cafegram/tl/dynamic.hpp>
#include <cafegram/tl/json.hpp>

#include <string_view>

/// What differs between layers by more than a name: everything else the lenient encoder does.
///
/// The world has one form for each of these:
/// - buttons as up to layer 228, `keyboardButtonCallback{text, data}`; later ones nest the kind,
///   `keyboardInlineButton{text, type: inlineButtonTypeCallback{data}}`;
/// - `users.userFull` around `userFull` (before 133 the latter alone);
/// - `help.appConfig` (before 147 a `JSONValue`), `auth.loggedOut` (before 133 a `Bool`).
namespace cafegram::sandbox {

/// Buttons of a markup in the world's form, whichever they came in.
tl::json flat_markup(tl::json markup);

/// `value` as a client of that schema reads it, where its function's result is `result_type`.
tl::json in_layer(tl::json value, const tl::dynamic_codec& codec, std::string_view result_type);

} // namespace cafegram::sandbox

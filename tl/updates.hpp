#pragma once

#include <cafegram/tl/api/fwd.hpp>
#include <cafegram/tl/codec.hpp>

namespace cafegram::tl {

/// Decodes what Telegram pushes. As `decode<Updates>`, but an update that holds an unknown
/// constructor does not take the others with it: it alone becomes `tl::unknown`, with the id that
/// it came with and its octets.
///
/// TL has no lengths, so where such an update ends is found by trial: at the one word from which
/// the rest of the container follows the schema to its very end. Where there is none (the unknown
/// one is a user or a chat) or more than one (a stranger's text within may look like further
/// updates), the whole container is `tl::unknown`. The trials are bounded, and `bounds` hold for
/// all together.
result<Updates> decode_updates(bytes_view data, const limits& bounds = {});

} // namespace cafegram::tl

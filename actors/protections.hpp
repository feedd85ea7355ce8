#pragma once

/// What keeps updates from being lost and answers from being sent twice, for the negative controls
/// of the durability run (docs/durability.md): programs of the tests build one file of this layer
/// with one protection off, to show that the run then fails. The library is never built so: a flag
/// alone stops the compiler.
#if (defined(CAFEGRAM_WITHOUT_INBOX) || defined(CAFEGRAM_WITHOUT_SEND_IDENTITY)) &&                \
    !defined(CAFEGRAM_NEGATIVE_CONTROL)
#error "protections are off in negative controls alone"
#endif

namespace cafegram::protections {

#ifdef CAFEGRAM_WITHOUT_INBOX
constexpr bool inbox = false;
#else
/// What is handed out is in the store until it is finished.
constexpr bool inbox = true;
#endif

#ifdef CAFEGRAM_WITHOUT_SEND_IDENTITY
constexpr bool send_identity = false;
#else
/// The same send has the same `random_id`, however often its handler runs.
constexpr bool send_identity = true;
#endif

} // namespace cafegram::protections

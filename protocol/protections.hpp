#pragma once

/// What keeps a request from running twice and updates in order, for the negative controls of the
/// chaos run (docs/chaos.md) and the durability run (docs/durability.md): programs of the tests
/// build one file of this layer with one protection off, to show that the run then fails. The
/// library is never built so: a flag alone stops the compiler.
#if (defined(CAFEGRAM_WITHOUT_STATE_QUESTION) || defined(CAFEGRAM_WITHOUT_DUPLICATE_CHECK) ||      \
     defined(CAFEGRAM_WITHOUT_BOX_ORDER)) &&                                                       \
    !defined(CAFEGRAM_NEGATIVE_CONTROL)
#error "protections are off in negative controls alone"
#endif

namespace cafegram::protocol::protections {

#ifdef CAFEGRAM_WITHOUT_STATE_QUESTION
constexpr bool state_question = false;
#else
/// After a reconnect the server is asked what it has of a request, before that is sent again.
constexpr bool state_question = true;
#endif

#ifdef CAFEGRAM_WITHOUT_DUPLICATE_CHECK
constexpr bool duplicate_check = false;
#else
/// A server does not run a message that came before.
constexpr bool duplicate_check = true;
#endif

#ifdef CAFEGRAM_WITHOUT_BOX_ORDER
constexpr bool box_order = false;
#else
/// An update that does not fit its box's counter waits, or is dropped.
constexpr bool box_order = true;
#endif

} // namespace cafegram::protocol::protections

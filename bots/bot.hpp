#pragma once

// All that the author of a bot needs:
//
//   #include <cafegram/bots/bot.hpp>
//   using namespace cafegram;

#include <cafegram/bots/behavior.hpp>
#include <cafegram/bots/context.hpp>
#include <cafegram/bots/filter.hpp>
#include <cafegram/bots/handle.hpp>
#include <cafegram/bots/invoke.hpp>
#include <cafegram/bots/keyboard.hpp>
#include <cafegram/bots/outgoing.hpp>
#include <cafegram/bots/router.hpp>
#include <cafegram/bots/run.hpp>
#include <cafegram/bots/self.hpp>
#include <cafegram/bots/stream.hpp>
#include <cafegram/bots/task.hpp>
#include <cafegram/bots/text.hpp>
#include <cafegram/bots/updates.hpp>

namespace cafegram {

using namespace std::chrono_literals; // for `ask(question, 60s)`

} // namespace cafegram

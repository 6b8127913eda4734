// The story of a world that changes: see story.h.
#pragma once

#include "tests/chaos/network.h"
#include "tests/chaos/story.h"

namespace tine::chaos {

// On a thread of the simulation.
void tell_of_changes(Simulation& simulation, const Plan& plan, Outcome& outcome);

}  // namespace tine::chaos

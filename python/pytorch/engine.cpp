// All of the agent but its bindings as one unit: what takes the time is PyTorch's headers.
#include "agent.cpp"
#include "codec.cpp"
#include "faulty.cpp"
#include "interpreter.cpp"
#include "join.cpp"

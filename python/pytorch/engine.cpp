// All of the agent but its bindings is one compilation, because PyTorch's headers take most of the time.
#include "agent.cpp"
#include "codec.cpp"
#include "faulty.cpp"
#include "interpreter.cpp"
#include "join.cpp"

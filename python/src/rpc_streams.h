// Streams of tine.distributed.rpc: generators as what a call answers with, and the reader's end as Python sees it.
//
// The caller holds the interpreter's lock. A generator is asked on handler threads, one at a time; an async one on the asyncio
// loop of the worker. All of it runs in its GeneratorContext.
#pragma once

#include <memory>
#include <string>

#include "python/src/context.h"

#include "python/src/rpc_objects.h"

namespace tine::python {

// A generator, an iterator or an async one, as the stream that a function of that name returned. Anything else stays what it
// is, and is refused with its type. `for_all`: as for travelling().
[[nodiscard]] Value stream_of(PyObject* object, const std::string& function, bool for_all,
                              std::shared_ptr<const GeneratorContext> context);

// What the functions of _C._rpc that open streams return: a capsule that ends the stream when it goes.
[[nodiscard]] PyRef wrap_stream(tine::detail::Ref<tine::detail::RemoteItems> items);

// next_item(stream), close_stream(stream), and END, which the Future of next_item() holds when the stream is over.
[[nodiscard]] bool init_rpc_streams(PyObject* module);

}  // namespace tine::python

#include "src/rpc/transport/buffer.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tine/error.h"

namespace tine::rpc {
namespace {

TEST(Buffer, IsAlignedAndAsLargeAsAsked) {
  Recycler recycler;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{256}, size_t{257}, size_t{5000}, size_t{1} << 20}) {
    const auto b = Buffer::make(recycler, size);
    EXPECT_EQ(b->size(), size);
    EXPECT_EQ(b->bytes().size(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(b->data()) % 64, 0U);
    if (size) std::memset(b->data(), 1, size);
  }
}

TEST(Buffer, WithoutMemoryTheErrorNamesTheSize) {
  Recycler recycler;
  try {
    (void)Buffer::make(recycler, size_t{1} << 60);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kMemory);
    EXPECT_NE(e.message().find("receive buffer of 1152921504606846976 bytes"), std::string::npos)
        << e.message();
  }
}

}  // namespace
}  // namespace tine::rpc

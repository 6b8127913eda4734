// Memory that the two ends of a connection lend each other, and what a peer can do to whoever borrows it: docs/spec/shm.md.
#include "src/rpc/transport/shm/lent_segments.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "src/rpc/transport/shm/descriptors.h"
#include "tine/error.h"
#include "tine/rpc.h"

namespace tine::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr unsigned kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr size_t kBytes = 64 << 10;

FileDescriptor memory_of(size_t bytes, unsigned seals = kSeals, unsigned flags = 0) {
  auto memory = FileDescriptor::made_by(
      [&] { return ::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags); });
  if (memory) {
    EXPECT_EQ(::ftruncate(memory.get(), static_cast<off_t>(bytes)), 0);
    EXPECT_EQ(seals == 0 ? 0 : ::fcntl(memory.get(), F_ADD_SEALS, seals), 0);
  }
  return memory;
}

size_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

// One side is tine's, the other one the test's.
class Lending : public testing::Test {
 protected:
  Lending() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    socket = FileDescriptor::made_by([&] { return fds[0]; });
    peer = FileDescriptor::made_by([&] { return fds[1]; });
    begin(size_t{1} << 30);
  }
  void begin(size_t bytes) {
    budget = std::make_shared<MemoryBudget>(bytes, "test");
    lent = std::make_shared<LentSegments>(budget);
    lent->own(socket.get());
  }
  void hand_over(int memory) {
    char byte = 'b';
    ASSERT_EQ(send_with_descriptor(peer.get(), {&byte, 1}, memory), 1);
  }
  void hand_over(const std::vector<int>& memory) {
    char byte = 'b';
    iovec piece{&byte, 1};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    std::vector<char> control(CMSG_SPACE(memory.size() * sizeof(int)));
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(memory.size() * sizeof(int));
    std::memcpy(CMSG_DATA(head), memory.data(), memory.size() * sizeof(int));
    ASSERT_EQ(::sendmsg(peer.get(), &message, 0), 1);
  }
  detail::Ref<Buffer> borrow(uint32_t memory, uint64_t offset, uint64_t bytes) {
    bad.clear();
    return lent->borrow({memory, offset}, bytes, Recycler::of_process(), &bad);
  }
  // A tensor in shared memory; its bytes.
  static std::span<const std::byte> bytes_of(const Tensor& t) {
    return {static_cast<const std::byte*>(t.data()), static_cast<size_t>(t.numel()) * size_of(t.dtype())};
  }
  static Tensor shared(int64_t bytes) { return shared_empty({&bytes, 1}, DType::kUInt8); }

  FileDescriptor socket, peer;
  std::shared_ptr<MemoryBudget> budget;
  std::shared_ptr<LentSegments> lent;
  std::string bad;
};

TEST_F(Lending, WhatIsBorrowedIsTheMemoryItself) {
  const auto memory = memory_of(kBytes);
  hand_over(memory.get());
  const auto first = borrow(0, 100, 8), all = borrow(0, 0, kBytes);
  ASSERT_TRUE(first && all) << bad;
  EXPECT_TRUE(first->is_lent());
  EXPECT_EQ(first->data(), all->data() + 100);
  ASSERT_EQ(::pwrite(memory.get(), "12345678", 8, 100), 8);
  EXPECT_EQ(std::memcmp(first->data(), "12345678", 8), 0);
  all->data()[kBytes - 1] = std::byte{'x'};
  char seen = 0;
  ASSERT_EQ(::pread(memory.get(), &seen, 1, kBytes - 1), 1);
  EXPECT_EQ(seen, 'x');
}

TEST_F(Lending, ItStaysWhenTheOtherSideForgetsItAndEndsAndTheConnectionEnds) {
  auto memory = memory_of(kBytes);
  hand_over(memory.get());
  auto held = borrow(0, 0, kBytes);
  ASSERT_TRUE(held) << bad;
  EXPECT_TRUE(lent->forget(0));
  lent->close();
  lent = nullptr;
  memory.reset();
  peer.reset();
  held->data()[5] = std::byte{7};
  EXPECT_EQ(held->data()[5], std::byte{7});
  EXPECT_LT(budget->left(), budget->bytes());
  held = nullptr;
  EXPECT_EQ(budget->left(), budget->bytes());
}

TEST_F(Lending, ItIsMappedOnceAndUntilItIsForgotten) {
  const auto memory = memory_of(kBytes);
  hand_over(memory.get());
  const std::byte* const at = borrow(0, 0, 1)->data();
  EXPECT_EQ(budget->left(), budget->bytes() - kBytes);
  EXPECT_EQ(borrow(0, 0, 1)->data(), at);
  EXPECT_EQ(budget->left(), budget->bytes() - kBytes);
  EXPECT_TRUE(lent->forget(0));
  EXPECT_EQ(budget->left(), budget->bytes());
  EXPECT_FALSE(borrow(0, 0, 1));
  EXPECT_THAT(bad, HasSubstr("shared memory 0, which is not lent"));
}

TEST_F(Lending, WhatIsNotSealedMemoryIsRefusedAndNothingOfItIsKept) {
  const auto unsealed = memory_of(kBytes, 0), shrinks = memory_of(kBytes, F_SEAL_GROW),
             grows = memory_of(kBytes, F_SEAL_SHRINK), empty = memory_of(0),
             huge = memory_of(2 << 20, kSeals, MFD_HUGETLB);
  const auto file = FileDescriptor::made_by([] { return ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC); });
  const auto plain =
      FileDescriptor::made_by([] { return ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); });
  std::vector<std::pair<int, std::string>> cases = {
      {unsealed.get(), "not sealed"}, {shrinks.get(), "not sealed"}, {grows.get(), "not sealed"},
      {empty.get(), "of 0 bytes"},    {file.get(), "not a memfd"},   {peer.get(), "not a memfd"},
  };
  if (huge) cases.emplace_back(huge.get(), "not a memfd");
  if (plain) cases.emplace_back(plain.get(), "");
  const size_t before = open_files();
  uint32_t number = 0;
  for (const auto& [memory, words] : cases) {
    hand_over(memory);
    EXPECT_FALSE(borrow(number, 0, 1)) << number;
    EXPECT_THAT(bad, HasSubstr("shared memory " + std::to_string(number) + " is "));
    EXPECT_THAT(bad, HasSubstr(words)) << number;
    EXPECT_TRUE(lent->forget(number++));
  }
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(budget->left(), budget->bytes());
}

TEST_F(Lending, NoPlaceBeyondTheEndIsBorrowed) {
  const auto memory = memory_of(kBytes);
  hand_over(memory.get());
  const std::vector<std::pair<uint64_t, uint64_t>> beyond = {{0, kBytes + 1},
                                                             {kBytes, 1},
                                                             {kBytes + 1, 1},
                                                             {1, kBytes},
                                                             {~uint64_t{0}, 1},
                                                             {1, ~uint64_t{0}},
                                                             {~uint64_t{0}, ~uint64_t{0}}};
  for (const auto& [offset, bytes] : beyond) {
    EXPECT_FALSE(borrow(0, offset, bytes)) << offset << ' ' << bytes;
    EXPECT_THAT(bad, HasSubstr("of shared memory 0, which has 65536"));
  }
  EXPECT_TRUE(borrow(0, kBytes - 1, 1)) << bad;
}

TEST_F(Lending, WhatWasNeverHandedOverIsNotLent) {
  for (const uint32_t number : {0U, 1U, ~0U}) {
    EXPECT_FALSE(borrow(number, 0, 1));
    EXPECT_THAT(bad, HasSubstr("is not lent"));
  }
  for (const uint64_t number : {uint64_t{0}, uint64_t{1} << 32, ~uint64_t{0}}) {
    EXPECT_FALSE(lent->forget(number)) << number;
    EXPECT_FALSE(lent->forgotten(number)) << number;
  }
  const auto memory = memory_of(kBytes);
  hand_over(memory.get());
  EXPECT_TRUE(lent->forget(0));
  EXPECT_FALSE(lent->forget(0));
}

TEST_F(Lending, AMessageWithTwoDescriptorsHandsNothingOverAndLeavesNoneOpen) {
  const auto memory = memory_of(kBytes);
  const size_t before = open_files();
  hand_over({memory.get(), memory.get()});
  hand_over({memory.get(), memory.get(), memory.get()});
  EXPECT_TRUE(lent->look());
  EXPECT_EQ(open_files(), before);
  EXPECT_FALSE(borrow(0, 0, 1));
  EXPECT_THAT(bad, HasSubstr("is not lent"));
}

TEST_F(Lending, NoMoreThan256AreKept) {
  const auto memory = memory_of(kBytes);
  const size_t before = open_files();
  for (size_t i = 0; i < LentSegments::kMostLent + 20; ++i) {
    hand_over(memory.get());
    EXPECT_TRUE(lent->look());
  }
  EXPECT_EQ(open_files(), before + LentSegments::kMostLent);
  EXPECT_TRUE(borrow(LentSegments::kMostLent - 1, 0, 1)) << bad;
  EXPECT_FALSE(borrow(LentSegments::kMostLent, 0, 1));
  lent->close();
  EXPECT_LE(open_files(), before + 1);  // of the one that maps it
  EXPECT_FALSE(borrow(0, 0, 1));
}

TEST_F(Lending, BeyondTheBudgetOfTheConnectionIsCopied) {
  begin(2 * kBytes);  // of which the connection has half
  const auto one = memory_of(kBytes), two = memory_of(kBytes);
  ASSERT_EQ(::pwrite(two.get(), "abc", 3, 10), 3);
  hand_over(one.get());
  hand_over(two.get());
  EXPECT_TRUE(borrow(0, 0, 1)->is_lent());
  const auto copy = borrow(1, 10, kBytes - 10);
  ASSERT_TRUE(copy) << bad;
  EXPECT_FALSE(copy->is_lent());
  EXPECT_EQ(std::memcmp(copy->data(), "abc", 3), 0);
  ASSERT_EQ(::pwrite(two.get(), "xyz", 3, 10), 3);
  EXPECT_EQ(std::memcmp(copy->data(), "abc", 3), 0);
  EXPECT_FALSE(borrow(1, 0, kBytes + 1));
  // There is room again.
  EXPECT_TRUE(lent->forget(0));
  EXPECT_TRUE(borrow(1, 0, 1)->is_lent());
}

TEST_F(Lending, WithoutABudgetAllIsCopied) {
  begin(0);
  const auto memory = memory_of(kBytes);
  hand_over(memory.get());
  EXPECT_FALSE(borrow(0, 0, kBytes)->is_lent());
}

TEST_F(Lending, ADescriptorThatTheProcessCannotTakeIsAnErrorOfThisSide) {
  const auto memory = memory_of(kBytes);
  hand_over(memory.get());
  EXPECT_TRUE(lent->look());
  EXPECT_TRUE(lent->forget(0));
  hand_over(memory.get());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest = ::dup(0);
  ::close(lowest);
  const rlimit none{static_cast<rlim_t>(lowest), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_TRUE(lent->look());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THROW(static_cast<void>(borrow(1, 0, 1)), SystemError);
  EXPECT_FALSE(borrow(0, 0, 1)) << "that one was taken, and forgotten";
  EXPECT_THAT(bad, HasSubstr("shared memory 0, which is not lent"));
  EXPECT_TRUE(lent->forget(1));
  EXPECT_FALSE(lent->forget(1)) << "it is forgotten";
  EXPECT_FALSE(borrow(1, 0, 1));
  EXPECT_THAT(bad, HasSubstr("shared memory 1, which is not lent"));
}

TEST_F(Lending, ASegmentIsHandedOverOnceAndItsViewsByTheirOffsets) {
  const Tensor t = shared(kBytes);
  const auto first = lent->lend(bytes_of(t)), second = lent->lend(bytes_of(t).subspan(4096, 8192));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->offset, 0U);
  EXPECT_EQ(second->offset, 4096U);
  EXPECT_EQ(first->memory, second->memory);
  char byte = 0;
  Received got = receive_with_descriptor(peer.get(), {&byte, 1});
  EXPECT_EQ(got.descriptors, 1U);
  SharedSegment::File file;
  EXPECT_THAT(SharedSegment::objection_to(got.first.get(), &file), IsEmpty());
  EXPECT_EQ(file.bytes, kBytes);
  EXPECT_LT(receive_with_descriptor(peer.get(), {&byte, 1}).bytes, 0);
}

TEST_F(Lending, OrdinaryMemoryAndSmallViewsAreNotLent) {
  const std::vector<std::byte> ordinary(kBytes);
  EXPECT_FALSE(lent->lend(ordinary));
  const Tensor t = shared(kBytes);
  EXPECT_FALSE(lent->lend(ordinary));
  EXPECT_FALSE(lent->lend(bytes_of(t).first(4095)));
  EXPECT_TRUE(lent->lend(bytes_of(t).first(4096)));
}

TEST_F(Lending, TheEndOfASegmentIsToldOnceAndThenItsNumberIsFree) {
  Tensor t = shared(kBytes);
  const auto place = lent->lend(bytes_of(t));
  ASSERT_TRUE(place);
  EXPECT_FALSE(lent->next_to_forget());
  const Tensor view = t.as_strided(std::vector<int64_t>{10}, std::vector<int64_t>{1}, 5);
  t = Tensor();
  EXPECT_FALSE(lent->next_to_forget()) << "a view is left";
  const_cast<Tensor&>(view) = Tensor();
  EXPECT_FALSE(lent->forgotten(place->memory)) << "it has not been told";
  EXPECT_EQ(lent->next_to_forget(), place->memory);
  EXPECT_FALSE(lent->next_to_forget());
  EXPECT_TRUE(lent->forgotten(place->memory));
  EXPECT_FALSE(lent->forgotten(place->memory));
}

TEST_F(Lending, NoMoreThan256AreLentAtOnce) {
  std::vector<Tensor> many;
  for (size_t i = 0; i < LentSegments::kMostLent; ++i) {
    many.push_back(shared(4096));
    ASSERT_TRUE(lent->lend(bytes_of(many.back()))) << i;
  }
  const Tensor more = shared(4096);
  EXPECT_FALSE(lent->lend(bytes_of(more)));
  many.pop_back();
  EXPECT_FALSE(lent->lend(bytes_of(more))) << "nobody has been told";
  const auto number = lent->next_to_forget();
  ASSERT_TRUE(number);
  EXPECT_FALSE(lent->lend(bytes_of(more))) << "nobody has answered";
  EXPECT_TRUE(lent->forgotten(*number));
  EXPECT_TRUE(lent->lend(bytes_of(more)));
}

TEST_F(Lending, ASocketThatTakesNoMoreMakesItACopy) {
  const Tensor t = shared(kBytes);
  const char byte = 0;
  while (::send(socket.get(), &byte, 1, MSG_DONTWAIT) == 1) {
  }
  EXPECT_FALSE(lent->lend(bytes_of(t)));
  std::vector<char> all(1 << 20);
  while (::recv(peer.get(), all.data(), all.size(), MSG_DONTWAIT) > 0) {
  }
  EXPECT_TRUE(lent->lend(bytes_of(t)));
  lent->close();
  EXPECT_FALSE(lent->lend(bytes_of(t)));
}

TEST_F(Lending, WhatComesBackIsTheMemoryThatThisProcessHas) {
  Tensor t = shared(kBytes);
  const auto segment = SharedSegment::around(bytes_of(t));
  ASSERT_TRUE(segment);
  hand_over(segment->descriptor());
  auto back = borrow(0, 0, kBytes);
  ASSERT_TRUE(back) << bad;
  EXPECT_EQ(back->data(), t.data());
  EXPECT_EQ(budget->left(), budget->bytes());
}

TEST_F(Lending, WhatComesBackTakesNoDescriptorMore) {
  const Tensor t = shared(kBytes);
  const auto segment = SharedSegment::around(bytes_of(t));
  const size_t before = open_files();
  for (uint32_t number = 0; number < 50; ++number) {
    hand_over(segment->descriptor());
    ASSERT_TRUE(borrow(number, 0, kBytes)) << bad;
  }
  EXPECT_EQ(open_files(), before);
}

TEST_F(Lending, WhatComesBackAfterItsEndHereIsMappedAnew) {
  FileDescriptor kept;
  const std::byte* before = nullptr;
  {
    const Tensor t = shared(kBytes);
    before = static_cast<const std::byte*>(t.data());
    const auto segment = SharedSegment::around(bytes_of(t));
    kept = FileDescriptor::made_by([&] { return ::dup(segment->descriptor()); });
    hand_over(kept.get());
    ASSERT_EQ(borrow(0, 0, 1)->data(), before) << bad;
    static_cast<char*>(t.data())[3] = 'q';
  }
  const auto back = borrow(0, 0, kBytes);
  ASSERT_TRUE(back && back->is_lent()) << bad;
  EXPECT_EQ(back->data()[3], std::byte{'q'});
  EXPECT_EQ(budget->left(), budget->bytes() - kBytes);
}

TEST(SharedSegment, IsSealedAgainstAChangeOfItsSize) {
  const auto segment = SharedSegment::make(5000);
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->size(), 8192U);
  EXPECT_EQ(::fcntl(segment->descriptor(), F_GET_SEALS) & static_cast<int>(kSeals), static_cast<int>(kSeals));
  EXPECT_NE(::ftruncate(segment->descriptor(), 4096), 0);
  EXPECT_NE(::ftruncate(segment->descriptor(), 16384), 0);
}

TEST(SharedSegment, IsFoundByTheBytesThatLieInIt) {
  const auto one = SharedSegment::make(8192), two = SharedSegment::make(4096);
  ASSERT_TRUE(one && two);
  for (const auto& s : {one, two}) {
    EXPECT_EQ(SharedSegment::around({s->data(), s->size()}), s);
    EXPECT_EQ(SharedSegment::around({s->data() + s->size() - 1, 1}), s);
    EXPECT_FALSE(SharedSegment::around({s->data() + 1, s->size()}));
  }
  std::byte other{};
  EXPECT_FALSE(SharedSegment::around({&other, 1}));
}

TEST(SharedSegment, ATensorIsOrdinaryBeyondAQuarterOfTheDescriptors) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<Tensor> all;
  const int64_t size = 4096;
  size_t found = 0;
  for (int i = 0; i < 20; ++i) {
    all.push_back(shared_empty({&size, 1}, DType::kUInt8));
    std::memset(all.back().data(), i, 4096);
    found += SharedSegment::around({static_cast<std::byte*>(all.back().data()), 4096}) ? 1 : 0;
  }
  EXPECT_EQ(found, 16U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(SharedSegment, AChildOfForkHasTheSameMemoryAndDoesNotLendIt) {
  const auto segment = SharedSegment::make(4096);
  ASSERT_TRUE(segment);
  const pid_t child = ::fork();
  if (child == 0) {
    segment->data()[0] = std::byte{42};
    ::_exit(SharedSegment::around({segment->data(), 4096}) ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(segment->data()[0], std::byte{42});
}

TEST(SharedEmpty, HasTheSizesOfEmptyAndItsErrors) {
  const Tensor t = shared_empty(std::vector<int64_t>{30, 40, 50}, DType::kFloat64);
  EXPECT_EQ(t.numel(), 60000);
  EXPECT_TRUE(t.is_contiguous());
  EXPECT_EQ(t.storage_offset(), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(t.data()) % 64, 0U);
  EXPECT_TRUE(SharedSegment::around({static_cast<std::byte*>(t.data()), 480000}));
  EXPECT_EQ(shared_empty(std::vector<int64_t>{}, DType::kInt64).numel(), 1);
  EXPECT_EQ(shared_empty(std::vector<int64_t>{1000, 0}, DType::kInt64).numel(), 0);
  EXPECT_THROW(static_cast<void>(shared_empty(std::vector<int64_t>{-5, 5000}, DType::kInt64)), ShapeError);
  EXPECT_THROW(static_cast<void>(shared_empty(std::vector<int64_t>{INT64_MAX, INT64_MAX}, DType::kInt64)),
               ShapeError);
}

}  // namespace
}  // namespace tine::rpc

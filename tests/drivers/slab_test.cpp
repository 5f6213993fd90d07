// The parts that a RunLoop keeps its runs, effects and timers in.
#include "drivers/slab.hpp"

#include <memory>

#include "drivers/timer_heap.hpp"
#include "support/catch.hpp"

using namespace fnstack::drivers;

TEST_CASE("what is gone from a slab is not found by its ticket, whoever has its place now") {
  Slab<std::shared_ptr<int>> slab;
  const auto alive = std::make_shared<int>(7);
  const Ticket first = slab.add(alive);
  REQUIRE(slab.find(first) != nullptr);
  CHECK(*slab.find(first) == alive);
  slab.remove(first.place);
  CHECK(slab.find(first) == nullptr);
  CHECK(alive.use_count() == 1);
  const Ticket second = slab.add(alive);
  CHECK(second.place == first.place);
  CHECK(second.serial > first.serial);
  CHECK(slab.find(first) == nullptr);
  CHECK(slab.find(second) != nullptr);
  CHECK(slab.size() == 1);
}

TEST_CASE("a slab keeps addresses, lists what is there and lets go of all of it") {
  const auto alive = std::make_shared<int>(7);
  std::vector<Ticket> tickets;
  {
    Slab<std::shared_ptr<int>> slab;
    for (int i = 0; i < 1'000; ++i) tickets.push_back(slab.add(alive));
    const auto* const where = slab.find(tickets[3]);
    for (int i = 0; i < 1'000; i += 2) slab.remove(tickets[static_cast<std::size_t>(i)].place);
    for (int i = 0; i < 2'000; ++i) slab.add(alive);
    CHECK(slab.find(tickets[3]) == where);
    std::size_t seen = 0;
    slab.for_each([&](std::uint32_t place) { seen += slab[place] == alive ? 1 : 0; });
    CHECK(seen == slab.size());
    CHECK(seen == 2'500);
    CHECK(alive.use_count() == 2'501);
    // Emptied, it has given its memory back, and tickets of then are still no others'.
    std::vector<std::uint32_t> places;
    slab.for_each([&](std::uint32_t place) { places.push_back(place); });
    for (const std::uint32_t place : places) slab.remove(place);
    CHECK(slab.size() == 0);
    CHECK(slab.find(tickets[999]) == nullptr);
    const Ticket again = slab.add(alive);
    CHECK(again.place == 0);
    CHECK(slab.find(tickets[0]) == nullptr);
  }
  CHECK(alive.use_count() == 1);
}

TEST_CASE("timers come by time, then in the order they were asked for; those given up are skipped") {
  TimerHeap heap;
  const auto wanted = [](const Ticket& ticket) { return ticket.place != 99; };
  heap.add(20, {1, 1});
  heap.add(10, {99, 2});
  heap.add(10, {3, 4});
  heap.add(10, {2, 3});
  std::vector<std::uint32_t> order;
  while (const TimerHeap::Timer* timer = heap.earliest(wanted)) {
    order.push_back(timer->what.place);
    heap.pop();
  }
  CHECK(order == std::vector<std::uint32_t>{2, 3, 1});
}

TEST_CASE("timers given up do not pile up") {
  TimerHeap heap;
  const auto wanted = [](const Ticket& ticket) { return ticket.place == 1; };
  heap.add(1'000'000, {1, 1});
  std::size_t most = 0;
  for (std::uint64_t serial = 2; serial < 100'000; ++serial) {
    heap.add(2'000'000, {99, serial});
    heap.give_up_one(wanted);
    most = std::max(most, heap.size());
  }
  CHECK(most <= 64);
  REQUIRE(heap.earliest(wanted) != nullptr);
  CHECK(heap.earliest(wanted)->what.place == 1);
}

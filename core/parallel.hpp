// How rows are shared between threads: each takes the next `grain` rows until none are left.
//
// Rows are independent, so who computes which row cannot change a bit.
#pragma once

#include <atomic>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

namespace counterpoise {

template <typename Function>
void parallel(int threads, std::int64_t count, std::int64_t grain, Function function) {
    std::atomic<std::int64_t> next{0};
    const auto work = [&] {
        for (;;) {
            const std::int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
            if (begin >= count) return;
            function(begin, begin + grain < count ? begin + grain : count);
        }
    };
    std::vector<std::thread> others;
    if (count > grain) {
        const std::int64_t useful = (count + grain - 1) / grain;
        for (std::int64_t k = 1; k < threads && k < useful; ++k) {
            try {
                others.emplace_back(work);
            } catch (const std::system_error&) {
                break;  // The system gives no more threads: those we have do all the rows.
            }
        }
    }
    work();
    for (std::thread& other : others) other.join();
}

}  // namespace counterpoise

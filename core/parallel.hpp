// How rows are shared between threads: each takes the next `grain` rows until none are left.
//
// Rows are independent, so who computes which row cannot change a bit. What one thread throws ends
// the others at their next rows and is thrown again by the caller's.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace counterpoise {

template <typename Function>
void parallel(int threads, std::int64_t count, std::int64_t grain, Function function) {
    std::atomic<std::int64_t> next{0};
    std::atomic<bool> failed{false};
    std::exception_ptr failure;
    const auto work = [&] {
        try {
            while (!failed.load(std::memory_order_relaxed)) {
                const std::int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
                if (begin >= count) return;
                function(begin, begin + grain < count ? begin + grain : count);
            }
        } catch (...) {
            if (!failed.exchange(true)) failure = std::current_exception();
        }
    };
    std::vector<std::thread> others;
    if (count > grain) {
        const std::int64_t useful = (count + grain - 1) / grain;
        for (std::int64_t k = 1; k < threads && k < useful; ++k) {
            try {
                others.emplace_back(work);
            } catch (const std::exception&) {
                break;  // The system gives no more threads: those we have do all the rows.
            }
        }
    }
    work();
    for (std::thread& other : others) other.join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace counterpoise

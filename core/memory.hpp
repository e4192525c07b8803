// Memory on its way to NumPy or scratch of one call: 64-byte aligned, not initialised.
//
// A page that is touched for the first time costs as much as working out what is written to it, and
// whoever margins the same book again asks for the same sizes again. Hence large blocks that are
// freed are kept for later calls, up to KEPT_MOST bytes in all; the oldest go first. A block larger
// than all that is not kept, nor is any under a sanitizer, which must see what is used once freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace counterpoise {

#if defined(COUNTERPOISE_SANITIZED)
constexpr std::size_t KEPT_MOST = 0;
#else
constexpr std::size_t KEPT_MOST = std::size_t{1} << 30;
#endif
constexpr std::size_t LINE = 64, LARGE = std::size_t{1} << 22;
constexpr std::int64_t ENTRIES_MOST = std::int64_t{1} << 56;  // of one block

// Every block begins with a line that says how many bytes follow it.
struct alignas(LINE) Head {
    std::size_t bytes;
};

struct Kept {
    std::mutex lock;
    std::vector<Head*> blocks;  // oldest first
    std::size_t bytes = 0;
};

inline Kept& kept();

// A fork waits for the lock: a child must not find it held by a thread that it does not have.
inline Kept* kept_across_forks() {
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork([] { kept().lock.lock(); }, [] { kept().lock.unlock(); },
                   [] { kept().lock.unlock(); });
#endif
    return new Kept;
}

// Never destroyed: arrays may outlive everything else of a process.
inline Kept& kept() {
    static Kept& only = *kept_across_forks();
    return only;
}

inline void let_go(Head* block) { ::operator delete(block, std::align_val_t(LINE)); }

// Let the oldest blocks go until at most `most` bytes are kept.
inline void keep_at_most(Kept& here, std::size_t most) {
    std::size_t gone = 0;
    while (here.bytes > most) {
        here.bytes -= here.blocks[gone]->bytes;
        let_go(here.blocks[gone++]);
    }
    here.blocks.erase(here.blocks.begin(),
                      here.blocks.begin() + static_cast<std::ptrdiff_t>(gone));
}

// The latest block with room for `bytes` and little more, null where there is none.
inline Head* kept_block(std::size_t bytes) {
    Kept& here = kept();
    const std::lock_guard<std::mutex> own(here.lock);
    for (std::size_t k = here.blocks.size(); k-- > 0;) {
        Head* block = here.blocks[k];
        if (block->bytes < bytes || block->bytes - bytes > bytes / 4) continue;
        here.blocks.erase(here.blocks.begin() + static_cast<std::ptrdiff_t>(k));
        here.bytes -= block->bytes;
        return block;
    }
    return nullptr;
}

// Small pages would cost as much again. NumPy asks for the same.
inline void in_large_pages([[maybe_unused]] void* raw, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
    constexpr std::uintptr_t PAGE = 4096;
    const auto start = (reinterpret_cast<std::uintptr_t>(raw) + PAGE - 1) / PAGE * PAGE;
    const auto end = reinterpret_cast<std::uintptr_t>(raw) + bytes;
    madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
#endif
}

inline Head* new_block(std::size_t bytes) {
    void* raw = nullptr;
    try {
        raw = ::operator new(sizeof(Head) + bytes, std::align_val_t(LINE));
    } catch (const std::bad_alloc&) {
        Kept& here = kept();
        const std::lock_guard<std::mutex> own(here.lock);
        keep_at_most(here, 0);
        raw = ::operator new(sizeof(Head) + bytes, std::align_val_t(LINE));
    }
    if (bytes >= LARGE) in_large_pages(raw, sizeof(Head) + bytes);
    return new (raw) Head{bytes};
}

struct Free {
    void operator()(void* p) const noexcept {
        Head* block = static_cast<Head*>(p) - 1;
        if (block->bytes < LARGE || block->bytes > KEPT_MOST) return let_go(block);
        Kept& here = kept();
        const std::lock_guard<std::mutex> own(here.lock);
        try {
            here.blocks.push_back(block);
        } catch (const std::bad_alloc&) {
            return let_go(block);
        }
        here.bytes += block->bytes;
        keep_at_most(here, KEPT_MOST);
    }
};

template <typename T>
using Buffer = std::unique_ptr<T[], Free>;

template <typename T>
Buffer<T> buffer(std::int64_t count) {
    if (count > ENTRIES_MOST) throw std::bad_alloc();  // before its bytes overflow
    const std::size_t bytes = sizeof(T) * static_cast<std::size_t>(count > 0 ? count : 1);
    Head* block = bytes < LARGE ? nullptr : kept_block(bytes);
    if (block == nullptr) block = new_block(bytes);
    return Buffer<T>(reinterpret_cast<T*>(block + 1));
}

}  // namespace counterpoise

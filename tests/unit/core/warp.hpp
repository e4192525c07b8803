// A CUDA device for the host's compiler: the 32 threads of a warp are fibers that take turns at
// every vote and shuffle, so that `core/cuda.cu` runs, thread by thread, without a device.
//
// A thread that misses a vote or shuffle of its warp ends the program, where a device might hang.
#pragma once

#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#define __global__

struct Extent {
    unsigned x;
};
static Extent threadIdx, blockIdx, blockDim;

namespace warp {

using Word = std::uint64_t;
using Kernel = void (*)(Word, Word, Word, Word);
constexpr int SIZE = 32;
constexpr std::size_t STACK = 1 << 18;

static ucontext_t host, fiber[SIZE];
static bool done[SIZE];
static Word told[SIZE];
static int here;  // the thread whose turn it is
static unsigned first_thread;
static Kernel kernel;
static const Word* words;

inline void take_turn(int thread) {
    here = thread;
    threadIdx.x = first_thread + static_cast<unsigned>(thread);
}

inline void stop() {
    std::fputs("the threads of a warp parted at a vote or shuffle\n", stderr);
    std::abort();
}

// Back when every other thread has come as far.
inline void wait_for_all() {
    const int from = here, next = (here + 1) % SIZE;
    if (done[next]) stop();
    take_turn(next);
    swapcontext(&fiber[from], &fiber[next]);
}

template <typename Number>
Number told_by(int other, Number mine) {
    static_assert(sizeof(Number) <= sizeof(Word), "a number fits a word");
    std::memcpy(&told[here], &mine, sizeof mine);
    wait_for_all();
    Number theirs;
    std::memcpy(&theirs, &told[other], sizeof theirs);
    wait_for_all();
    return theirs;
}

inline void thread_of_warp() {
    kernel(words[0], words[1], words[2], words[3]);
    done[here] = true;
    if (here + 1 == SIZE) setcontext(&host);
    take_turn(here + 1);
    setcontext(&fiber[here]);
}

inline void run(std::vector<char>& stacks) {
    for (int k = 0; k < SIZE; ++k) {
        done[k] = false;
        getcontext(&fiber[k]);
        fiber[k].uc_stack.ss_sp = stacks.data() + static_cast<std::size_t>(k) * STACK;
        fiber[k].uc_stack.ss_size = STACK;
        makecontext(&fiber[k], thread_of_warp, 0);
    }
    take_turn(0);
    swapcontext(&host, &fiber[0]);
    for (bool finished : done) {
        if (!finished) stop();
    }
}

}  // namespace warp

static double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }

static double __shfl_sync(unsigned, double mine, int from) { return warp::told_by(from, mine); }

static double __shfl_xor_sync(unsigned, double mine, int distance) {
    return warp::told_by(warp::here ^ distance, mine);
}

static int __ffsll(long long bits) { return __builtin_ffsll(bits); }

static unsigned __ballot_sync(unsigned, bool mine) {
    warp::told[warp::here] = mine;
    warp::wait_for_all();
    unsigned bits = 0;
    for (int k = 0; k < warp::SIZE; ++k) bits |= static_cast<unsigned>(warp::told[k]) << k;
    warp::wait_for_all();
    return bits;
}

// Run `kernel`, which takes four words, on a grid of blocks.
extern "C" void launch(warp::Kernel kernel, unsigned blocks, unsigned threads,
                       const warp::Word* words) {
    static std::vector<char> stacks(warp::SIZE * warp::STACK);
    warp::kernel = kernel;
    warp::words = words;
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        for (warp::first_thread = 0; warp::first_thread < threads;
             warp::first_thread += warp::SIZE) {
            warp::run(stacks);
        }
    }
}

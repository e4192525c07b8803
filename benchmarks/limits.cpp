// What can this machine do at most? FMA peak with 16 independent chains per thread, and streaming
// reads of 24 KB (L1), 640 KB (L2), 10 MB (L3) and 512 MB (DRAM) per thread; 1 and n threads.
// `rows` is the barest loop that adds up books: sums of ten rows of 320 bytes, any of 2,000, each
// sum reduced to its least number.
//
// Prints one JSON object: gigaflops, and gigabytes per second by size. Build with -O3 -march=native
// -ffp-contract=off; vectors of 8 doubles are GNU's, so that every compiler spells them alike.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;
#if defined(__AVX512F__)
constexpr int WIDTH = 8;
#elif defined(__AVX2__)
constexpr int WIDTH = 4;
#else
constexpr int WIDTH = 2;
#endif
typedef double Vector __attribute__((vector_size(WIDTH * 8)));

static Vector all(double x) {
    Vector v;
    for (int k = 0; k < WIDTH; ++k) v[k] = x;
    return v;
}

static inline Vector fma(Vector a, Vector b, Vector c) {
    Vector d;
    for (int k = 0; k < WIDTH; ++k) d[k] = __builtin_fma(a[k], b[k], c[k]);
    return d;
}

static volatile double sink;

// 16 chains that do not wait for one another.
static void chains(long rounds) {
    constexpr int CHAINS = 16;
    Vector x[CHAINS], a = all(0.9999999), b = all(1e-7);
#pragma GCC unroll 16
    for (int c = 0; c < CHAINS; ++c) x[c] = all(1.0 + c);
    for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
        for (int c = 0; c < CHAINS; ++c) x[c] = fma(x[c], a, b);
    }
#pragma GCC unroll 16
    for (int c = 1; c < CHAINS; ++c) x[0] += x[c];
    sink = x[0][0];
}

static void read(const double* from, long count, long rounds) {
    constexpr int SUMS = 8;
    Vector sum[SUMS];
    for (Vector& s : sum) s = all(0.0);
    for (long r = 0; r < rounds; ++r) {
        for (long k = 0; k + SUMS * WIDTH <= count; k += SUMS * WIDTH) {
#pragma GCC unroll 8
            for (int j = 0; j < SUMS; ++j) {
                sum[j] += *reinterpret_cast<const Vector*>(from + k + j * WIDTH);
            }
        }
        __asm__ volatile("" ::: "memory");
    }
    for (int j = 1; j < SUMS; ++j) sum[0] += sum[j];
    sink = sum[0][0];
}

constexpr long ROW = 40, TABLE = 2000, TEN = 10, BOOKS = 50000;

static void add_rows(const double* table, const int* row, const double* lots, double* least) {
    constexpr int VECTORS = ROW / WIDTH;
    for (long book = 0; book < BOOKS; ++book) {
        Vector sum[VECTORS];
#pragma GCC unroll 20
        for (int j = 0; j < VECTORS; ++j) sum[j] = all(0.0);
        for (long p = book * TEN; p < (book + 1) * TEN; ++p) {
            const double* from = table + row[p] * ROW;
            const Vector size = all(lots[p]);
#pragma GCC unroll 20
            for (int j = 0; j < VECTORS; ++j) {
                sum[j] = fma(size, *reinterpret_cast<const Vector*>(from + j * WIDTH), sum[j]);
            }
        }
#pragma GCC unroll 20
        for (int j = 1; j < VECTORS; ++j) sum[0] = sum[j] < sum[0] ? sum[j] : sum[0];
        double lowest = sum[0][0];
        for (int k = 1; k < WIDTH; ++k) lowest = sum[0][k] < lowest ? sum[0][k] : lowest;
        least[book] = lowest;
    }
}

// Books of positions in the order of their rows, for one thread.
struct Books {
    std::vector<int> row = std::vector<int>(BOOKS * TEN);
    std::vector<double> lots = std::vector<double>(BOOKS * TEN), least = std::vector<double>(BOOKS);
    double* table = static_cast<double*>(std::aligned_alloc(64, TABLE * ROW * 8));

    Books() {
        unsigned state = 1;
        const auto next = [&] { return (state = state * 1664525u + 1013904223u) >> 8; };
        std::generate(row.begin(), row.end(), [&] { return static_cast<int>(next() % TABLE); });
        std::generate(lots.begin(), lots.end(), [&] { return 1.0 + next() % 500; });
        for (long k = 0; k < BOOKS; ++k) {
            std::sort(row.begin() + k * TEN, row.begin() + (k + 1) * TEN);
        }
        std::generate_n(table, TABLE * ROW, [&] { return next() % 1000 - 500.0; });
    }
};

// The least seconds of 25 short goes of `threads` threads that do the same.
template <typename Function>
static double seconds(int threads, Function work) {
    double least = 1e9;
    for (int go = 0; go < 25; ++go) {
        std::vector<std::thread> others;
        const auto start = Clock::now();
        for (int t = 1; t < threads; ++t) others.emplace_back(work, t);
        work(0);
        for (std::thread& other : others) other.join();
        least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
    }
    return least;
}

int main(int count, char** arguments) {
    const int most = count > 1 ? std::atoi(arguments[1]) : 1;
    const double effort = count > 2 ? std::atof(arguments[2]) : 1.0;
    const long sizes[] = {24 << 10, 640 << 10, 10 << 20, 512 << 20};
    const char* const names[] = {"L1", "L2", "L3", "DRAM"};
    std::printf("{\"width\": %d", WIDTH);
    for (int threads : {1, most}) {
        const long rounds = static_cast<long>(4e6 * effort);
        const double flops = 2.0 * WIDTH * 16 * static_cast<double>(rounds) * threads;
        std::printf(", \"%d\": {\"FMA\": %.3f", threads,
                    flops / seconds(threads, [=](int) { chains(rounds); }) / 1e9);
        for (int s = 0; s < 4; ++s) {
            const long doubles = sizes[s] / 8;
            // DRAM is read in shares, caches by everyone: each core has its own.
            const long each = s == 3 ? doubles / threads : doubles;
            std::vector<double*> memory;
            for (int t = 0; t < threads; ++t) {
                memory.push_back(static_cast<double*>(std::aligned_alloc(64, each * 8)));
                std::fill_n(memory.back(), each, 1.0);
            }
            const long times = std::max(1L, static_cast<long>(8e8 * effort / (each * 8)));
            const double took = seconds(threads, [&](int t) { read(memory[t], each, times); });
            const double bytes = 8.0 * static_cast<double>(each) * times * threads;
            std::printf(", \"%s\": %.3f", names[s], bytes / took / 1e9);
            for (double* one : memory) std::free(one);
        }
        std::vector<Books> books(static_cast<std::size_t>(threads));
        const long goes = std::max(1L, static_cast<long>(10 * effort));
        const double took = seconds(threads, [&](int t) {
            Books& b = books[static_cast<std::size_t>(t)];
            for (long go = 0; go < goes; ++go) {
                add_rows(b.table, b.row.data(), b.lots.data(), b.least.data());
            }
        });
        for (Books& b : books) sink = b.least[0], std::free(b.table);
        std::printf(", \"rows\": %.3f}", 8.0 * ROW * TEN * BOOKS * goes * threads / took / 1e9);
        if (most == 1) break;
    }
    std::printf("}\n");
    return 0;
}

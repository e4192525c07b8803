// What the hot loops take and give, and the table by which the running CPU's flavour is called.
//
// Arrays are C-contiguous and checked by the caller; every loop works on a range of rows
// [begin, end), so that threads own rows and no result depends on how many there are.
#pragma once

#include <cstdint>

namespace counterpoise {

constexpr int BLOCK = 40;   // scenarios in one block of a packed array: 5 vectors of 8
constexpr int LANES = 16;   // pricing tables are padded to whole vectors
constexpr int RULES = 7;    // relative, powers short and long, switch, floor, whole days, floor up

// Instruments to price, one entry each; see src/counterpoise/_core.pyi.
struct Instruments {
    const std::uint8_t *kind, *mode;
    const std::int8_t* right;
    const double *unit, *price, *base, *strike, *years, *volatility, *rate;
    const std::int32_t* factor;
};

// Scenarios by factor, padded with at least one column of the unshocked world to `width` columns.
struct Scenarios {
    std::int64_t count, width;
    const double *move, *half_growth, *vol_shift, *vol_floor;  // [factor, width]; ln(1 + move) / 2
    const double* lowest_move;                    // [factor]
    const double* years_shift;                    // [width]
    const double* rules;                          // [factor, RULES]
    bool time_passes;
};

struct Prices {
    double *value, *pnl;  // [instrument], [instrument, scenario]
    bool* failed;         // [instrument]
};

struct Options {
    const double *forward, *strike, *years, *volatility, *rate;
    const std::int8_t* right;
};

struct Greeks {
    double *value, *delta, *gamma, *vega, *theta, *rho;
};

// Rows of positions times a packed risk array [block, instrument, BLOCK] with its transforms.
struct Aggregation {
    const std::int64_t* pointer;
    const std::int32_t* key;
    const std::int32_t* instrument;
    const std::int64_t* lots;
    std::int64_t instruments, keys, scenarios, blocks;
    const double *pnl, *weight, *dampener;   // weight, dampener [block, key, BLOCK] or null
    const double *gain_factor, *gain_cap;    // [key], both or neither
    bool dampen_first;
};

struct Exposures {
    const std::int64_t* pointer;
    const std::int32_t* instrument;
    const std::int64_t* lots;
    const double* columns;  // [instrument, column]
    std::int64_t width;
    double *net, *long_side, *gross;  // [row, column]
};

constexpr int TAIL_GROUP = 8;  // blocks that are packed together
constexpr int TAIL_AHEAD = 4;  // rows whose place for what they keep is fetched early

// Rows of positions times P&L as it stands, [instrument, `stride`], reduced to their tails.
// `whole` and `sample` say which rows and which transforms (pnl of `whole` is not used); `last`
// [instrument, BLOCK] is the last block, padded; no blocks in `sample`: rows go one by one.
struct Tails {
    Aggregation whole, sample;
    const double *pnl, *last;
    std::int64_t stride, rank, sample_rank, room;  // room: entries of a row's scratch
    const std::int32_t* used;                      // instruments with a position
    std::int64_t used_count;
    bool transforms;
    double *at, *below, *sum;    // [row]
    std::int64_t *less, *ties;   // [row]
};

struct TailRow {
    double limit;
    std::int64_t count, dropped;
    bool nan;
};

// Memory of one thread: group [TAIL_GROUP, instrument, BLOCK], kept [row of a chunk, room],
// spare [2 room], row [rows of a chunk + TAIL_AHEAD].
struct TailScratch {
    double *group, *kept, *spare;
    TailRow* row;
};

using Elementwise = void (*)(const double* x, double* y, std::int64_t count);
using Pairwise = void (*)(const double* x, const double* y, double* z, std::int64_t count);

// One flavour: the same functions compiled for one instruction set.
struct Kernels {
    const char* name;
    bool software_fma;
    Elementwise exp, expm1, log, log1p;
    Pairwise power;
    void (*fma)(const double* a, const double* b, const double* c, double* d, std::int64_t count);
    void (*price)(const Instruments&, const Scenarios&, const Prices&, std::int64_t begin,
                  std::int64_t end);
    void (*black76)(const Options&, const Greeks&, std::int64_t begin, std::int64_t end);
    void (*worst)(const Aggregation&, double* loss, std::int32_t* scenario, std::int64_t begin,
                  std::int64_t end);
    void (*vectors)(const Aggregation&, double* raw, double* transformed, std::int64_t begin,
                    std::int64_t end);
    void (*exposures)(const Exposures&, std::int64_t begin, std::int64_t end);
    void (*tails)(const Tails&, const TailScratch&, std::int64_t begin, std::int64_t end);
};

// The flavour in use; `use` returns false where this CPU cannot run the one named.
const Kernels& kernels();
bool use(const char* name);
// The names that this build has and this CPU can run, best first, closed by a null pointer.
const char* const* available();

}  // namespace counterpoise

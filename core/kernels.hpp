// What the hot loops take and give, and the table by which the running CPU's flavour is called.
//
// Arrays are C-contiguous and checked by the caller; every loop works on a range of rows
// [begin, end), so that threads own rows and no result depends on how many there are.
#pragma once

#include <cstdint>

namespace counterpoise {

// Scenarios in one block of a packed array: 5 vectors of 8, on a CUDA device 2 of 32.
#if defined(COUNTERPOISE_CUDA)
constexpr int BLOCK = 64;
#else
constexpr int BLOCK = 40;
#endif
constexpr int LANES = 16;   // rows of one account and of tails are padded to whole vectors
constexpr int TABLE = 64;   // pricing tables, to pairs of vectors, those of a warp too
constexpr int RULES = 7;    // relative, powers short and long, switch, floor, whole days, floor up
constexpr int SMILE = 5;    // raw SVI a, b, rho, m, sigma; NaN where the volatility stays
// Quotes of a smile are padded to whole vectors of eight; of one smile, padded; of one surface.
constexpr int EIGHT = 8, MOST_QUOTES = 2048, MOST_SLICES = 256;

// Instruments to price, one entry each; see src/counterpoise/_core.pyi.
struct Instruments {
    const std::uint8_t *kind, *mode;
    const std::int8_t* right;
    const double *unit, *price, *base, *strike, *years, *volatility, *rate;
    const std::int32_t* factor;
    const double* smile;  // [instrument, SMILE] or null
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

// Quotes to invert; discounted premium per unit of underlying, in quote currency.
struct Quotes {
    const double *price, *forward, *strike, *years, *rate;
    const std::int8_t* right;
};

// Why a quote has no volatility, or a vague one; the same numbers in src/counterpoise/_core.pyi.
enum ImpliedReason : std::uint8_t {
    DETERMINED, IMPRECISE, NOT_FINITE, BAD_TERMS, EXPIRED, BELOW_INTRINSIC, AT_INTRINSIC, AT_BOUND,
    VANISHING, UNSOLVED,
};

struct Implied {
    double *volatility, *uncertainty;
    std::uint8_t* reason;
};

// Quotes of many smiles: pointer [slice + 1] into columns that are padded, slice by slice, to whole
// vectors with weight zero.
struct Smiles {
    const std::int64_t* pointer;
    const double *log_moneyness, *variance, *weight;
};

struct SliceFits {
    double *parameters, *squares;  // [slice, 5 or 3], [slice]
    std::int32_t* evaluations;     // [slice]
};

// SVI slices at rows (slice, log-moneyness): variance, its two derivatives, Durrleman's function.
struct Curve {
    const double* parameters;
    const std::int32_t* slice;
    const double* log_moneyness;
    double *variance, *first, *second, *density;
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
    bool finite;               // no sum of P&L can be NaN or infinite
    bool from_one;             // scenario 0 is zero throughout, and not among the packed
    const bool* losses_as_is;  // [block, key] neither weight nor dampener changes the block
    std::int64_t keyed;        // 1, or 0 without any transform: keys are not looked at then
};

constexpr int STATES = 16;  // price states in one block where each has several vol states,
constexpr int PLANES = 3;   // of which so many are summed at once: 6 vectors of 8

// Rows of units as runs of segments, each with its positions; P&L by state of the price.
// A block is BLOCK scenarios if every state is one scenario (planes = 1), else STATES states.
struct Segments {
    Aggregation units;            // pointer [row + 1] into segments; key and arrays of the unit
    const std::int64_t* pointer;  // [segment of a row + 1] into positions
    const std::int32_t* segment;  // [segment of a row] key of its transforms
    const double* quantity;       // [position] lots
    std::int64_t keys, planes;    // segment keys; vol states of a price, padded to whole PLANES
    const double *up, *down;      // [block, segment key, states of a block], both or neither
    const double* cap;            // [segment key] with `up`
    const double* base;           // [instrument] value that the scale acts on too, or null
    const double* absolute;       // [block, states of a block] not 0 where -|x| counts, or null
};

struct Exposures {
    const std::int64_t* pointer;
    const std::int32_t* instrument;
    const std::int64_t* lots;
    const double* columns;  // [instrument, column]
    std::int64_t width;
    double *net, *long_side, *gross;  // [row, column]
};

constexpr int ADD_ON_COLUMNS = 4;  // segment column, its rate, net column, protecting column
constexpr int SIZE_RULE = 4;       // slope, threshold, cap, price

// Results of a unit row, side by side: who adds up rows of one account finds them in one place.
struct UnitResult {
    double loss, charge, shock, value;
};

// What an instrument brings to its unit row beside its P&L, per lot: one line of the cache.
struct alignas(64) AddOnTerms {
    double by_segment, rate, net, protecting, value;
    double segment;  // a whole number >= 0
    bool flag;
};

// Rows of positions beside their scan; `flagged` [row] is null where no instrument has a flag.
struct AddOns {
    const std::int64_t* pointer;
    const std::int32_t *key, *instrument;
    const std::int64_t* lots;
    const AddOnTerms* terms;      // [instrument]
    const double* size_rule;      // [key, SIZE_RULE]
    UnitResult* result;
    std::int32_t* flagged;        // first flagged instrument, -1 without one
};

constexpr int TOTALS = 12;  // columns of a requirement row, the last one (the sum) if asked for

// A unit row of a requirement row, and that row, side by side: one line of the cache.
struct Member {
    std::int32_t block, row, unit, of;
};

constexpr int MEMBER = 4;  // numbers of a member

// Requirement rows as sums of unit rows: row r has members [members[r], members[r + 1]).
struct Totals {
    const std::int64_t* rows;     // the rows asked for, null for all
    const std::int64_t* entries;  // [asked + 1] where each one's members go
    const std::int64_t* members;
    const Member* member;
    const UnitResult* const* blocks;
    const std::int64_t* block_rows;  // [block] how many rows it has
    std::int64_t block_count;
    const std::int32_t* const* scenarios;
    const double* other[3];       // [asked] further addends or null
    const std::int32_t* failure;  // [asked] >= 0 where there is no number, or null
    double factor, ten_initial, ten_maintenance;
    double* out[TOTALS];
    double* entry_loss;
    std::int32_t *entry_scenario;
    std::int32_t *entry_row, *entry_unit;  // null where all rows are asked for
};

struct Holding {
    double value, part;
    std::uint64_t cost;
    std::int32_t of;
    bool unknown;
};

// What accounts own in pools: rows (account, pool) sorted by account; every other array a table.
struct Owned {
    const std::int64_t* pointer;
    const std::int32_t* instrument;
    const std::int64_t *lots, *entry_cost;
    const std::int32_t *account, *pool;  // [row]
    std::int64_t count, assets, unknown;
    const std::int32_t *pool_of, *part_of;  // [instrument]
    const double* values;                // [instrument] per lot
    const std::uint8_t* has_entry;       // [instrument]
    const std::int32_t* asset_of;        // [pool] column of balances, -1 without one
    const double* smallest;              // [pool] smallest units in one
    const std::int64_t* balances;        // [account, asset]
    const double* stated;                // [account, asset] or null
    double *cash, *value;
    bool *known, *no_entry;
};

// What is owned against what is required, [row]; haircut [pool] acts on positive amounts.
struct Standing {
    const double *owned, *initial, *maintenance, *haircut;
    const std::int32_t* pool;
    double *balance, *initial_excess, *maintenance_excess;
    std::uint8_t* status;
};

constexpr int TAIL_GROUP = 4;  // blocks that are packed together
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

// Tails of scenarios with probabilities of their own; of `rows` also its `at` and `sum`.
struct WeightedTails {
    Tails rows;
    const double* probability;  // [scenario]
    double mass, enough;
    double *less, *ties, *reached;  // [row]
};

// One account made ready for orders, in `sides` states: its positions, and with orders filled.
// Rows (side, unit). Scenarios are padded to `width`, whole LANES, with the last one again, which
// changes no minimum, and every row begins a line of the cache.
struct Account {
    std::int64_t sides, units, segments, width;
    const double* pnl;                    // [instrument, width]
    const std::int32_t *unit, *segment;   // [instrument]; unit < 0: not of this model
    const std::uint8_t* flag;             // [instrument] no number
    const double* columns;                // [instrument, ADD_ON_COLUMNS]
    const double *raw;                    // [side, unit, width]
    const double *weight, *dampener;      // [unit, width] or null
    const double *gain_factor, *gain_cap; // [unit], both or neither
    bool dampen_first;
    const bool* as_is;                    // [unit, width / LANES] the transforms keep every loss
    const std::int64_t* as_is_until;      // [unit] up to where they do so, in whole LANES
    const double* size_rule;              // [unit, SIZE_RULE]
    const double *charge, *net, *owned;   // [side, unit]
    const double* carried;                // [side, instrument] lots before the order
    std::int64_t instruments;
    const double* segment_net;            // [side, segment]
    const double* rest;                   // [side, unit] what the pool's other units need
    const double* fixed;                  // [unit] what the pool needs whatever the positions
    double factor;
};

// The unit's positions in their order, the order's own among them: rows of P&L and lots. The order
// stands after `before` of them, and replaces the next where `netted`.
struct Positions {
    const double* const* rows;
    const double* lots;
    std::int64_t count, before;
    bool netted;
    const double* order;
    double order_lots;
};

// What the account needs with an order filled.
struct Needs {
    double worst, initial, maintenance;
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
    void (*implied)(const Quotes&, const Implied&, std::int64_t begin, std::int64_t end);
    void (*svi_fit)(const Smiles&, const SliceFits&, bool clear, std::int64_t begin,
                    std::int64_t end);
    void (*ssvi_fit)(const Smiles&, const SliceFits&, std::int64_t count);
    void (*svi_curve)(const Curve&, std::int64_t count);
    void (*svi_dip)(const double* parameters, double* least, double* at, std::int64_t count);
    void (*ssvi_variance)(const double* wings, const double* log_moneyness, double* variance,
                          std::int64_t count);
    void (*worst)(const Aggregation&, double* loss, std::int32_t* scenario, std::int64_t begin,
                  std::int64_t end);
    void (*vectors)(const Aggregation&, double* raw, double* transformed, std::int64_t begin,
                    std::int64_t end);
    void (*worst_of_segments)(const Segments&, double* loss, std::int32_t* state,
                              std::int64_t begin, std::int64_t end);
    void (*vectors_of_segments)(const Segments&, double* raw, double* transformed,
                                std::int64_t begin, std::int64_t end);
    void (*exposures)(const Exposures&, std::int64_t begin, std::int64_t end);
    void (*add_ons)(const AddOns&, const double* loss, std::int64_t begin, std::int64_t end);
    void (*measured)(const Aggregation&, const AddOns&, std::int32_t* scenario,
                     std::int64_t begin, std::int64_t end);
    // false, and results that count for nothing, where a member lies outside the blocks
    bool (*totals)(const Totals&, std::int64_t begin, std::int64_t end);
    void (*owned)(const Owned&, std::int64_t begin, std::int64_t end, Holding* by_pool);
    void (*standing)(const Standing&, std::int64_t begin, std::int64_t end);
    void (*tails)(const Tails&, const TailScratch&, std::int64_t begin, std::int64_t end);
    void (*weighted_tails)(const WeightedTails&, double* scratch, std::int64_t begin,
                           std::int64_t end);
    double (*worst_with)(const Account&, std::int64_t side, std::int32_t instrument, double lots);
    Needs (*needs_with)(const Account&, std::int32_t instrument, double lots);
    double (*worst_again)(const Account&, std::int64_t unit, const Positions&);
};

// The flavour in use; `use` returns false where this CPU cannot run the one named.
const Kernels& kernels();
bool use(const char* name);
// The names that this build has and this CPU can run, best first, closed by a null pointer.
const char* const* available();

}  // namespace counterpoise

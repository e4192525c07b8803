// What unit rows are measured by, as it comes from Python: checked, and one line per instrument.
#pragma once

#include <atomic>

#include "arrays.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "rows.hpp"

namespace counterpoise {

constexpr std::size_t RESULTS = 4;
static_assert(sizeof(UnitResult) == RESULTS * sizeof(double));
static_assert(sizeof(AddOnTerms) == 64);

constexpr std::int64_t CHECK_GRAIN = 1 << 16;

// check_index for long columns, by all threads.
inline void check_inside(const Array<std::int32_t>& index, std::int64_t count, int threads,
                  const char* sentence) {
    std::atomic<bool> inside{true};
    {
        nb::gil_scoped_release free;
        parallel(threads, index.size(), CHECK_GRAIN, [&](std::int64_t begin, std::int64_t end) {
            if (!all_inside(index.at + begin, index.at + end, count)) {
                inside.store(false, std::memory_order_relaxed);
            }
        });
    }
    expect(inside.load(), sentence);
}

// The terms of a call to `add_ons` or `measured`.
struct Measures {
    Buffer<AddOnTerms> terms;
    Array<double> size_rule;
    std::int64_t instruments;
    bool flags;
};

inline Measures measures_of(nb::handle segment, nb::handle columns, nb::handle value,
                            nb::handle flag, nb::handle size_rule) {
    const Array<double> table = array<double>(columns, "columns", 2);
    const std::int64_t count = table.shape[0];
    expect(table.shape[1] == ADD_ON_COLUMNS, "columns must have 4 columns");
    const Array<std::int32_t> segments = column<std::int32_t>(segment, "segment", count);
    const Array<double> values = column<double>(value, "value", count);
    const Array<std::uint8_t> flags = column<std::uint8_t>(flag, "flag", count);
    check_index(segments, std::int64_t{1} << 31, "segment must not be negative");
    Measures m{buffer<AddOnTerms>(count), array<double>(size_rule, "size_rule", 2), count, false};
    expect(m.size_rule.shape[1] == SIZE_RULE, "size_rule must have 4 columns");
    for (std::int64_t i = 0; i < count; ++i) {
        const double* c = table.at + i * ADD_ON_COLUMNS;
        m.terms[i] = {c[0], c[1], c[2], c[3], values.at[i],
                      static_cast<double>(segments.at[i]), flags.at[i] != 0};
        m.flags |= m.terms[i].flag;
    }
    return m;
}

// Where the results of unit rows go; no flags where no instrument has one.
struct Measured {
    Buffer<double> result;
    Buffer<std::int32_t> flagged;
    AddOns call;
};

inline Measured measured_of(const Rows& rows, const Measures& m) {
    Measured out{buffer<double>(rows.count * static_cast<std::int64_t>(RESULTS)), {}, {}};
    if (m.flags) out.flagged = buffer<std::int32_t>(rows.count);
    out.call = {rows.pointer.at, rows.key.at, rows.instrument.at, rows.lots.at, m.terms.get(),
                m.size_rule.at, reinterpret_cast<UnitResult*>(out.result.get()),
                out.flagged.get()};
    return out;
}

inline nb::object flags_of(Measured& measured, std::int64_t rows) {
    if (measured.flagged == nullptr) return nb::none();
    return given_away(std::move(measured.flagged), {static_cast<std::size_t>(rows)});
}

}  // namespace counterpoise

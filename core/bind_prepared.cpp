// An account made ready for what-if: the class `Prepared`, whose methods take numbers and give
// numbers, since an array as an argument costs more than the answer.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "kernels.hpp"
#include "parallel.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

constexpr std::int64_t GRAIN = 256, LOTS_MAX = std::int64_t{1} << 62;

// Rows [row, scenario] padded with zeros to `width` columns.
Buffer<double> padded(const Array<double>& rows, std::int64_t width) {
    Buffer<double> out = buffer<double>(rows.shape[0] * width);
    for (std::int64_t r = 0; r < rows.shape[0]; ++r) {
        double* to = out.get() + r * width;
        std::copy_n(rows.at + r * rows.shape[1], rows.shape[1], to);
        std::fill(to + rows.shape[1], to + width, 0.0);
    }
    return out;
}

template <typename T>
T single(nb::handle given, const char* sentence) {
    T value;
    if (!nb::try_cast(given, value)) throw nb::type_error(sentence);
    return value;
}

class Prepared {
  public:
    Prepared(std::int64_t sequence, nb::dict market, nb::dict account)
        : sequence_(sequence) {
        const Array<double> pnl = array<double>(market["pnl"], "pnl", 2);
        const std::int64_t n = pnl.shape[0], s = pnl.shape[1];
        check_scenarios(s);
        in_.pnl = kept(pnl);
        in_.scenarios = s;
        in_.width = (s + LANES - 1) / LANES * LANES;
        instruments_ = n;
        unit_ = copied(column<std::int32_t>(market["unit"], "unit", n));
        segment_ = copied(column<std::int32_t>(market["segment"], "segment", n));
        in_.unit = unit_.data();
        in_.segment = segment_.data();
        in_.flag = kept(column<std::uint8_t>(market["flag"], "flag", n));
        in_.columns = kept(matrix<double>(market["columns"], "columns", n, ADD_ON_COLUMNS));
        const auto rule = array<double>(market["size_rule"], "size_rule", 2);
        expect(rule.shape[1] == SIZE_RULE, "size_rule must have 4 columns");
        in_.size_rule = kept(rule);
        in_.units = rule.shape[0];
        read_transforms(market);
        read_account(account);
        for (std::size_t i = 0; i < unit_.size(); ++i) {
            expect(unit_[i] < in_.units, "unit must index the rows of size_rule");
            expect(segment_[i] >= 0 && segment_[i] < in_.segments,
                   "segment must index the columns of segment_net");
        }
    }

    std::int64_t sequence() const { return sequence_; }

    double worst(std::int64_t instrument, std::int64_t lots, std::int64_t sequence) const {
        const std::int32_t i = checked(instrument, sequence);
        if (in_.unit[i] < 0 || in_.flag[i] != 0) return nothing();
        return kernels().worst_with(in_, 0, i, static_cast<double>(lots));
    }

    double worst_again(std::int64_t instrument, std::int64_t lots, std::int64_t sequence) const {
        const std::int32_t i = checked(instrument, sequence);
        if (in_.unit[i] < 0 || in_.flag[i] != 0) return nothing();
        expect(lots >= -LOTS_MAX && lots <= LOTS_MAX, "lots must lie within 2^62");
        return again(i, lots);
    }

    double initial(std::int64_t instrument, std::int64_t lots, std::int64_t sequence) const {
        const std::int32_t i = checked(instrument, sequence);
        return kernels().needs_with(in_, i, static_cast<double>(lots)).initial;
    }

    double maintenance(std::int64_t instrument, std::int64_t lots, std::int64_t sequence) const {
        const std::int32_t i = checked(instrument, sequence);
        return kernels().needs_with(in_, i, static_cast<double>(lots)).maintenance;
    }

    nb::object effects(nb::handle instrument, nb::handle lots, std::int64_t sequence,
                       int threads) const {
        const auto at = array<std::int32_t>(instrument, "instrument", 1);
        const auto sizes = column<std::int64_t>(lots, "lots", at.size());
        check_index(at, instruments_, "instrument must index the rows of the risk array");
        check_sequence(sequence);
        checked_threads(threads);
        Buffer<double> worst = buffer<double>(at.size()), initial = buffer<double>(at.size());
        Buffer<double> maintenance = buffer<double>(at.size());
        {
            nb::gil_scoped_release free;
            const Kernels& core = kernels();
            parallel(threads, at.size(), GRAIN, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t k = begin; k < end; ++k) {
                    const Needs needs =
                        core.needs_with(in_, at.at[k], static_cast<double>(sizes.at[k]));
                    worst[k] = needs.worst;
                    initial[k] = needs.initial;
                    maintenance[k] = needs.maintenance;
                }
            });
        }
        const auto n = static_cast<std::size_t>(at.size());
        return nb::make_tuple(given_away(std::move(worst), {n}),
                              given_away(std::move(initial), {n}),
                              given_away(std::move(maintenance), {n}));
    }

  private:
    // The unit's positions with the order in its canonical place, netted, summed once more.
    double again(std::int32_t instrument, std::int64_t lots) const {
        const std::int64_t unit = in_.unit[instrument];
        const std::int64_t begin = pointer_[unit], end = pointer_[unit + 1];
        std::vector<const double*> rows;
        std::vector<double> sizes;
        rows.reserve(static_cast<std::size_t>(end - begin + 1));
        sizes.reserve(rows.capacity());
        const auto add = [&](std::int32_t i, std::int64_t size) {
            rows.push_back(in_.pnl + static_cast<std::int64_t>(i) * in_.scenarios);
            sizes.push_back(static_cast<double>(size));
        };
        std::int64_t p = begin;
        for (; p < end && held_[p] < instrument; ++p) add(held_[p], lots_[p]);
        const bool netted = p < end && held_[p] == instrument;
        expect(!netted || (lots_[p] >= -LOTS_MAX && lots_[p] <= LOTS_MAX),
               "the lots held must lie within 2^62 for an order to be added");
        add(instrument, netted ? lots_[p] + lots : lots);
        for (p += netted; p < end; ++p) add(held_[p], lots_[p]);
        return kernels().worst_again(in_, unit, rows.data(), sizes.data(),
                                     static_cast<std::int64_t>(rows.size()));
    }

    static double nothing() { return std::numeric_limits<double>::quiet_NaN(); }

    template <typename T>
    const T* kept(const Array<T>& given) {
        keep_.push_back(given.keep);
        return given.at;
    }

    template <typename T>
    static std::vector<T> copied(const Array<T>& given) {
        return std::vector<T>(given.at, given.at + given.size());
    }

    void read_transforms(const nb::dict& market) {
        const std::int64_t u = in_.units, s = in_.scenarios;
        if (!market["weight"].is_none()) {
            weight_ = padded(matrix<double>(market["weight"], "weight", u, s), in_.width);
        }
        if (!market["dampener"].is_none()) {
            dampener_ = padded(matrix<double>(market["dampener"], "dampener", u, s), in_.width);
        }
        if (!market["gain_factor"].is_none()) {
            in_.gain_factor = kept(column<double>(market["gain_factor"], "gain_factor", u));
            in_.gain_cap = kept(column<double>(market["gain_cap"], "gain_cap", u));
        }
        in_.weight = weight_.get();
        in_.dampener = dampener_.get();
        as_is_.reset(new bool[static_cast<std::size_t>(u * in_.width / LANES)]);
        for (std::int64_t k = 0; k < u * in_.width / LANES; ++k) as_is_[k] = keeps_losses(k);
        in_.as_is = as_is_.get();
        for (std::int64_t unit = 0; unit < u; ++unit) {
            std::int64_t until = 0;
            while (until + LANES <= s && as_is_[(unit * in_.width + until) / LANES]) until += LANES;
            as_is_until_.push_back(until);
        }
        in_.as_is_until = as_is_until_.data();
        in_.dampen_first = single<bool>(market["dampen_first"], "dampen_first must be a bool");
        in_.factor = single<double>(market["factor"], "factor must be a number");
    }

    // Weights 1, dampeners 0, and gains stay gains: so the loss of a scenario is its P&L.
    bool keeps_losses(std::int64_t k) const {
        const std::int64_t unit = k * LANES / in_.width;
        const auto gain = [](double x) { return x >= 0.0; };
        bool same = in_.gain_factor == nullptr ||
                    (gain(in_.gain_factor[unit]) && gain(in_.gain_cap[unit]));
        for (std::int64_t s = k * LANES; s < (k + 1) * LANES; ++s) {
            // Beyond the last scenario stand zeros, and a P&L of zero is no loss.
            const bool there = s % in_.width < in_.scenarios;
            same &= !there || weight_ == nullptr || weight_[s] == 1.0;
            same &= !there || dampener_ == nullptr || dampener_[s] == 0.0;
        }
        return same;
    }

    void read_account(const nb::dict& account) {
        const auto raw = array<double>(account["raw"], "raw", 2);
        const std::int64_t u = in_.units;
        expect(u > 0 && raw.shape[0] % u == 0 && raw.shape[0] > 0 &&
                   raw.shape[1] == in_.scenarios,
               "raw must have a row per side and unit and a column per scenario");
        raw_ = padded(raw, in_.width);
        in_.raw = raw_.get();
        in_.sides = raw.shape[0] / u;
        in_.charge = kept(column<double>(account["charge"], "charge", raw.shape[0]));
        in_.net = kept(column<double>(account["net"], "net", raw.shape[0]));
        in_.owned = kept(column<double>(account["owned"], "owned", raw.shape[0]));
        in_.rest = kept(column<double>(account["rest"], "rest", raw.shape[0]));
        in_.fixed = kept(column<double>(account["fixed"], "fixed", u));
        const auto nets = array<double>(account["segment_net"], "segment_net", 2);
        expect(nets.shape[0] == in_.sides, "segment_net must have a row per side");
        in_.segment_net = kept(nets);
        in_.segments = nets.shape[1];
        const auto carried = array<double>(account["carried"], "carried", 2);
        expect(carried.shape[0] == in_.sides && carried.shape[1] == instruments_,
               "carried must have a row per side and a column per instrument");
        in_.carried = kept(carried);
        in_.instruments = instruments_;
        const auto pointer = column<std::int64_t>(account["pointer"], "pointer", u + 1);
        const auto held = array<std::int32_t>(account["instrument"], "instrument", 1);
        const auto lots = column<std::int64_t>(account["lots"], "lots", held.size());
        check_pointer(pointer, held.size());
        check_index(held, instruments_, "instrument must index the rows of the risk array");
        pointer_ = copied(pointer);
        held_ = copied(held);
        lots_ = copied(lots);
    }

    void check_sequence(std::int64_t sequence) const {
        if (sequence == sequence_) return;
        throw nb::value_error(("this account was prepared at snapshot " +
                               std::to_string(sequence_) + ", the market is at " +
                               std::to_string(sequence) + "; prepare it again").c_str());
    }

    std::int32_t checked(std::int64_t instrument, std::int64_t sequence) const {
        check_sequence(sequence);
        if (instrument < 0 || instrument >= instruments_) {
            throw nb::value_error(("instrument must lie between 0 and " +
                                   std::to_string(instruments_ - 1) + ", not " +
                                   std::to_string(instrument)).c_str());
        }
        return static_cast<std::int32_t>(instrument);
    }

    std::int64_t sequence_, instruments_ = 0;
    std::vector<nb::ndarray<nb::ro>> keep_;  // what `in_` points into; indices are copies
    std::vector<std::int32_t> unit_, segment_, held_;
    std::vector<std::int64_t> pointer_, lots_, as_is_until_;
    Buffer<double> weight_, dampener_, raw_;
    std::unique_ptr<bool[]> as_is_;
    Account in_{};
};

}  // namespace

void bind_prepared(nb::module_& m) {
    nb::class_<Prepared>(m, "Prepared")
        .def(nb::init<std::int64_t, nb::dict, nb::dict>(), "sequence"_a, "market"_a, "account"_a)
        .def("sequence", &Prepared::sequence)
        .def("worst", &Prepared::worst)
        .def("worst_again", &Prepared::worst_again)
        .def("initial", &Prepared::initial)
        .def("maintenance", &Prepared::maintenance)
        .def("effects", &Prepared::effects, "instrument"_a, "lots"_a, "sequence"_a,
             "threads"_a = 1);
}

}  // namespace counterpoise

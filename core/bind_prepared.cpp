// Accounts made ready for what-if: the class `PreparedMarket`, what all accounts share at one
// snapshot, and the class `Prepared`, one of them, whose methods take numbers and give numbers,
// since an array as an argument costs more than the answer.
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

// Rows [row, scenario] padded to `width` columns with the last of them.
Buffer<double> padded(const Array<double>& rows, std::int64_t width) {
    Buffer<double> out = buffer<double>(rows.shape[0] * width);
    for (std::int64_t r = 0; width > 0 && r < rows.shape[0]; ++r) {
        double* to = out.get() + r * width;
        std::copy_n(rows.at + r * rows.shape[1], rows.shape[1], to);
        std::fill(to + rows.shape[1], to + width, to[rows.shape[1] - 1]);
    }
    return out;
}

// What `Account` points into stays alive here; indices are copied, nobody may change them.
struct Keeper {
    std::vector<nb::ndarray<nb::ro>> arrays;

    template <typename T>
    const T* operator()(const Array<T>& given) {
        arrays.push_back(given.keep);
        return given.at;
    }
};

template <typename T>
std::vector<T> copied(const Array<T>& given) {
    return std::vector<T>(given.at, given.at + given.size());
}

template <typename T>
T single(nb::handle given, const char* sentence) {
    T value;
    if (!nb::try_cast(given, value)) throw nb::type_error(sentence);
    return value;
}

// The part of `Account` that is the market's.
class PreparedMarket {
  public:
    PreparedMarket(std::int64_t sequence, nb::dict market) : sequence_(sequence) {
        const Array<double> pnl = array<double>(market["pnl"], "pnl", 2);
        const std::int64_t n = pnl.shape[0];
        check_scenarios(pnl.shape[1]);
        scenarios_ = pnl.shape[1];
        in_.width = (scenarios_ + LANES - 1) / LANES * LANES;
        pnl_ = padded(pnl, in_.width);
        in_.pnl = pnl_.get();
        in_.instruments = n;
        unit_ = copied(column<std::int32_t>(market["unit"], "unit", n));
        segment_ = copied(column<std::int32_t>(market["segment"], "segment", n));
        in_.unit = unit_.data();
        in_.segment = segment_.data();
        in_.flag = keep_(column<std::uint8_t>(market["flag"], "flag", n));
        in_.columns = keep_(matrix<double>(market["columns"], "columns", n, ADD_ON_COLUMNS));
        const auto rule = array<double>(market["size_rule"], "size_rule", 2);
        expect(rule.shape[1] == SIZE_RULE, "size_rule must have 4 columns");
        in_.size_rule = keep_(rule);
        in_.units = rule.shape[0];
        read_transforms(market);
        for (std::size_t i = 0; i < unit_.size(); ++i) {
            expect_index(unit_[i] < in_.units, "unit must index the rows of size_rule");
            expect_index(segment_[i] >= 0, "segment must index the columns of segment_net");
            in_.segments = std::max<std::int64_t>(in_.segments, segment_[i] + 1);
        }
    }

    std::int64_t sequence() const { return sequence_; }
    std::int64_t scenarios() const { return scenarios_; }
    // `segments` is how many there must be at least.
    const Account& shared() const { return in_; }

  private:
    // As `expect`, without making a sentence for each of thousands.
    static void expect_index(bool holds, const char* sentence) {
        if (!holds) throw nb::value_error(sentence);
    }

    void read_transforms(const nb::dict& market) {
        const std::int64_t u = in_.units, s = scenarios_;
        if (!market["weight"].is_none()) {
            weight_ = padded(matrix<double>(market["weight"], "weight", u, s), in_.width);
        }
        if (!market["dampener"].is_none()) {
            dampener_ = padded(matrix<double>(market["dampener"], "dampener", u, s), in_.width);
        }
        if (!market["gain_factor"].is_none()) {
            in_.gain_factor = keep_(column<double>(market["gain_factor"], "gain_factor", u));
            in_.gain_cap = keep_(column<double>(market["gain_cap"], "gain_cap", u));
        }
        in_.weight = weight_.get();
        in_.dampener = dampener_.get();
        as_is_.reset(new bool[static_cast<std::size_t>(u * in_.width / LANES)]);
        for (std::int64_t k = 0; k < u * in_.width / LANES; ++k) as_is_[k] = keeps_losses(k);
        in_.as_is = as_is_.get();
        for (std::int64_t unit = 0; unit < u; ++unit) {
            std::int64_t until = 0;
            while (until < in_.width && as_is_[(unit * in_.width + until) / LANES]) until += LANES;
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
            same &= weight_ == nullptr || weight_[s] == 1.0;
            same &= dampener_ == nullptr || dampener_[s] == 0.0;
        }
        return same;
    }

    std::int64_t sequence_, scenarios_ = 0;
    Keeper keep_;
    std::vector<std::int32_t> unit_, segment_;
    std::vector<std::int64_t> as_is_until_;
    Buffer<double> pnl_, weight_, dampener_;
    std::unique_ptr<bool[]> as_is_;
    Account in_{};
};

// One account at the snapshot of its market, which must outlive it.
class Prepared {
  public:
    Prepared(const PreparedMarket& market, nb::dict account)
        : sequence_(market.sequence()), instruments_(market.shared().instruments),
          in_(market.shared()) {
        read_account(account, market.scenarios());
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
        if (lots < -LOTS_MAX || lots > LOTS_MAX) throw nb::value_error("lots must lie within 2^62");
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
        const auto place = std::lower_bound(held_.begin() + begin, held_.begin() + end, instrument);
        const std::int64_t at = place - held_.begin();
        const bool netted = at < end && *place == instrument;
        if (netted && (lots_[at] < -LOTS_MAX || lots_[at] > LOTS_MAX)) {
            throw nb::value_error("the lots held must lie within 2^62 for an order to be added");
        }
        return kernels().worst_again(in_, unit, {
            rows_.data() + begin, sizes_.data() + begin, end - begin, at - begin, netted,
            row(instrument), static_cast<double>(netted ? lots_[at] + lots : lots)});
    }

    const double* row(std::int32_t instrument) const {
        return in_.pnl + static_cast<std::int64_t>(instrument) * in_.width;
    }

    static double nothing() { return std::numeric_limits<double>::quiet_NaN(); }

    void read_account(const nb::dict& account, std::int64_t scenarios) {
        const auto raw = array<double>(account["raw"], "raw", 2);
        const std::int64_t u = in_.units;
        expect(u > 0 && raw.shape[0] % u == 0 && raw.shape[0] > 0 &&
                   raw.shape[1] == scenarios,
               "raw must have a row per side and unit and a column per scenario");
        raw_ = padded(raw, in_.width);
        in_.raw = raw_.get();
        in_.sides = raw.shape[0] / u;
        in_.charge = keep_(column<double>(account["charge"], "charge", raw.shape[0]));
        in_.net = keep_(column<double>(account["net"], "net", raw.shape[0]));
        in_.owned = keep_(column<double>(account["owned"], "owned", raw.shape[0]));
        in_.rest = keep_(column<double>(account["rest"], "rest", raw.shape[0]));
        in_.fixed = keep_(column<double>(account["fixed"], "fixed", u));
        const auto nets = array<double>(account["segment_net"], "segment_net", 2);
        expect(nets.shape[0] == in_.sides, "segment_net must have a row per side");
        in_.segment_net = keep_(nets);
        expect(nets.shape[1] >= in_.segments,
               "segment must index the columns of segment_net");
        in_.segments = nets.shape[1];
        const auto carried = array<double>(account["carried"], "carried", 2);
        expect(carried.shape[0] == in_.sides && carried.shape[1] == instruments_,
               "carried must have a row per side and a column per instrument");
        in_.carried = keep_(carried);
        const auto pointer = column<std::int64_t>(account["pointer"], "pointer", u + 1);
        const auto held = array<std::int32_t>(account["instrument"], "instrument", 1);
        const auto lots = column<std::int64_t>(account["lots"], "lots", held.size());
        check_pointer(pointer, held.size());
        check_index(held, instruments_, "instrument must index the rows of the risk array");
        pointer_ = copied(pointer);
        held_ = copied(held);
        lots_ = copied(lots);
        for (std::size_t p = 0; p < held_.size(); ++p) {
            rows_.push_back(row(held_[p]));
            sizes_.push_back(static_cast<double>(lots_[p]));
        }
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

    std::int64_t sequence_, instruments_;
    Keeper keep_;
    std::vector<std::int32_t> held_;
    std::vector<std::int64_t> pointer_, lots_;
    std::vector<const double*> rows_;  // P&L of the positions held, and their lots
    std::vector<double> sizes_;
    Buffer<double> raw_;
    Account in_;
};

}  // namespace

void bind_prepared(nb::module_& m) {
    nb::class_<PreparedMarket>(m, "PreparedMarket")
        .def(nb::init<std::int64_t, nb::dict>(), "sequence"_a, "market"_a);
    nb::class_<Prepared>(m, "Prepared")
        .def(nb::init<const PreparedMarket&, nb::dict>(), "market"_a, "account"_a,
             nb::keep_alive<1, 2>())
        .def("sequence", &Prepared::sequence)
        .def("worst", &Prepared::worst)
        .def("worst_again", &Prepared::worst_again)
        .def("initial", &Prepared::initial)
        .def("maintenance", &Prepared::maintenance)
        .def("effects", &Prepared::effects, "instrument"_a, "lots"_a, "sequence"_a,
             "threads"_a = 1);
}

}  // namespace counterpoise

// Quotes in, smiles out: SVI and SSVI fits, their curves and their butterflies.
#include <algorithm>

#include "arrays.hpp"
#include "kernels.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

// The quotes again, every slice padded to whole vectors with its first strike at weight zero.
struct Padded {
    Buffer<std::int64_t> pointer;
    Buffer<double> log_moneyness, variance, weight;
    std::int64_t slices;

    Smiles view() const {
        return {pointer.get(), log_moneyness.get(), variance.get(), weight.get()};
    }
};

bool usable(const Array<double>& k, const Array<double>& w, const Array<double>& weight) {
    bool good = true;
    for (std::int64_t i = 0; i < k.size(); ++i) {
        // A difference with itself is zero for every number that is finite.
        good &= k.at[i] - k.at[i] == 0.0 && w.at[i] - w.at[i] == 0.0 && w.at[i] > 0.0 &&
                weight.at[i] - weight.at[i] == 0.0 && weight.at[i] > 0.0;
    }
    return good;
}

Padded padded(nb::handle pointer, nb::handle log_moneyness, nb::handle variance,
              nb::handle weight) {
    const Array<double> k = array<double>(log_moneyness, "log_moneyness", 1);
    const Array<double> w = column<double>(variance, "variance", k.size());
    const Array<double> weights = column<double>(weight, "weight", k.size());
    const Array<std::int64_t> starts = array<std::int64_t>(pointer, "pointer", 1);
    check_pointer(starts, k.size());
    expect(usable(k, w, weights), "log_moneyness must be finite, variance and weight positive");
    const std::int64_t slices = starts.size() - 1;
    Padded p{buffer<std::int64_t>(slices + 1), {}, {}, {}, slices};
    p.pointer[0] = 0;
    for (std::int64_t i = 0; i < slices; ++i) {
        const std::int64_t count = starts.at[i + 1] - starts.at[i];
        const std::int64_t whole = (count + EIGHT - 1) / EIGHT * EIGHT;
        expect(count >= 1 && whole <= MOST_QUOTES,
               "every slice must have between 1 and " + std::to_string(MOST_QUOTES) + " quotes");
        p.pointer[i + 1] = p.pointer[i] + whole;
    }
    const std::int64_t total = p.pointer[slices];
    p.log_moneyness = buffer<double>(total);
    p.variance = buffer<double>(total);
    p.weight = buffer<double>(total);
    for (std::int64_t i = 0; i < slices; ++i) {
        const std::int64_t from = starts.at[i], count = starts.at[i + 1] - from;
        for (std::int64_t j = p.pointer[i]; j < p.pointer[i + 1]; ++j) {
            const std::int64_t source = j - p.pointer[i] < count ? from + j - p.pointer[i] : from;
            p.log_moneyness[j] = k.at[source];
            p.variance[j] = w.at[source];
            p.weight[j] = j - p.pointer[i] < count ? weights.at[source] : 0.0;
        }
    }
    return p;
}

template <typename Function>
nb::object fitted(const Padded& quotes, std::size_t width, Function function) {
    const auto slices = static_cast<std::size_t>(quotes.slices);
    Buffer<double> parameters = buffer<double>(quotes.slices * static_cast<std::int64_t>(width));
    Buffer<double> squares = buffer<double>(quotes.slices);
    Buffer<std::int32_t> evaluations = buffer<std::int32_t>(quotes.slices);
    {
        nb::gil_scoped_release free;
        function(quotes.view(), SliceFits{parameters.get(), squares.get(), evaluations.get()});
    }
    return nb::make_tuple(given_away(std::move(parameters), {slices, width}),
                          given_away(std::move(squares), {slices}),
                          given_away(std::move(evaluations), {slices}));
}

nb::object svi_fit(nb::handle pointer, nb::handle log_moneyness, nb::handle variance,
                   nb::handle weight, bool clear) {
    const Padded quotes = padded(pointer, log_moneyness, variance, weight);
    return fitted(quotes, 5, [&](const Smiles& in, const SliceFits& out) {
        kernels().svi_fit(in, out, clear, 0, quotes.slices);
    });
}

nb::object ssvi_fit(nb::handle pointer, nb::handle log_moneyness, nb::handle variance,
                    nb::handle weight) {
    const Padded quotes = padded(pointer, log_moneyness, variance, weight);
    expect(quotes.slices <= MOST_SLICES,
           "a surface must have at most " + std::to_string(MOST_SLICES) + " slices");
    return fitted(quotes, 3, [&](const Smiles& in, const SliceFits& out) {
        kernels().ssvi_fit(in, out, quotes.slices);
    });
}

Array<double> rows_of(nb::handle given, const char* name, std::int64_t width) {
    const Array<double> a = array<double>(given, name, 2);
    expect(a.shape[1] == width, std::string(name) + " must have " + std::to_string(width) +
                                    " columns, not " + std::to_string(a.shape[1]));
    return a;
}

nb::object svi_curve(nb::handle parameters, nb::handle slice, nb::handle log_moneyness) {
    const Array<double> smiles = rows_of(parameters, "parameters", 5);
    const Array<std::int32_t> which = array<std::int32_t>(slice, "slice", 1);
    const Array<double> k = column<double>(log_moneyness, "log_moneyness", which.size());
    check_index(which, smiles.shape[0], "slice must index the rows of parameters");
    const std::int64_t n = which.size();
    Buffer<double> out[4];
    for (Buffer<double>& column : out) column = buffer<double>(n);
    {
        nb::gil_scoped_release free;
        kernels().svi_curve({smiles.at, which.at, k.at, out[0].get(), out[1].get(), out[2].get(),
                             out[3].get()}, n);
    }
    const auto rows = static_cast<std::size_t>(n);
    return nb::make_tuple(
        given_away(std::move(out[0]), {rows}), given_away(std::move(out[1]), {rows}),
        given_away(std::move(out[2]), {rows}), given_away(std::move(out[3]), {rows}));
}

nb::object svi_dip(nb::handle parameters) {
    const Array<double> smiles = rows_of(parameters, "parameters", 5);
    const std::int64_t n = smiles.shape[0];
    Buffer<double> least = buffer<double>(n), at = buffer<double>(n);
    {
        nb::gil_scoped_release free;
        kernels().svi_dip(smiles.at, least.get(), at.get(), n);
    }
    const auto rows = static_cast<std::size_t>(n);
    return nb::make_tuple(given_away(std::move(least), {rows}), given_away(std::move(at), {rows}));
}

nb::object ssvi_variance(nb::handle wings, nb::handle log_moneyness) {
    const Array<double> rows = rows_of(wings, "wings", 3);
    const Array<double> k = column<double>(log_moneyness, "log_moneyness", rows.shape[0]);
    Buffer<double> variance = buffer<double>(k.size());
    {
        nb::gil_scoped_release free;
        kernels().ssvi_variance(rows.at, k.at, variance.get(), k.size());
    }
    return given_away(std::move(variance), {static_cast<std::size_t>(k.size())});
}

}  // namespace

void bind_surfaces(nb::module_& m) {
    m.def("svi_fit", &svi_fit, nb::kw_only(), "pointer"_a, "log_moneyness"_a, "variance"_a,
          "weight"_a, "clear"_a);
    m.def("ssvi_fit", &ssvi_fit, nb::kw_only(), "pointer"_a, "log_moneyness"_a, "variance"_a,
          "weight"_a);
    m.def("svi_curve", &svi_curve, nb::kw_only(), "parameters"_a, "slice"_a, "log_moneyness"_a);
    m.def("svi_dip", &svi_dip, "parameters"_a);
    m.def("ssvi_variance", &ssvi_variance, nb::kw_only(), "wings"_a, "log_moneyness"_a);
}

}  // namespace counterpoise

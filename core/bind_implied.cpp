// Arrays in, volatilities out: `implied_volatility`.
#include "arrays.hpp"
#include "kernels.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

nb::object implied_volatility(nb::handle price, nb::handle forward, nb::handle strike,
                              nb::handle years, nb::handle right, nb::handle rate) {
    const Array<double> prices = array<double>(price, "price", 1);
    const std::int64_t n = prices.size();
    const Array<double> forwards = column<double>(forward, "forward", n);
    const Array<double> strikes = column<double>(strike, "strike", n);
    const Array<double> left = column<double>(years, "years", n);
    const Array<std::int8_t> rights = column<std::int8_t>(right, "right", n);
    const Array<double> rates = column<double>(rate, "rate", n);
    Buffer<double> volatility = buffer<double>(n), uncertainty = buffer<double>(n);
    Buffer<std::uint8_t> reason = buffer<std::uint8_t>(n);
    {
        nb::gil_scoped_release free;
        kernels().implied({prices.at, forwards.at, strikes.at, left.at, rates.at, rights.at},
                          {volatility.get(), uncertainty.get(), reason.get()}, 0, n);
    }
    const auto rows = static_cast<std::size_t>(n);
    return nb::make_tuple(given_away(std::move(volatility), {rows}),
                          given_away(std::move(uncertainty), {rows}),
                          given_away(std::move(reason), {rows}));
}

}  // namespace

void bind_implied(nb::module_& m) {
    m.def("implied_volatility", &implied_volatility, nb::kw_only(), "price"_a, "forward"_a,
          "strike"_a, "years"_a, "right"_a, "rate"_a);
}

}  // namespace counterpoise

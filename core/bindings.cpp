// The Python module `_core`: elementary functions, the flavour in use, and the other bindings.
#include "arrays.hpp"
#include "kernels.hpp"

namespace counterpoise {
namespace {

template <Elementwise Kernels::*Function>
nb::object elementwise(nb::handle given) {
    const Array<double> x = array<double>(given, "x", 1);
    Buffer<double> y = buffer<double>(x.size());
    {
        nb::gil_scoped_release free;
        (kernels().*Function)(x.at, y.get(), x.size());
    }
    return given_away(std::move(y), {static_cast<std::size_t>(x.size())});
}

nb::object power_of(nb::handle base, nb::handle exponent) {
    const Array<double> x = array<double>(base, "x", 1);
    const Array<double> y = column<double>(exponent, "y", x.size());
    Buffer<double> z = buffer<double>(x.size());
    kernels().power(x.at, y.at, z.get(), x.size());
    return given_away(std::move(z), {static_cast<std::size_t>(x.size())});
}

nb::object fma_of(nb::handle first, nb::handle second, nb::handle third) {
    const Array<double> a = array<double>(first, "a", 1);
    const Array<double> b = column<double>(second, "b", a.size());
    const Array<double> c = column<double>(third, "c", a.size());
    Buffer<double> d = buffer<double>(a.size());
    kernels().fma(a.at, b.at, c.at, d.get(), a.size());
    return given_away(std::move(d), {static_cast<std::size_t>(a.size())});
}

nb::dict isa() {
    nb::list names;
    for (const char* const* name = available(); *name != nullptr; ++name) names.append(*name);
    nb::dict answer;
    answer["active"] = kernels().name;
    answer["available"] = nb::tuple(names);
    answer["software_fma"] = kernels().software_fma;
    return answer;
}

void use_isa(const std::string& name) {
    expect(use(name.c_str()), "this CPU or build cannot run the flavour " + name);
}

}  // namespace
}  // namespace counterpoise

NB_MODULE(_core, m) {
    using namespace counterpoise;
    using namespace nanobind::literals;
    m.doc() = "The hot loops of Counterpoise; see _core.pyi.";
    m.def("exp", &elementwise<&Kernels::exp>, "x"_a);
    m.def("expm1", &elementwise<&Kernels::expm1>, "x"_a);
    m.def("log", &elementwise<&Kernels::log>, "x"_a);
    m.def("log1p", &elementwise<&Kernels::log1p>, "x"_a);
    m.def("power", &power_of, "x"_a, "y"_a);
    m.def("fma", &fma_of, "a"_a, "b"_a, "c"_a);
    m.def("isa", &isa);
    m.def("use_isa", [](const char* name) { use_isa(name); }, "name"_a);
    bind_pricing(m);
    bind_implied(m);
    bind_surfaces(m);
    bind_grouping(m);
    bind_aggregation(m);
    bind_segments(m);
    bind_layout(m);
    bind_unit_rows(m);
    bind_requirement(m);
    bind_select(m);
    bind_prepared(m);
}

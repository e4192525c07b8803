// How NumPy arrays come in and go out: checked by name, never converted, never copied silently.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <new>
#include <string>

#include "memory.hpp"

namespace counterpoise {

namespace nb = nanobind;

template <typename T>
struct TypeName;
template <> struct TypeName<double> { static constexpr const char* value = "float64"; };
template <> struct TypeName<std::int64_t> { static constexpr const char* value = "int64"; };
template <> struct TypeName<std::int32_t> { static constexpr const char* value = "int32"; };
template <> struct TypeName<std::uint8_t> { static constexpr const char* value = "uint8"; };
template <> struct TypeName<std::int8_t> { static constexpr const char* value = "int8"; };

// A checked argument: shape[1] is 1 for one axis; `keep` holds the array alive.
template <typename T>
struct Array {
    const T* at;
    std::int64_t shape[2];
    nb::ndarray<nb::ro> keep;

    std::int64_t size() const { return shape[0] * shape[1]; }
};

inline bool contiguous(const nb::ndarray<nb::ro>& a) {
    if (a.size() == 0) return true;  // whatever its strides say
    std::int64_t step = 1;
    for (std::size_t k = a.ndim(); k-- > 0;) {
        if (a.shape(k) != 1 && a.stride(k) != step) return false;
        step *= static_cast<std::int64_t>(a.shape(k));
    }
    return true;
}

template <typename T>
Array<T> array(nb::handle given, const char* name, std::size_t axes) {
    const std::string subject = name;
    nb::ndarray<nb::ro> a;
    if (!nb::try_cast(given, a) || a.device_type() != nb::device::cpu::value) {
        throw nb::type_error((subject + " must be a NumPy array").c_str());
    }
    if (a.dtype() != nb::dtype<T>()) {
        throw nb::type_error((subject + " must have dtype " + TypeName<T>::value).c_str());
    }
    if (a.ndim() != axes) {
        throw nb::value_error((subject + " must have " + std::to_string(axes) +
                               (axes == 1 ? " axis" : " axes") + ", not " +
                               std::to_string(a.ndim())).c_str());
    }
    if (reinterpret_cast<std::uintptr_t>(a.data()) % alignof(T) != 0) {
        throw nb::value_error((subject + " must be aligned; copy it with numpy.require(..., "
                               "requirements='AC')").c_str());
    }
    if (!contiguous(a)) {
        throw nb::value_error((subject + " must be C-contiguous; copy it with "
                               "numpy.ascontiguousarray").c_str());
    }
    const auto rows = static_cast<std::int64_t>(a.shape(0));
    const auto columns = axes == 2 ? static_cast<std::int64_t>(a.shape(1)) : 1;
    return {static_cast<const T*>(a.data()), {rows, columns}, a};
}

inline void expect(bool holds, const std::string& sentence) {
    if (!holds) throw nb::value_error(sentence.c_str());
}

// One axis of a given length.
template <typename T>
Array<T> column(nb::handle given, const char* name, std::int64_t length) {
    Array<T> a = array<T>(given, name, 1);
    expect(a.shape[0] == length, std::string(name) + " must have " + std::to_string(length) +
                                     " entries, not " + std::to_string(a.shape[0]));
    return a;
}

template <typename T>
Array<T> matrix(nb::handle given, const char* name, std::int64_t rows, std::int64_t columns) {
    Array<T> a = array<T>(given, name, 2);
    expect(a.shape[0] == rows && a.shape[1] == columns,
           std::string(name) + " must have shape (" + std::to_string(rows) + ", " +
               std::to_string(columns) + "), not (" + std::to_string(a.shape[0]) + ", " +
               std::to_string(a.shape[1]) + ")");
    return a;
}

// More than any scenario set: an index fits 32 bits, and an empty axis cannot hide a huge one.
constexpr std::int64_t SCENARIOS_MOST = std::int64_t{1} << 24;

inline void check_scenarios(std::int64_t count) {
    expect(count <= SCENARIOS_MOST, "there must be at most " + std::to_string(SCENARIOS_MOST) +
                                        " scenarios, not " + std::to_string(count));
}

// Entries of a table of rows x columns; no memory for it where the product is out of range.
inline std::int64_t entries(std::int64_t rows, std::int64_t columns) {
    if (rows > 0 && columns > ENTRIES_MOST / rows) throw std::bad_alloc();
    return rows * columns;
}

template <typename T>
nb::object given_away(Buffer<T> data, std::initializer_list<std::size_t> shape) {
    T* raw = data.release();
    nb::capsule owner(raw, [](void* p) noexcept { Free{}(p); });
    return nb::cast(nb::ndarray<nb::numpy, T>(raw, shape, owner));
}

inline int checked_threads(int threads) {
    expect(threads >= 1 && threads <= 1024,
           "threads must lie between 1 and 1024, not " + std::to_string(threads));
    return threads;
}

// A compressed book: starts at 0, never falls, ends at the number of what it points into.
inline void check_pointer(const Array<std::int64_t>& pointer, std::int64_t entries,
                          const std::string& name = "pointer", const char* into = "positions") {
    expect(pointer.size() >= 1 && pointer.at[0] == 0 && pointer.at[pointer.size() - 1] == entries,
           name + " must start at 0 and end at the number of " + into + ", " +
               std::to_string(entries));
    std::uint64_t falls = 0;
    for (std::int64_t r = 1; r < pointer.size(); ++r) {
        const auto here = static_cast<std::uint64_t>(pointer.at[r]);
        falls |= here | (here - static_cast<std::uint64_t>(pointer.at[r - 1]));
    }
    expect(static_cast<std::int64_t>(falls) >= 0, name + " must not fall from one row to the next");
}

// Whether all lie in [0, count). By sign bits, which compilers make vectors of.
inline bool all_inside(const std::int32_t* from, const std::int32_t* end, std::int64_t count) {
    constexpr std::int64_t MOST = std::int64_t{1} << 31;
    const auto last = static_cast<std::uint32_t>((count < MOST ? count : MOST) - 1);
    std::uint32_t outside = 0;
    for (; from != end; ++from) {
        const auto index = static_cast<std::uint32_t>(*from);
        outside |= index | (last - index);
    }
    return static_cast<std::int32_t>(outside) >= 0;
}

inline void check_index(const Array<std::int32_t>& index, std::int64_t count,
                        const char* sentence) {
    expect(all_inside(index.at, index.at + index.size(), count), sentence);
}

void bind_pricing(nb::module_& m);
void bind_implied(nb::module_& m);
void bind_surfaces(nb::module_& m);
void bind_grouping(nb::module_& m);
void bind_aggregation(nb::module_& m);
void bind_segments(nb::module_& m);
void bind_unit_rows(nb::module_& m);
void bind_layout(nb::module_& m);
void bind_requirement(nb::module_& m);
void bind_select(nb::module_& m);
void bind_prepared(nb::module_& m);

}  // namespace counterpoise

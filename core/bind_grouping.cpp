// Which positions net: rows of (account, key) from a book in canonical order.
#include <algorithm>
#include <vector>

#include "arrays.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

struct Book {
    const std::int64_t* pointer;
    const std::int32_t* instrument;
    const std::int32_t* key;
    std::int64_t accounts;
};

// Rows found, and whether the book already stands in their order with no position left out.
struct Found {
    std::int64_t rows;
    bool ordered;
};

Found look(const Book& book) {
    std::int64_t rows = 0;
    for (std::int64_t a = 0; a < book.accounts; ++a) {
        std::int32_t last = -1;
        for (std::int64_t p = book.pointer[a]; p < book.pointer[a + 1]; ++p) {
            const std::int32_t key = book.key[book.instrument[p]];
            if (key < last || key < 0) return {0, false};
            rows += key != last;
            last = key;
        }
    }
    return {rows, true};
}

struct Grouped {
    Buffer<std::int64_t> pointer, order;
    Buffer<std::int32_t> account, key;
    std::int64_t rows, positions;
    bool ordered;
};

Grouped in_place(const Book& book, std::int64_t rows) {
    Grouped g{buffer<std::int64_t>(rows + 1), nullptr, buffer<std::int32_t>(rows),
              buffer<std::int32_t>(rows), rows, 0, true};
    std::int64_t row = 0;
    for (std::int64_t a = 0; a < book.accounts; ++a) {
        std::int32_t last = -1;
        for (std::int64_t p = book.pointer[a]; p < book.pointer[a + 1]; ++p) {
            const std::int32_t key = book.key[book.instrument[p]];
            if (key == last) continue;
            g.pointer[row] = p;
            g.account[row] = static_cast<std::int32_t>(a);
            g.key[row++] = last = key;
        }
    }
    g.pointer[rows] = book.pointer[book.accounts];
    return g;
}

// A position of one account with its key; stable in position.
struct Entry {
    std::int32_t key;
    std::int64_t position;
};

bool before(const Entry& a, const Entry& b) {
    return a.key != b.key ? a.key < b.key : a.position < b.position;
}

// The kept positions of an account sorted by (key, position), into `entries`.
void sort_account(const Book& book, std::int64_t account, std::vector<Entry>& entries) {
    entries.clear();
    for (std::int64_t p = book.pointer[account]; p < book.pointer[account + 1]; ++p) {
        const std::int32_t key = book.key[book.instrument[p]];
        if (key >= 0) entries.push_back({key, p});
    }
    if (!std::is_sorted(entries.begin(), entries.end(), before)) {
        std::sort(entries.begin(), entries.end(), before);
    }
}

Grouped sorted(const Book& book) {
    const std::int64_t positions = book.pointer[book.accounts];
    Buffer<std::int64_t> order = buffer<std::int64_t>(positions);
    std::vector<std::int64_t> pointer;
    std::vector<std::int32_t> account, keys;
    std::vector<Entry> entries;
    std::int64_t kept = 0;
    for (std::int64_t a = 0; a < book.accounts; ++a) {
        sort_account(book, a, entries);
        std::int32_t last = -1;
        for (const Entry& entry : entries) {
            if (entry.key != last) {
                pointer.push_back(kept);
                account.push_back(static_cast<std::int32_t>(a));
                keys.push_back(last = entry.key);
            }
            order[kept++] = entry.position;
        }
    }
    pointer.push_back(kept);
    const auto rows = static_cast<std::int64_t>(keys.size());
    Grouped g{buffer<std::int64_t>(rows + 1), std::move(order), buffer<std::int32_t>(rows),
              buffer<std::int32_t>(rows), rows, kept, false};
    std::copy(pointer.begin(), pointer.end(), g.pointer.get());
    std::copy(account.begin(), account.end(), g.account.get());
    std::copy(keys.begin(), keys.end(), g.key.get());
    return g;
}

nb::object group(nb::handle row_pointer, nb::handle instrument, nb::handle key) {
    const Array<std::int64_t> pointer = array<std::int64_t>(row_pointer, "row_pointer", 1);
    const Array<std::int32_t> index = array<std::int32_t>(instrument, "instrument", 1);
    const Array<std::int32_t> keys = array<std::int32_t>(key, "key", 1);
    check_pointer(pointer, index.size());
    check_index(index, keys.size(), "instrument must index key");
    const Book book = {pointer.at, index.at, keys.at, pointer.size() - 1};
    Grouped g;
    {
        nb::gil_scoped_release free;
        const Found found = look(book);
        g = found.ordered ? in_place(book, found.rows) : sorted(book);
    }
    const auto rows = static_cast<std::size_t>(g.rows);
    const auto kept = static_cast<std::size_t>(g.positions);
    nb::object order = g.ordered ? nb::none() : given_away(std::move(g.order), {kept});
    return nb::make_tuple(given_away(std::move(g.pointer), {rows + 1}),
                          given_away(std::move(g.account), {rows}),
                          given_away(std::move(g.key), {rows}), order);
}

}  // namespace

void bind_grouping(nb::module_& m) {
    m.def("group", &group, nb::kw_only(), "row_pointer"_a, "instrument"_a, "key"_a);
}

}  // namespace counterpoise

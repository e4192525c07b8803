"""Is every file small enough to read, well named, documented and free of traces?

Each claim about the house stands beside a proof that its check bites: a bad file is refused.
"""

import pytest

from architecture import naming, tidy, traces
from architecture.sources import CODE_FOLDERS, python_sources, repository_files, source
from reference import ROOT

ALLOWED: dict[str, str] = {}
"""{place: reason} of what is above a soft limit, never above a hard one. May only shrink."""

CODE = python_sources(*CODE_FOLDERS)
TESTS = python_sources("tests")
TEXTS = {path: (ROOT / path).read_text(encoding="utf-8") for path in repository_files()
         if path.endswith((".py", ".pyi", ".cpp", ".hpp", ".h", ".md", ".toml", ".json", ".txt",
                           ".cmake", ".yaml", ".yml", ".lock"))
         or path in ("Makefile", ".ci/run", ".gitignore")}
CPP = {path: text for path, text in TEXTS.items() if path.endswith((".cpp", ".hpp", ".h"))}
SOFT = [*(c for s in CODE for c in tidy.long_functions(s)),
        *(c for s in CODE for c in tidy.long_files(s.path, s.text)),
        *(c for s in CODE for c in tidy.many_parameters(s)),
        *(c for s in CODE for c in tidy.deep_nesting(s))]


def complaints(check, sources):
    return [complaint for s in sources for complaint in check(s)]


def test_functions_and_files_keep_the_limits():
    assert [] == [c for c in SOFT if c.split()[0] not in ALLOWED]


def test_the_allow_list_only_shrinks():
    assert [] == sorted(set(ALLOWED) - {c.split()[0] for c in SOFT})


def test_nothing_passes_the_hard_limits():
    sources = [*CODE, *TESTS]
    long = complaints(lambda s: tidy.long_functions(s, tidy.FUNCTION_LINES_HARD), sources)

    assert [] == long + [c for s in sources for c in
                         tidy.long_files(s.path, s.text, tidy.FILE_LINES_HARD)]


def test_core_files_keep_the_limits():
    assert [] == [c for path, text in CPP.items()
                  for c in (*tidy.long_files(path, text, tidy.FILE_LINES_HARD),
                            *tidy.long_lines(path, text))]


def test_lines_fit_the_page():
    assert [] == [c for s in (*CODE, *TESTS) for c in tidy.long_lines(s.path, s.text)]


def test_names_say_something():
    assert [] == complaints(naming.banned_names, CODE)


def test_everything_public_is_documented():
    assert [] == complaints(naming.undocumented, CODE)


def test_packages_hold_their_docstring_only():
    assert [] == complaints(naming.code_in_packages, CODE)


def test_everything_has_one_public_path():
    assert [] == complaints(naming.second_paths, CODE)


def test_the_tree_speaks_only_of_itself():
    assert [] == [c for path, text in TEXTS.items() for c in traces.traces(path, text)]


def test_locks_hold_names_versions_and_hashes_only():
    locks = {p: t for p, t in TEXTS.items() if p.startswith("requirements/")}

    assert {"requirements/dev.lock", "requirements/zig.lock"} <= locks.keys()
    assert [] == [c for path, text in locks.items() for c in traces.more_than_a_lock(path, text)]


NESTED = ("def f():\n    if a:\n        for b in c:\n            with d:\n"
          "                if e: pass\n")
ELIF = "def f():\n    if a: pass\n    elif b: pass\n    elif c: pass\n    elif d: pass\n"


def test_long_function_is_refused():
    assert tidy.long_functions(source("a.py", "class C:\n  def f(self):\n" + "    1\n" * 50))
    assert [] == tidy.long_functions(source("a.py", "def f():\n" + "    1\n" * 49))


def test_long_file_and_long_line_are_refused():
    assert tidy.long_files("a.py", "1\n" * 401) and tidy.long_lines("a.py", "x" * 101)
    assert [] == tidy.long_files("a.py", "1\n" * 400) + tidy.long_lines("a.py", "x" * 100)


def test_seven_parameters_are_refused():
    assert tidy.many_parameters(source("a.py", "def f(a, b, c, *d, e, f, **g): pass"))
    assert [] == tidy.many_parameters(source("a.py", "def f(self, a, b, c, d, e, f): pass"))


def test_deep_nesting_is_refused():
    assert tidy.deep_nesting(source("a.py", NESTED))
    assert [] == tidy.deep_nesting(source("a.py", ELIF))


@pytest.mark.parametrize("text", [
    "class RiskManager: pass", "class Context: pass", "class BaseModel: pass",
    "def load_data(): pass", "def _helpers(): pass", "MarketInfo = tuple[int, str]",
    "class C:\n    def process_context(self): pass",
])
def test_empty_name_is_refused(text):
    assert naming.banned_names(source("src/counterpoise/risk/a.py", text))


@pytest.mark.parametrize("path", ["src/a/risk/utils.py", "src/a/common/b.py"])
def test_empty_module_name_is_refused(path):
    assert naming.banned_names(source(path, ""))


def test_words_of_the_field_are_names():
    text = "class Database: pass\ndef base_price(): pass\nDATA = 1\nclass BasisTrade: pass"

    assert [] == naming.banned_names(source("src/counterpoise/risk/metadata.py", text))


def test_missing_docstring_is_refused():
    text = "def f(): pass\nclass C:\n    def g(self): pass\n"

    assert 4 == len(naming.undocumented(source("a.py", text)))
    assert [] == naming.undocumented(source("a.py", '"""A."""\ndef _f():\n    def g(): pass\n'))


def test_code_in_a_package_is_refused():
    text = '"""A."""\nfrom counterpoise.values.time import DAY_NS\n'

    assert naming.code_in_packages(source("src/counterpoise/values/__init__.py", text))
    assert naming.code_in_packages(source("src/counterpoise/__init__.py", text))


def test_second_path_is_refused():
    for text in ("from a import *", "from a import b as b", "__all__ = ['a']"):
        assert naming.second_paths(source("a.py", text))


def test_trace_of_a_machine_is_refused():
    for folder in ("root", "home", "tmp"):
        assert traces.traces("a.md", f"see {'/'.join(['', folder, 'x'])}")
    assert traces.traces("a.md", "file:" + "///simple")
    assert [] == traces.traces("a.md", "src/home/x, docs/home/y, https://a.org/home/x")


def test_address_in_a_lock_is_refused():
    good = "numpy==2.4.6 \\\n    --hash=sha256:" + "0" * 64

    assert [] == traces.more_than_a_lock("a.lock", good)
    for line in ("-i https://a.org", "a @ https://a.org/a.whl", "# by a tool", "a>=1"):
        assert traces.more_than_a_lock("a.lock", line)

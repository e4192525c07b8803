"""Is a margin number a function of its inputs alone, with the same bits everywhere?"""

import subprocess
import sys

import pytest

from architecture.layers import below_adapters
from architecture.purity import bits_of_a_library, heavy_imports, reads_the_world
from architecture.sources import package_of, python_sources, source

HEAVY = frozenset({"scipy", "msgspec", "typer", "rich", "click", "json", "hashlib", "duckdb",
                   "pyarrow", "matplotlib", "plotly", "importlib", "dataclasses", "inspect",
                   "logging", "asyncio", "statistics", "fractions", "csv"})
CODE = python_sources("src")
BELOW = [s for s in CODE if package_of(s.path) in below_adapters()]


def test_below_adapters_nothing_reads_the_world():
    assert [] == [c for s in BELOW for c in reads_the_world(s)]


def test_margin_numbers_need_no_library_bits():
    assert [] == [c for s in CODE for c in bits_of_a_library(s)]


def test_nothing_heavy_is_imported_on_the_way_to_a_margin_number():
    assert [] == [c for s in BELOW if package_of(s.path) not in ("backtest", "calibration")
                  for c in heavy_imports(s, HEAVY)]


def test_a_fresh_interpreter_loads_no_heavy_library_with_the_margin_packages():
    modules = [s.path.removeprefix("src/").removesuffix(".py").replace("/", ".")
               .removesuffix(".__init__") for s in BELOW
               if package_of(s.path) not in ("backtest", "calibration")]
    program = (f"import sys, numpy; before = set(sys.modules); import {', '.join(modules)}; "
               f"print(*sorted({set(HEAVY)!r} & set(sys.modules) - before))")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          check=True)

    assert "" == done.stdout.strip()


@pytest.mark.parametrize("text", [
    "import time\nt = time.time()", "from time import time_ns\nimport time\ntime.time_ns()",
    "from datetime import datetime\ndatetime.now()", "import os\nos.environ['A']",
    "import numpy as np\nnp.random.rand(3)", "import numpy as np\nnp.random.default_rng()",
    "open('a')", "print(1)", "import numpy as np\nnp.loadtxt('a')", "eval('1')",
    "import logging\nlogging.getLogger()",
])
def test_reading_the_world_is_refused(text):
    assert reads_the_world(source("src/counterpoise/margin/a.py", text))


@pytest.mark.parametrize("text", [
    "np.exp(x)", "np.log(x)", "np.power(x, y)", "np.dot(x, y)", "x.dot(y)", "x @ y", "x @= y",
    "np.einsum('i,i', x, y)", "math.exp(1)", "from math import log", "x ** y", "x **= 2",
    "sum(x)", "x.mean()", "np.linalg.norm(x)", "from scipy.special import erf",
    "2 ** x",
])
def test_library_bits_are_refused(text):
    assert bits_of_a_library(source("src/counterpoise/pricing/a.py", text))


@pytest.mark.parametrize("text", [
    "np.sqrt(x)", "np.add.reduceat(x, i)", "np.cumsum(x)", "2**62", "math.fsum(x)", "_core.exp(x)",
    "np.maximum(x, 0)", "np.bincount(i, x)", "exp(x)",
])
def test_exact_arithmetic_is_welcome(text):
    assert [] == bits_of_a_library(source("src/counterpoise/pricing/a.py", text))


def test_seeded_generator_is_welcome():
    text = "import numpy as np\nnp.random.Generator(np.random.PCG64(7)).random(3)"

    assert [] == reads_the_world(source("src/counterpoise/scenarios/a.py", text))


def test_heavy_import_is_refused_at_the_top_only():
    assert heavy_imports(source("a.py", "from scipy.stats import norm"), HEAVY)
    assert [] == heavy_imports(source("a.py", "def f():\n    import scipy\n"), HEAVY)

"""The constants in the source are those that the generator prints."""

import importlib.util
import re
from pathlib import Path

import pytest

CORE = Path(__file__).parents[3] / "core"
NUMBER = re.compile(r"(?<![\w.])\d[\d.]*(?:e[-+]?\d+)?")


def generated():
    spec = importlib.util.spec_from_file_location("coefficients", CORE / "generate/coefficients.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.tables()


TABLES = generated()


@pytest.mark.parametrize("name", TABLES)
def test_the_header_holds_the_generated_coefficients(name):
    header = (CORE / "math.hpp").read_text(encoding="utf-8")
    body = re.search(rf"inline V {name}\(V \w\) \{{(.*?)\n\}}", header, re.DOTALL).group(1)

    found = [float(number) for number in NUMBER.findall(body)]

    expected = TABLES[name][::-1]
    assert found == [c for c in expected if c != 1.0]

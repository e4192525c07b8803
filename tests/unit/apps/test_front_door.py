"""`import counterpoise`: few names, loaded when they are first used."""

import subprocess
import sys

import pytest

import counterpoise


def test_every_name_is_there():
    assert all(callable(getattr(counterpoise, name)) for name in counterpoise.__all__)
    assert {*counterpoise.__all__, "__version__"} == set(dir(counterpoise))


def test_unknown_name_says_which_there_are():
    with pytest.raises(AttributeError, match="margin_of"):
        counterpoise.margn_of  # noqa: B018


def test_import_loads_nothing_heavy():
    code = ("import sys, counterpoise; "
            "print([m for m in ('numpy', 'json', 'argparse', 'duckdb') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()


def test_first_margin_loads_no_option_parser_and_no_openssl(tmp_path):
    code = ("import sys, json, counterpoise; from bad_input_table import good; "
            "counterpoise.margin_of(counterpoise.read_portfolio(json.dumps(good()).encode())); "
            "print([m for m in ('argparse', '_hashlib', 'numpy.ma', 'duckdb', 'matplotlib', "
            "'importlib.resources', 'scipy', 'msgspec') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": ":".join(sys.path)})

    assert "[]" == done.stdout.strip()

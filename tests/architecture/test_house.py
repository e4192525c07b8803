"""Does the house keep what it promises at the door: one way in, one way to test, one licence?"""

import os
import tomllib

from reference import ROOT


def text_of(path):
    """Return the text of a file of the repository."""
    return (ROOT / path).read_text(encoding="utf-8")


def test_build_server_runs_what_a_developer_runs():
    lines = text_of(".ci/run").splitlines()

    assert ["#!/usr/bin/env bash", "set -euo pipefail"] == lines[:2]
    assert ["make test"] == [line for line in lines if "make" in line]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_make_offers_what_the_readme_promises():
    targets = {line.split(":")[0] for line in text_of("Makefile").splitlines() if ":" in line}

    assert {"run", "test", "bench", "soak", "lint", "clean"} <= targets


def test_set_up_is_locked_and_hashed():
    makefile = text_of("Makefile")
    installs = [line for line in makefile.splitlines() if "(INSTALL)" in line]

    assert all("--require-hashes" in line or "-e ." in line for line in installs)


def test_project_states_its_licence_and_its_command():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]

    assert "Apache-2.0" == project["license"]
    assert "Apache License" in text_of("LICENSE")
    assert {"counterpoise": "counterpoise.apps.cli.main:main"} == project["scripts"]

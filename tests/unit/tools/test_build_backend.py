"""Is an editable install the sources plus one path line, and a source archive complete?"""

import base64
import csv
import hashlib
import io
import tarfile
import zipfile

import pytest

import build_backend
from architecture.sources import repository_files
from reference import ROOT

FOLDER = "counterpoise-1.dist-info"


@pytest.fixture
def editable(tmp_path, monkeypatch):
    """Return (files of the editable wheel by name, folder of the sources)."""
    whole, out, sources = tmp_path / "whole.whl", tmp_path / "out.whl", tmp_path / "src"
    (sources / "counterpoise").mkdir(parents=True)
    with zipfile.ZipFile(whole, "w") as wheel:
        wheel.writestr("counterpoise/__init__.py", "")
        wheel.writestr("counterpoise/_core.so", b"compiled")
        wheel.writestr(f"{FOLDER}/METADATA", "Name: counterpoise\n")
        wheel.writestr(f"{FOLDER}/RECORD", "old")
    monkeypatch.setattr(build_backend, "_SOURCES", sources)
    build_backend._make_editable(whole, out)
    with zipfile.ZipFile(out) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}, sources


def test_editable_install_is_one_path_line(editable):
    files, sources = editable

    assert {"counterpoise.pth", f"{FOLDER}/METADATA", f"{FOLDER}/RECORD"} == set(files)
    assert f"{sources}\n".encode() == files["counterpoise.pth"]


def test_compiled_core_lies_beside_the_sources(editable):
    _, sources = editable

    assert b"compiled" == (sources / "counterpoise" / "_core.so").read_bytes()


def test_record_lists_every_file_with_its_hash(editable):
    files, _ = editable
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(
        files[f"{FOLDER}/RECORD"].decode()))}

    assert rows.keys() == files.keys()
    for name in files.keys() - {f"{FOLDER}/RECORD"}:
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest())
        assert f"sha256={digest.rstrip(b'=').decode()}" == rows[name]


def test_source_archive_can_be_built_from(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    archive = tmp_path / build_backend.build_sdist(str(tmp_path))
    with tarfile.open(archive) as tar:
        names = {name.split("/", 1)[1] for name in tar.getnames()}

    assert {"pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE", "core/bindings.cpp",
            "tools/build_backend.py", "tools/toolchain.py", "src/counterpoise/py.typed",
            "src/counterpoise/values/frozen.py"} <= names
    assert [] == [p for p in repository_files() if p.startswith(("src/", "core/"))
                  and p not in names]
    assert not [name for name in names if name.endswith((".so", ".pyc")) or ".venv" in name]

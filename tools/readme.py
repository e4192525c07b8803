"""Does the README show what the commands print? Its outputs are made by running them.

`python tools/readme.py` writes the outputs and the example files anew, after a change that moves
them; a test compares.
"""

import contextlib
import io
import re
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
_OUTPUT = re.compile(r"(?<=```text\n).*?(?=\n```)", re.DOTALL)
_PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def refreshed(text: str, folder: Path) -> str:
    """Return the README's text with both outputs made anew; pictures and examples go to `folder`.

    It reads `examples/`, so the working directory must be the root of the repository.
    """
    found = _PYTHON.search(text)
    assert found is not None, "the README has a Python example"
    outputs = [_of_run(folder), _of_python(found.group(1))]
    assert len(outputs) == len(_OUTPUT.findall(text)), "one output for each command"
    return _OUTPUT.sub(lambda _: outputs.pop(0), text)


def _of_run(folder: Path) -> str:
    from counterpoise.apps.run import main

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = main(["--simulated", "--pictures", str(folder), "--examples",
                     str(folder / "examples")])
    assert code == 0
    return printed.getvalue().partition("\nPictures in")[0].rstrip()


def _of_python(code: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), {})
    return printed.getvalue().rstrip()


def main() -> None:
    """Write README, examples and its picture anew."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _of_run(folder)
        for example in (folder / "examples").iterdir():
            (ROOT / "examples" / example.name).write_bytes(example.read_bytes())
        picture = "short_gamma_calm.png"
        (ROOT / "docs" / "pictures" / picture).write_bytes((folder / picture).read_bytes())
        README.write_text(refreshed(README.read_text(encoding="utf-8"), folder), encoding="utf-8")


if __name__ == "__main__":
    main()

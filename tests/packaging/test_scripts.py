"""The set-up scripts, in a copy of the checkout whose path has a space, with tools of the system stood in for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "cat", "cut", "dirname", "env", "flock", "head", "readlink", "sha256sum")
EVERY_LIBRARY = """libGL.so.1 libEGL.so.1 libglib-2.0.so.0 libfontconfig.so.1 libfreetype.so.6 libbrotlidec.so.1
libxkbcommon.so.0 libdbus-1.so.3 libxcb-cursor.so.0 libxcb-icccm.so.4 libxcb-keysyms.so.1 libxcb-shape.so.0
libxcb-xkb.so.1 libxkbcommon-x11.so.0 libwayland-cursor.so.0"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scripts set up Debian")


class Machine:
    """A checkout and a machine on which only the named tools exist."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "a checkout"
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        shutil.copytree(ROOT / "packaging", self.checkout / "packaging")
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        self.libraries(EVERY_LIBRARY)

    def tool(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def libraries(self, names: str) -> None:
        lines = "\n".join(f"\t{name} (libc6,x86-64) => /usr/lib/{name}" for name in names.split())
        self.tool("ldconfig", f"cat <<'END'\n{lines}\nEND")

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env={"PATH": str(self.bin), **variables}, capture_output=True, text=True, check=False, cwd="/"
        )

    def bash(self, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
        setup = self.checkout / "packaging" / "setup.sh"
        return self.run("/bin/bash", "-c", f"set -euo pipefail; source '{setup}'\n{code}", **variables)

    def finished(self) -> None:
        """Leave the checkout as a set-up does, with an interpreter that says how it was started."""
        python = self.checkout / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text('#!/bin/bash\nprintf "%s|" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        done = self.bash('stamp_of run >"$venv/podadmin-run.stamp"; stamp_of test >"$venv/podadmin-test.stamp"')
        assert done.returncode == 0, done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_only_the_libraries_that_are_missing_are_named(machine: Machine) -> None:
    assert machine.bash("missing_libraries", DISPLAY=":0", WAYLAND_DISPLAY="w").stdout == ""
    machine.libraries(EVERY_LIBRARY.replace("libEGL.so.1", "").replace("libxcb-shape.so.0", "libxcb-shape.so.01"))
    assert machine.bash("missing_libraries").stdout.split() == ["libegl1"]
    assert machine.bash("missing_libraries", DISPLAY=":0").stdout.split() == ["libegl1", "libxcb-shape0"]


def test_what_cannot_be_installed_is_said_with_the_exact_line(machine: Machine) -> None:
    machine.finished()
    machine.libraries(EVERY_LIBRARY.replace("libGL.so.1", "").replace("libdbus-1.so.3", ""))
    done = machine.run(str(machine.checkout / "packaging" / "run"), "version")
    assert done.returncode == 3
    assert done.stdout == ""
    assert "apt-get update && apt-get install -y --no-install-recommends libgl1 libdbus-1-3\n" in done.stderr


def test_a_failing_apt_is_quoted_and_ends_with_3(machine: Machine) -> None:
    machine.finished()
    machine.libraries(EVERY_LIBRARY.replace("libGL.so.1", ""))
    machine.tool("apt-get", "echo 'E: the mirror is away'; exit 100")
    machine.tool("sudo", '[[ $1 != -n ]] || shift; "$@"')
    done = machine.run(str(machine.checkout / "packaging" / "run"), "version")
    assert done.returncode == 3
    assert "E: the mirror is away" in done.stderr
    assert "apt-get install -y --no-install-recommends libgl1" in done.stderr


def test_the_first_python_that_fits_and_can_make_environments_is_taken(machine: Machine) -> None:
    assert machine.bash("find_python").stdout == "\n"
    machine.tool("python3.13", "exit 1")
    machine.tool("python3.12", "[[ $2 != *ensurepip* ]]")
    assert machine.bash("find_python").stdout.strip() == str(machine.bin / "python3.12")
    machine.tool("python3", "exit 0")
    assert machine.bash("find_python").stdout.strip() == str(machine.bin / "python3")


def test_a_python_without_venv_asks_for_its_own_package(machine: Machine) -> None:
    machine.tool("python3.12", "[[ $2 != *ensurepip* ]]")
    assert "python3.12-venv" in machine.bash("missing_for_python").stdout.split()


@pytest.mark.parametrize("change", ["requirements", "place", "python"])
def test_a_changed_lock_a_moved_checkout_and_another_python_are_noticed(machine: Machine, change: str) -> None:
    machine.finished()
    assert machine.bash("stamped run").returncode == 0
    if change == "requirements":
        with (machine.checkout / "packaging" / "requirements-run.txt").open("a", encoding="utf-8") as file:
            file.write("# changed\n")
    elif change == "place":
        machine.checkout = machine.checkout.rename(machine.checkout.with_name("elsewhere"))
    else:
        python = machine.checkout / ".venv" / "bin" / "python"
        python.unlink()
        python.symlink_to(sys.executable)
    assert machine.bash("stamped run").returncode == 1
    assert machine.bash("has_environment").returncode == (0 if change == "requirements" else 1)


@pytest.mark.parametrize(
    ("arguments", "variables", "headless"),
    [
        ([], {}, True),
        ([], {"DISPLAY": ":0"}, False),
        ([], {"WAYLAND_DISPLAY": "wayland-0"}, False),
        (["--profile", "a place", "--theme", "dark"], {}, True),
        (["--headless"], {}, False),
        (["--help"], {}, False),
        (["requests", "list"], {}, False),
        (["--profile", "a place", "requests", "list"], {}, False),
    ],
)
def test_without_display_and_command_the_desktop_starts_headless(
    machine: Machine, arguments: list[str], variables: dict[str, str], headless: bool
) -> None:
    machine.finished()
    done = machine.run(str(machine.checkout / "packaging" / "run"), *arguments, **variables)
    expected = ["-P", "-m", "podadmin", *(["--headless"] if headless else []), *arguments]
    assert done.stdout.split("|")[:-1] == expected
    assert done.stderr == ""
    assert done.returncode == 0


def test_the_tests_run_without_a_screen_and_pass_arguments_on(machine: Machine) -> None:
    machine.finished()
    for tool in ("gnome-keyring-daemon", "dbus-run-session", "secret-tool"):
        machine.tool(tool, "exit 0")
    python = machine.checkout / ".venv" / "bin" / "python"
    python.write_text('#!/bin/bash\nprintf "%s|" "$QT_QPA_PLATFORM" "$PWD" "$@"\n', encoding="utf-8")
    done = machine.run(str(machine.checkout / "packaging" / "test"), "-k", "a b", DISPLAY=":0", QT_QPA_PLATFORM="xcb")
    assert done.stdout.split("|")[:-1] == ["offscreen", str(machine.checkout), "-P", "-m", "pytest", "-k", "a b"]
    assert done.stderr == ""

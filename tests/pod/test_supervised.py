"""A pod of somebody else's software is kept running: a real little program that speaks as a pod does."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.pod.control import ControlClient
from podadmin.pod.output import Doing, Line, Output, last_lines, level_of, tell, told
from podadmin.pod.running import end_left, free_port, left_behind
from podadmin.pod.supervised import Loan, Start, SupervisedPod, nothing_lent
from podadmin.vault.handover import lend

LITTLE = Path(__file__).with_name("little_pod.py")
DATASOURCES = Secret('[{"name": "patients", "datasource": "CSVSource"}]')


class World:
    """A pod under supervision, and everything that was heard of it."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.variables = variables
        self.secrets: dict[str, Secret[str]] = {}
        self.port = 0
        self.states: list[Doing] = []
        self.lines: list[Line] = []
        self.hindrances: list[Unavailable] = []
        self.output = Output(folder, SystemClock())

    async def prepare(self) -> Start:
        if self.hindrances:
            raise self.hindrances.pop()
        self.port = free_port()
        variables = {"BITFOUNT_POD_CONTROL_SERVER_PORT": str(self.port), **self.variables}
        return Start((sys.executable, str(LITTLE), "run_pod"), variables, self.secrets, self.folder, self.port)

    def pod(
        self,
        lender: Callable[[], contextlib.AbstractAsyncContextManager[Loan]] = nothing_lent,
        left: Doing | None = None,
    ) -> SupervisedPod:
        def heard(text: str) -> Line:
            self.lines.append(self.output.take(text))
            return self.lines[-1]

        def changed(doing: Doing) -> None:
            self.states.append(doing)
            tell(self.folder, doing)

        return SupervisedPod(
            self.prepare, lender, heard, changed, SystemClock(),
            pause=lambda deaths: 0.05 * deaths, look_seconds=0.05, stop_seconds=5, settle_seconds=0.05, read_seconds=2,
            left=left,
        )  # fmt: skip

    async def until(self, met: Callable[[], object]) -> None:
        async with asyncio.timeout(120):
            while not met():
                await asyncio.sleep(0.02)

    def passed(self) -> list[str]:
        """The states in their order, each once in a row."""
        names = [each.state for each in self.states]
        return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


@contextlib.asynccontextmanager
async def running(
    world: World, **lender: Callable[[], contextlib.AbstractAsyncContextManager[Loan]]
) -> AsyncIterator[SupervisedPod]:
    pod = world.pod(**lender)
    pod.start()
    try:
        yield pod
    finally:
        await pod.stop()


def test_a_pod_starts_is_ready_is_measured_and_ends_with_its_children(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path, LITTLE_CHILD="1")
        async with running(world) as pod:
            await world.until(lambda: pod.doing.state == "ready" and (pod.doing.memory or 0) > 0)
            doing = pod.doing
            assert doing.behind_gate
            assert doing.since is not None
            assert told(tmp_path).state == "ready"
            child = int(next(line.text for line in world.lines if line.text.startswith("child ")).split()[1])
            assert doing.pid is not None
            assert psutil.pid_exists(child)
            # the memory is that of both
            assert (doing.memory or 0) > psutil.Process(doing.pid).memory_info().rss
        assert world.passed() == ["starting", "ready", "stopped"]
        assert not psutil.pid_exists(doing.pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(child).wait(60)
        assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
        assert told(tmp_path).state == "stopped"

    asyncio.run(story())


def test_a_pod_that_dies_is_started_again_and_less_and_less_often(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path, LITTLE_DIES="at once")
        async with running(world) as pod:
            await world.until(lambda: pod.doing.deaths >= 3 and pod.doing.state == "waiting")
            assert "with the number 3" in pod.doing.words
        assert world.passed()[:4] == ["starting", "waiting", "starting", "waiting"]
        assert [each.deaths for each in world.states if each.state == "waiting"][:3] == [1, 2, 3]

    asyncio.run(story())
    lines = last_lines(tmp_path, 4)
    assert [line.level for line in lines] == ["info", "error", "error", "error"]
    assert "hunter2" not in (tmp_path / "output.jsonl").read_text(encoding="utf-8")
    assert last_lines(tmp_path, 2, "error")[0].text.startswith("  File")


def test_a_pod_that_is_never_ready_is_not_called_so(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path, LITTLE_READY="never", LITTLE_EHR="1")
        async with running(world) as pod:
            await world.until(lambda: pod.doing.ehr is False)
            assert (pod.doing.state, pod.doing.words) == ("starting", "no token")

    asyncio.run(story())


def test_what_hinders_a_start_is_said_and_tried_again(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)
        world.hindrances.append(Unavailable("gate.not-on", "The pod was not started.", "The gate is off.", "Wait."))
        async with running(world) as pod:
            await world.until(lambda: pod.doing.state == "ready")
        hindered = next(each for each in world.states if each.state == "hindered")
        assert hindered.words == "The pod was not started. The gate is off."
        assert (hindered.next_step, hindered.pid) == ("Wait.", None)

    asyncio.run(story())


def test_a_program_that_does_not_exist_is_said_in_words(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)

        async def prepare() -> Start:
            return Start((str(tmp_path / "absent"),), {}, {}, tmp_path, 1)

        world.prepare = prepare  # type: ignore[method-assign]
        async with running(world) as pod:
            await world.until(lambda: pod.doing.state == "hindered")
            assert "did not start its program" in pod.doing.words

    asyncio.run(story())


def test_the_key_is_there_until_it_was_read_and_no_longer(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    private = Secret(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))

    async def story() -> None:
        world = World(tmp_path)

        @contextlib.asynccontextmanager
        async def lender() -> AsyncIterator[Loan]:
            with lend("profile_test", tmp_path, private, "eye") as lent:
                world.variables["LITTLE_KEY"] = str(lent.private)
                yield lent

        async def prepare() -> Start:
            # the name of the file is known once it is lent, which comes after the preparation of the start
            world.port = free_port()
            world.variables["BITFOUNT_POD_CONTROL_SERVER_PORT"] = str(world.port)
            return Start((sys.executable, str(LITTLE)), world.variables, {}, tmp_path, world.port)

        world.prepare = prepare  # type: ignore[method-assign]
        async with running(world, lender=lender) as pod:
            await world.until(lambda: pod.doing.state == "ready")
            assert any("key of" in line.text for line in world.lines)
            assert not Path(world.variables["LITTLE_KEY"]).exists()

    asyncio.run(story())


def test_a_pod_that_does_not_read_its_key_is_stopped_before_it_makes_another(tmp_path: Path) -> None:
    class Unread(Loan):
        def was_read(self) -> bool:
            return False

    @contextlib.asynccontextmanager
    async def lender() -> AsyncIterator[Loan]:
        yield Unread()

    async def story() -> None:
        world = World(tmp_path, LITTLE_READY="never")
        async with running(world, lender=lender) as pod:
            await world.until(lambda: pod.doing.state == "hindered")
            assert "new identity" in pod.doing.words
        pids = {each.pid for each in world.states if each.pid}
        assert not any(psutil.pid_exists(pid) for pid in pids)

    asyncio.run(story())


def test_secrets_are_in_the_environment_and_not_on_the_command_line(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)
        world.secrets["BITFOUNT_API_KEY"] = Secret("k3y-of-the-pod")
        async with running(world) as pod:
            await world.until(lambda: pod.doing.state == "ready")
            assert pod.doing.pid is not None
            process = psutil.Process(pod.doing.pid)
            assert "k3y" not in " ".join(process.cmdline())
            assert process.environ()["BITFOUNT_API_KEY"] == "k3y-of-the-pod"
        assert "k3y" not in repr(await world.prepare())
        assert not any("k3y" in file.read_text(encoding="utf-8") for file in tmp_path.iterdir())

    asyncio.run(story())


def test_a_pod_of_an_earlier_life_is_looked_after_and_another_one_follows_when_it_ends(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)
        start = await world.prepare()
        other = subprocess.Popen(
            start.arguments, env=dict(start.environment), stdout=subprocess.DEVNULL, start_new_session=True
        )
        doing = Doing("ready", other.pid, SystemClock().now(), start.port)
        assert left_behind(doing, "little_pod.py")
        assert not left_behind(doing, "another.yaml")
        assert not left_behind(Doing("ready", None), "little_pod.py")
        pod = world.pod(left=doing)
        pod.start()
        try:
            await world.until(lambda: pod.doing.state == "ready" and pod.doing.memory)
            assert pod.doing.pid == other.pid
            other.kill()
            other.wait()
            await world.until(lambda: pod.doing.state == "ready" and pod.doing.pid != other.pid)
            assert any("earlier podadmin" in each.words for each in world.states)
        finally:
            await pod.stop()

    asyncio.run(story())


def test_a_pod_of_an_earlier_life_is_ended_where_none_is_wanted(tmp_path: Path) -> None:
    async def story() -> None:
        start = await World(tmp_path).prepare()
        other = subprocess.Popen(
            start.arguments, env=dict(start.environment), stdout=subprocess.DEVNULL, start_new_session=True
        )
        await end_left(Doing("ready", other.pid))
        assert other.wait(60) != 0
        await end_left(Doing("stopped"))

    asyncio.run(story())


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        ("400", BadInput, "pod.reload-refused"),
        ("409", Refused, "pod.restart-needed"),
        ("503", Unavailable, "pod.reload-failed"),
        ("504", Unavailable, "pod.reload-failed"),
        ("500", Unavailable, "pod.reload-failed"),
    ],
)
def test_what_a_pod_says_to_a_reload_is_said_in_words(tmp_path: Path, status: str, kind: type, code: str) -> None:
    async def story() -> None:
        world = World(tmp_path, LITTLE_RELOAD=status)
        async with running(world) as pod:
            await world.until(lambda: pod.doing.state == "ready")
            with pytest.raises(kind) as met:
                await ControlClient(world.port).reload(DATASOURCES)
            assert met.value.code == code
            if code == "pod.restart-needed":
                assert "name changed" in met.value.why
                assert "Restart the pod" in met.value.next_step

    asyncio.run(story())


def test_a_pod_takes_new_datasources_while_it_runs(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)
        async with running(world) as pod:
            await world.until(lambda: pod.doing.state == "ready")
            control = ControlClient(world.port)
            assert (await control.reload(DATASOURCES)).done
            assert await control.dataset_names() == ("patients", "scans")
        with pytest.raises(Unavailable, match="does not answer"):
            await ControlClient(world.port).health()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("text", "before", "level"),
    [
        ("2026-11-21 [ERROR] it broke", "info", "error"),
        ("WARN deprecated", "info", "warning"),
        ("FATAL: out", "info", "critical"),
        ("  went on", "error", "error"),
        ("plain words", "error", "info"),
        ("ValueError: x", "info", "error"),
        ("Traceback (most recent call last):", "info", "error"),
        ("an INFORMATION about errors", "info", "info"),
    ],
)
def test_a_line_has_the_level_that_it_names(text: str, before: str, level: str) -> None:
    assert level_of(text, before) == level


def test_output_begins_anew_when_it_is_large_and_half_a_line_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("podadmin.pod.output.LARGEST", 300)
    output = Output(tmp_path, SystemClock())
    for number in range(9):
        output.take(f"[INFO] line {number}")
    with (tmp_path / "output.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"at": "2026-')
    found = [line.text for line in last_lines(tmp_path, 100)]
    assert found[-1] == "[INFO] line 8"
    assert 4 <= len(found) < 9
    assert last_lines(tmp_path, 2)[0].text == "[INFO] line 7"
    assert ((tmp_path / "output.jsonl").stat().st_mode & 0o777) == 0o600


def test_nothing_told_and_a_process_that_is_gone_are_a_pod_that_is_stopped(tmp_path: Path) -> None:
    assert told(tmp_path) == Doing()
    tell(tmp_path, Doing("ready", 2**22 + 5, port=7, deaths=2))
    assert (told(tmp_path).state, told(tmp_path).pid, told(tmp_path).deaths) == ("stopped", None, 2)
    (tmp_path / "doing.json").write_text('{"state": "ready"', encoding="utf-8")
    assert told(tmp_path) == Doing()


def test_a_wanted_port_that_is_taken_is_left(tmp_path: Path) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        assert free_port([taken]) != taken
    assert free_port([taken]) == taken

"""The inventory of a folder says what is there now, keeps little in memory, and never leaves the tree."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, Cancelled, NotFound, Unavailable
from podadmin.core.progress import Progress, Step
from podadmin.datasources import inventory, inventory_look
from podadmin.datasources.folders import MEGABYTE, FileFilter, Inventory, extensions

ALL = FileFilter()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "images"
    for folder in ("a", "a/b", "c"):
        (root / folder).mkdir(parents=True)
        for number in range(3):
            (root / folder / f"{number}.dcm").write_bytes(b"x" * (number + 1))
    (root / "notes.txt").write_text("not an image")
    return root


def look(tree: Path, chosen: FileFilter = ALL, progress: Progress | None = None, patience: float = 30.0) -> Inventory:
    return inventory.look(
        tree, tree.parent / "kept.db", chosen, SystemClock(), progress or Progress(), patience=patience
    )


def names(tree: Path) -> list[str]:
    return [str(path.relative_to(tree)) for path, _, _ in inventory.files(tree.parent / "kept.db", tree)]


def test_every_file_is_counted_with_its_size(tree: Path) -> None:
    found = look(tree)
    assert (found.files, found.size, found.folders, found.whole) == (10, 3 * 6 + 12, 4, True)
    assert found.by_extension == ((".dcm", 9), (".txt", 1))
    assert found.newest is not None
    assert found.oldest is not None
    assert found.oldest <= found.newest <= datetime.now(UTC)
    assert inventory.known(tree.parent / "kept.db") == Inventory(**{**vars(found), "changed": 0})


def test_a_tree_that_is_as_it_was_is_not_written_again(tree: Path) -> None:
    assert look(tree).changed == 4
    assert look(tree).changed == 0


def test_what_changed_is_seen_and_only_that(tree: Path) -> None:
    look(tree)
    (tree / "c" / "1.dcm").write_bytes(b"longer than before")
    (tree / "a" / "b" / "new.dcm").write_bytes(b"1")
    (tree / "c" / "0.dcm").unlink()
    found = look(tree)
    assert (found.files, found.changed) == (10, 2)
    assert "a/b/new.dcm" in names(tree)
    assert "c/0.dcm" not in names(tree)


def test_a_folder_that_is_gone_takes_what_was_below_it_along(tree: Path) -> None:
    look(tree)
    (tree / "a").rename(tree / "moved")
    found = look(tree)
    assert (found.files, found.folders) == (10, 4)
    assert [name for name in names(tree) if name.startswith("a/")] == []
    assert "moved/b/2.dcm" in names(tree)


def test_links_are_counted_and_never_followed(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.dcm").write_bytes(b"secret")
    (tree / "way-out").symlink_to(outside)
    (tree / "round").symlink_to(tree)
    (tree / "a" / "one.dcm").symlink_to(outside / "secret.dcm")
    found = look(tree)
    assert (found.files, found.links) == (10, 3)


def test_what_is_no_ordinary_file_is_left_out(tree: Path) -> None:
    os.mkfifo(tree / "pipe.dcm")
    found = look(tree)
    assert (found.files, found.others) == (10, 1)


def test_another_filter_counts_other_files(tree: Path) -> None:
    assert look(tree, FileFilter(extensions=(".dcm",))).files == 9
    found = look(tree, FileFilter(extensions=(".dcm",), smallest=2 / MEGABYTE))
    assert (found.files, found.others) == (6, 4)
    assert look(tree).files == 10


def test_names_that_are_no_text_are_files_like_others(tree: Path) -> None:
    odd = os.fsencode(tree) + b"/c/\xff\xfe\n'%s \xf0\x9f\x98\x80.dcm"
    Path(os.fsdecode(odd)).write_bytes(b"12345")
    look(tree)
    found = [path for path, size, _ in inventory.files(tree.parent / "kept.db", tree) if size == 5]
    assert [os.fsencode(path) for path in found] == [odd]


def test_a_look_that_was_stopped_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_look, "COMMIT_FOLDERS", 1)
    root = tmp_path / "many"
    for number in range(40):
        (root / f"{number:02}").mkdir(parents=True)
        (root / f"{number:02}" / "x.dcm").write_bytes(b"x")
    steps: list[Step] = []

    def seen(step: Step) -> None:
        steps.append(step)
        if len(steps) == 10:
            progress.cancel()

    progress = Progress(seen)
    with pytest.raises(Cancelled):
        look(root, progress=progress)
    part = inventory.known(tmp_path / "kept.db")
    assert part is not None
    assert not part.whole
    assert 0 < part.files < 40
    with inventory.opened(tmp_path / "kept.db") as connection:
        seen_before = [os.fsdecode(path) for (path,) in connection.execute("SELECT path FROM folder WHERE files > 0")]
    # what was seen already is not believed for ever
    (root / seen_before[0] / "later.dcm").write_bytes(b"later")
    (root / "new").mkdir()
    (root / "new" / "x.dcm").write_bytes(b"x")
    rest = look(root)
    assert (rest.files, rest.whole) == (42, True)
    assert rest.changed == 41 - len(seen_before) + 2
    assert look(root).changed == 0


def test_a_folder_of_very_many_files_is_written_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_look, "KEPT_ROWS", 50)
    monkeypatch.setattr(inventory_look, "PORTION", 20)
    root = tmp_path / "flat"
    root.mkdir()
    for number in range(333):
        (root / f"{number}.png").write_bytes(b"x")
    assert look(root).files == 333
    (root / "7.png").unlink()
    found = look(root)
    assert (found.files, len(names(root))) == (332, 332)


def test_a_state_has_a_name_of_its_own_until_something_is_another(tree: Path) -> None:
    def named() -> tuple[str, Inventory]:
        found = look(tree)
        with inventory.opened(tree.parent / "kept.db") as connection:
            return inventory_look.state(connection), found

    first, _ = named()
    assert first
    assert named()[0] == first
    (tree / "c" / "more.txt").write_text("one more")
    second, found = named()
    assert second != first
    assert found.by_extension == ((".dcm", 9), (".txt", 2))
    (tree / "c" / "more.txt").unlink()
    third, found = named()
    assert third not in {first, second}
    assert found.by_extension == ((".dcm", 9), (".txt", 1))


def test_a_folder_whose_portions_were_stopped_is_not_taken_for_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_look, "KEPT_ROWS", 50)
    monkeypatch.setattr(inventory_look, "PORTION", 20)
    root = tmp_path / "flat"
    root.mkdir()
    for number in range(100):
        (root / f"{number}.png").write_bytes(b"x")
    look(root)
    (root / "new.png").write_bytes(b"x")
    progress = Progress()
    honest = inventory_look.Look._insert

    def stopped(self: inventory_look.Look, folder: int, rows: list[tuple[bytes, int, int]]) -> None:
        honest(self, folder, [*rows, (b"new.png", 1, 1)])
        progress.cancel()

    monkeypatch.setattr(inventory_look.Look, "_insert", stopped)
    with pytest.raises(Cancelled):
        look(root, progress=progress)
    monkeypatch.setattr(inventory_look.Look, "_insert", honest)
    (root / "new.png").unlink()
    assert look(root).files == 100
    assert len(names(root)) == 100


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_may_not_be_listed_is_named_and_the_rest_counted(tree: Path) -> None:
    (tree / "c").chmod(0)
    try:
        found = look(tree)
    finally:
        (tree / "c").chmod(0o700)
    assert (found.files, found.unreadable, found.unreadable_count) == (7, ("c",), 1)


def test_a_folder_that_cannot_be_listed_is_tried_again_and_then_named(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bytes] = []
    real = os.scandir

    def failing(path: bytes) -> Iterator[os.DirEntry[bytes]]:
        if os.fsencode(path).endswith(b"/c"):
            tried.append(path)
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(os, "scandir", failing)
    found = look(tree)
    assert (found.files, found.unreadable, len(tried)) == (7, ("c",), inventory_look.TRIES)
    monkeypatch.setattr(os, "scandir", real)
    assert (look(tree).files, look(tree).unreadable_count) == (10, 0)


def test_a_share_that_hangs_is_given_up_and_what_was_seen_is_kept(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look(tree)
    hangs = threading.Event()
    real = os.scandir

    def hanging(path: bytes) -> Iterator[os.DirEntry[bytes]]:
        if os.fsencode(path).endswith(b"/c"):
            hangs.wait(60)
        return real(path)

    monkeypatch.setattr(os, "scandir", hanging)
    try:
        with pytest.raises(Unavailable) as caught:
            look(tree, patience=0.5)
    finally:
        hangs.set()
    assert caught.value.code == "datasource.share-hangs"
    monkeypatch.setattr(os, "scandir", real)
    assert look(tree).files == 10


def test_a_share_that_answers_late_is_asked_by_several_at_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)
    real = os.scandir

    def late(path: bytes) -> Iterator[os.DirEntry[bytes]]:
        if os.fsencode(path).endswith((b"/a", b"/c")):
            both.wait(30)
        return real(path)

    monkeypatch.setattr(os, "scandir", late)
    found = look(tree)
    assert (found.files, found.unreadable_count) == (10, 0)
    assert not both.broken, "one alone would have waited for ever"


def test_what_is_no_folder_says_so(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(BadInput) as not_a_folder:
        inventory.check_root(file)
    with pytest.raises(NotFound) as missing:
        inventory.check_root(tmp_path / "nowhere")
    codes = {not_a_folder.value.code, missing.value.code}
    assert codes == {"datasource.not-a-folder", "datasource.folder-not-found"}


def test_an_inventory_that_was_damaged_is_made_again(tree: Path) -> None:
    look(tree)
    kept = tree.parent / "kept.db"
    for each in tree.parent.glob("kept.db*"):
        each.unlink()
    kept.write_bytes(b"this is no database at all" * 200)
    assert look(tree).files == 10


def test_an_empty_folder_has_nothing_in_it(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    found = look(empty)
    assert (found.files, found.folders, found.newest, found.whole) == (0, 1, None, True)


def test_endings_are_written_one_way() -> None:
    assert extensions([" DCM", ".nii.gz", "dcm"]) == (".dcm", ".nii.gz")
    for wrong in ("", ".", "a/b", "  "):
        with pytest.raises(BadInput):
            extensions([wrong])


@pytest.mark.parametrize(
    "chosen",
    [
        {"modified_from": date(2025, 1, 2), "modified_until": date(2025, 1, 1)},
        {"created_from": date(2025, 1, 2), "created_until": date(2025, 1, 1)},
        {"smallest": 2.0, "largest": 1.0},
        {"smallest": -1.0},
        {"largest": float("nan")},
        {"largest": float("inf")},
    ],
)
def test_a_filter_that_lets_nothing_through_is_refused(chosen: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        FileFilter(**chosen)  # type: ignore[arg-type]
    assert caught.value.code == "datasource.filter"


@given(
    st.integers(0, 10**18), st.dates(date(1970, 1, 2), date(2200, 1, 1)), st.dates(date(1970, 1, 2), date(2200, 1, 1))
)
def test_the_days_of_a_filter_include_both_ends(moment: int, one: date, other: date) -> None:
    first, last = sorted((one, other))
    day = datetime.fromtimestamp(moment / 1e9, UTC).date()
    chosen = FileFilter(modified_from=first, modified_until=last)
    assert chosen.passes("x.dcm", 1, moment, 0) == (first <= day <= last)

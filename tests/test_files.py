"""Files: whole or not there, whatever happens while they are written."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lstm_from_scratch import files
from lstm_from_scratch.files import read_whole, write_whole

resource = pytest.importorskip("resource")  # what a process may do: Windows does not know it

BIG = 3_000_000


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """What a full disk does: a write comes to an end in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to write: without a name where the system can, and with one."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("this system knows no files without a name")
    return request.param


def test_two_threads_save_to_one_path(tmp_path: Path, way: str) -> None:
    path, contents = tmp_path / "a", (b"a" * 100_000, b"b" * 100_000)
    failed: list[BaseException] = []

    def save(data: bytes) -> None:
        try:
            for _ in range(40):
                assert write_whole(path, data) == path
                assert path.read_bytes() in contents
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=save, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert os.listdir(tmp_path) == ["a"]


SAVES = """
import os, sys
from lstm_from_scratch.files import write_whole
if sys.argv[2] == "named": vars(os).pop("O_TMPFILE", None)
print("begun", flush=True)
while True:
    for letter in b"ab":
        write_whole(sys.argv[1], bytes([letter]) * {size})
"""


def test_a_process_that_is_killed_while_it_saves_leaves_a_whole_file(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    write_whole(path, b"a" * BIG)
    for number in range(6):
        saving = subprocess.Popen(
            [sys.executable, "-c", SAVES.format(size=BIG), str(path), way],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        )
        assert saving.stdout.readline() == b"begun\n"
        time.sleep(0.013 * number)
        saving.send_signal(signal.SIGKILL)
        saving.communicate()
        assert path.read_bytes() in (b"a" * BIG, b"b" * BIG)
    left = [name for name in os.listdir(tmp_path) if name != "a"]
    if way == "unnamed":  # killed in the moment between its name and its place, when it is whole
        for name in left:
            assert (tmp_path / name).read_bytes() in (b"a" * BIG, b"b" * BIG)
    # What is left is nobody's after a while, and the next save takes it away.
    beside = tmp_path / ".another.part"
    beside.touch()
    for name in [*left, beside.name]:
        os.utime(tmp_path / name, (0, 0))
    write_whole(path, b"c")
    assert sorted(os.listdir(tmp_path)) == [".another.part", "a"]


def test_a_save_that_another_is_at_work_on_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    seen: list[str] = []
    fill = files._fill

    def write_another(file: int, data: bytes, before: os.stat_result | None) -> None:
        fill(file, data, before)
        if data == b"outer":
            seen.extend(os.listdir(tmp_path))
            write_whole(tmp_path / "a", b"inner")

    monkeypatch.setattr(files, "_fill", write_another)
    write_whole(tmp_path / "a", b"outer")
    assert len(seen) == 1 and seen[0].startswith(".") and seen[0].endswith(".part")
    assert (tmp_path / "a").read_bytes() == b"outer"
    assert os.listdir(tmp_path) == ["a"]


def test_a_full_disk_leaves_the_old_file_whole_and_names_it(tmp_path: Path, way: str) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(b"old")
    with no_file_above(10_000), pytest.raises(OSError, match=r"a\.mid") as refused:
        write_whole(path, b"n" * BIG)
    assert refused.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.mid"]


def test_a_device_is_written_into_and_stays_one(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if os.geteuid() == 0:  # who, were this to fail, would replace that of the system
        full = tmp_path / "full"
        try:
            os.mknod(full, stat.S_IFCHR | 0o666, os.makedev(1, 7))
            full.open("wb").close()
        except OSError:
            pytest.skip("no device can be made here")
    with pytest.raises(OSError, match=rf"No space left on device: '{full}'"):
        write_whole(full, b"x")
    assert full.is_char_device()


def test_a_file_keeps_its_mode_and_a_new_one_has_the_usual(tmp_path: Path, way: str) -> None:
    old = tmp_path / "old"
    before = os.umask(0o027)
    try:
        for mode in (0o600, 0o640, 0o755):
            old.touch()
            old.chmod(mode)
            write_whole(old, b"x")
            assert stat.S_IMODE(old.stat().st_mode) == mode
        write_whole(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_file_keeps_its_owner(tmp_path: Path, way: str) -> None:
    path = tmp_path / "a"
    path.touch()
    os.chown(path, 1234, 4321)
    write_whole(path, b"x")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is protected from root")
def test_what_is_protected_from_writing_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o400)
    with pytest.raises(PermissionError, match="protected from writing"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_pipe_is_written_into_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"music")
    assert os.read(reading, 100) == b"music"
    os.close(reading)
    assert pipe.is_fifo() and os.listdir(tmp_path) == ["pipe"]


@pytest.mark.parametrize("length", [244, 255])
def test_every_name_that_is_legal_will_do(tmp_path: Path, length: int, way: str) -> None:
    name = "é" * (length // 2) + "n" * (length % 2)
    write_whole(tmp_path / name, b"x")
    assert os.listdir(tmp_path) == [name]


def test_a_link_goes_on_pointing_where_it_points(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/a")  # where nothing is yet
    for data in (b"one", b"two"):
        write_whole(tmp_path / "link", data)
        assert (tmp_path / "folder" / "a").read_bytes() == data
    assert (tmp_path / "link").is_symlink()
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(OSError, match="circle"):
        write_whole(tmp_path / "circle", b"x")


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (3, TypeError, "expected a path to write to, such as 'blues.mid'; got 3"),
        (None, TypeError, "expected a path to write to, such as 'blues.mid'; got None"),
        (b"a.mid", TypeError, "expected a path to write to, such as 'blues.mid'; got b'a.mid'"),
        ("a\0.mid", ValueError, "which has a NUL in it"),
        ("", IsADirectoryError, "is a folder: name a file to write"),
        ("no/a.mid", FileNotFoundError, "there is no folder 'no' to write 'a.mid' into"),
        ("file/a.mid", FileNotFoundError, "there is no folder 'file' to write 'a.mid' into"),
    ],
)
def test_what_is_no_place_for_a_file_is_refused(
    path: object, error: type, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(error, match=message):
        write_whole(path, b"x")
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_is_read_unless_it_never_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    assert read_whole(path, 3_000_000) == path.read_bytes()
    with pytest.raises(ValueError, match="a: expected at most 2,999,999 bytes, got more"):
        read_whole(path, 2_999_999)
    with pytest.raises(ValueError, match="zero: expected at most 5,000,000 bytes, got more"):
        read_whole("/dev/zero", 5_000_000)
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing' to read"):
        read_whole(tmp_path / "nothing", 9)
    with pytest.raises(IsADirectoryError, match="is a folder: name a file to read"):
        read_whole(tmp_path, 9)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(b"music",))
    writing.start()
    assert read_whole(pipe, 9) == b"music"
    writing.join()


def test_nothing_of_ours_writes_a_file_past_this_room() -> None:
    package = Path(files.__file__).parent
    ways = ("write_text(", "write_bytes(", "os.replace(", '"wb"')
    for path in package.rglob("*.py"):
        if path.name != "files.py":
            text = path.read_text(encoding="utf-8")
            assert not [way for way in ways if way in text], path

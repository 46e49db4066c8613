"""Turn the wire description into Python: run after every change of messages.proto and commit what it writes.

    python packaging/make_proto.py           writes messages_pb2.py and messages_pb2.pyi
    python packaging/make_proto.py --check   exit code 1 where the committed files are not what would be written

The generated files carry the version of the generator, and the protobuf runtime refuses files that are newer than
itself: the generator decides the lowest protobuf version that podadmin can run with.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "podadmin" / "networks" / "bitfount"
PROTO = FOLDER / "messages.proto"
WRITTEN = ("messages_pb2.py", "messages_pb2.pyi")
# The generator writes bare `Mapping` in constructors, which strict checking refuses.
STUB_HEAD = '# mypy: disable-error-code="type-arg"\n'


def generate(into: Path) -> None:
    """Write the two generated files below `into`. Raises SystemExit where the description is not valid."""
    relative = PROTO.relative_to(ROOT)
    code = protoc.main(["protoc", f"-I{ROOT}", f"--python_out={into}", f"--pyi_out={into}", str(relative)])
    if code != 0:
        raise SystemExit(code)
    stub = into / FOLDER.relative_to(ROOT) / "messages_pb2.pyi"
    stub.write_text(STUB_HEAD + stub.read_text(encoding="utf-8"), encoding="utf-8")


def main() -> int:
    if "--check" not in sys.argv[1:]:
        generate(ROOT)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = Path(folder) / FOLDER.relative_to(ROOT)
        return int(any((fresh / name).read_bytes() != (FOLDER / name).read_bytes() for name in WRITTEN))


if __name__ == "__main__":
    raise SystemExit(main())

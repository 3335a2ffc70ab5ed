"""Writes the Python code of the protos to src/segmentd/v1; with --check, says what would change and exits 1."""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
TARGET = PROTOS.parent / "src" / "segmentd" / "v1"
PACKAGE_DOCSTRING = '"""Generated from protos/segmentd/v1 by protos/generate.py. Do not edit."""\n'


def main() -> int:
    """Exit code 0 where the target is, or now is, up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the code is out of date")
    check = parser.parse_args().check
    wanted = generated()
    stale = differences(wanted, present())
    if check:
        for name in stale:
            print(f"{TARGET / name} is out of date; run python protos/generate.py", file=sys.stderr)
        return 1 if stale else 0
    write(wanted, stale)
    print(f"{len(stale)} of {len(wanted)} files changed in {TARGET}")
    return 0


def generated() -> dict[str, str]:
    """File name → text of everything that belongs to the target."""
    with tempfile.TemporaryDirectory() as directory:
        compile_protos(Path(directory))
        made = Path(directory) / "segmentd" / "v1"
        files = {path.name: path.read_text(encoding="utf-8") for path in made.iterdir()}
    # A file without services yields an empty _pb2_grpc module, which nobody needs.
    kept = {name: text for name, text in files.items() if not is_grpc(name) or "_service_" in name}
    return kept | {"__init__.py": PACKAGE_DOCSTRING}


def compile_protos(output: Path) -> None:
    """Code by protoc and grpcio-tools; stubs by mypy-protobuf, because those of protoc are not strictly typed."""
    programs = Path(sys.executable).parent
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("segmentd/**/*.proto"))
    arguments = [
        f"--proto_path={PROTOS}",
        f"--proto_path={resources.files('grpc_tools') / '_proto'}",
        f"--python_out={output}",
        f"--grpc_python_out={output}",
        f"--plugin=protoc-gen-mypy={programs / 'protoc-gen-mypy'}",
        f"--mypy_out=quiet:{output}",
        f"--plugin=protoc-gen-mypy_grpc={programs / 'protoc-gen-mypy_grpc'}",
        f"--mypy_grpc_out=quiet:{output}",
    ]
    if protoc.main(["protoc", *arguments, *sources]) != 0:
        raise SystemExit("protoc failed")


def is_grpc(name: str) -> bool:
    return name.endswith(("_pb2_grpc.py", "_pb2_grpc.pyi"))


def present() -> dict[str, str]:
    """File name → text of what the target has now."""
    return {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.py*") if path.is_file()}


def differences(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    """The names that are new, changed or superfluous, sorted."""
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write(wanted: dict[str, str], stale: list[str]) -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (TARGET / name).write_text(wanted[name], encoding="utf-8")
        else:
            (TARGET / name).unlink()


if __name__ == "__main__":
    sys.exit(main())

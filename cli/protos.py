"""Generates the gRPC stubs from `protos/` and checks that they are fresh, well-formed and unbroken."""

import os
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
BASELINE = PROTOS / "baseline.binpb"
PACKAGE = "nineconnect"
INIT_TEXT = '"""Generated from protos/ by `make proto`; not edited by hand."""\n'


class ProtoError(Exception):
    """A proto tool refused; the message is what it said."""


def generate(target: Path) -> None:
    """Writes the stubs of every proto, with type stubs (asyncio included), under `target`.

    Raises:
        ProtoError: a proto file is wrong.
    """
    sources = [str(path.relative_to(PROTOS)) for path in sorted(PROTOS.rglob("*.proto"))]
    includes = [f"-I{PROTOS}", f"-I{files('grpc_tools') / '_proto'}"]
    outputs = [f"--{kind}_out={target}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    _run([sys.executable, "-m", "grpc_tools.protoc", *includes, *outputs, *sources])
    for directory in {path.parent for path in target.rglob("*_pb2.py")}:
        for package in (directory, *directory.relative_to(target).parents):
            (target / package / "__init__.py").write_text(INIT_TEXT, encoding="utf-8")
    (target / "__init__.py").unlink(missing_ok=True)


def stale() -> list[str]:
    """Names of the generated files that differ from what the protos give; empty when all are fresh."""
    with tempfile.TemporaryDirectory() as directory:
        generate(Path(directory))
        fresh = _contents(Path(directory) / PACKAGE)
    present = _contents(ROOT / PACKAGE)
    return sorted(name for name in fresh.keys() | present.keys() if fresh.get(name) != present.get(name))


def lint() -> None:
    """Checks style and comments of the protos with buf.

    Raises:
        ProtoError: with buf's findings.
    """
    _run(["buf", "lint", str(PROTOS)])


def breaking(against: Path = BASELINE) -> None:
    """Checks that the protos still serve every client of the last accepted contract.

    Raises:
        ProtoError: with buf's findings.
    """
    _run(["buf", "breaking", str(PROTOS), "--against", str(against)])


def accept(target: Path = BASELINE) -> None:
    """Makes the present protos the contract that later ones are compared with."""
    _run(["buf", "build", str(PROTOS), "--exclude-source-info", "-o", str(target)])


def main(arguments: list[str]) -> int:
    """`python -m cli.protos [--check]`: lint and breaking check, then generate; with --check, compare instead."""
    try:
        lint()
        breaking()
        if "--check" in arguments:
            return _report(stale())
        generate(ROOT)
        accept()
    except ProtoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _report(names: list[str]) -> int:
    for name in names:
        print(f"{PACKAGE}/{name} is stale: run `make proto`", file=sys.stderr)
    return 1 if names else 0


def _contents(directory: Path) -> dict[str, bytes]:
    sources = (path for path in directory.rglob("*") if path.suffix in {".py", ".pyi"})
    return {str(path.relative_to(directory)): path.read_bytes() for path in sources}


def _run(command: list[str]) -> None:
    # The plugins and buf are installed beside the interpreter, which need not be an activated environment.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(
            command, cwd=PROTOS, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise ProtoError(f"{command[0]} is missing: install the development dependencies") from error
    if done.returncode:
        raise ProtoError(done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

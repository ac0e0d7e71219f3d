"""Rule packs for tests: the shipped one, with small changes laid over it by the overlay mechanism."""

from functools import cache
from pathlib import Path

from common.packs import InvalidPack, Pack, PackProblem, build_pack, load_packs
from common.packs.documents import read_texts

POLICIES = Path(__file__).parents[2] / "policies"


@cache
def shipped_pack(*overlays: str) -> Pack:
    """The pack in `policies/`, loaded once."""
    return load_packs(POLICIES, *overlays)


def pack_with(**overlay: str) -> Pack:
    """The shipped pack with records laid over it, by kind: `pack_with(journeys="id: …")`."""
    texts = {f"overlays/test/{kind.replace('_', '-')}/changed.yaml": text for kind, text in overlay.items()}
    return build_pack(read_texts(POLICIES), texts)


def problems_with(**overlay: str) -> tuple[PackProblem, ...]:
    """What the loader says about the shipped pack with records laid over it; empty when it accepts them."""
    try:
        pack_with(**overlay)
    except InvalidPack as refusal:
        return refusal.problems
    return ()

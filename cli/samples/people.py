"""Invented customers in three jurisdictions, with numbers that are reserved for fiction."""

from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

AWAKE_FROM, AWAKE_UNTIL = 10, 18
"""Local hours of `--awake`: inside every compliance profile's calling hours on weekdays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where customers live and what follows from it."""

    jurisdiction: str
    region: str
    zone: str
    language: str
    currency: str
    dialect: str | None = None

    def is_awake(self, at: datetime) -> bool:
        """Whether it is between 10:00 and 18:00 there."""
        return AWAKE_FROM <= at.astimezone(ZoneInfo(self.zone)).hour < AWAKE_UNTIL


def _china(region: str, zone: str = "Asia/Shanghai", dialect: str | None = None) -> Place:
    return Place(jurisdiction="CN", region=region, zone=zone, language="zh-CN", currency="CNY", dialect=dialect)


def _states(region: str, zone: str, language: str = "en") -> Place:
    return Place(jurisdiction="US", region=region, zone=zone, language=language, currency="USD")


def _kingdom(region: str) -> Place:
    return Place(jurisdiction="UK", region=region, zone="Europe/London", language="en", currency="GBP")


PLACES = (
    _china("CN-GD", dialect="yue"),
    _states("US-NY", "America/New_York"),
    _kingdom("GB-LND"),
    _china("CN-BJ"),
    _states("US-IL", "America/Chicago"),
    _kingdom("GB-SCT"),
    _china("CN-SC"),
    _states("US-CA", "America/Los_Angeles", language="zh-CN"),
    _kingdom("GB-WLS"),
    _china("CN-XJ", zone="Asia/Urumqi"),
    _states("US-CO", "America/Denver"),
    _kingdom("GB-NIR"),
    _china("CN-SH", dialect="wuu"),
    _states("US-HI", "Pacific/Honolulu"),
    _kingdom("GB-ENG"),
)
"""Neighbours belong to different jurisdictions, so that even three customers show all of them."""

# 555-0100 to 555-0199 of every North American area is reserved for fiction, +44 7700 900000-900999 by Ofcom for drama.
_AREAS = """
201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 225 228 229 231 234 239 240 248 251 252 253
254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321
323 325 330 334 336 337 339 351 352 360 361 385 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419
"""
AREAS = _AREAS.split()

GIVEN = {
    "en": "Ada Ben Cleo Dora Evan Flora Gus Hana Ivo June Kit Lena Milo Nell Otis Pia Quin Rosa Seth Tess".split(),  # noqa: SIM905
    "zh-CN": list("安波晨丹芳刚慧佳凯兰明宁鹏倩蓉涛薇晓雅哲"),
}
FAMILY = {
    "en": ["Sample", "Example", "Specimen", "Placeholder", "Testcase", "Fictum", "Invented", "Madeup"],
    "zh-CN": ["样例", "示范", "虚构", "试例", "范本", "拟名"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One invented customer."""

    customer_id: str
    place: Place
    profile: dict[str, Any]


class People:
    """The customers of one seed.

    Args:
        seed: another seed gives other people, with ids of their own.
        size: how many there are.
        awake_at: only places where it is 10:00 to 18:00 at this moment; None = all places.
    """

    def __init__(self, *, seed: int, size: int, awake_at: datetime | None = None) -> None:
        self._seed = seed
        self._size = size
        # Some place of the list is awake at any hour: China, the United Kingdom and Hawaii hand over to each other.
        self._places = [place for place in PLACES if awake_at is None or place.is_awake(awake_at)]

    def __getitem__(self, index: int) -> Person:
        """The customer at `index`, counted round the size."""
        number = index % self._size
        place = self._places[number % len(self._places)]
        customer_id = f"c{self._seed}-{number + 1:06d}"
        return Person(customer_id=customer_id, place=place, profile=self._profile(customer_id, number, place))

    def _profile(self, customer_id: str, number: int, place: Place) -> dict[str, Any]:
        chance = Random(f"{self._seed}/{number}")  # noqa: S311 (samples must repeat, not be secret)
        return {
            "customer_id": customer_id,
            "name": _name(chance, place.language),
            "phone_numbers": [{"phone_number": phone_number(number, place), "kind": "mobile"}],
            "language": place.language,
            "dialect": place.dialect,
            "birth_date": date.fromordinal(
                chance.randint(date(1940, 1, 1).toordinal(), date(2004, 12, 31).toordinal())
            ),
            "time_zone": place.zone,
            "region": place.region,
            "jurisdiction": place.jurisdiction,
            "consent": {
                "service": _consent(customer_id, granted=True),
                "marketing": _consent(customer_id, granted=chance.random() < 0.6),  # noqa: PLR2004 (most, not all)
            },
            "preferences": {},
            "agent_of_record": f"agent-{chance.randint(1, 200):04d}",
        }


def phone_number(number: int, place: Place) -> str:
    """A number reserved for fiction: unlike for 8,400 customers, or 1,000 in the United Kingdom; then they repeat."""
    if place.jurisdiction == "UK":
        return f"+447700900{number % 1000:03d}"
    return f"+1{AREAS[number // 100 % len(AREAS)]}55501{number % 100:02d}"


def _name(chance: Random, language: str) -> str:
    given, family = chance.choice(GIVEN[language]), chance.choice(FAMILY[language])
    return f"{family}{given}" if language == "zh-CN" else f"{given} {family}"


def _consent(customer_id: str, *, granted: bool) -> dict[str, Any]:
    return {"granted": granted, "at": "2024-03-01T09:00:00Z", "proof": f"contract/{customer_id}"}

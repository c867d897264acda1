"""Where data lives: an installation serves one region, and sends callers of another team's region to its address."""

from __future__ import annotations

from chalicelib.platform.errors import WrongRegion
from chalicelib.platform.settings import Settings


def refuse_other_region(settings: Settings, region: str) -> None:
    """Raises WrongRegion when a team's data lives in another region than the one this installation writes to."""
    if is_served(settings, region):
        return
    address = addresses(settings.regions).get(region)
    remedy = f"Use {address}." if address else "Ask the operator of this installation for the address of that region."
    raise WrongRegion(f"The team's data lives in {region}, and this address serves {settings.region}.", remedy=remedy)


def is_served(settings: Settings, region: str) -> bool:
    """Whether a team whose data lives in `region` is served here."""
    return region in ("", settings.region) or not settings.region


def addresses(text: str) -> dict[str, str]:
    """Addresses by region, from `eu-west-1=https://eu.api.example.com,…`."""
    pairs = (each.partition("=") for each in text.split(","))
    return {region.strip(): address.strip() for region, _, address in pairs if region.strip() and address.strip()}

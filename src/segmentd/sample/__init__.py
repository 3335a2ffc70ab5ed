"""Sample data of a small shop app: profiles and a year of events, the same for the same seed."""

from segmentd.sample.files import write_shop
from segmentd.sample.shop import Shop, draw_shop

__all__ = ["Shop", "draw_shop", "write_shop"]

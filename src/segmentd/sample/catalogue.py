"""What the shop sells, and the names its customers go by. Prices in cents of the one currency, USD."""

from __future__ import annotations

from typing import Final, NamedTuple


class Product(NamedTuple):
    """`cents` is the list price."""

    sku: str
    name: str
    category: str
    cents: int


CURRENCY: Final = "USD"

PRODUCTS: Final = (
    Product("RUN-01", "Trail Shoes", "running", 12900),
    Product("RUN-02", "Running Socks", "running", 1490),
    Product("RUN-03", "Light Jacket", "running", 7900),
    Product("RUN-04", "Head Torch", "running", 3490),
    Product("YOG-01", "Yoga Mat", "yoga", 3900),
    Product("YOG-02", "Cork Block", "yoga", 1690),
    Product("YOG-03", "Meditation Cushion", "yoga", 4500),
    Product("CYC-01", "Bike Helmet", "cycling", 8900),
    Product("CYC-02", "Water Bottle", "cycling", 1290),
    Product("CYC-03", "Bib Shorts", "cycling", 9500),
    Product("CYC-04", "Bike Computer", "cycling", 24900),
    Product("OUT-01", "Two-Person Tent", "outdoor", 27900),
    Product("OUT-02", "Sleeping Bag", "outdoor", 14900),
    Product("OUT-03", "Camping Stove", "outdoor", 5900),
    Product("OUT-04", "Hiking Poles", "outdoor", 6900),
    Product("SWI-01", "Swim Goggles", "swimming", 2290),
    Product("SWI-02", "Swim Cap", "swimming", 990),
    Product("WIN-01", "Ski Gloves", "winter", 5490),
    Product("WIN-02", "Merino Base Layer", "winter", 8490),
    Product("GIF-01", "Gift Card", "gifts", 5000),
)

INTERESTS: Final = ("running", "yoga", "cycling", "outdoor", "swimming", "winter", "sustainability", "nutrition")
PLANS: Final = ("free", "plus", "pro")
GENDERS: Final = ("female", "male", "other")
FIRST_NAMES: Final = (
    (
        "Ada",
        "Amira",
        "Anna",
        "Chloé",
        "Elena",
        "Fatima",
        "Grace",
        "Hana",
        "Ingrid",
        "Julia",
        "Léa",
        "Mei",
        "Nora",
        "Sofía",
    ),
    (
        "Ahmed",
        "Ben",
        "Carlos",
        "David",
        "Emil",
        "Finn",
        "Hugo",
        "Ivan",
        "Jonas",
        "Kenji",
        "Luca",
        "Omar",
        "Piotr",
        "Tom",
    ),
    ("Alex", "Charlie", "Kim", "Noa", "Robin", "Sam"),
)
LAST_NAMES: Final = (
    "Ahmadi", "Andersen", "Bauer", "Costa", "Dubois", "Eriksson", "Fischer", "García", "Haddad", "Ito", "Jansen",
    "Kowalski", "Martin", "Nguyen", "O'Brien", "Patel", "Rossi", "Schmidt", "Silva", "Smith", "Tanaka", "Weber", "Kaya",
)  # fmt: skip

"""The SQL of the example on a few lines that a test wrote: both forms of the file, and what becomes of odd lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "online_retail"
HEADING = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def _selected(tmp_path: Path, script: str, *lines: str) -> list[dict[str, Any]]:
    """The rows that a script selects from a file of these lines, as the command reads them."""
    file = tmp_path / "lines.csv"
    file.write_text("\n".join([HEADING, *lines, ""]), encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(f"SET VARIABLE file = '{file}'")
        connection.execute((EXAMPLE / script).read_text(encoding="utf-8"))
        names = [column[0] for column in connection.description or ()]
        return [dict(zip(names, row, strict=True)) for row in connection.fetchall()]


@pytest.mark.parametrize(
    "lines",
    [
        (
            '536365,71053,"LANTERN, WHITE",6.0,2010-12-01 08:27:00,3.39,17850.0,France',
            "536365,22752,NESTING BOXES,2.0,2010-12-01 08:26:00,7.65,17850.0,France",
        ),
        (
            "536365,22752,NESTING BOXES,2,12/1/2010 8:26,7.65,17850,France",
            '536365,71053,"LANTERN, WHITE",6,12/1/2010 8:27,3.39,17850,France',
        ),
    ],
)
def test_lines_of_an_invoice_are_one_order_in_either_form_of_the_file(tmp_path: Path, lines: tuple[str, ...]) -> None:
    [order] = _selected(tmp_path, "events.sql", *lines)
    assert (order["user_id"], order["event"], order["reject_reason"]) == ("17850", "Order Completed", None)
    assert order["time"].isoformat() == "2010-12-01T08:26:00"
    assert order["message_id"] == "online-retail/536365/17850"
    assert json.loads(order["properties"]) == {
        "order_id": "536365",
        "revenue": 35.64,
        "quantity": 8,
        "products": [
            {"sku": "22752", "quantity": 2, "price": 7.65},
            {"sku": "71053", "quantity": 6, "price": 3.39},
        ],
    }


def test_a_cancellation_is_a_refund_of_a_positive_amount(tmp_path: Path) -> None:
    [refund] = _selected(tmp_path, "events.sql", "C536379,D,Discount,-2.0,2010-12-01 09:41:00,27.5,14527.0,France")
    assert (refund["user_id"], refund["event"]) == ("14527", "Order Refunded")
    assert json.loads(refund["properties"]) == {
        "order_id": "C536379",
        "revenue": 55,
        "quantity": 2,
        "products": [{"sku": "D", "quantity": 2, "price": 27.5}],
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("536365,71053,X,6.0,2010-12-01 08:27:00,3.39,,France", "no customer"),
        ("C53636,71053,X,-6.0,2010-12-01 08:27:00,3.39,,France", "no customer"),
        ("536365,71053,X,6.0,2010-12-01 08:27:00,0.0,17850.0,France", "not positive"),
        ("536365,71053,X,-6.0,2010-12-01 08:27:00,3.39,17850.0,France", "not positive"),
        ("536365,71053,X,many,2010-12-01 08:27:00,3.39,17850.0,France", "cannot be read"),
        ("536365,71053,X,6.0,13/12/2010 8:27,3.39,17850.0,France", "cannot be read"),
    ],
)
def test_what_is_neither_is_refused_with_its_reason(tmp_path: Path, line: str, reason: str) -> None:
    sold = "536366,71053,X,1.0,2010-12-01 08:28:00,1.0,17850.0,France"
    kept, refused = _selected(tmp_path, "events.sql", sold, line)
    assert kept["reject_reason"] is None
    assert refused["reject_reason"].endswith(reason)
    assert json.loads(refused["properties"])["line"] == 3


def test_the_latest_line_says_the_country(tmp_path: Path) -> None:
    found = _selected(
        tmp_path,
        "profiles.sql",
        "536365,71053,X,6.0,2011-02-01 08:27:00,3.39,17850.0,EIRE",
        "536366,71053,X,6.0,2011-01-01 08:27:00,3.39,17850.0,France",
        "536367,71053,X,6.0,2011-01-01 08:27:00,3.39,17851.0,Unspecified",
        "536368,71053,X,6.0,2011-01-01 08:27:00,3.39,,Germany",
    )
    assert found == [
        {"user_id": "17850", "address.country": "IE", "countryName": "EIRE"},
        {"user_id": "17851", "address.country": None, "countryName": "Unspecified"},
    ]

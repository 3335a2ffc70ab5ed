"""The segments of examples/online_retail from their definitions, in SQL over the lines of the raw file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb

_READ = """
CREATE TABLE line AS
SELECT InvoiceNo AS invoice, StockCode AS code, Country AS country, InvoiceDate::TIMESTAMP AS moment,
       Quantity::DECIMAL(9, 1) AS quantity, UnitPrice::DECIMAL(12, 4) AS price,
       split_part(CustomerID, '.', 1) AS customer
FROM read_csv($file, all_varchar = true);

CREATE TABLE sold AS
SELECT * FROM line WHERE customer IS NOT NULL AND invoice NOT LIKE 'C%' AND quantity > 0 AND price > 0;

CREATE TABLE given_back AS
SELECT * FROM line WHERE customer IS NOT NULL AND invoice LIKE 'C%';

CREATE TABLE placed AS
SELECT customer, invoice, min(moment) AS moment, sum(quantity * price) AS amount FROM sold GROUP BY customer, invoice;

CREATE TABLE spent AS
SELECT customer, sum(amount) AS net
FROM (SELECT customer, quantity * price AS amount FROM sold UNION ALL SELECT customer, quantity * price FROM given_back)
GROUP BY customer;

-- Frequency by the quantile formula of the reference: how many of n customers are strictly worse.
CREATE TABLE habit AS
SELECT customer, max(moment) AS last, count(*) AS orders,
       least(5, 1 + 5 * (rank() OVER (ORDER BY count(*)) - 1) // count(*) OVER ()) AS f
FROM placed GROUP BY customer;
"""

_SEGMENTS = {
    "loyal-shoppers": """
        SELECT customer FROM placed WHERE moment + INTERVAL 60 DAY > $now GROUP BY customer HAVING count(*) >= 2""",
    "at-risk": "SELECT customer FROM habit WHERE orders = 1 AND last + INTERVAL 90 DAY <= $now",
    "dormant": "SELECT customer FROM habit WHERE last + INTERVAL 6 MONTH <= $now",
    "bargain-hunters": """
        SELECT customer FROM placed WHERE moment + INTERVAL 180 DAY > $now
        GROUP BY customer HAVING count(*) >= 4 AND sum(amount) < 200 * count(*)""",
    # Recency was scored when the model was fitted; since then everybody's own age has grown.
    "champions": """
        SELECT habit.customer FROM habit JOIN habit AS other ON $fitted - other.last > $now - habit.last
        WHERE habit.f >= 4 GROUP BY habit.customer HAVING 1 + 5 * count(*) // (SELECT count(*) FROM habit) >= 5""",
    "germany-or-france": """
        SELECT customer FROM line WHERE customer IS NOT NULL
        GROUP BY customer HAVING max_by(country, moment) IN ('Germany', 'France')""",
    "heart-holder-never-cakestand": """
        SELECT customer FROM sold WHERE code = '85123A'
        EXCEPT SELECT customer FROM sold WHERE code = '22423'""",
    "spend-over-1000": "SELECT customer FROM spent WHERE net > 1000",
    "win-back": """
        SELECT customer FROM spent JOIN habit USING (customer)
        WHERE net > 1000 AND last + INTERVAL 6 MONTH <= $now""",
}
SEGMENTS = sorted(_SEGMENTS)


class RetailOracle:
    """Answers from the lines, at an instant `now`; the model of Champions was fitted at `fitted` (UTC, no offset)."""

    def __init__(self, file: Path, fitted: str) -> None:
        self._fitted = fitted
        self._duckdb = duckdb.connect()
        for number, statement in enumerate(_READ.split(";\n\n")):
            self._duckdb.execute(statement, {"file": str(file)} if number == 0 else None)

    def members(self, segment: str, now: str) -> set[str]:
        """Who is in the segment."""
        sql = _SEGMENTS[segment].replace("$now", f"TIMESTAMP '{now}'")
        sql = sql.replace("$fitted", f"TIMESTAMP '{self._fitted}'")
        return {row[0] for row in self._duckdb.execute(sql).fetchall()}

    def spend(self) -> dict[str, Decimal]:
        """Orders minus cancellations of each customer."""
        return dict(self._duckdb.execute("SELECT customer, net FROM spent").fetchall())

    def one_of_each_country(self) -> dict[str, str]:
        """The country in which the latest line of a customer was sold → one such customer."""
        sql = """
            SELECT country, min(customer) FROM (
                SELECT customer, max_by(country, moment) AS country FROM line
                WHERE customer IS NOT NULL GROUP BY customer
            ) GROUP BY country"""
        return dict(self._duckdb.execute(sql).fetchall())

    def counts(self) -> dict[str, int]:
        """Of lines and events."""
        sql = """
            SELECT (SELECT count(*) FROM line) AS lines,
                   (SELECT count(*) FROM line WHERE customer IS NULL) AS anonymous,
                   (SELECT count(*) FROM sold) + (SELECT count(*) FROM given_back) AS used,
                   (SELECT count(*) FROM placed) AS orders,
                   (SELECT count(DISTINCT (customer, invoice)) FROM given_back) AS refunds,
                   (SELECT count(DISTINCT customer) FROM line) AS customers"""
        found = self._duckdb.execute(sql)
        names = [column[0] for column in found.description or ()]
        return dict(zip(names, found.fetchall()[0], strict=True))

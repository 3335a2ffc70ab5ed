-- Who is in the four groups at the end of each day, from the lines of the file and nothing else: what the replay must
-- say too. Variables: file, first (the first day), days (how many).

CREATE TEMP TABLE lines AS
SELECT
    InvoiceNo AS invoice,
    split_part(CustomerID, '.', 1) AS customer,
    coalesce(try_cast(InvoiceDate AS TIMESTAMP), try_strptime(InvoiceDate, '%m/%d/%Y %H:%M')) AS moment,
    try_cast(Quantity AS DECIMAL(12, 3)) AS quantity,
    try_cast(UnitPrice AS DECIMAL(18, 6)) AS price
FROM read_csv(getvariable('file'), header = true, all_varchar = true);

CREATE TEMP TABLE orders AS
SELECT customer, min(moment) AS placed, sum(quantity * price) AS amount
FROM lines
WHERE customer IS NOT NULL AND NOT starts_with(invoice, 'C') AND quantity > 0 AND price > 0
GROUP BY customer, invoice
HAVING min(moment) >= getvariable('first');

CREATE TEMP TABLE ends AS
SELECT unnest(range(
    getvariable('first') + INTERVAL 1 DAY,
    getvariable('first') + (getvariable('days') + 1) * INTERVAL 1 DAY,
    INTERVAL 1 DAY
)) AS midnight;

CREATE TEMP TABLE habits AS
SELECT
    midnight,
    customer,
    count(*) AS orders,
    max(placed) AS last,
    count(*) FILTER (placed + INTERVAL 60 DAY > midnight) AS in_60_days,
    count(*) FILTER (placed + INTERVAL 180 DAY > midnight) AS in_180_days,
    sum(amount) FILTER (placed + INTERVAL 180 DAY > midnight) AS spent_in_180_days
FROM ends JOIN orders ON placed <= midnight
GROUP BY midnight, customer;

SELECT midnight, 'loyal-shoppers' AS segment, customer FROM habits WHERE in_60_days >= 2
UNION ALL
SELECT midnight, 'at-risk', customer FROM habits WHERE orders = 1 AND last + INTERVAL 90 DAY <= midnight
UNION ALL
SELECT midnight, 'dormant', customer FROM habits WHERE last + INTERVAL 6 MONTH <= midnight
UNION ALL
SELECT midnight, 'bargain-hunters', customer FROM habits
WHERE in_180_days >= 4 AND spent_in_180_days < 200 * in_180_days;

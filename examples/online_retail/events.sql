-- The lines of the UCI file "Online Retail" as events: one `Order Completed` for each invoice, one `Order Refunded`
-- for each cancellation (its number begins with C). Every other line is refused, and says why.
-- Times are UK local times without an offset; they are taken as UTC.

CREATE TEMP TABLE lines AS
SELECT
    row_number() OVER () + 1 AS line,                      -- as an editor counts them: the heading is line 1
    InvoiceNo AS invoice,
    StockCode AS sku,
    try_cast(Quantity AS DECIMAL(12, 3)) AS quantity,
    try_cast(UnitPrice AS DECIMAL(18, 6)) AS price,        -- decimals, so that sums are exact
    coalesce(try_cast(InvoiceDate AS TIMESTAMP), try_strptime(InvoiceDate, '%m/%d/%Y %H:%M')) AS placed,
    -- `17850.0` where a spreadsheet made numbers of the ids; the user is `17850`.
    try_cast(try_cast(CustomerID AS DOUBLE) AS BIGINT)::VARCHAR AS customer
FROM read_csv(getvariable('file'), header = true, all_varchar = true);

CREATE TEMP TABLE sorted_lines AS
SELECT
    *,
    CASE
        WHEN invoice IS NULL OR quantity IS NULL OR price IS NULL OR placed IS NULL
            THEN 'its invoice, quantity, price or date cannot be read'
        WHEN customer IS NULL THEN 'no customer'
        WHEN NOT starts_with(invoice, 'C') AND (quantity <= 0 OR price <= 0)
            THEN 'neither an order nor a cancellation: its quantity or price is not positive'
    END AS reject_reason
FROM lines;

SELECT
    customer AS user_id,
    if(starts_with(invoice, 'C'), 'Order Refunded', 'Order Completed') AS event,
    min(placed) AS time,                                   -- a few invoices took a minute to write
    -- The same for the same invoice, so that importing again stores nothing twice.
    'online-retail/' || invoice || '/' || customer AS message_id,
    {
        'order_id': invoice,
        -- The lines of a cancellation have negative quantities; what was given back is stated as a positive amount.
        'revenue': abs(sum(quantity * price)),
        'quantity': abs(sum(quantity)),
        -- In an order that does not depend on the order of the file.
        'products': list({'sku': sku, 'quantity': abs(quantity), 'price': price} ORDER BY sku, price, quantity)
    }::JSON AS properties,
    NULL AS reject_reason
FROM sorted_lines
WHERE reject_reason IS NULL
GROUP BY invoice, customer

UNION ALL

SELECT
    customer, NULL, placed, NULL,
    {'line': line, 'invoice': invoice, 'sku': sku, 'quantity': quantity, 'price': price}::JSON,
    reject_reason
FROM sorted_lines
WHERE reject_reason IS NOT NULL

ORDER BY reject_reason NULLS FIRST, time, message_id, (properties ->> 'line')::BIGINT;

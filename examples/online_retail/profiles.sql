-- The customers of the UCI file "Online Retail": the country of their latest line as ISO 3166-1 alpha-2 code, and its
-- name as it is in the file.

CREATE TEMP TABLE countries AS
SELECT unnest(map_entries(MAP {
    'Australia': 'AU', 'Austria': 'AT', 'Bahrain': 'BH', 'Belgium': 'BE', 'Brazil': 'BR', 'Canada': 'CA',
    'Cyprus': 'CY', 'Czech Republic': 'CZ', 'Denmark': 'DK', 'EIRE': 'IE', 'Finland': 'FI', 'France': 'FR',
    'Germany': 'DE', 'Greece': 'GR', 'Hong Kong': 'HK', 'Iceland': 'IS', 'Israel': 'IL', 'Italy': 'IT',
    'Japan': 'JP', 'Lebanon': 'LB', 'Lithuania': 'LT', 'Malta': 'MT', 'Netherlands': 'NL', 'Norway': 'NO',
    'Poland': 'PL', 'Portugal': 'PT', 'RSA': 'ZA', 'Saudi Arabia': 'SA', 'Singapore': 'SG', 'Spain': 'ES',
    'Sweden': 'SE', 'Switzerland': 'CH', 'USA': 'US', 'United Arab Emirates': 'AE', 'United Kingdom': 'GB',
    -- No country, or no single one: Jersey and Guernsey have a code each, the two together have none.
    'Channel Islands': NULL, 'European Community': NULL, 'Unspecified': NULL
}), recursive := true);

CREATE TEMP TABLE lines AS
SELECT
    row_number() OVER () AS line,
    Country AS country,
    coalesce(try_cast(InvoiceDate AS TIMESTAMP), try_strptime(InvoiceDate, '%m/%d/%Y %H:%M')) AS placed,
    try_cast(try_cast(CustomerID AS DOUBLE) AS BIGINT)::VARCHAR AS customer
FROM read_csv(getvariable('file'), header = true, all_varchar = true);

CREATE TEMP TABLE customers AS
SELECT customer, arg_max(country, (placed, line)) AS country
FROM lines
WHERE customer IS NOT NULL
GROUP BY customer;

SELECT
    customers.customer AS user_id,
    countries.value AS "address.country",                  -- absent where there is no code
    customers.country AS "countryName"
FROM customers
LEFT JOIN countries ON countries.key = customers.country
ORDER BY customers.customer;

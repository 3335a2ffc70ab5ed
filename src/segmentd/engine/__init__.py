"""The engine: rules compiled to plans, plans judged to verdicts, verdicts kept as bits and horizons."""

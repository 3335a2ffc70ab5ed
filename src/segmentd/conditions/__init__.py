"""Conditions on one attribute or property: operators, their operands, and the catalogues built over them."""

"""The built-in segment types and derivations, a module each. They import segmentd.api and nothing else of segmentd."""

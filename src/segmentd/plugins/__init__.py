"""The plugin seam: what a segment type and a derivation are, the hooks, and the host that finds them."""

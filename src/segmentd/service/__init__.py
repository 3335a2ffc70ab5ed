"""The use cases: writing profiles and events, defining segments, looking up memberships, evaluating."""

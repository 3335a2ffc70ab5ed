"""Generated from protos/segmentd/v1 by protos/generate.py. Do not edit."""

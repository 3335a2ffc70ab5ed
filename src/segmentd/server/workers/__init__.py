"""Processes that share the public port: they answer what stored memberships answer, and forward everything else."""

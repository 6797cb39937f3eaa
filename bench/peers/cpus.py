"""cpus.py -- the two CPUs of all competitors. Imported before any of them, for OpenMP leaves the caller one."""
import os

CPUS = frozenset(sorted(os.sched_getaffinity(0))[:2])

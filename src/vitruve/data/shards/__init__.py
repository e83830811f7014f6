"""Shards of examples: one file, a folder of them, a folder in the making, and a look at one."""

"""Cameras that are not the recording's own: published rigs, random ones, level frames."""

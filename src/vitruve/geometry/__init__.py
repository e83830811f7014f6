"""Geometry of pose: cameras, alignment, placement, kinematics, filters, ground."""

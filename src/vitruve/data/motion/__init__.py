"""Readers of motion and keypoints, one file for each dataset: a release in, sequences out."""

"""What a lifter learns from: motion varied, bent, seen by cameras, spoilt like detections."""

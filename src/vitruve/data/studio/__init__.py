"""Studio: synthetic people before calibrated cameras, from their motion to batches."""

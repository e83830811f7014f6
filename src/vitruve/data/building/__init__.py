"""A dataset's release checked, and made into shards of person crops."""

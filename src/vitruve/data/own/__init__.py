"""A user's own pictures: clips and their cameras, whether these fit, and shards of them."""

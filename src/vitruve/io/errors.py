"""What every reader raises when a file is not what it should be."""


class FileError(ValueError):
    """A file that cannot be read as it should: one line saying what, the value, what is allowed."""

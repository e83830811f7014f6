"""A result as one self-contained HTML page; the JavaScript behind it lives in ``viewer/``."""

from vitruve.viewer.page import write_page

__all__ = ["write_page"]

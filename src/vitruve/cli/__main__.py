"""``python -m vitruve.cli``."""

import sys

from vitruve.cli import main

sys.exit(main())

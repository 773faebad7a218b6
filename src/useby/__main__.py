"""Entry point of ``python -m useby``."""

import sys

from useby.cli import main

sys.exit(main())

"""``python -m oversight verify``"""

import sys

from oversight.command import main

if __name__ == "__main__":
    sys.exit(main())

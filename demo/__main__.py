"""``make run``: python -m demo --port 8080 --data var"""

import os
import sys
import warnings

if __name__ == "__main__":
    # First of all, or psycopg blocks the whole process and half the sockets are not green.
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    warnings.filterwarnings("ignore", message="\\s*Eventlet is deprecated")  # nameko needs it; docs/adr/0003
    import eventlet

    eventlet.monkey_patch()

    from demo.system import main

    sys.exit(main())

"""``make run``: python -m demo --port 8080 --data var"""

import os
import sys

if __name__ == "__main__":
    # First of all, or psycopg blocks the whole process and half the sockets are not green.
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    os.environ["EVENTLET_IMPORT_WARN"] = "0"  # its maintainers warn of new uses; nameko is an old one
    import eventlet

    eventlet.monkey_patch()

    from demo.system import main

    sys.exit(main())

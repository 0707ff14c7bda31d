"""python -m api: the bot's server, and the commands of whoever runs it."""

from __future__ import annotations

import os
import sys

from api.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 - handed to the one that reads it

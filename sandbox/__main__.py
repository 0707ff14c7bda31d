"""python -m sandbox: what `make demo` runs."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":
    # Ctrl-C while the libraries load, which takes a second: nothing runs yet that would have to be stopped.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from sandbox.program import main
    except ModuleNotFoundError as missing:
        sys.exit(f"sandbox: the package {missing.name} is not installed; make demo installs what is needed.")
    sys.exit(main())

"""HVAC fault detection with DualGAFNet: `python run.py [VERB] [flags]`.

The command line is read before anything heavy is imported, so that help and mistakes answer at once.
"""

import importlib
import os
import sys
from collections.abc import Sequence

from utils.command_line import parse
from utils.errors import UserError

# How long libgomp's threads wait for each other awake, in turns of a loop: some 50 us. By default it is so long that
# two threads on a processor that others use too train ten times slower than one. Read when torch is imported.
SPIN = "1000"


def main(arguments: Sequence[str]) -> int:
    """Runs one verb.

    Returns:
        0 when done, 2 where the command line or the data cannot be used, 130 after Ctrl-C.
    """
    try:
        options = parse(arguments)
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN)
        return importlib.import_module(f"exp.{options.verb}").run(options)
    except UserError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("run.py: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The verb `doctor`: what is installed; or, with --input, whether trend files fit a model and how to make them fit.

Without --input nothing but the standard library is needed: what is missing may be anything.
Letters: N steps of a file's even grid, C signals of the model.
"""

from exp.diagnosis import packages
from utils.options import Options


def run(options: Options) -> int:
    """Prints what is wrong and what to do.

    Returns:
        0 where everything needed is there, or every file can be evaluated; 1 where a package is missing.

    Raises:
        UserError: a file cannot be evaluated as it is.
    """
    if options.input is None:
        lines, complete = packages.report()
        print("\n".join(lines))
        return 0 if complete else 1
    from exp.detection.database import source_of
    from exp.diagnosis.trends import examine

    with source_of(options) as source:
        return examine(options, source)

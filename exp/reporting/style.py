"""The look that all figures share, and how a figure gets to its file.

Figures are drawn with matplotlib's objects and the Agg backend; pyplot and its global state stay out.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from utils import safe_reading
from utils.files import write_bytes

INK = "#1f2933"
MUTED = "#7b8794"
GRID = "#e4e7eb"
BLUE = "#2b6ca3"
PALE_BLUE = "#9fbfd8"
ORANGE = "#d2691e"
DPI = 144

# Names of sensors and classes are the user's; these are tried for letters that DejaVu Sans lacks.
_FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "WenQuanYi Zen Hei",
    "SimHei",
)

_STYLE: dict[Any, Any] = {
    # a class called "a$b$" is a name, not mathematics
    "text.parse_math": False,
    "text.usetex": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 9,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "font.size": 9,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def _fonts() -> list[str]:
    installed = set(font_manager.fontManager.get_font_names())
    return ["DejaVu Sans", *(name for name in _FALLBACK_FONTS if name in installed)]


@contextmanager
def drawing(
    path: Path, width: float, height: float, layout: Literal["constrained"] | None = "constrained"
) -> Iterator[Figure]:
    """Hand out an empty figure in the shared look and write it to `path` as PNG afterwards.

    Args:
        path: the file; its folder is made.
        width: inches.
        height: inches.
        layout: matplotlib's layout engine, or None where the caller places everything.
    """
    with matplotlib.rc_context({**_STYLE, "font.family": _fonts()}):
        figure = Figure(figsize=(width, height), layout=layout)
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn = io.BytesIO()
        figure.savefig(drawn, dpi=DPI, format="png")
    _save(Image.open(drawn), path)


def stamp(path: Path, words: str) -> None:
    """Writes words below a figure that is already drawn, so that they go wherever it goes."""
    with Image.open(path) as stored:
        picture = stored.convert("RGB")
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), DPI // 8)
    letters = max(8, int(picture.width / font.getlength("n")) - 2)
    text = fill(words, letters)
    box = ImageDraw.Draw(picture).multiline_textbbox((0, 0), text, font=font)
    edge = DPI // 12
    whole = Image.new("RGB", (picture.width, int(picture.height + box[3] + 2 * edge)), "white")
    whole.paste(picture)
    ImageDraw.Draw(whole).multiline_text((edge, picture.height + edge), text, fill=ORANGE, font=font)
    _save(whole, path)


def _save(picture: Image.Image, path: Path) -> None:
    """A palette halves the file, and with it the report that carries it; these figures have few colours."""
    small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    packed = io.BytesIO()
    small.save(packed, format="PNG", dpi=(DPI, DPI), optimize=True)
    write_bytes(path, packed.getvalue())  # which replaces a link, and does not write through it


def tidy(axes: Axes, grid: str | None = "y") -> None:
    """Leave of the frame what carries a scale, and draw a faint grid along `grid`."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=3)
    if grid is not None:
        axes.grid(axis=grid)  # type: ignore[arg-type]


def one_line(name: str) -> str:
    """A name as a label: no line breaks, tabs or control characters in it."""
    return safe_reading.one_line(str(name))

"""Makes the pictures of docs/QUICKSTART_ENGINEER.md: `python scripts/make_guide_pictures.py RUN_FOLDER`.

Three simulated units have a fortnight of a summer that no training saw; `detect` reports on them with the given run,
and Chromium, which must be installed, takes the pictures of the page.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

REPOSITORY = Path(__file__).resolve().parent.parent
IMAGES = REPOSITORY / "docs" / "images"
UNITS = "AHU_annual,coi_stuck_075_annual,oa_bias_4_annual"
ONE_EVENT = "header, nav, footer, section:not(#events), #events > h2, .event-card ~ .event-card { display: none }"
WIDTH = 1100  # pixels


def main(run_folder: str) -> None:
    """Simulates, detects, and takes two pictures."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("Chromium takes the pictures, and it was not found; install it (apt install chromium)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exports, found = folder / "exports", folder / "found"
        program("simulate", "--runs", UNITS, "--days", "14", "--start", "2019-07-01", "--output", str(exports))
        program("detect", "--run", run_folder, "--input", str(exports), "--output", str(found))
        page = (found / "report.html").read_text(encoding="utf-8")
        picture(browser, page.split('<section id="events">')[0] + "</main>", IMAGES / "detect_summary.png", folder)
        picture(
            browser, page.replace("</head>", f"<style>{ONE_EVENT}</style></head>"), IMAGES / "detect_event.png", folder
        )


def program(*words: str) -> None:
    """Runs the program."""
    subprocess.run([sys.executable, str(REPOSITORY / "run.py"), *words], check=True)


def picture(browser: str, page: str, target: Path, folder: Path) -> None:
    """What the browser shows of a page, without the empty space below."""
    source, taken = folder / "page.html", folder / "page.png"
    source.write_text(page, encoding="utf-8")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'browser'}",
    ]
    size = f"--window-size={WIDTH},2400"
    subprocess.run([browser, *flags, size, f"--screenshot={taken}", source.as_uri()], check=True, capture_output=True)
    image = Image.open(taken).convert("RGB")
    empty = Image.new("RGB", image.size, image.getpixel((0, image.height - 1)))
    bottom = ImageChops.difference(image, empty).getbbox()[3]
    image.crop((0, 0, WIDTH, min(image.height, bottom + 24))).quantize(256, dither=Image.Dither.NONE).save(
        target, optimize=True
    )
    print(f"{target.relative_to(REPOSITORY)}: {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1])

"""What a terminal shows while test processes work: a line for every file that begins, and how much is done."""

import pytest

STEP = 5  # per cent, after which a line comes though no file begins


class Progress:
    """A pytest plugin for the process that hands out the tests; failures are shown as they come."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        self._begun: set[str] = set()
        self._done = self._total = self._shown = 0

    @pytest.hookimpl(trylast=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Every process collects the same tests."""
        self._total = len(ids)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins in some process."""
        file = nodeid.split("::")[0]
        if file not in self._begun:
            self._begun.add(file)
            self._show(file)

    def pytest_runtest_logfinish(self) -> None:
        """A test has ended."""
        self._done += 1
        if self._share() >= self._shown + STEP:
            self._show()

    def _share(self) -> int:
        return 100 * self._done // max(1, self._total)

    def _show(self, file: str = "") -> None:
        self._shown = self._share()
        self._reporter.write_line(f"[{self._shown:3d} %] {file}".rstrip())

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No dot for what passes; skips and failures are told as ever."""
        return ("passed", "", "") if report.passed and report.when == "call" else None

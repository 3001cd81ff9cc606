"""What the console of a test's pages complains of."""

from playwright.async_api import ConsoleMessage, Error, Page


class Complaints:
    """The errors and warnings of a test's pages, and those of them that the test expects.

    A line can come after what caused it is seen, and once more at any time until its page is closed. So a test says
    what it expects, at any time before its end; it never takes out what has come so far.
    """

    def __init__(self) -> None:
        self.all: list[str] = []
        self._expected: list[str] = []

    def listen_to(self, page: Page) -> None:
        """Keeps from now on what `page` complains of."""
        page.on("pageerror", self._keep_error)
        page.on("console", self._keep_line)

    def expect(self, *parts: str) -> None:
        """Lines with one of `parts` in them may come, or may have come."""
        self._expected += parts

    @property
    def unexpected(self) -> list[str]:
        return [line for line in self.all if not any(part in line for part in self._expected)]

    def _keep_error(self, error: Error) -> None:
        self.all.append(str(error))

    def _keep_line(self, line: ConsoleMessage) -> None:
        # That a node has no log of a container is no fault of the page that asked.
        if line.type in {"error", "warning"} and not line.location["url"].partition("?")[0].endswith("/log"):
            self.all.append(line.text)

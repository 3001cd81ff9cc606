"""The pages of the SDK's tests, opened as kubedom's own."""

from tests.browser.sdk.conftest import bridge, open_page, open_widgets

__all__ = ["bridge", "open_page", "open_widgets"]

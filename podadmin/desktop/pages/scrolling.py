"""A part of a page that scrolls by itself, for pages whose bars stay in sight."""

from __future__ import annotations

from podadmin.desktop.widgets.layout import scrolling as scrolling

"""The only room that imports Qt: shell, pages, widgets, theme, and the driver that plays a person."""

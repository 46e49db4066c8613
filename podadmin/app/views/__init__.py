"""What pages and commands show: frozen values, ready to read, with strangers' text already made safe.

Every act in `podadmin.app.acts` returns one of these (or a tuple of them). The desktop draws them, the CLI prints
them and `--json` dumps them; none of the three computes anything of its own. Times are aware and in UTC.
A row class that has more than fits a line says with `TABLE` which fields a command's table shows.
One module a page, and nothing but the standard library in any of them: some are loaded before the first paint.
"""

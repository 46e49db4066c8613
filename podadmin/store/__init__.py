"""The one database: engine, tables, migrations, and the unit of work that writes nothing without a record."""

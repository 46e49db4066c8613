"""Every kind of datasource, declared once: forms, commands, checks and what is stored follow from the declarations."""

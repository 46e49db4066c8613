"""The kit that every page is made of. A page that needs another look extends the kit, never its own style."""

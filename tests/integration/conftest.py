"""Its folder is on the path of the tests in rooms below, which share systems here."""

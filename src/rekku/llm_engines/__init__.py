"""Built-in components; the folders of the same name under `REKKU_HOME` come first."""

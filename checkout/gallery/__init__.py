"""Every page that a customer may see, in one place, for engineers: shown with DEBUG alone, made without any row."""

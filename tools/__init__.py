"""The machine of the book: from scripts to notebooks, a package and a site. Each module does one thing."""

"""The Teams app package: manifest, icons, and the zip that an administrator uploads."""

"""What the bot does: it brings what is in Teams into line with what must be there."""

"""Where people talk to the bot: one front end per platform over ``Request -> Reply``."""

"""The rule packs that come with Tapewatch."""

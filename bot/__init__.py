"""The application: composition root, pipeline, delivery, commands, digest, command line."""

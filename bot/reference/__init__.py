"""The bundled reference week, 28 October to 1 November 2024: the figures of one printed weekly and their recording."""

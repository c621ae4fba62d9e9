"""From YAML to rules: reading with positions, checking, the schema for editors."""

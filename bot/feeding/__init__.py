"""From feeds into the store: the job table, the scheduler, and what is kept of it."""

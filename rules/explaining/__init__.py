"""Why an alert is as it is: traces, words, marks and distances."""

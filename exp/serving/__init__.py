"""The web app of `serve`: files in, how they were read, points to roles, the report, marks; it calls the verbs."""

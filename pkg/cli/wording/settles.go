package wording

// Settles says when running functions know of a change of a source or a destination
// (SOURCE_TTL).
const Settles = "Running functions take it up within a minute."

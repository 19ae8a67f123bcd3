package webhook

import "errors"

// ArchiveObject is an object of the archive, as a listing shows it.
type ArchiveObject struct {
	Key   string // below the archive's prefix
	Bytes int    // compressed
}

// ErrNoBucket: there is no bucket of that name, so that nothing is in it.
var ErrNoBucket = errors.New("there is no such bucket")

// ArchivePlace is where an archive is: a bucket, and what the keys in it begin with, ""
// or something that ends with a slash.
type ArchivePlace struct {
	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"`
}

package webhook

// ArchiveObject is an object of the archive, as a listing shows it.
type ArchiveObject struct {
	Key   string // below the archive's prefix
	Bytes int    // compressed
}

// ArchivePlace is where an archive is: a bucket, and what the keys in it begin with, ""
// or something that ends with a slash.
type ArchivePlace struct {
	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"`
}

//go:build !race

package archive_test

const every = 1

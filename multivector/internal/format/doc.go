// Package format writes and opens the files of an index. multivector/FORMAT.md
// draws them; a test holds that page and this package together.
//
//	[WriteVectors]   [OpenVectors]   documents in 8-bit codes, 135 KiB a page
//	[WriteCodes]     [OpenCodes]     their centroids, 200 bytes a page
//	[WriteCodebook]  [OpenCodebook]  the centroids themselves
//	[WriteTuning]    [OpenTuning]    how far to trust them, 8 bytes a page
//
// Centroids are in files of their own, so that a training rewrites 200 bytes a
// page and never the vectors. [Describe] prints any of the files for people.
//
// # Opening
//
// Open takes the bytes of a whole file, mapped or read, and returns views of them:
// nothing is copied, so the bytes must stay, unchanged, for as long as what was
// opened is in use. It reads and verifies everything but the codes of vectors,
// which are verified a document at a time by [Vectors.Verify]. What does not fit is
// [ErrCorrupt], a newer version [ErrVersion]. No input makes Open panic, and none
// makes it allocate more than the input's size. Memory that cannot be read, such
// as a mapped page that the disk does not deliver, is the caller's to guard.
//
// What was opened is immutable and can be used by any number of goroutines.
package format

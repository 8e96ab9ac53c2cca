package vfs

import "io"

// FS is a tree of files and directories. Names are relative to its root, with
// slashes, as [io/fs.ValidPath] has them; "." is the root itself. All methods may
// be called at once. Their errors wrap those of io/fs where one fits:
// ErrNotExist, ErrExist, ErrInvalid, ErrClosed.
type FS interface {
	// Create makes a file to write. It fails if the name exists: a file that was
	// written is never written again.
	Create(name string) (File, error)

	// Open opens a file to read.
	Open(name string) (Reader, error)

	// Map makes the bytes that a file has now readable as memory.
	Map(name string) (Mapping, error)

	// Rename gives a file another name in the same directory, in place of the file
	// that has it, if there is one. Between directories it refuses: one SyncDir
	// would not make it durable.
	Rename(from, to string) error

	// Remove removes a file or an empty directory. Readers and mappings of the file
	// go on; except on Windows, where it is an error while there is a Reader.
	Remove(name string) error

	// List returns the names of the files and directories in dir, sorted.
	List(dir string) ([]string, error)

	// MkdirAll makes a directory and those above it, unless they exist. To be
	// durable, each that it makes needs a SyncDir of the one above.
	MkdirAll(dir string) error

	// SyncDir makes the names in dir durable: those created, renamed and removed
	// there before the call. It says nothing of the directories in it, or above.
	SyncDir(dir string) error
}

// File is a file that is being written. A Write that fails may have written a part.
type File interface {
	io.Writer

	// Sync makes what was written durable, but not the name; see [FS.SyncDir].
	// After one that failed no later one is to be believed.
	Sync() error

	io.Closer
}

// Reader is a file that is open for reading. ReadAt may be called at once.
type Reader interface {
	io.ReaderAt

	// Size is the length of the file when it was opened.
	Size() int64

	io.Closer
}

// Mapping is a file as memory. It outlives the name of the file: a removed file
// stays readable until Close.
type Mapping interface {
	// Bytes is the file. Writing to it ends the process. Reading it can fault, see
	// [Guard]. After Close it is nil.
	Bytes() []byte

	// WillNeed tells that bytes from offset on are about to be read, so that the
	// disk begins on all of them at once; it does not wait. What lies outside the
	// file is ignored. Ask for every range before reading the first: 200 ranges of
	// 133 KB from a cold file came in 36 ms so, and in 710 ms when each page was
	// read as the loop came to it (an NVMe disk in a virtual machine, Linux 6.18).
	WillNeed(offset, length int)

	// Close gives the memory back. Whoever still reads a slice of Bytes then
	// faults, or reads another file: the caller waits for its readers first.
	io.Closer
}

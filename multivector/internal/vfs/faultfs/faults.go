package faultfs

import (
	"fmt"
	"io/fs"
)

// Every method of [vfs.FS] is an operation that can fail, and so are ReadAt of a
// file that is read, and Write, Sync and Close of one that is written. Closing what
// was only read, and reading a mapping, are none.

// Operations is the number of operations so far.
func (f *FS) Operations() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.operations
}

// FailAt lets the nth operation from now fail with err, and only that: 1 is the
// next. A Write that fails has written half. All others have done nothing, except
// that Close has closed, and that what a failed Sync was to make durable never
// will be; see the package. With n = 0 nothing will fail.
func (f *FS) FailAt(n int, err error) { f.fail(n, err, false) }

// FailFrom is FailAt for the nth operation and all that follow, as for a process
// that dies there. Then [FS.Crash] makes what a power cut in the middle of a
// workload may leave, which FailAt cannot: after that, the workload tidies up.
func (f *FS) FailFrom(n int, err error) { f.fail(n, err, true) }

func (f *FS) fail(n int, err error, persistent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fuse, f.failure, f.persistent = n, err, persistent
}

// SetDiskFull lets whatever needs space, Create, MkdirAll and Write, fail with
// ENOSPC until it is called with false. A Write then writes nothing.
func (f *FS) SetDiskFull(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

// begin counts an operation and tells whether it is one to fail.
func (f *FS) begin() error {
	f.operations++
	if f.fuse == 0 {
		return nil
	}
	f.fuse--
	if f.fuse > 0 {
		return nil
	}
	if f.persistent {
		f.fuse = 1
	}
	return f.failure
}

// Flip inverts one bit of a file, on the disk: it outlasts a crash. Bit 0 is the
// lowest of the byte at offset. Who opens the file or reads it through a reader
// finds it flipped; a mapping that exists stays as it was.
func (f *FS) Flip(name string, offset int64, bit int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	damaged, err := f.file(name)
	if err == nil && (offset < 0 || offset >= int64(len(damaged.data)) || bit < 0 || bit > 7) {
		err = fmt.Errorf("bit %d of byte %d of %d: %w", bit, offset, len(damaged.data), fs.ErrInvalid)
	}
	if err != nil {
		return failed("flip", name, err)
	}
	damaged.flip(int(offset), bit)
	return nil
}

// Truncate cuts a file down to n bytes, on the disk. A mapping that exists stays as
// it was, other than a real one.
func (f *FS) Truncate(name string, n int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	damaged, err := f.file(name)
	if err == nil && (n < 0 || n > int64(len(damaged.data))) {
		err = fmt.Errorf("to %d of %d bytes: %w", n, len(damaged.data), fs.ErrInvalid)
	}
	if err != nil {
		return failed("truncate", name, err)
	}
	damaged.truncate(int(n))
	return nil
}

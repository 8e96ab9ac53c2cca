//go:build unix

package vfs

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file by mmap. The mapping is shared, though it is only read:
// private memory would be copied if anybody wrote, and nobody may.
//
// The kernel gets no advice on how it will be read, because both ways happen.
// Sections are scanned from end to end, and MADV_RANDOM would make each 4 KB page
// of them a read of its own: 200 MB of a cold file took 1970 ms with it and 98 ms
// without. Single documents are read here and there; each is 33 such pages, so
// MADV_RANDOM is wrong for them, too, and those who read them say which they want
// by WillNeed, with which the advice made no difference.
func mapFile(f *os.File, size int64) ([]byte, error) {
	if size == 0 {
		return nil, nil // mmap refuses it
	}
	if size > math.MaxInt {
		return nil, unix.EFBIG // on a 32-bit system
	}
	return unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

type mapping struct{ bytes []byte }

func (m *mapping) Bytes() []byte { return m.bytes }

func (m *mapping) WillNeed(offset, length int) {
	begin, end := max(offset, 0), min(offset+length, len(m.bytes))
	if begin >= end {
		return
	}
	begin -= begin % os.Getpagesize() // madvise refuses other addresses
	// What it says is of no use: without the advice the bytes only come later.
	_ = unix.Madvise(m.bytes[begin:end], unix.MADV_WILLNEED)
}

func (m *mapping) Close() error {
	if m.bytes == nil {
		return nil
	}
	bytes := m.bytes
	m.bytes = nil
	return unix.Munmap(bytes)
}

func syncDir(local string) error {
	dir, err := os.Open(local)
	if err != nil {
		return err
	}
	defer dir.Close()
	err = dir.Sync()
	// Some file systems, most of them over a network, have no such thing for
	// directories and say EINVAL. There is nothing else to try, and an index that
	// refuses to work there helps nobody; PostgreSQL ignores it, too.
	if errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

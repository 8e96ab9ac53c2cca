//go:build !unix

package vfs

import (
	"io"
	"os"
)

// mapFile reads the file into memory. A mapping would be possible on Windows, but
// a mapped file can be neither renamed nor removed there, which the index does
// with files that are still being read.
func mapFile(f *os.File, size int64) ([]byte, error) {
	bytes := make([]byte, size)
	if _, err := io.ReadFull(f, bytes); err != nil {
		return nil, err
	}
	return bytes, nil
}

type mapping struct{ bytes []byte }

func (m *mapping) Bytes() []byte { return m.bytes }

func (*mapping) WillNeed(_, _ int) {} // all of it is there

func (m *mapping) Close() error {
	m.bytes = nil
	return nil
}

// syncDir does nothing: Windows cannot sync a directory that is open for reading,
// and NTFS logs changes of names in order by itself.
func syncDir(local string) error {
	_, err := os.Stat(local)
	return err
}

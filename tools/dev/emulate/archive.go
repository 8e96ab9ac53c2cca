package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// archive is a cpio archive in the "newc" format: what the Linux kernel unpacks into its first file
// system. It stays uncompressed, because unpacking costs the emulated CPU more than reading does.
type archive struct {
	data  bytes.Buffer
	inode int
	dirs  map[string]bool // that exist
}

const (
	modeDir  = 0o040755
	modeFile = 0o100644
	modeExec = 0o100755
	modeChar = 0o020666
)

func newArchive() *archive { return &archive{dirs: map[string]bool{".": true}} }

// dir adds a folder and those above it. Names have no leading slash.
func (a *archive) dir(name string) {
	if a.dirs[name] {
		return
	}
	a.dir(path.Dir(name))
	a.dirs[name] = true
	a.entry(name, modeDir, 0, 0, nil)
}

func (a *archive) file(name string, mode int, data []byte) {
	a.dir(path.Dir(name))
	a.entry(name, mode, 0, 0, data)
}

// device adds a character device.
func (a *archive) device(name string, major, minor int) {
	a.dir(path.Dir(name))
	a.entry(name, modeChar, major, minor, nil)
}

// copyFile adds the file src of this machine.
func (a *archive) copyFile(name string, mode int, src string) error {
	data, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	a.file(name, mode, data)
	return nil
}

// copyPackage adds what the tests of a package may read: the files in its folder and its testdata.
func (a *archive) copyPackage(name, src string) error {
	a.dir(name)
	return filepath.WalkDir(src, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && path.Dir(rel) == "." && rel != "." && rel != "testdata":
			return fs.SkipDir // another package
		case d.Type().IsRegular():
			return a.copyFile(path.Join(name, rel), modeFile, p)
		}
		return nil
	})
}

// bytes ends the archive.
func (a *archive) bytes() []byte {
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	return a.data.Bytes()
}

func (a *archive) entry(name string, mode, major, minor int, data []byte) {
	a.inode++
	a.data.WriteString("070701")
	for _, field := range []int{
		a.inode, mode, 0, 0, // user and group
		1, 0, len(data), // links and time
		0, 0, major, minor, // the device that holds it and the device that it is
		len(name) + 1, 0, // checksum, unused in this format
	} {
		fmt.Fprintf(&a.data, "%08X", field)
	}
	a.data.WriteString(name + "\x00")
	a.pad()
	a.data.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.data.Len()%4 != 0 {
		a.data.WriteByte(0)
	}
}

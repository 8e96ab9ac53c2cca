package vfs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// ErrNotSettled says that [WriteFile] put the new file in place and could not make
// that durable: it is the new file that is read now, but after a power cut it may
// be the old one. Keep what either needs until another WriteFile succeeds.
var ErrNotSettled = errors.New("replaced, but a power cut may undo it")

// WriteFile makes name the file that write writes, whole and durable, in place of
// the one that it is now, if any. At no time, and after no power cut, is it a part
// of the new file or a mixture. The writer that write gets is buffered, and an
// error of it need not be returned: WriteFile finds it.
//
// After an error the old file is as it was, except for [ErrNotSettled]. The new
// one is first written as name + ".tmp"; what a crash leaves of that, the next
// WriteFile of the same name removes. Of one name there may be one WriteFile at a
// time.
func WriteFile(fsys FS, name string, write func(w io.Writer) error) error {
	temporary := name + ".tmp"
	if err := writeSynced(fsys, temporary, write); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := fsys.Rename(temporary, name); err != nil {
		discard(fsys, temporary)
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := fsys.SyncDir(path.Dir(name)); err != nil {
		return fmt.Errorf("write %s: %w: %w", name, ErrNotSettled, err)
	}
	return nil
}

// writeSynced makes a file whose bytes are durable, or none.
func writeSynced(fsys FS, name string, write func(w io.Writer) error) error {
	f, err := fsys.Create(name)
	if errors.Is(err, fs.ErrExist) {
		if err := fsys.Remove(name); err != nil { // a crash left it
			return err
		}
		f, err = fsys.Create(name)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(writeAll(f, write), f.Close()); err != nil {
		discard(fsys, name)
		return err
	}
	return nil
}

func writeAll(f File, write func(w io.Writer) error) error {
	w := bufio.NewWriterSize(f, 64<<10) // the small parts of a file, headers and tables, in a few calls
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// discard removes a temporary file after an error, which is the one to report.
// What cannot be removed now does no harm, and the next WriteFile tries again.
func discard(fsys FS, name string) { _ = fsys.Remove(name) }

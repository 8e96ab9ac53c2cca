package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// OS is the file system of the operating system below the directory root. The root
// itself belongs to the caller, who made it and makes its name durable, though
// MkdirAll(".") makes it, too. Files can be read and written by whoever the umask
// lets, as those of Weaviate beside them.
func OS(root string) FS { return osFS{root} }

type osFS struct{ root string }

// local is the path of name in the operating system.
func (o osFS) local(op, name string) (string, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(o.root, local), nil
}

func (o osFS) Create(name string) (File, error) {
	local, err := o.local("create", name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(local, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err // not f: a nil *os.File is not a nil File
	}
	return f, nil
}

func (o osFS) Open(name string) (Reader, error) {
	f, size, err := o.open("open", name)
	if err != nil {
		return nil, err
	}
	return reader{f, size}, nil
}

type reader struct {
	*os.File
	size int64
}

func (r reader) Size() int64 { return r.size }

// open opens a regular file and tells its length. What else can be opened, such as
// a directory, would fail at the first read.
func (o osFS) open(op, name string) (*os.File, int64, error) {
	local, err := o.local(op, name)
	if err != nil {
		return nil, 0, err
	}
	f, err := os.Open(local)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: op, Path: local, Err: errors.New("not a regular file")}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (o osFS) Map(name string) (Mapping, error) {
	f, size, err := o.open("map", name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping does not need it
	bytes, err := mapFile(f, size)
	if err != nil {
		return nil, &fs.PathError{Op: "map", Path: f.Name(), Err: err}
	}
	return &mapping{bytes}, nil
}

func (o osFS) Rename(from, to string) error {
	if path.Dir(from) != path.Dir(to) {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrInvalid}
	}
	localFrom, err := o.named("rename", from)
	if err != nil {
		return err
	}
	localTo, err := o.named("rename", to)
	if err != nil {
		return err
	}
	return os.Rename(localFrom, localTo)
}

func (o osFS) Remove(name string) error {
	local, err := o.named("remove", name)
	if err != nil {
		return err
	}
	return os.Remove(local)
}

// named is local for what has a name that may change, which the root has not.
func (o osFS) named(op, name string) (string, error) {
	if name == "." {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return o.local(op, name)
}

func (o osFS) List(dir string) ([]string, error) {
	local, err := o.local("list", dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(local) // sorted
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

func (o osFS) MkdirAll(dir string) error {
	local, err := o.local("mkdir", dir)
	if err != nil {
		return err
	}
	return os.MkdirAll(local, 0o777)
}

func (o osFS) SyncDir(dir string) error {
	local, err := o.local("syncdir", dir)
	if err != nil {
		return err
	}
	return syncDir(local)
}

package faultfs

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	"weaviate-colpali/multivector/internal/vfs"
)

// FS is a file system in memory. Make one with [New]. All methods may be called at
// once.
type FS struct {
	mu   sync.Mutex
	root *dir

	operations int
	fuse       int   // operations until one fails; 0: none will
	failure    error // with which it does
	persistent bool  // and all that follow it
	full       bool
}

var _ vfs.FS = (*FS)(nil)

// New makes an empty file system.
func New() *FS { return &FS{root: newDir()} }

// Create makes a file to write; see [vfs.FS].
func (f *FS) Create(name string) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.begin()
	if err == nil && f.full {
		err = syscall.ENOSPC
	}
	if err != nil {
		return nil, failed("create", name, err)
	}
	parent, base, err := f.parent(name)
	if err == nil && parent.live[base] != nil {
		err = fs.ErrExist
	}
	if err != nil {
		return nil, failed("create", name, err)
	}
	made := &file{}
	parent.change(change{add: base, node: made})
	return &writer{fs: f, name: name, file: made}, nil
}

// Open opens a file to read; see [vfs.FS].
func (f *FS) Open(name string) (vfs.Reader, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	opened, err := f.read(name)
	if err != nil {
		return nil, failed("open", name, err)
	}
	return &reader{fs: f, name: name, file: opened, size: int64(len(opened.data))}, nil
}

// Map makes the bytes of a file readable; see [vfs.FS]. A mapping stays as the file
// is now, whatever Flip and Truncate do to it later, and never faults.
func (f *FS) Map(name string) (vfs.Mapping, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	mapped, err := f.read(name)
	if err != nil {
		return nil, failed("map", name, err)
	}
	return &mapping{slices.Clip(mapped.data)}, nil
}

// read is the operation of opening a file for reading.
func (f *FS) read(name string) (*file, error) {
	if err := f.begin(); err != nil {
		return nil, err
	}
	return f.file(name)
}

// Rename gives a file another name; see [vfs.FS].
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return failed("rename", from, err)
	}
	if path.Dir(from) != path.Dir(to) || from == "." {
		return failed("rename", to, fs.ErrInvalid)
	}
	renamed, err := f.file(from)
	if err != nil {
		return failed("rename", from, err)
	}
	parent, base, err := f.parent(to)
	if err == nil {
		if _, isDir := parent.live[base].(*dir); isDir {
			err = syscall.EISDIR
		}
	}
	if err != nil {
		return failed("rename", to, err)
	}
	parent.change(change{remove: path.Base(from), add: base, node: renamed})
	return nil
}

// Remove removes a file or an empty directory; see [vfs.FS].
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return failed("remove", name, err)
	}
	parent, base, err := f.parent(name)
	if err != nil {
		return failed("remove", name, err)
	}
	switch removed := parent.live[base].(type) {
	case nil:
		return failed("remove", name, fs.ErrNotExist)
	case *dir:
		if len(removed.live) > 0 {
			return failed("remove", name, syscall.ENOTEMPTY)
		}
	}
	parent.change(change{remove: base})
	return nil
}

// List returns the names in dir; see [vfs.FS].
func (f *FS) List(name string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	listed, err := f.begun(name)
	if err != nil {
		return nil, failed("list", name, err)
	}
	return slices.Sorted(maps.Keys(listed.live)), nil
}

// MkdirAll makes a directory and those above it; see [vfs.FS].
func (f *FS) MkdirAll(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.begin()
	if err == nil && !fs.ValidPath(name) {
		err = fs.ErrInvalid
	}
	if err != nil {
		return failed("mkdir", name, err)
	}
	d := f.root
	for element := range elements(name) {
		switch child := d.live[element].(type) {
		case nil:
			if f.full {
				return failed("mkdir", name, syscall.ENOSPC)
			}
			made := newDir()
			d.change(change{add: element, node: made})
			d = made
		case *file:
			return failed("mkdir", name, syscall.ENOTDIR)
		case *dir:
			d = child
		}
	}
	return nil
}

// SyncDir makes the names in dir durable; see [vfs.FS].
func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	synced, err := f.begun(name)
	if err != nil {
		return failed("syncdir", name, err)
	}
	synced.sync()
	return nil
}

// begun is an operation on a directory.
func (f *FS) begun(name string) (*dir, error) {
	if err := f.begin(); err != nil {
		return nil, err
	}
	return f.dir(name)
}

// parent is the directory of name, which must exist, and name's last element.
func (f *FS) parent(name string) (*dir, string, error) {
	if name == "." || !fs.ValidPath(name) {
		return nil, "", fs.ErrInvalid
	}
	parent, err := f.dir(path.Dir(name))
	return parent, path.Base(name), err
}

func (f *FS) dir(name string) (*dir, error) {
	found, err := f.node(name)
	if err != nil {
		return nil, err
	}
	d, ok := found.(*dir)
	if !ok {
		return nil, syscall.ENOTDIR
	}
	return d, nil
}

func (f *FS) file(name string) (*file, error) {
	found, err := f.node(name)
	if err != nil {
		return nil, err
	}
	opened, ok := found.(*file)
	if !ok {
		return nil, errors.New("not a regular file")
	}
	return opened, nil
}

func (f *FS) node(name string) (node, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	var found node = f.root
	for element := range elements(name) {
		d, ok := found.(*dir)
		if !ok {
			return nil, syscall.ENOTDIR
		}
		if found = d.live[element]; found == nil {
			return nil, fs.ErrNotExist
		}
	}
	return found, nil
}

// elements is what lies between the slashes of a valid name; nothing for ".".
func elements(name string) func(func(string) bool) {
	if name == "." {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(name, "/")
}

func failed(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

type writer struct {
	fs     *FS
	name   string
	file   *file
	closed bool
}

func (w *writer) Write(p []byte) (int, error) {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	n := len(p)
	err := w.begin()
	switch {
	case w.closed:
		n = 0
	case err != nil:
		n /= 2 // half done
	case w.fs.full:
		n, err = 0, syscall.ENOSPC
	}
	w.file.data = append(w.file.data, p[:n]...)
	if err != nil {
		return n, failed("write", w.name, err)
	}
	return n, nil
}

func (w *writer) Sync() error {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	if err := w.begin(); err != nil {
		if !w.closed {
			w.file.syncFailed()
		}
		return failed("sync", w.name, err)
	}
	w.file.sync()
	return nil
}

// Close closes the file also when it fails, as the operating system does.
func (w *writer) Close() error {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	err := w.begin()
	w.closed = true
	if err != nil {
		return failed("close", w.name, err)
	}
	return nil
}

func (w *writer) begin() error {
	if w.closed {
		return fs.ErrClosed
	}
	return w.fs.begin()
}

type reader struct {
	fs     *FS
	name   string
	file   *file
	size   int64
	closed bool
}

func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	r.fs.mu.Lock()
	defer r.fs.mu.Unlock()
	err := fs.ErrClosed
	if !r.closed {
		err = r.fs.begin()
	}
	if err != nil {
		return 0, failed("read", r.name, err)
	}
	return bytes.NewReader(r.file.data).ReadAt(p, offset)
}

func (r *reader) Size() int64 { return r.size }

func (r *reader) Close() error {
	r.fs.mu.Lock()
	defer r.fs.mu.Unlock()
	if r.closed {
		return failed("close", r.name, fs.ErrClosed)
	}
	r.closed = true
	return nil
}

type mapping struct{ bytes []byte }

func (m *mapping) Bytes() []byte { return m.bytes }

func (*mapping) WillNeed(_, _ int) {} // all of it is there

func (m *mapping) Close() error {
	m.bytes = nil
	return nil
}

package vfs_test

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/multivector/internal/vfs"
	"weaviate-colpali/multivector/internal/vfs/faultfs"
)

// fileSystems are all that must behave alike.
var fileSystems = map[string]func(t *testing.T) vfs.FS{
	"os":            func(t *testing.T) vfs.FS { return vfs.OS(t.TempDir()) },
	"fault":         func(*testing.T) vfs.FS { return faultfs.New() },
	"fault/crashed": func(*testing.T) vfs.FS { return faultfs.New().Crash(rand.New(rand.NewPCG(1, 2))) },
}

func write(t *testing.T, fsys vfs.FS, name, content string) {
	t.Helper()
	f, err := fsys.Create(name)
	require.NoError(t, err)
	n, err := f.Write([]byte(content))
	require.NoError(t, err)
	require.Equal(t, len(content), n)
	require.NoError(t, f.Sync())
	require.NoError(t, f.Close())
}

// read reads a file in both ways.
func read(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	r, err := fsys.Open(name)
	require.NoError(t, err)
	defer r.Close()
	byReader, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.NoError(t, err)

	m, err := fsys.Map(name)
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, string(byReader), string(m.Bytes()))
	return string(byReader)
}

func list(t *testing.T, fsys vfs.FS, dir string) []string {
	t.Helper()
	names, err := fsys.List(dir)
	require.NoError(t, err)
	return names
}

// pathError checks an error and that it is one that names the operation and the file.
func pathError(t *testing.T, err, target error) {
	t.Helper()
	require.ErrorIs(t, err, target)
	var named *fs.PathError
	require.ErrorAs(t, err, &named)
	require.NotEmpty(t, named.Op)
}

var conformance = []struct {
	name string
	test func(t *testing.T, fsys vfs.FS)
}{
	{"a file is what was written", func(t *testing.T, fsys vfs.FS) {
		f, err := fsys.Create("a")
		require.NoError(t, err)
		for _, part := range []string{"one", "", "two"} {
			n, err := f.Write([]byte(part))
			require.NoError(t, err)
			require.Equal(t, len(part), n)
			require.NoError(t, f.Sync())
		}
		require.Equal(t, "onetwo", read(t, fsys, "a"), "before Close")
		require.NoError(t, f.Close())
		require.Equal(t, "onetwo", read(t, fsys, "a"))
	}},
	{"a file that exists is not written again", func(t *testing.T, fsys vfs.FS) {
		write(t, fsys, "a", "first")
		_, err := fsys.Create("a")
		pathError(t, err, fs.ErrExist)
		require.Equal(t, "first", read(t, fsys, "a"))

		require.NoError(t, fsys.MkdirAll("d"))
		_, err = fsys.Create("d")
		pathError(t, err, fs.ErrExist)
	}},
	{"a closed file is closed", func(t *testing.T, fsys vfs.FS) {
		f, err := fsys.Create("a")
		require.NoError(t, err)
		require.NoError(t, f.Close())
		_, err = f.Write([]byte("written after Close"))
		pathError(t, err, fs.ErrClosed)
		pathError(t, f.Sync(), fs.ErrClosed)
		pathError(t, f.Close(), fs.ErrClosed)
		require.Empty(t, read(t, fsys, "a"))

		r, err := fsys.Open("a")
		require.NoError(t, err)
		require.NoError(t, r.Close())
		_, err = r.ReadAt(make([]byte, 1), 0)
		pathError(t, err, fs.ErrClosed)
		pathError(t, r.Close(), fs.ErrClosed)
	}},
	{"a reader reads anywhere", func(t *testing.T, fsys vfs.FS) {
		write(t, fsys, "a", "0123456789")
		r, err := fsys.Open("a")
		require.NoError(t, err)
		defer r.Close()
		require.EqualValues(t, 10, r.Size())
		p := make([]byte, 4)
		n, err := r.ReadAt(p, 5)
		require.NoError(t, err)
		require.Equal(t, "5678", string(p[:n]))
		n, err = r.ReadAt(p, 8)
		require.Equal(t, io.EOF, err)
		require.Equal(t, "89", string(p[:n]))
		_, err = r.ReadAt(p, 10)
		require.Equal(t, io.EOF, err)
		_, err = r.ReadAt(p, -1)
		require.Error(t, err)
	}},
	{"an empty file maps to no bytes", func(t *testing.T, fsys vfs.FS) {
		write(t, fsys, "a", "")
		m, err := fsys.Map("a")
		require.NoError(t, err)
		require.Empty(t, m.Bytes())
		m.WillNeed(0, 1)
		require.NoError(t, m.Close())
	}},
	{"a mapping outlives the names of its file", func(t *testing.T, fsys vfs.FS) {
		write(t, fsys, "a", "old")
		old, err := fsys.Map("a")
		require.NoError(t, err)
		defer old.Close()
		write(t, fsys, "b", "new")
		require.NoError(t, fsys.Rename("b", "a"))
		renamed, err := fsys.Map("a")
		require.NoError(t, err)
		defer renamed.Close()
		require.NoError(t, fsys.Remove("a"))
		write(t, fsys, "a", "newer")

		require.Equal(t, "old", string(old.Bytes()))
		require.Equal(t, "new", string(renamed.Bytes()))
		require.Equal(t, "newer", read(t, fsys, "a"))
	}},
	{"a mapping has no room behind it", func(t *testing.T, fsys vfs.FS) {
		f, err := fsys.Create("a")
		require.NoError(t, err)
		for range 100 {
			_, err = f.Write([]byte("123"))
			require.NoError(t, err)
		}
		m, err := fsys.Map("a")
		require.NoError(t, err)
		defer m.Close()
		require.NoError(t, f.Close())
		require.Equal(t, 300, cap(m.Bytes()), "appending to it would be writing into the file")
	}},
	{"a mapping is closed once or twice", func(t *testing.T, fsys vfs.FS) {
		write(t, fsys, "a", "x")
		m, err := fsys.Map("a")
		require.NoError(t, err)
		require.NoError(t, m.Close())
		require.Nil(t, m.Bytes())
		m.WillNeed(0, 1)
		require.NoError(t, m.Close())
	}},
	{"advice may be nonsense", func(t *testing.T, fsys vfs.FS) {
		write(t, fsys, "a", string(make([]byte, 100_000)))
		m, err := fsys.Map("a")
		require.NoError(t, err)
		defer m.Close()
		for _, at := range [][2]int{{0, 100_000}, {5000, 1}, {99_999, 100}, {100_000, 5}, {-5, 10}, {-5, 3}, {7, -7}, {1 << 30, 1 << 30}} {
			m.WillNeed(at[0], at[1])
		}
		require.Len(t, m.Bytes(), 100_000)
	}},
	{"a rename replaces", func(t *testing.T, fsys vfs.FS) {
		require.NoError(t, fsys.MkdirAll("d"))
		write(t, fsys, "d/a", "new")
		write(t, fsys, "d/b", "old")
		require.NoError(t, fsys.Rename("d/a", "d/b"))
		require.Equal(t, []string{"b"}, list(t, fsys, "d"))
		require.Equal(t, "new", read(t, fsys, "d/b"))
		require.NoError(t, fsys.Rename("d/b", "d/b"))
		require.Equal(t, "new", read(t, fsys, "d/b"))
	}},
	{"a rename that cannot be is an error", func(t *testing.T, fsys vfs.FS) {
		require.NoError(t, fsys.MkdirAll("d"))
		write(t, fsys, "a", "x")
		require.ErrorIs(t, fsys.Rename("nothing", "b"), fs.ErrNotExist)
		pathError(t, fsys.Rename("a", "d/a"), fs.ErrInvalid)
		pathError(t, fsys.Rename("d/a", "a"), fs.ErrInvalid)
		require.Error(t, fsys.Rename("a", "d"), "a file in place of a directory")
		require.Equal(t, []string{"a", "d"}, list(t, fsys, "."))
	}},
	{"what is removed is gone", func(t *testing.T, fsys vfs.FS) {
		require.NoError(t, fsys.MkdirAll("d"))
		write(t, fsys, "d/a", "x")
		require.Error(t, fsys.Remove("d"), "not empty")
		require.NoError(t, fsys.Remove("d/a"))
		pathError(t, fsys.Remove("d/a"), fs.ErrNotExist)
		_, err := fsys.Open("d/a")
		pathError(t, err, fs.ErrNotExist)
		_, err = fsys.Map("d/a")
		pathError(t, err, fs.ErrNotExist)
		require.NoError(t, fsys.Remove("d"))
		_, err = fsys.List("d")
		pathError(t, err, fs.ErrNotExist)
		require.Empty(t, list(t, fsys, "."))
	}},
	{"a list is sorted and of one directory", func(t *testing.T, fsys vfs.FS) {
		require.NoError(t, fsys.MkdirAll("m/n"))
		for _, name := range []string{"z", "000010.segment", "a", "m/inside", "000009.segment"} {
			write(t, fsys, name, name)
		}
		require.Equal(t, []string{"000009.segment", "000010.segment", "a", "m", "z"}, list(t, fsys, "."))
		require.Equal(t, []string{"inside", "n"}, list(t, fsys, "m"))
		require.Empty(t, list(t, fsys, "m/n"))
		_, err := fsys.List("a")
		require.Error(t, err, "a file")
	}},
	{"directories are made and made again", func(t *testing.T, fsys vfs.FS) {
		require.NoError(t, fsys.MkdirAll("a/b/c"))
		require.NoError(t, fsys.MkdirAll("a/b/c"))
		require.NoError(t, fsys.MkdirAll("a/b/d"))
		require.NoError(t, fsys.MkdirAll("."))
		require.Equal(t, []string{"c", "d"}, list(t, fsys, "a/b"))
		write(t, fsys, "f", "x")
		require.Error(t, fsys.MkdirAll("f"))
		require.Error(t, fsys.MkdirAll("f/g"))
	}},
	{"directories are synced", func(t *testing.T, fsys vfs.FS) {
		require.NoError(t, fsys.MkdirAll("a"))
		require.NoError(t, fsys.SyncDir("a"))
		require.NoError(t, fsys.SyncDir("."))
		pathError(t, fsys.SyncDir("b"), fs.ErrNotExist)
	}},
	{"a directory is no file", func(t *testing.T, fsys vfs.FS) {
		require.NoError(t, fsys.MkdirAll("d"))
		for _, name := range []string{".", "d"} {
			_, err := fsys.Open(name)
			require.ErrorContains(t, err, "not a regular file")
			_, err = fsys.Map(name)
			require.ErrorContains(t, err, "not a regular file")
		}
	}},
	{"nothing is in a directory that does not exist", func(t *testing.T, fsys vfs.FS) {
		_, err := fsys.Create("d/a")
		pathError(t, err, fs.ErrNotExist)
		_, err = fsys.Open("d/a")
		pathError(t, err, fs.ErrNotExist)
		require.ErrorIs(t, fsys.Rename("d/a", "d/b"), fs.ErrNotExist)
		pathError(t, fsys.Remove("d/a"), fs.ErrNotExist)
	}},
	{"names lead nowhere else", func(t *testing.T, fsys vfs.FS) {
		write(t, fsys, "a", "x")
		for _, name := range []string{"", "/a", "../a", "./a", "a/", "d//a", "d/../a"} {
			_, err := fsys.Create(name)
			pathError(t, err, fs.ErrInvalid)
			_, err = fsys.Open(name)
			pathError(t, err, fs.ErrInvalid)
			_, err = fsys.Map(name)
			pathError(t, err, fs.ErrInvalid)
			_, err = fsys.List(name)
			pathError(t, err, fs.ErrInvalid)
			pathError(t, fsys.Remove(name), fs.ErrInvalid)
			pathError(t, fsys.Rename(name, "b"), fs.ErrInvalid)
			pathError(t, fsys.Rename("a", name), fs.ErrInvalid)
			pathError(t, fsys.MkdirAll(name), fs.ErrInvalid)
			pathError(t, fsys.SyncDir(name), fs.ErrInvalid)
		}
		require.Equal(t, []string{"a"}, list(t, fsys, "."))
	}},
	{"the root keeps its name", func(t *testing.T, fsys vfs.FS) {
		write(t, fsys, "a", "x")
		pathError(t, fsys.Remove("."), fs.ErrInvalid)
		pathError(t, fsys.Rename(".", "b"), fs.ErrInvalid)
		pathError(t, fsys.Rename("a", "."), fs.ErrInvalid)
	}},
}

func TestFileSystemsBehaveAlike(t *testing.T) {
	for name, open := range fileSystems {
		for _, test := range conformance {
			t.Run(name+"/"+test.name, func(t *testing.T) { test.test(t, open(t)) })
		}
	}
}

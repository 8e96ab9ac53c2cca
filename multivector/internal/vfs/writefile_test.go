package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/multivector/internal/vfs"
	"weaviate-colpali/multivector/internal/vfs/faultfs"
)

// The files are larger than the buffer of WriteFile and have a remainder, so that
// one is written by several Writes. No two sectors of either are the same.
var (
	oldContent = content("old", 150_000)
	newContent = content("new", 170_001)
)

func content(word string, length int) string {
	var b strings.Builder
	for i := 0; b.Len() < length; i++ {
		b.WriteString(word)
		b.WriteByte(byte(i))
		b.WriteByte(byte(i >> 8))
	}
	return b.String()[:length]
}

func writes(content string) func(w io.Writer) error {
	return func(w io.Writer) error {
		for len(content) > 0 {
			n := min(len(content), 40_000)
			if _, err := io.WriteString(w, content[:n]); err != nil {
				return err
			}
			content = content[n:]
		}
		return nil
	}
}

// withOld is a file system with a durable old MANIFEST.
func withOld(t *testing.T) *faultfs.FS {
	t.Helper()
	fsys := faultfs.New()
	require.NoError(t, fsys.MkdirAll("d"))
	require.NoError(t, fsys.SyncDir("."))
	require.NoError(t, vfs.WriteFile(fsys, "d/MANIFEST", writes(oldContent)))
	return fsys
}

func TestWriteFileWritesAndReplaces(t *testing.T) {
	for name, open := range fileSystems {
		t.Run(name, func(t *testing.T) {
			fsys := open(t)
			require.NoError(t, fsys.MkdirAll("d"))
			for _, want := range []string{oldContent, newContent, ""} {
				require.NoError(t, vfs.WriteFile(fsys, "d/MANIFEST", writes(want)))
				require.Equal(t, want, read(t, fsys, "d/MANIFEST"))
				require.Equal(t, []string{"MANIFEST"}, list(t, fsys, "d"))
			}
		})
	}
}

func TestWriteFileRemovesWhatACrashLeft(t *testing.T) {
	for name, open := range fileSystems {
		t.Run(name, func(t *testing.T) {
			fsys := open(t)
			write(t, fsys, "MANIFEST.tmp", strings.Repeat("half", 100_000))
			require.NoError(t, vfs.WriteFile(fsys, "MANIFEST", writes(newContent)))
			require.Equal(t, newContent, read(t, fsys, "MANIFEST"))
			require.Equal(t, []string{"MANIFEST"}, list(t, fsys, "."))
		})
	}
}

func TestAnErrorOfTheWriterLeavesTheOldFile(t *testing.T) {
	broken := errors.New("broken")
	for name, open := range fileSystems {
		t.Run(name, func(t *testing.T) {
			fsys := open(t)
			write(t, fsys, "MANIFEST", "old")
			err := vfs.WriteFile(fsys, "MANIFEST", func(w io.Writer) error {
				_ = writes(newContent)(w)
				return broken
			})
			require.ErrorIs(t, err, broken)
			require.ErrorContains(t, err, "write MANIFEST: ")
			require.NotErrorIs(t, err, vfs.ErrNotSettled)
			require.Equal(t, "old", read(t, fsys, "MANIFEST"))
			require.Equal(t, []string{"MANIFEST"}, list(t, fsys, "."))
		})
	}
}

func TestWriteFileFindsAnErrorThatTheWriterKeeps(t *testing.T) {
	fsys := withOld(t)
	fsys.FailAt(2, syscall.EIO) // the first Write
	err := vfs.WriteFile(fsys, "d/MANIFEST", func(w io.Writer) error {
		_ = writes(newContent)(w)
		return nil
	})
	require.ErrorIs(t, err, syscall.EIO)
	require.Equal(t, oldContent, read(t, fsys, "d/MANIFEST"))
}

func TestWriteFileOnAFullDisk(t *testing.T) {
	fsys := withOld(t)
	fsys.SetDiskFull(true)
	require.ErrorIs(t, vfs.WriteFile(fsys, "d/MANIFEST", writes(newContent)), syscall.ENOSPC)
	require.Equal(t, oldContent, read(t, fsys, "d/MANIFEST"))

	fsys.SetDiskFull(false)
	err := vfs.WriteFile(fsys, "d/MANIFEST", func(w io.Writer) error {
		fsys.SetDiskFull(true) // while it writes
		return writes(newContent)(w)
	})
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, []string{"MANIFEST"}, list(t, fsys, "d"))

	fsys.SetDiskFull(false)
	require.NoError(t, vfs.WriteFile(fsys, "d/MANIFEST", writes(newContent)))
	require.Equal(t, newContent, read(t, fsys, "d/MANIFEST"))
}

// steps are the operations of one WriteFile: Create, three Writes, Sync, Close,
// Rename, SyncDir.
const steps = 3 + 3 + 2

func TestTheStepsOfWriteFile(t *testing.T) {
	fsys := withOld(t)
	before := fsys.Operations()
	require.NoError(t, vfs.WriteFile(fsys, "d/MANIFEST", writes(newContent)))
	require.Equal(t, steps, fsys.Operations()-before, "the tests below fail each")
}

// after crashes fsys in many ways and tells how often the old file is there and how
// often the new one. Anything else ends the test.
func after(t *testing.T, fsys *faultfs.FS, seeds uint64) (old, renewed int) {
	t.Helper()
	for seed := range seeds {
		crashed := fsys.Crash(rand.New(rand.NewPCG(seed, 7)))
		require.Contains(t, list(t, crashed, "d"), "MANIFEST", "seed %d", seed)
		m, err := crashed.Map("d/MANIFEST")
		require.NoError(t, err)
		switch got := string(m.Bytes()); got {
		case oldContent:
			old++
		case newContent:
			renewed++
		default:
			require.FailNow(t, "neither the old file nor the new one", "seed %d: %d bytes", seed, len(got))
		}
		// What is there is good to go on with.
		require.NoError(t, vfs.WriteFile(crashed, "d/MANIFEST", writes("next")), "seed %d", seed)
		require.Equal(t, []string{"MANIFEST"}, list(t, crashed, "d"), "seed %d", seed)
	}
	return old, renewed
}

const crashes = 300

func TestAfterWriteFileThereIsTheNewFile(t *testing.T) {
	fsys := withOld(t)
	require.NoError(t, vfs.WriteFile(fsys, "d/MANIFEST", writes(newContent)))
	old, renewed := after(t, fsys, crashes)
	require.Zero(t, old)
	require.Equal(t, crashes, renewed)
}

func TestEachStepOfWriteFileFails(t *testing.T) {
	for step := 1; step <= steps; step++ {
		fsys := withOld(t)
		fsys.FailAt(step, syscall.EIO)
		err := vfs.WriteFile(fsys, "d/MANIFEST", writes(newContent))
		require.ErrorIs(t, err, syscall.EIO, "step %d", step)
		require.Equal(t, []string{"MANIFEST"}, list(t, fsys, "d"), "step %d", step)

		old, renewed := after(t, fsys, crashes)
		if step < steps {
			require.NotErrorIs(t, err, vfs.ErrNotSettled, "step %d", step)
			require.Equal(t, oldContent, read(t, fsys, "d/MANIFEST"), "step %d", step)
			require.Zero(t, renewed, "step %d", step)
			continue
		}
		require.ErrorIs(t, err, vfs.ErrNotSettled)
		require.Equal(t, newContent, read(t, fsys, "d/MANIFEST"))
		require.NotZero(t, old, "it says so, because it happens")
		require.NotZero(t, renewed)
	}
}

func TestThePowerGoesInEachStepOfWriteFile(t *testing.T) {
	for step := 1; step <= steps+1; step++ {
		fsys := withOld(t)
		fsys.FailFrom(step, syscall.EIO)
		err := vfs.WriteFile(fsys, "d/MANIFEST", writes(newContent))
		fsys.FailAt(0, nil)
		old, renewed := after(t, fsys, crashes)
		switch {
		case step < steps:
			require.Error(t, err, "step %d", step)
			require.Zero(t, renewed, "step %d", step)
		case step == steps: // the rename is done and not synced
			require.ErrorIs(t, err, vfs.ErrNotSettled)
			require.NotZero(t, old)
			require.NotZero(t, renewed)
		default:
			require.NoError(t, err)
			require.Zero(t, old)
		}
	}
}

// A temporary file that cannot be removed is in nobody's way.
func TestWriteFileGoesOnAfterItCouldNotTidyUp(t *testing.T) {
	fsys := withOld(t)
	fsys.FailFrom(5, syscall.EIO) // Sync, and then Close and Remove
	require.ErrorIs(t, vfs.WriteFile(fsys, "d/MANIFEST", writes(newContent)), syscall.EIO)
	fsys.FailAt(2, syscall.EROFS) // removing it before the next
	require.Equal(t, []string{"MANIFEST", "MANIFEST.tmp"}, list(t, fsys, "d"))
	fsys.FailAt(2, syscall.EROFS)
	require.ErrorIs(t, vfs.WriteFile(fsys, "d/MANIFEST", writes(newContent)), syscall.EROFS)
	require.NoError(t, vfs.WriteFile(fsys, "d/MANIFEST", writes(newContent)))
	require.Equal(t, []string{"MANIFEST"}, list(t, fsys, "d"))
}

func TestWriteFileNeedsItsDirectory(t *testing.T) {
	for name, open := range fileSystems {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, vfs.WriteFile(open(t), "d/MANIFEST", writes("x")), fs.ErrNotExist)
		})
	}
}

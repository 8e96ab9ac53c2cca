package vfs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"weaviate-colpali/multivector/internal/vfs"
)

func TestSyncDirPassesOverFileSystemsWithoutIt(t *testing.T) {
	dir, err := os.Open("/proc")
	require.NoError(t, err)
	defer dir.Close()
	require.ErrorIs(t, dir.Sync(), unix.EINVAL, "the test needs one")
	require.NoError(t, vfs.OS("/proc").SyncDir("."))
}

func TestAClosedMappingIsUnmapped(t *testing.T) {
	root := t.TempDir()
	name := filepath.Join(root, "closed")
	require.NoError(t, os.WriteFile(name, []byte("x"), 0o600))
	mapped := func() bool {
		maps, err := os.ReadFile("/proc/self/maps")
		require.NoError(t, err)
		return strings.Contains(string(maps), name)
	}
	m, err := vfs.OS(root).Map("closed")
	require.NoError(t, err)
	require.True(t, mapped())
	require.NoError(t, m.Close())
	require.False(t, mapped())
}

// Advice that the kernel refuses shows nowhere but here.
func TestWillNeedBringsThePages(t *testing.T) {
	root, page := t.TempDir(), os.Getpagesize()
	write(t, vfs.OS(root), "a", strings.Repeat("x", 4096*page))
	f, err := os.Open(filepath.Join(root, "a"))
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))

	m, err := vfs.OS(root).Map("a")
	require.NoError(t, err)
	defer m.Close()
	if resident(t, m.Bytes()) > 0 {
		t.Skip("the file system of the temporary directory keeps files in memory")
	}
	m.WillNeed(100*page+1, 33*page) // begins and ends within a page
	require.Eventually(t, func() bool {
		return resident(t, m.Bytes()[100*page:134*page]) == 34
	}, 10*time.Second, time.Millisecond)
	require.Less(t, resident(t, m.Bytes()), 1000, "and not the rest of 4096")
}

// resident is how many of the pages that begin in bytes are in memory.
func resident(t *testing.T, bytes []byte) int {
	t.Helper()
	pages := make([]byte, (len(bytes)+os.Getpagesize()-1)/os.Getpagesize())
	_, _, failed := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&bytes[0])), uintptr(len(bytes)), uintptr(unsafe.Pointer(&pages[0])))
	require.Zero(t, failed)
	n := 0
	for _, page := range pages {
		n += int(page & 1)
	}
	return n
}

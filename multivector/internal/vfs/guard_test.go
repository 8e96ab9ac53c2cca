//go:build unix

package vfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/multivector/internal/vfs"
)

// cutShort maps a file of three pages and leaves only the first byte of it. That
// one's page stays readable, the two behind it fault.
func cutShort(t testing.TB) []byte {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "a"), bytes.Repeat([]byte{7}, 3*os.Getpagesize()), 0o600))
	m, err := vfs.OS(root).Map("a")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	require.Len(t, m.Bytes(), 3*os.Getpagesize())
	require.NoError(t, os.Truncate(filepath.Join(root, "a"), 1))
	return m.Bytes()
}

var sink byte

func TestAFaultIsAnError(t *testing.T) {
	mapped := cutShort(t)
	page := os.Getpagesize()
	into := make([]byte, 64)
	for name, read := range map[string]func(){
		"Go code":              func() { sink = mapped[page] },
		"the runtime's memory": func() { copy(into, mapped[page:]) },
		"assembly":             func() { sink = byte(crc32.Checksum(mapped[page:], crc32.MakeTable(crc32.Castagnoli))) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 { // it is no worse the second time
				err := vfs.Guard(read)
				require.ErrorIs(t, err, vfs.ErrFault)
				require.Regexp(t, `^memory fault at address 0x[0-9a-f]{4,}$`, err.Error())
			}
		})
	}
	require.NoError(t, vfs.Guard(func() { sink = mapped[0] }))
	require.EqualValues(t, 7, sink)
}

func TestAFaultNamesTheAddress(t *testing.T) {
	mapped := cutShort(t)
	at := &mapped[os.Getpagesize()+123]
	err := vfs.Guard(func() { sink = *at })
	require.EqualError(t, err, fmt.Sprintf("memory fault at address %p", at))
}

func TestWhatIsDoneBeforeAFaultIsDone(t *testing.T) {
	mapped := cutShort(t)
	sum := 0
	err := vfs.Guard(func() {
		for i := range mapped {
			sum += int(mapped[i]) + 1
		}
	})
	require.ErrorIs(t, err, vfs.ErrFault)
	// The rest of the page that is partly behind the end reads as zeros.
	require.Equal(t, 7+os.Getpagesize(), sum)
}

func TestGuardRestoresTheSetting(t *testing.T) {
	mapped := cutShort(t)
	former := debug.SetPanicOnFault(false)
	defer debug.SetPanicOnFault(former)
	setting := func() bool {
		now := debug.SetPanicOnFault(false)
		debug.SetPanicOnFault(now)
		return now
	}
	for _, outer := range []bool{false, true} {
		debug.SetPanicOnFault(outer)
		require.NoError(t, vfs.Guard(func() { require.True(t, setting()) }))
		require.Equal(t, outer, setting())
		require.Error(t, vfs.Guard(func() { sink = mapped[os.Getpagesize()] }))
		require.Equal(t, outer, setting())
		require.Panics(t, func() { _ = vfs.Guard(func() { panic("x") }) })
		require.Equal(t, outer, setting())
		require.NoError(t, vfs.Guard(func() {
			require.Error(t, vfs.Guard(func() { sink = mapped[os.Getpagesize()] }))
			require.True(t, setting(), "inside another Guard")
		}))
		require.Equal(t, outer, setting())
	}
}

// runtimeError looks like a panic of the runtime but has no address.
type runtimeError struct{ error }

func (runtimeError) RuntimeError() {}

// addressed has an address but is no panic of the runtime.
type addressed struct{ error }

func (addressed) Addr() uintptr { return 1 }

func TestOtherPanicsGoOn(t *testing.T) {
	var pointer *int
	var none []byte
	other, elsewhere := runtimeError{errors.New("other")}, addressed{errors.New("elsewhere")}
	for name, test := range map[string]struct {
		f    func()
		want any // nil: a runtime.Error
	}{
		"a value":        {f: func() { panic("value") }, want: "value"},
		"an error":       {f: func() { panic(fs.ErrClosed) }, want: fs.ErrClosed},
		"no address":     {f: func() { panic(other) }, want: other},
		"an address":     {f: func() { panic(elsewhere) }, want: elsewhere},
		"a fault's name": {f: func() { panic(vfs.ErrFault) }, want: vfs.ErrFault},
		"an index":       {f: func() { sink = none[len(os.Args)] }},
		"a nil pointer":  {f: func() { *pointer = 1 }},
		"nil":            {f: func() { panic(nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				p := recover()
				if test.want != nil {
					require.Equal(t, test.want, p)
					return
				}
				require.Implements(t, (*runtime.Error)(nil), p)
			}()
			_ = vfs.Guard(test.f)
			t.Error("it returned")
		})
	}
}

func TestAGoroutineMayEndInGuard(t *testing.T) {
	var ended sync.WaitGroup
	returned := false
	ended.Go(func() {
		_ = vfs.Guard(runtime.Goexit)
		returned = true
	})
	ended.Wait()
	require.False(t, returned)
}

func BenchmarkGuard(b *testing.B) {
	for b.Loop() {
		_ = vfs.Guard(func() {})
	}
}

package faultfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/multivector/internal/vfs"
)

// crashes is how many power cuts a test tries: every outcome that is asked for
// below has a probability of a hundredth or more.
const crashes = 2000

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 3)) }

func create(t *testing.T, f *FS, name string) vfs.File {
	t.Helper()
	file, err := f.Create(name)
	require.NoError(t, err)
	return file
}

func write(t *testing.T, file vfs.File, content []byte) {
	t.Helper()
	n, err := file.Write(content)
	require.NoError(t, err)
	require.Len(t, content, n)
}

// put makes a file whose bytes are durable, and whose name is not.
func put(t *testing.T, f *FS, name, content string) {
	t.Helper()
	file := create(t, f, name)
	write(t, file, []byte(content))
	require.NoError(t, file.Sync())
	require.NoError(t, file.Close())
}

func get(t *testing.T, f *FS, name string) []byte {
	t.Helper()
	m, err := f.Map(name)
	require.NoError(t, err)
	return m.Bytes()
}

// tree is every file with its content and every directory, in one line.
func tree(t *testing.T, f *FS, dir string) string {
	t.Helper()
	names, err := f.List(dir)
	require.NoError(t, err)
	var all []string
	for _, name := range names {
		path := strings.TrimPrefix(dir+"/"+name, "./")
		if _, err := f.List(path); err == nil {
			all = append(all, strings.TrimSpace(path+"/ "+tree(t, f, path)))
			continue
		}
		all = append(all, path+"="+string(get(t, f, path)))
	}
	return strings.Join(all, " ")
}

// outcomes is what power cuts make of f, and how often.
func outcomes(t *testing.T, f *FS) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for seed := range uint64(crashes) {
		counts[tree(t, f.Crash(seeded(seed)), ".")]++
	}
	return counts
}

func requireOutcomes(t *testing.T, f *FS, want ...string) {
	t.Helper()
	got := outcomes(t, f)
	require.ElementsMatch(t, want, slices.Collect(maps.Keys(got)), "%v", got)
}

func TestWhatIsSyncedSurvives(t *testing.T) {
	f := New()
	require.NoError(t, f.MkdirAll("a/b"))
	put(t, f, "a/b/c", "content")
	for _, dir := range []string{"a/b", "a", "."} {
		require.NoError(t, f.SyncDir(dir))
	}
	requireOutcomes(t, f, "a/ a/b/ a/b/c=content")
}

func TestNamesSurviveUpToAPoint(t *testing.T) {
	f := New()
	put(t, f, "a", "1")
	put(t, f, "b", "2")
	require.NoError(t, f.SyncDir("."))
	put(t, f, "c", "3")
	require.NoError(t, f.Rename("c", "a"))
	require.NoError(t, f.Remove("b"))
	require.NoError(t, f.Rename("a", "d"))
	put(t, f, "a", "4")

	requireOutcomes(t, f,
		"a=1 b=2",
		"a=1 b=2 c=3",
		"a=3 b=2",
		"a=3",
		"d=3",
		"a=4 d=3",
	)
}

func TestARenameToItselfLosesNothing(t *testing.T) {
	f := New()
	put(t, f, "a", "1")
	require.NoError(t, f.SyncDir("."))
	require.NoError(t, f.Rename("a", "a"))
	requireOutcomes(t, f, "a=1")
}

func TestADirectorySyncsItsOwnNamesOnly(t *testing.T) {
	f := New()
	require.NoError(t, f.MkdirAll("a"))
	require.NoError(t, f.MkdirAll("b"))
	put(t, f, "a/x", "1")
	put(t, f, "b/y", "2")
	require.NoError(t, f.SyncDir("b"))
	requireOutcomes(t, f, "", "a/", "a/ a/x=1", "a/ b/ b/y=2", "a/ a/x=1 b/ b/y=2")

	require.NoError(t, f.SyncDir("."))
	requireOutcomes(t, f, "a/ b/ b/y=2", "a/ a/x=1 b/ b/y=2")
}

func TestARemovedDirectoryMayComeBack(t *testing.T) {
	f := New()
	require.NoError(t, f.MkdirAll("a"))
	require.NoError(t, f.SyncDir("."))
	put(t, f, "a/x", "1")
	require.NoError(t, f.SyncDir("a"))
	require.NoError(t, f.Remove("a/x"))
	require.NoError(t, f.Remove("a"))
	requireOutcomes(t, f, "", "a/", "a/ a/x=1")
}

func TestANameSaysNothingOfTheBytes(t *testing.T) {
	f := New()
	file := create(t, f, "a")
	write(t, file, []byte("12"))
	require.NoError(t, file.Close())
	require.NoError(t, f.SyncDir("."))
	requireOutcomes(t, f, "a=", "a=1", "a=12", "a=\x00", "a=\x00\x00")

	require.NoError(t, f.Rename("a", "b"))
	require.NoError(t, f.SyncDir("."))
	requireOutcomes(t, f, "b=", "b=1", "b=12", "b=\x00", "b=\x00\x00")
}

func TestTheBytesSayNothingOfTheName(t *testing.T) {
	f := New()
	put(t, f, "a", "12")
	requireOutcomes(t, f, "", "a=12")
}

// Unsynced bytes are lost from some point on, and whole sectors are zeros.
func TestUnsyncedBytesAreLostInPart(t *testing.T) {
	const synced, all = 700, 700 + 8*sector
	content := bytes.Repeat([]byte{0xff}, all)
	f := New()
	file := create(t, f, "a")
	write(t, file, content[:synced])
	require.NoError(t, file.Sync())
	write(t, file, content[synced:])
	require.NoError(t, f.SyncDir("."))

	lengths, zeroed, kinds := map[int]bool{}, map[int]int{}, map[string]int{}
	for seed := range uint64(crashes) {
		got := get(t, f.Crash(seeded(seed)), "a")
		require.GreaterOrEqual(t, len(got), synced, "seed %d", seed)
		require.LessOrEqual(t, len(got), all, "seed %d", seed)
		require.Equal(t, content[:synced], got[:synced], "seed %d: what was synced, also in the sector where it ends", seed)
		holes := 0
		for begin := synced; begin < len(got); {
			number := begin / sector
			end := min((number+1)*sector, len(got))
			if got[begin] == 0 {
				holes++
				zeroed[number]++
			}
			require.Equal(t, bytes.Repeat(got[begin:begin+1], end-begin), got[begin:end], "seed %d: a sector is written or not", seed)
			begin = end
		}
		lengths[len(got)] = true
		switch {
		case len(got) == synced:
			kinds["lost"]++
		case len(got) == all && holes == 0:
			kinds["kept"]++
		case holes == 0:
			kinds["cut"]++
		default:
			kinds["holes"]++
		}
	}
	for _, kind := range []string{"lost", "kept", "cut", "holes"} {
		require.Greater(t, kinds[kind], crashes/20, kind)
	}
	require.Greater(t, len(lengths), crashes/10, "it is cut anywhere")
	require.Len(t, zeroed, 9, "every sector that was not wholly synced")
}

func TestASyncThatFailedIsFinal(t *testing.T) {
	f := New()
	file := create(t, f, "a")
	require.NoError(t, f.SyncDir("."))
	f.FailAt(1, syscall.EIO)
	require.ErrorIs(t, file.Sync(), syscall.EIO)
	write(t, file, []byte("1"))
	require.NoError(t, file.Sync())
	requireOutcomes(t, f, "a=1") // that one had nothing to lose

	write(t, file, []byte("2"))
	f.FailAt(1, syscall.EIO)
	require.ErrorIs(t, file.Sync(), syscall.EIO)
	require.NoError(t, file.Sync(), "as Linux does")
	requireOutcomes(t, f, "a=1", "a=12", "a=1\x00")
	require.Equal(t, "a=12", tree(t, f, "."), "until the power goes")
}

func TestASyncOfADirectoryThatFailedMayBeRepeated(t *testing.T) {
	f := New()
	put(t, f, "a", "1")
	f.FailAt(1, syscall.EIO)
	require.ErrorIs(t, f.SyncDir("."), syscall.EIO)
	requireOutcomes(t, f, "", "a=1")
	require.NoError(t, f.SyncDir("."))
	requireOutcomes(t, f, "a=1")
}

func TestTheSameSeedMakesTheSameDisk(t *testing.T) {
	f := New()
	for i := range 20 {
		dir := fmt.Sprintf("d%d", i%5)
		require.NoError(t, f.MkdirAll(dir))
		write(t, create(t, f, fmt.Sprintf("%s/%d", dir, i)), bytes.Repeat([]byte{1}, 2000))
	}
	differ := 0
	for seed := range uint64(50) {
		want := tree(t, f.Crash(seeded(seed)), ".")
		require.Equal(t, want, tree(t, f.Crash(seeded(seed)), "."), "seed %d", seed)
		if want != tree(t, f.Crash(seeded(seed+1)), ".") {
			differ++
		}
	}
	require.Greater(t, differ, 25)
}

func TestWhatACrashLeftIsDurable(t *testing.T) {
	f := New()
	require.NoError(t, f.MkdirAll("d"))
	write(t, create(t, f, "d/a"), bytes.Repeat([]byte{1}, 3000))
	for seed := range uint64(50) {
		crashed := f.Crash(seeded(seed))
		requireOutcomes(t, crashed, tree(t, crashed, "."))
	}
}

func TestACrashIsApartFromWhatItWasMadeOf(t *testing.T) {
	f := New()
	file := create(t, f, "a")
	write(t, file, []byte("12"))
	require.NoError(t, file.Sync())
	require.NoError(t, f.SyncDir("."))
	mapped := get(t, f, "a")

	crashed := f.Crash(seeded(1))
	write(t, file, []byte("34")) // goes on
	put(t, f, "b", "x")
	require.NoError(t, f.Flip("a", 0, 0))
	require.NoError(t, crashed.Flip("a", 1, 0))
	require.NoError(t, crashed.MkdirAll("d"))

	require.Equal(t, "a=0234 b=x", tree(t, f, "."))
	require.Equal(t, "a=13 d/", tree(t, crashed, "."))
	require.Equal(t, "12", string(mapped))
}

func TestACrashForgetsWhatWasToFail(t *testing.T) {
	f := New()
	require.NoError(t, f.MkdirAll("d"))
	f.FailFrom(1, syscall.EIO)
	f.SetDiskFull(true)
	crashed := f.Crash(seeded(1))
	require.Zero(t, crashed.Operations())
	put(t, crashed, "a", "1")
	require.ErrorIs(t, f.MkdirAll("e"), syscall.EIO)
}

// operations is every operation that can fail, each on a file system with a file
// "a" that was opened to read, and "w" that is being written.
var operations = map[string]func(f *FS, r vfs.Reader, w vfs.File) error{
	"create":  func(f *FS, _ vfs.Reader, _ vfs.File) error { _, err := f.Create("new"); return err },
	"open":    func(f *FS, _ vfs.Reader, _ vfs.File) error { _, err := f.Open("a"); return err },
	"map":     func(f *FS, _ vfs.Reader, _ vfs.File) error { _, err := f.Map("a"); return err },
	"rename":  func(f *FS, _ vfs.Reader, _ vfs.File) error { return f.Rename("a", "new") },
	"remove":  func(f *FS, _ vfs.Reader, _ vfs.File) error { return f.Remove("a") },
	"list":    func(f *FS, _ vfs.Reader, _ vfs.File) error { _, err := f.List("."); return err },
	"mkdir":   func(f *FS, _ vfs.Reader, _ vfs.File) error { return f.MkdirAll("new") },
	"syncdir": func(f *FS, _ vfs.Reader, _ vfs.File) error { return f.SyncDir(".") },
	"write":   func(_ *FS, _ vfs.Reader, w vfs.File) error { _, err := w.Write([]byte("3456")); return err },
	"sync":    func(_ *FS, _ vfs.Reader, w vfs.File) error { return w.Sync() },
	"close":   func(_ *FS, _ vfs.Reader, w vfs.File) error { return w.Close() },
	"read":    func(_ *FS, r vfs.Reader, _ vfs.File) error { _, err := r.ReadAt(make([]byte, 1), 0); return err },
}

func forOperations(t *testing.T, test func(t *testing.T, name string, f *FS, do func() error)) {
	t.Helper()
	for name, operation := range operations {
		t.Run(name, func(t *testing.T) {
			f := New()
			put(t, f, "a", "1")
			r, err := f.Open("a")
			require.NoError(t, err)
			w := create(t, f, "w")
			write(t, w, []byte("12"))
			test(t, name, f, func() error { return operation(f, r, w) })
		})
	}
}

func TestEveryOperationCountsAndFails(t *testing.T) {
	forOperations(t, func(t *testing.T, name string, f *FS, do func() error) {
		broken := errors.New("broken")
		f.FailAt(1, broken)
		before := f.Operations()
		err := do()
		require.Equal(t, 1, f.Operations()-before)
		require.ErrorIs(t, err, broken)
		var named *fs.PathError
		require.ErrorAs(t, err, &named)
		require.Equal(t, name, named.Op)

		want := "a=1 w=12" // nothing was done
		if name == "write" {
			want = "a=1 w=1234" // or half
		}
		require.Equal(t, want, tree(t, f, "."))
		if name == "close" {
			require.ErrorIs(t, do(), fs.ErrClosed)
		} else {
			require.NoError(t, do(), "only that one fails")
		}
	})
}

func TestAWriteTellsHowMuchItHasWritten(t *testing.T) {
	f := New()
	w := create(t, f, "a")
	f.FailAt(1, syscall.EIO)
	n, err := w.Write([]byte("12345"))
	require.ErrorIs(t, err, syscall.EIO)
	require.Equal(t, 2, n)
	require.Equal(t, "12", string(get(t, f, "a")))
}

func TestTheNthOperationFails(t *testing.T) {
	for n := 1; n <= 4; n++ {
		f := New()
		f.FailAt(n, syscall.EIO)
		for i := 1; i <= 6; i++ {
			require.Equal(t, i == n, f.SyncDir(".") != nil, "operation %d of %d", i, n)
		}
		f.FailFrom(n, syscall.EIO)
		for i := 1; i <= 6; i++ {
			require.Equal(t, i >= n, f.SyncDir(".") != nil, "operation %d from %d", i, n)
		}
		f.FailAt(0, nil)
		require.NoError(t, f.SyncDir("."))
	}
}

func TestClosingWhatWasReadIsNoOperation(t *testing.T) {
	f := New()
	put(t, f, "a", "1")
	r, err := f.Open("a")
	require.NoError(t, err)
	m, err := f.Map("a")
	require.NoError(t, err)
	f.FailAt(1, syscall.EIO)
	before := f.Operations()
	require.NoError(t, r.Close())
	require.NoError(t, m.Close())
	require.Equal(t, before, f.Operations())
}

func TestAFullDiskRefusesWhatNeedsSpace(t *testing.T) {
	forOperations(t, func(t *testing.T, name string, f *FS, do func() error) {
		f.SetDiskFull(true)
		err := do()
		if name != "create" && name != "mkdir" && name != "write" {
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.Equal(t, "a=1 w=12", tree(t, f, "."))
		f.SetDiskFull(false)
		require.NoError(t, do())
	})
}

func TestAFullDiskHasTheDirectoriesThatItHas(t *testing.T) {
	f := New()
	require.NoError(t, f.MkdirAll("a/b"))
	f.SetDiskFull(true)
	require.NoError(t, f.MkdirAll("a/b"))
}

func TestFlipInvertsOneBitOnTheDisk(t *testing.T) {
	f := New()
	put(t, f, "a", "abc")
	require.NoError(t, f.SyncDir("."))
	mapped := get(t, f, "a")
	r, err := f.Open("a")
	require.NoError(t, err)

	require.NoError(t, f.Flip("a", 1, 4))
	requireOutcomes(t, f, "a=arc")
	require.Equal(t, "abc", string(mapped))
	p := make([]byte, 3)
	_, err = r.ReadAt(p, 0)
	require.NoError(t, err)
	require.Equal(t, "arc", string(p))
	require.NoError(t, f.Flip("a", 1, 4))
	requireOutcomes(t, f, "a=abc")

	for _, at := range []struct {
		offset int64
		bit    int
	}{{-1, 0}, {3, 0}, {0, -1}, {0, 8}} {
		require.ErrorIs(t, f.Flip("a", at.offset, at.bit), fs.ErrInvalid, "%+v", at)
	}
	require.ErrorIs(t, f.Flip("b", 0, 0), fs.ErrNotExist)
	require.Equal(t, "a=abc", tree(t, f, "."))
}

func TestTruncateCutsOnTheDisk(t *testing.T) {
	f := New()
	w := create(t, f, "a")
	write(t, w, []byte("abc"))
	require.NoError(t, w.Sync())
	require.NoError(t, f.SyncDir("."))
	mapped := get(t, f, "a")

	require.NoError(t, f.Truncate("a", 3))
	require.NoError(t, f.Truncate("a", 2))
	requireOutcomes(t, f, "a=ab")
	write(t, w, []byte("d"))
	require.Equal(t, "abc", string(mapped))
	requireOutcomes(t, f, "a=ab", "a=abd", "a=ab\x00")
	require.NoError(t, f.Truncate("a", 0))
	requireOutcomes(t, f, "a=")

	require.ErrorIs(t, f.Truncate("a", -1), fs.ErrInvalid)
	require.ErrorIs(t, f.Truncate("a", 1), fs.ErrInvalid)
	require.ErrorIs(t, f.Truncate("b", 0), fs.ErrNotExist)
}

// Everything at once, for the race detector. What each goroutine made is whole.
func TestAllMethodsMayBeCalledAtOnce(t *testing.T) {
	f := New()
	put(t, f, "shared", "0000")
	require.NoError(t, f.SyncDir("."))
	mapped := get(t, f, "shared")
	var workers sync.WaitGroup
	for worker := range uint64(8) {
		workers.Go(func() {
			r := seeded(worker)
			dir := strconv.FormatUint(worker, 10)
			_ = f.MkdirAll(dir)
			for i := range 100 {
				name := fmt.Sprintf("%s/%d", dir, i)
				_ = vfs.WriteFile(f, name, writeName(name))
				_ = f.Flip("shared", int64(r.IntN(4)), r.IntN(8))
				crashed := f.Crash(r)
				_, _ = crashed.List(dir)
				_ = mapped[3]
				_ = f.Operations()
			}
		})
	}
	workers.Wait()
	require.Equal(t, "0000", string(mapped))
	for worker := range 8 {
		for i := range 100 {
			name := fmt.Sprintf("%d/%d", worker, i)
			require.Equal(t, name, string(get(t, f, name)))
		}
	}
}

func writeName(name string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, name)
		return err
	}
}

//go:build patched

// This test is about what the build adds to Weaviate and runs with its mod file only:
//
//	go test -tags patched -modfile=build/server.mod ./module/plaid
package plaid_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	logrustest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/adapters/repos/db/lsmkv"
	"github.com/weaviate/weaviate/entities/cyclemanager"
	"github.com/weaviate/weaviate/usecases/memwatch"
)

// bucket is a real bucket of objects in a folder.
type bucket struct {
	t          *testing.T
	dir        string
	options    []lsmkv.BucketOption
	store      *lsmkv.Store
	compaction cyclemanager.CycleCallbackGroup
}

func newBucket(t *testing.T, options ...lsmkv.BucketOption) *bucket {
	t.Helper()
	b := &bucket{t: t, dir: t.TempDir(), options: append(options,
		lsmkv.WithStrategy(lsmkv.StrategyReplace), lsmkv.WithSecondaryIndices(1), lsmkv.WithKeepTombstones(true))}
	b.open()
	t.Cleanup(b.close)
	return b
}

func (b *bucket) open() {
	b.t.Helper()
	logger, _ := logrustest.NewNullLogger()
	b.compaction = cyclemanager.NewCallbackGroup("compaction", logger, 1)
	store, err := lsmkv.New(b.dir, b.dir, logger, nil, nil, b.compaction, nil, cyclemanager.NewCallbackGroupNoop())
	require.NoError(b.t, err)
	require.NoError(b.t, store.CreateOrLoadBucket(context.Background(), "objects", b.options...))
	b.store = store
}

func (b *bucket) close() {
	b.t.Helper()
	require.NoError(b.t, b.store.Shutdown(context.Background()))
}

// flush moves what was written from memory to a segment.
func (b *bucket) flush() {
	b.t.Helper()
	require.NoError(b.t, b.store.Bucket("objects").FlushAndSwitch())
}

// compact merges two segments if there are two to merge, and drops those that were
// merged before unless a view holds them.
func (b *bucket) compact() (merged bool) {
	return b.compaction.CycleCallback(func() bool { return false })
}

// files is how many files of the bucket end so.
func (b *bucket) files(end string) (n int) {
	b.t.Helper()
	require.NoError(b.t, filepath.WalkDir(b.dir, func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, end) {
			n++
		}
		return err
	}))
	return n
}

func (b *bucket) put(key byte, id uint64, value []byte) {
	b.t.Helper()
	require.NoError(b.t, b.store.Bucket("objects").Put([]byte{key}, value, lsmkv.WithSecondaryKey(0, idKey(id))))
}

func (b *bucket) delete(key byte, id uint64) {
	b.t.Helper()
	require.NoError(b.t, b.store.Bucket("objects").Delete([]byte{key}, lsmkv.WithSecondaryKey(0, idKey(id))))
}

func (b *bucket) view() lsmkv.BucketConsistentView {
	return b.store.AcquireBucketConsistentViewForRead("objects")
}

func get(view lsmkv.BucketConsistentView, id uint64, buffer []byte) (value, grown []byte, err error) {
	return view.Bucket.GetBySecondaryWithBufferAndView(context.Background(), 0, idKey(id), buffer, view)
}

// valueOf is some bytes that no other id has.
func valueOf(id uint64, length int) []byte {
	return bytes.Repeat(binary.LittleEndian.AppendUint64(nil, id), length/8)
}

// kinds is every way in which Weaviate reads a segment.
var kinds = map[string]struct {
	options []lsmkv.BucketOption
	copies  bool
}{
	"mapped":         {},
	"loaded lazily":  {options: []lsmkv.BucketOption{lsmkv.WithLazySegmentLoading(true)}},
	"without blooms": {options: []lsmkv.BucketOption{lsmkv.WithUseBloomFilter(false)}},
	"held in memory": {options: []lsmkv.BucketOption{
		lsmkv.WithMinMMapSize(1 << 30), lsmkv.WithAllocChecker(memwatch.NewDummyMonitor()),
	}},
	"read by pread": {options: []lsmkv.BucketOption{lsmkv.WithPread(true)}, copies: true},
}

// A view in place sees what every view sees: objects in memory and in segments, updated
// under another id or the same, deleted, and put again.
func TestAViewInPlaceSeesWhatEveryViewSees(t *testing.T) {
	const keys, ids = 12, 120
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t, kind.options...)
			r := rand.New(rand.NewPCG(3, 4))
			found, absent, segments, merged := 0, 0, 0, 0
			compare := func() {
				view := b.view()
				defer view.ReleaseView()
				inPlace := view.InPlace()
				segments = max(segments, len(view.Disk))
				for id := range uint64(ids) {
					want, _, wantErr := get(view, id, nil)
					got, _, gotErr := get(inPlace, id, nil)
					require.NoError(t, wantErr)
					require.NoError(t, gotErr)
					require.Equal(t, want, got, "id %d", id)
					if got == nil {
						absent++
					} else {
						found++
					}
				}
			}
			idOf := map[byte]uint64{}
			for range 400 {
				key := byte(r.IntN(keys))
				switch r.IntN(12) {
				case 0:
					b.flush()
				case 1:
					if b.compact() {
						merged++
					}
				case 2:
					b.close()
					b.open()
				case 3, 4:
					b.delete(key, idOf[key])
				case 5: // as it is, but for its value
					b.put(key, idOf[key], valueOf(r.Uint64(), 8*r.IntN(100)))
				default:
					// Ids are unique, as a shard's are.
					idOf[key] = uint64(key) + keys*uint64(r.IntN(ids/keys))
					b.put(key, idOf[key], valueOf(r.Uint64(), 8*r.IntN(100)))
				}
				compare()
			}
			require.Greater(t, found, 1000)
			require.Greater(t, absent, 1000)
			require.Greater(t, segments, 2)
			require.Greater(t, merged, 2)
		})
	}
}

func TestAViewInPlaceCopiesNothingThatIsMapped(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t, kind.options...)
			want := valueOf(7, 1<<16)
			b.put(1, 7, want)
			b.flush()
			b.close()
			b.open()
			stock := b.view()
			defer stock.ReleaseView()
			view := stock.InPlace()

			got, grown, err := get(view, 7, nil)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, kind.copies, cap(grown) > 0)
			again, _, err := get(view, 7, nil)
			require.NoError(t, err)
			require.Equal(t, !kind.copies, unsafe.SliceData(got) == unsafe.SliceData(again))

			copied, grown, err := get(stock, 7, nil)
			require.NoError(t, err)
			require.NotEmpty(t, grown, "the unpatched view copies")
			require.NotSame(t, unsafe.SliceData(got), unsafe.SliceData(copied))

			// A buffer that is there comes back, for a segment that takes one.
			buffer := make([]byte, 1<<17)
			_, grown, err = get(view, 7, buffer)
			require.NoError(t, err)
			require.Same(t, unsafe.SliceData(buffer), unsafe.SliceData(grown))
			require.Equal(t, kind.copies, !slices.Equal(buffer, make([]byte, 1<<17)))
		})
	}
}

// What a view shows stays readable while compactions merge its segments away, and the
// segments go when the view is released.
func TestAViewKeepsItsValuesInPlaceThroughCompactions(t *testing.T) {
	b := newBucket(t)
	const segments = 8
	for id := range uint64(segments) {
		b.put(byte(id), id, valueOf(id, 1<<16))
		b.flush()
	}
	view := b.view().InPlace()
	release := sync.OnceFunc(view.ReleaseView)
	defer release() // a bucket does not close before
	var values [][]byte
	for id := range uint64(segments) {
		value, _, err := get(view, id, nil)
		require.NoError(t, err)
		values = append(values, value)
	}
	for id := range uint64(segments) {
		b.delete(byte(id), id)
		b.flush()
		b.compact()
	}
	require.Positive(t, b.files(lsmkv.DeleteMarkerSuffix), "segments were merged away")
	for id, value := range values {
		require.Equal(t, valueOf(uint64(id), 1<<16), value)
	}
	value, _, err := get(view, 3, nil)
	require.NoError(t, err)
	require.Equal(t, valueOf(3, 1<<16), value, "the view was taken before it was deleted")

	release()
	for b.files(lsmkv.DeleteMarkerSuffix) > 0 {
		before := b.files(lsmkv.DeleteMarkerSuffix)
		b.compact()
		require.Less(t, b.files(lsmkv.DeleteMarkerSuffix), before, "nothing holds them now")
	}
}

// What a view shows from memory stays readable there while it is flushed to a segment, which
// is merged away. The view goes on looking into that memory, as it was taken before.
func TestAViewKeepsWhatItSawInMemoryThroughFlushes(t *testing.T) {
	b := newBucket(t)
	b.put(1, 1, valueOf(1, 1<<16))
	b.flush()
	b.put(2, 2, valueOf(2, 1<<16))
	view := b.view().InPlace()
	release := sync.OnceFunc(view.ReleaseView)
	defer release()
	fromMemory, _, err := get(view, 2, nil)
	require.NoError(t, err)

	b.flush()
	b.delete(2, 2)
	b.put(1, 3, valueOf(3, 1<<16))
	b.flush()
	merged := 0
	for b.compact() {
		merged++
	}
	require.Positive(t, merged)
	require.Equal(t, valueOf(2, 1<<16), fromMemory)
	for id := range uint64(4) {
		value, _, err := get(view, id, nil)
		require.NoError(t, err)
		if id == 1 || id == 2 {
			require.Equal(t, valueOf(id, 1<<16), value)
		} else {
			require.Nil(t, value, "id %d was put later, or never", id)
		}
	}
	release()

	now := b.view().InPlace()
	defer now.ReleaseView()
	for id, want := range map[uint64][]byte{1: nil, 2: nil, 3: valueOf(3, 1<<16)} {
		value, _, err := get(now, id, nil)
		require.NoError(t, err)
		require.Equal(t, want, value, "id %d", id)
	}
}

// A length that a damaged file has wrong is an error: it neither panics nor reaches
// beyond the object.
func TestADamagedNodeIsAnErrorInPlace(t *testing.T) {
	b := newBucket(t, lsmkv.WithUseBloomFilter(false))
	want := valueOf(7, 1<<10)
	b.put('k', 7, want)
	b.delete('d', 8)
	b.flush()
	names, err := filepath.Glob(filepath.Join(b.dir, "objects", "*.db"))
	require.NoError(t, err)
	require.Len(t, names, 1)
	file, err := os.OpenFile(names[0], os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	content, err := os.ReadFile(names[0])
	require.NoError(t, err)
	at := bytes.Index(content, want)
	require.Positive(t, at)

	stock := b.view()
	defer stock.ReleaseView()
	view := stock.InPlace()
	errors := 0
	// The tombstone's byte, the value's length, and the key's length behind the value. The
	// segment is mapped: what is written to the file is seen at once.
	for _, from := range []int{at - 9, at + len(want)} {
		for bit := range 8 * 9 {
			where := int64(from + bit/8)
			if from > at && bit/8 >= 4 {
				break
			}
			flipped := content[where] ^ 1<<(bit%8)
			_, err := file.WriteAt([]byte{flipped}, where)
			require.NoError(t, err)
			got, _, err := get(view, 7, nil)
			if err != nil {
				errors++
				require.ErrorContains(t, err, names[0])
			}
			require.LessOrEqual(t, len(got), len(want)+5, "bit %d of the byte at %d", bit, where)
			_, err = file.WriteAt(content[where:where+1], where)
			require.NoError(t, err)
		}
	}
	require.Greater(t, errors, 60)
	got, _, err := get(view, 7, nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestManyReadInPlaceWhileObjectsChange(t *testing.T) {
	const keys, length, generations = 8, 1 << 14, 60
	b := newBucket(t)
	written := make(chan struct{})
	var readers sync.WaitGroup
	for reader := range uint64(4) {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(5, reader))
			for reading := true; reading; {
				select {
				case <-written:
					reading = false // once more
				default:
				}
				view := b.view().InPlace()
				for range 20 {
					id := r.Uint64N(keys * generations)
					value, _, err := get(view, id, nil)
					if err != nil || value != nil && !bytes.Equal(valueOf(id, length), value) {
						t.Errorf("object %d has wrong bytes, or an error: %v", id, err)
					}
				}
				view.ReleaseView()
			}
		})
	}
	for id := range uint64(keys * generations) {
		b.put(byte(id%keys), id, valueOf(id, length))
		if id%(2*keys) == 0 {
			b.flush()
			b.compact()
		}
	}
	close(written)
	readers.Wait()
}

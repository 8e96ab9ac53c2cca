//go:build unix

package kernel

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// guarded is n zeros with memory that must not be touched directly before them, or
// directly behind.
func guarded[T any](t *testing.T, n int, before bool) []T {
	t.Helper()
	page := syscall.Getpagesize()
	size := n * int(unsafe.Sizeof(*new(T)))
	inner := (size + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Munmap(memory) })
	require.NoError(t, syscall.Mprotect(memory[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(memory[page+inner:], syscall.PROT_NONE))
	if n == 0 {
		return nil
	}
	at := page
	if !before {
		at = page + inner - size
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&memory[at])), n)
}

func guardedCopy[T any](t *testing.T, numbers []T, before bool) []T {
	t.Helper()
	slice := guarded[T](t, len(numbers), before)
	copy(slice, numbers)
	return slice
}

// A kernel that reads or writes a byte beside what it was given ends this test
// with a segmentation fault.
func TestNoKernelTouchesItsNeighbours(t *testing.T) {
	every(t, func(t *testing.T, set *Set) {
		for _, before := range []bool{true, false} {
			for _, rows := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 23, 24, 25} {
				for _, dim := range []int{8, 24} {
					testF32Guarded(t, set, rows, dim, before)
					testI8Guarded(t, set, rows, dim, before)
				}
			}
			testTableGuarded(t, set, before)
		}
	})
}

func testF32Guarded(t *testing.T, set *Set, rows, dim int, before bool) {
	t.Helper()
	for _, family := range set.F32 {
		stride := 4*dim + 2
		q, d := guarded[float32](t, family.Lanes*dim, before), guarded[byte](t, (rows-1)*stride+4*dim, before)
		best, row := guarded[float32](t, family.Lanes, before), guarded[uint32](t, family.Lanes, before)
		family.Max(q, d, rows, dim, stride, best)
		family.Argmax(q, d, rows, dim, stride, 0, best, row)
		family.Dots(q, d, rows, dim, stride, guarded[float32](t, rows*family.Lanes, before))
	}
}

func testI8Guarded(t *testing.T, set *Set, rows, dim int, before bool) {
	t.Helper()
	for _, family := range set.I8 {
		q, bias := guarded[int8](t, family.Lanes*dim, before), guarded[int32](t, family.Lanes, before)
		d, scales := guarded[uint8](t, rows*dim, before), guarded[float32](t, rows, before)
		best, row := guarded[float32](t, family.Lanes, before), guarded[uint32](t, family.Lanes, before)
		family.Max(q, bias, d, scales, rows, dim, best)
		family.Argmax(q, bias, d, scales, rows, dim, 0, best, row)
		family.Dots(q, bias, d, scales, rows, dim, guarded[float32](t, rows*family.Lanes, before))
	}
}

func testTableGuarded(t *testing.T, set *Set, before bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(11, 12))
	const centroids = 20
	table := guarded[uint8](t, centroids*TableLanes, before)
	ids16, ids32, offsets := []uint16{}, []uint32{}, []uint32{0}
	for n := range 20 {
		for range n {
			id := r.IntN(centroids)
			ids16, ids32 = append(ids16, uint16(id)), append(ids32, uint32(id))
		}
		offsets = append(offsets, uint32(len(ids16)))
	}
	rows := guardedCopy(t, []uint32{0, 19, 3, 7, 19}, before)
	offsets, sums := guardedCopy(t, offsets, before), guarded[uint32](t, len(rows), before)
	set.Scan16(table, 5, guardedCopy(t, ids16, before), offsets, rows, sums)
	set.Scan32(table, 5, guardedCopy(t, ids32, before), offsets, rows, sums)
	for n := range ids16 {
		marks := guarded[uint8](t, n, before)
		set.Near16(table, 5, guardedCopy(t, ids16[:n], before), 4, marks)
		set.Near32(table, 5, guardedCopy(t, ids32[:n], before), 4, marks)
	}

	for _, family := range set.I8 {
		src := guarded[float32](t, 3*family.Lanes, before)
		mul, add := guarded[float32](t, family.Lanes, before), guarded[float32](t, family.Lanes, before)
		set.Narrow(guarded[uint8](t, 2*64+family.Lanes, before), 64, src, family.Lanes, mul, add)
	}
	set.Largest(guarded[float32](t, 24, before))
	set.Quantize(guarded[uint8](t, 24, before), guarded[float32](t, 24, before), 1, 1)
	set.Widen(guarded[float32](t, 24, before), guarded[uint16](t, 24, before))
}

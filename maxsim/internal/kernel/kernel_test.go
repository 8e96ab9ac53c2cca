package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// every runs a test for each set that this processor has.
func every(t *testing.T, test func(t *testing.T, set *Set)) {
	t.Helper()
	for _, set := range Sets() {
		t.Run(set.Name, func(t *testing.T) { test(t, set) })
	}
}

// rowCounts is 0 to past two of the largest tiles, a passage, and a page. With
// -short, as on an emulated processor, it is around one tile and two of each.
func rowCounts() []int {
	if testing.Short() {
		return []int{0, 1, 3, 4, 5, 6, 7, 8, 9, 12, 13, 17, 25}
	}
	counts := []int{100, 1030}
	for n := range 2*12 + 2 {
		counts = append(counts, n)
	}
	return counts
}

// dims is what the set can score of: the least, those around a round of the inner
// loops, and those of real models.
func dims(set *Set) []int {
	switch {
	case set.DimStep == 1:
		return []int{1, 2, 3, 7, 8, 128}
	case testing.Short():
		return []int{8, 24, 128}
	default:
		return []int{8, 16, 24, 128, 320, 2048}
	}
}

// strided is rows of dim numbers, stride bytes apart, the first at an odd address
// and the last without anything behind it.
func strided(numbers []float32, dim, stride int) []byte {
	rows := len(numbers) / dim
	if rows == 0 {
		return nil
	}
	doc := make([]byte, 1+(rows-1)*stride+4*dim)[1:]
	for i, x := range numbers {
		binary.LittleEndian.PutUint32(doc[i/dim*stride+i%dim*4:], math.Float32bits(x))
	}
	return doc
}

func normals(r *rand.Rand, n int) []float32 {
	// An odd offset: slices are aligned to 4 bytes and no more.
	numbers := make([]float32, n+1)[1:]
	for i := range numbers {
		numbers[i] = float32(r.NormFloat64())
	}
	return numbers
}

// pack interleaves rows of dim numbers as F32 wants them.
func pack(rows []float32, lanes, dim int) []float32 {
	packed := make([]float32, lanes*dim)
	for lane := range lanes {
		for d := range dim {
			packed[d*lanes+lane] = rows[lane*dim+d]
		}
	}
	return packed
}

// dot64 is the dot product in float64.
func dot64(x, y []float32) float64 {
	var sum float64
	for i := range x {
		sum += float64(x[i]) * float64(y[i])
	}
	return sum
}

func filled[T any](n int, x T) []T {
	numbers := make([]T, n)
	for i := range numbers {
		numbers[i] = x
	}
	return numbers
}

var none = float32(math.Inf(-1))

func TestF32EqualsFloat64(t *testing.T) {
	every(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, family := range set.F32 {
			for _, dim := range dims(set) {
				for _, rows := range rowCounts() {
					if (rows > 100 && dim != 128) || (dim > 320 && rows > 26) {
						continue
					}
					testF32(t, r, family, rows, dim)
				}
			}
		}
	})
}

func testF32(t *testing.T, r *rand.Rand, family F32, rows, dim int) {
	t.Helper()
	name := fmt.Sprintf("lanes=%d rows=%d dim=%d", family.Lanes, rows, dim)
	query, numbers := normals(r, family.Lanes*dim), normals(r, rows*dim)
	q := pack(query, family.Lanes, dim)
	stride := 4*dim + []int{0, 2, 64}[rows%3]
	doc := strided(numbers, dim, stride)
	tolerance := 1e-6 * float64(dim)

	dots := make([]float32, rows*family.Lanes)
	family.Dots(q, doc, rows, dim, stride, dots)
	best, row := filled(family.Lanes, none), filled(family.Lanes, uint32(7))
	for i := range rows {
		for lane := range family.Lanes {
			got := dots[i*family.Lanes+lane]
			require.InDelta(t, dot64(query[lane*dim:(lane+1)*dim], numbers[i*dim:(i+1)*dim]), float64(got), tolerance, name)
			if got > best[lane] {
				best[lane], row[lane] = got, uint32(1000+i)
			}
		}
	}

	// The same sums, to the bit, decide the maximum in each mode.
	gotMax := filled(family.Lanes, none)
	family.Max(q, doc, rows, dim, stride, gotMax)
	require.Equal(t, best, gotMax, name)
	gotBest, gotRow := filled(family.Lanes, none), filled(family.Lanes, uint32(7))
	family.Argmax(q, doc, rows, dim, stride, 1000, gotBest, gotRow)
	require.Equal(t, best, gotBest, name)
	require.Equal(t, row, gotRow, name)

	// What was better before stays.
	family.Max(q, doc, rows, dim, stride, filled(family.Lanes, float32(math.Inf(1))))
	before := filled(family.Lanes, float32(math.Inf(1)))
	family.Argmax(q, doc, rows, dim, stride, 0, before, gotRow)
	require.Equal(t, filled(family.Lanes, float32(math.Inf(1))), before, name)
	require.Equal(t, row, gotRow, name)
}

// codes is random 8-bit codes of query rows, packed, with what the pairs may be.
func codes(r *rand.Rand, lanes, dim int) (rows, packed []int8, bias []int32) {
	rows, bias = make([]int8, lanes*dim), make([]int32, lanes)
	packed = make([]int8, (dim+3)/4*4*lanes)
	for lane := range lanes {
		row := rows[lane*dim : (lane+1)*dim]
		for d := range row {
			row[d] = int8(r.IntN(255) - 127)
			if d%2 == 1 { // the extremes, often
				left := 128 - int(abs(row[d-1]))
				row[d] = int8(max(-127, min(127, r.IntN(2*left+1)-left)))
				if r.IntN(3) == 0 {
					row[d] = int8(min(127, left))
				}
			}
		}
		for d, c := range row {
			packed[(d/4*lanes+lane)*4+d%4] = c
			bias[lane] -= 128 * int32(c)
		}
	}
	return rows, packed, bias
}

func abs(x int8) int32 { return max(int32(x), -int32(x)) }

func TestI8IsExact(t *testing.T) {
	every(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, family := range set.I8 {
			for _, dim := range dims(set) {
				for _, rows := range rowCounts() {
					if (rows > 100 && dim != 128) || (dim > 128 && rows > 26) {
						continue
					}
					testI8(t, r, family, rows, dim)
				}
			}
		}
	})
}

func testI8(t *testing.T, r *rand.Rand, family I8, rows, dim int) {
	t.Helper()
	name := fmt.Sprintf("lanes=%d rows=%d dim=%d", family.Lanes, rows, dim)
	query, q, bias := codes(r, family.Lanes, dim)
	doc, scales := make([]uint8, rows*dim+1)[1:], make([]float32, rows) // aligned to nothing
	for i := range doc {
		doc[i] = uint8(1 + r.IntN(255))
		if r.IntN(4) == 0 {
			doc[i] = 255
		}
	}
	for i := range scales {
		scales[i] = r.Float32() + 0.1
	}

	want := make([]float32, rows*family.Lanes)
	best, row := filled(family.Lanes, none), filled(family.Lanes, uint32(7))
	for i := range rows {
		for lane := range family.Lanes {
			var sum int32
			for d := range dim {
				sum += int32(query[lane*dim+d]) * (int32(doc[i*dim+d]) - 128)
			}
			product := float32(sum) * scales[i]
			want[i*family.Lanes+lane] = product
			if product > best[lane] {
				best[lane], row[lane] = product, uint32(1000+i)
			}
		}
	}

	dots := make([]float32, rows*family.Lanes)
	family.Dots(q, bias, doc, scales, rows, dim, dots)
	require.Equal(t, want, dots, name)
	gotMax := filled(family.Lanes, none)
	family.Max(q, bias, doc, scales, rows, dim, gotMax)
	require.Equal(t, best, gotMax, name)
	gotBest, gotRow := filled(family.Lanes, none), filled(family.Lanes, uint32(7))
	family.Argmax(q, bias, doc, scales, rows, dim, 1000, gotBest, gotRow)
	require.Equal(t, best, gotBest, name)
	require.Equal(t, row, gotRow, name)
}

// Whatever is wrong with a row, no kernel may take another one's place for it.
func TestRowsThatAreNotFinite(t *testing.T) {
	every(t, func(t *testing.T, set *Set) {
		nan, inf, tiny := float32(math.NaN()), float32(math.Inf(1)), float32(math.SmallestNonzeroFloat32)
		const dim = 8
		for _, family := range set.F32 {
			// One number on the diagonal: the dot products are the document's first numbers.
			q := make([]float32, family.Lanes*dim)
			for lane := range family.Lanes {
				q[lane] = 1
			}
			for name, test := range map[string]struct {
				dots []float32
				want float32
				row  uint32
			}{
				"NaN is passed over":            {[]float32{nan, 3, nan, 2}, 3, 1},
				"only NaN":                      {[]float32{nan, nan}, none, 99},
				"infinity is the largest":       {[]float32{1, inf, 5}, inf, 1},
				"minus infinity raises nothing": {[]float32{none, none}, none, 99},
				"minus infinity and a number":   {[]float32{none, -7}, -7, 1},
				"denormal numbers are numbers":  {[]float32{-tiny, 0, tiny}, tiny, 2},
				"the first of equals":           {[]float32{-1, 4, 4, 4}, 4, 1},
				"zeros":                         {[]float32{0, 0}, 0, 0},
			} {
				for _, copies := range []int{1, 7, 13} { // shorter and longer than a tile
					var dots []float32
					for range copies {
						dots = append(dots, test.dots...)
					}
					numbers := make([]float32, len(dots)*dim)
					for i, x := range dots {
						numbers[i*dim] = x
					}
					doc := strided(numbers, dim, 4*dim)
					best, row := filled(family.Lanes, none), filled(family.Lanes, uint32(99))
					family.Argmax(q, doc, len(dots), dim, 4*dim, 0, best, row)
					require.Equal(t, filled(family.Lanes, test.want), best, "%s, %d lanes, %d rows", name, family.Lanes, len(dots))
					require.Equal(t, filled(family.Lanes, test.row), row, "%s, %d lanes, %d rows", name, family.Lanes, len(dots))
					best = filled(family.Lanes, none)
					family.Max(q, doc, len(dots), dim, 4*dim, best)
					require.Equal(t, filled(family.Lanes, test.want), best, "%s, %d lanes, %d rows", name, family.Lanes, len(dots))
				}
			}
		}
		for _, family := range set.I8 {
			q, bias := filled(family.Lanes*dim, int8(1)), filled(family.Lanes, int32(-128*dim))
			doc := filled(9*dim, uint8(129)) // nine rows of ones
			scales := filled(9, nan)
			scales[5] = 2
			best, row := filled(family.Lanes, none), filled(family.Lanes, uint32(99))
			family.Argmax(q, bias, doc, scales, 9, dim, 0, best, row)
			require.Equal(t, filled(family.Lanes, float32(2*dim)), best)
			require.Equal(t, filled(family.Lanes, uint32(5)), row)
			best = filled(family.Lanes, none)
			family.Max(q, bias, doc, scales, 9, dim, best)
			require.Equal(t, filled(family.Lanes, float32(2*dim)), best)
		}
	})
}

// That is why all processors give the same score, whatever the tile.
func TestF32IsOneChainOfFusedSteps(t *testing.T) {
	for _, set := range Sets() {
		if set.Name == portable.Name {
			continue
		}
		t.Run(set.Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			const rows, dim = 14, 128
			for _, family := range set.F32 {
				query, doc := normals(r, family.Lanes*dim), normals(r, rows*dim)
				dots := make([]float32, rows*family.Lanes)
				family.Dots(pack(query, family.Lanes, dim), strided(doc, dim, 4*dim), rows, dim, 4*dim, dots)
				for i := range rows {
					for lane := range family.Lanes {
						var sum float32
						for d := range dim {
							sum = fma(query[lane*dim+d], doc[i*dim+d], sum)
						}
						require.InDelta(t, sum, dots[i*family.Lanes+lane], 0)
					}
				}
			}
		})
	}
}

// fma rounds x*y+z once.
func fma(x, y, z float32) float32 {
	wide := func(x float32) *big.Float { return new(big.Float).SetPrec(600).SetFloat64(float64(x)) }
	sum, _ := wide(0).Add(wide(0).Mul(wide(x), wide(y)), wide(z)).Float32()
	return sum
}

func TestWidenKnowsEveryHalf(t *testing.T) {
	halves := make([]uint16, 1<<16)
	for i := range halves {
		halves[i] = uint16(i)
	}
	every(t, func(t *testing.T, set *Set) {
		got := make([]float32, len(halves))
		set.Widen(got, halves)
		for half, x := range got {
			want := halfValue(uint16(half))
			if math.IsNaN(want) {
				require.True(t, math.IsNaN(float64(x)), "%#04x", half)
				continue
			}
			require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(x), "%#04x", half)
		}
	})
}

// halfValue is what IEEE 754-2008, 3.4, says of the 16 bits.
func halfValue(half uint16) float64 {
	sign := 1.0
	if half>>15 == 1 {
		sign = math.Copysign(1, -1)
	}
	exponent, fraction := int(half>>10&31), float64(half&1023)
	switch {
	case exponent == 31 && fraction == 0:
		return math.Inf(int(sign))
	case exponent == 31:
		return math.NaN()
	case exponent == 0:
		return sign * fraction * 0x1p-24
	default:
		return sign * math.Ldexp(1+fraction/1024, exponent-15)
	}
}

func TestNarrow(t *testing.T) {
	every(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, lanes := range []int{16, 20, 24, 32} {
			const rows, stride = 9, 64
			src, mul, add := normals(r, rows*lanes), normals(r, lanes), normals(r, lanes)
			for i := range src {
				src[i] *= 200
			}
			src[0], src[1], src[2] = float32(math.NaN()), float32(math.Inf(1)), none
			mul[3], add[3], src[3] = 1, 0, 2.5 // a tie goes to the even number
			mul[4], add[4], src[4] = 1, 0, 3.5
			got, want := filled(rows*stride, uint8(77)), filled(rows*stride, uint8(77))
			set.Narrow(got, stride, src, lanes, mul, add)
			narrow(want, stride, src, lanes, mul, add)
			require.Equal(t, want, got)
			require.Equal(t, []uint8{0, 2, 4}, []uint8{got[0], got[3], got[4]})
			require.Equal(t, uint8(77), got[lanes], "nothing is written behind the lanes")
		}
	})
}

func TestQuantize(t *testing.T) {
	every(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(15, 16))
		for _, dim := range dims(set) {
			for range 50 {
				row := normals(r, dim)
				most := set.Largest(row)
				want := 0.0
				for _, x := range row {
					want = max(want, math.Abs(float64(x)))
				}
				require.InDelta(t, want, float64(most), 0)

				step := float64(most / []float32{127, 100, 2}[r.IntN(3)])
				row[r.IntN(dim)] = float32(2.5 * step) // a tie goes to the even number
				row[r.IntN(dim)] = float32(-3.5 * step)
				codes := make([]uint8, dim+1)
				lost, kept := set.Quantize(codes[1:], row, step, 1/step)
				var wantLost, wantKept float64
				for d, x := range row {
					code := max(-127, min(127, math.RoundToEven(float64(x)*(1/step))))
					require.InDelta(t, code+128, float64(codes[1+d]), 0)
					wantLost += (float64(x) - code*step) * (float64(x) - code*step)
					wantKept += code * step * code * step
				}
				require.Zero(t, codes[0])
				require.InEpsilon(t, 1+wantLost, 1+lost, 1e-12)
				require.InEpsilon(t, wantKept, kept, 1e-12)
			}
		}
	})
}

func TestLargestOfNumbersThatAreNotFinite(t *testing.T) {
	every(t, func(t *testing.T, set *Set) {
		row := make([]float32, 16)
		require.Zero(t, set.Largest(row))
		for d := range row {
			row[d] = none
			require.True(t, math.IsInf(float64(set.Largest(row)), 1), "minus infinity at %d", d)
			row[d] = float32(math.NaN())
			require.True(t, math.IsNaN(float64(set.Largest(row))), "NaN at %d", d)
			row[d] = -math.SmallestNonzeroFloat32
			require.InDelta(t, math.SmallestNonzeroFloat32, set.Largest(row), 0, "a denormal number at %d", d)
			row[d] = 0
		}
	})
}

func TestScan(t *testing.T) {
	every(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(9, 10))
		for _, shift := range []int{5, 6, 8} {
			const centroids = 300
			table := make([]uint8, centroids<<shift)
			for i := range table {
				table[i] = uint8(r.Uint32())
			}
			ids16, offsets := []uint16{}, []uint32{0}
			for n := range 40 { // 0 to 39 ids a document
				for range n {
					ids16 = append(ids16, uint16(r.IntN(centroids)))
				}
				offsets = append(offsets, uint32(len(ids16)))
			}
			ids32 := make([]uint32, len(ids16))
			for i, id := range ids16 {
				ids32[i] = uint32(id)
			}
			rows := make([]uint32, 100)
			for i := range rows {
				rows[i] = uint32(r.IntN(40))
			}
			for _, chunk := range []int{0, 1<<shift - TableLanes} {
				want, got := filled(len(rows), uint32(5)), filled(len(rows), uint32(5))
				for i, row := range rows {
					var best [TableLanes]uint8
					for _, id := range ids16[offsets[row]:offsets[row+1]] {
						for lane := range best {
							best[lane] = max(best[lane], table[int(id)<<shift+chunk+lane])
						}
					}
					for _, x := range best {
						want[i] += uint32(x)
					}
				}
				set.Scan16(table[chunk:], shift, ids16, offsets, rows, got)
				require.Equal(t, want, got)
				got = filled(len(rows), uint32(5))
				set.Scan32(table[chunk:], shift, ids32, offsets, rows, got)
				require.Equal(t, want, got)
			}
		}
	})
}

func TestNear(t *testing.T) {
	every(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(13, 14))
		for _, shift := range []int{5, 6, 8} {
			const centroids = 300
			table := make([]uint8, centroids<<shift)
			for i := range table {
				if i%TableLanes < 20 { // the other lanes have no rows
					table[i] = uint8(100 + r.IntN(100))
				}
			}
			for n := range 40 {
				ids16, ids32 := []uint16{}, []uint32{}
				for range n {
					id := r.IntN(centroids)
					ids16, ids32 = append(ids16, uint16(id)), append(ids32, uint32(id))
				}
				for _, margin := range []int{0, 1, 4, 40, 255} {
					for _, chunk := range []int{0, 1<<shift - TableLanes} {
						want := make([]uint8, n)
						for lane := range TableLanes {
							entry := func(i int) int { return int(table[int(ids16[i])<<shift+chunk+lane]) }
							most := 0
							for i := range n {
								most = max(most, entry(i))
							}
							for i := range n {
								if entry(i) > max(0, most-margin) {
									want[i] = 1
								}
							}
						}
						got := make([]uint8, n)
						set.Near16(table[chunk:], shift, ids16, margin, got)
						require.Equal(t, want, got, "margin %d", margin)
						clear(got)
						set.Near32(table[chunk:], shift, ids32, margin, got)
						require.Equal(t, want, got, "margin %d", margin)
						if n > 0 {
							clear(got)
							got[0] = 1
							set.Near16(table[chunk:], shift, ids16[:1], 0, got)
							require.Equal(t, uint8(1), got[0], "a mark stays")
						}
					}
				}
			}
		}
	})
}

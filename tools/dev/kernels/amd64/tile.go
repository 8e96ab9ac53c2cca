package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// tiles is every tile that is made. What decided lanes and rows:
//
//   - AVX2 has 16 vector registers. 24 lanes x 4 rows and 16 x 6 keep 12 sums,
//     more than the 8 that two multipliers with a latency of 4 need, and leave
//     room for the query's numbers and one of the document's.
//   - 20 lanes are two registers and a half. The halves of two rows share one: a
//     question of 20 tokens then computes nothing in vain, where 24 lanes waste a
//     sixth. It costs a blend for two rows.
//   - AVX-512 has 32. A whole register and half a one make 24 lanes: where a
//     processor splits whole registers in two (Zen 4) that costs 3 halves instead
//     of 4, elsewhere no more than 32 lanes. 8 rows, not 12, waste less of a
//     passage of 100. 16 lanes need 12 rows to have enough sums under way.
var tiles = []tile{
	{kind: f32, isa: "AVX2", lanes: 24, rows: 4},
	{kind: f32, isa: "AVX2", lanes: 20, rows: 4},
	{kind: f32, isa: "AVX2", lanes: 16, rows: 6},
	{kind: f32, isa: "AVX512", lanes: 32, rows: 8},
	{kind: f32, isa: "AVX512", lanes: 24, rows: 8},
	{kind: f32, isa: "AVX512", lanes: 20, rows: 8},
	{kind: f32, isa: "AVX512", lanes: 16, rows: 12},
	{kind: i8, isa: "AVX2", lanes: 24, rows: 4},
	{kind: i8, isa: "AVX2", lanes: 20, rows: 4},
	{kind: i8, isa: "AVX2", lanes: 16, rows: 6},
	{kind: i8, isa: "VNNI", lanes: 32, rows: 8},
	{kind: i8, isa: "VNNI", lanes: 24, rows: 8},
	{kind: i8, isa: "VNNI", lanes: 20, rows: 8},
	{kind: i8, isa: "VNNI", lanes: 16, rows: 12},
}

// kind is what a document's numbers are.
type kind struct {
	name   string
	bytes  int // of a number
	rounds int // broadcasts, 4 bytes each, from every row in one round of the inner loop
}

// One round of the inner loop takes 8 numbers from every row.
var (
	f32 = kind{name: "F32", bytes: 4, rounds: 8}
	i8  = kind{name: "I8", bytes: 1, rounds: 2}
)

const numbersARound = 8

// mode is what happens to the dot products of a tile.
type mode string

const (
	modeMax    mode = "max"
	modeArgmax mode = "argmax"
	modeDots   mode = "dots"
)

// tile scores `lanes` query rows against `rows` document rows at once.
type tile struct {
	kind  kind
	isa   string
	lanes int
	rows  int
}

func (t tile) avx512() bool { return t.isa != "AVX2" }

// vectors is the widths in bytes of the registers that hold one number of each
// lane.
func (t tile) vectors() []int {
	var widths []int
	for bytes := 4 * t.lanes; bytes > 0; {
		width := 64
		for width > bytes || width == 64 && !t.avx512() {
			width /= 2
		}
		widths, bytes = append(widths, width), bytes-width
	}
	return widths
}

// shares tells whether the last register of a row serves the next row, too.
func (t tile) shares(rows int) bool {
	return t.lanes%8 != 0 && rows > 1
}

// vector allocates a register of width bytes.
func vector(width int) reg.VecVirtual {
	switch width {
	case 64:
		return ZMM()
	case 32:
		return YMM()
	default:
		return XMM()
	}
}

// as is the part of v that has width bytes.
func as(v reg.VecVirtual, width int) reg.Register {
	switch width {
	case 64:
		return v.AsZ()
	case 32:
		return v.AsY()
	default:
		return v.AsX()
	}
}

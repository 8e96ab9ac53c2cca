package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// needs is what a processor must have for the tiles of an instruction set.
var needs = map[string]string{
	"AVX2":   "AVX2 and FMA",
	"AVX512": "AVX2, FMA and AVX-512 F and VL",
	"VNNI":   "AVX2 and AVX-512 F, VL and VNNI",
}

// emission is one kernel under way.
type emission struct {
	tile
	mode mode

	doc     reg.GPVirtual // the first row of the tile
	left    reg.GPVirtual // rows from there on
	stride  reg.GPVirtual // bytes of a row
	stride3 reg.GPVirtual
	scales  reg.GPVirtual // i8: the scale of the first row of the tile
	first   reg.GPVirtual // argmax: its number
	out     reg.GPVirtual // dots: where its dot products go
}

// emit writes one kernel: as many tiles as fit, a last one moved back to end with
// the document, or, for a document shorter than a tile, row after row.
func (t tile) emit(m mode) {
	e := emission{tile: t, mode: m}
	e.begin()

	CMPQ(e.left, U32(t.rows))
	JL(LabelRef("short"))
	Label("whole")
	e.score(t.rows)
	e.advance(t.rows)
	CMPQ(e.left, U32(t.rows))
	JGE(LabelRef("whole"))
	TESTQ(e.left, e.left)
	JZ(LabelRef("done"))
	e.stepBack()
	JMP(LabelRef("whole"))

	Label("short")
	TESTQ(e.left, e.left)
	JZ(LabelRef("done"))
	Label("row")
	e.score(1)
	e.advance(1)
	TESTQ(e.left, e.left)
	JNZ(LabelRef("row"))

	Label("done")
	VZEROUPPER()
	RET()
}

// begin writes the signature and loads what stays in registers.
func (e *emission) begin() {
	name := fmt.Sprintf("%s%s%sx%d", e.mode, e.kind.name, e.isa, e.lanes)
	reference := fmt.Sprintf("%s%s of portable.go for %d lanes, %d rows at a time", e.mode, e.kind.name, e.lanes, e.rows)
	begin(name, reference, needs[e.isa], e.signature())
	e.doc, e.left, e.stride3 = base("d"), value("rows"), GP64()
	if e.kind == f32 {
		e.stride = value("stride")
	} else {
		e.stride = value("dim")
	}
	LEAQ(Mem{Base: e.stride, Index: e.stride, Scale: 2}, e.stride3)
	if e.kind == i8 {
		e.scales = base("scales")
	}
	switch e.mode {
	case modeArgmax:
		e.first = value("first")
	case modeDots:
		e.out = base("out")
	}
}

func (e *emission) signature() string {
	operands := map[string]string{
		"F32": "q []float32, d []byte, rows, dim, stride",
		"I8":  "q []int8, bias []int32, d []uint8, scales []float32, rows, dim",
	}[e.kind.name]
	results := map[mode]string{
		modeMax:    " int, best []float32",
		modeArgmax: ", first int, best []float32, row []uint32",
		modeDots:   " int, out []float32",
	}[e.mode]
	return "func(" + operands + results + ")"
}

// advance moves on by a number of rows.
func (e *emission) advance(rows int) {
	bytes := GP64()
	IMUL3Q(U32(rows), e.stride, bytes)
	ADDQ(bytes, e.doc)
	SUBQ(U32(rows), e.left)
	if e.kind == i8 {
		ADDQ(U32(4*rows), e.scales)
	}
	switch e.mode {
	case modeArgmax:
		ADDQ(U32(rows), e.first)
	case modeDots:
		ADDQ(U32(4*rows*e.lanes), e.out)
	}
}

// stepBack moves back until a whole tile is left.
func (e *emission) stepBack() {
	back, bytes := GP64(), GP64()
	MOVQ(U32(e.rows), back)
	SUBQ(e.left, back)
	MOVQ(U32(e.rows), e.left)
	MOVQ(e.stride, bytes)
	IMULQ(back, bytes)
	SUBQ(bytes, e.doc)
	switch e.mode {
	case modeArgmax:
		SUBQ(back, e.first)
	case modeDots:
		IMUL3Q(U32(4*e.lanes), back, bytes)
		SUBQ(bytes, e.out)
	}
	if e.kind == i8 {
		SHLQ(Imm(2), back)
		SUBQ(back, e.scales)
	}
}

// score computes the dot products of `rows` document rows with all lanes and does
// with them what the mode says.
func (e *emission) score(rows int) {
	sums := e.start(rows)
	e.multiply(rows, sums)
	if e.shares(rows) {
		separate(sums)
	}
	if e.kind == i8 {
		e.scale(sums)
	}
	switch e.mode {
	case modeMax:
		e.raise(sums)
	case modeArgmax:
		e.raiseWithRow(sums)
	case modeDots:
		e.each(sums, func(row, offset int, sum reg.Register) {
			VMOVUPS(sum, Mem{Base: e.out, Disp: 4*row*e.lanes + offset})
		})
	}
}

// each visits the sums of a tile, in the width of their lanes, with the offset in
// bytes of the first of these.
func (e *emission) each(sums [][]reg.VecVirtual, visit func(row, offset int, sum reg.Register)) {
	for row := range sums {
		offset := 0
		for v, width := range e.vectors() {
			visit(row, offset, as(sums[row][v], width))
			offset += width
		}
	}
}

// start allocates the sums, at zero or at the bias. Where two rows share their
// last register, both are given it.
func (e *emission) start(rows int) [][]reg.VecVirtual {
	var bias reg.GPVirtual
	if e.kind == i8 {
		bias = base("bias")
	}
	sums := make([][]reg.VecVirtual, rows)
	for row := range sums {
		offset := 0
		for v, width := range e.vectors() {
			shared := e.shares(rows) && v == len(e.vectors())-1
			switch {
			case shared && row%2 == 1:
				sums[row] = append(sums[row], sums[row-1][v])
			case shared:
				sums[row] = append(sums[row], e.initial(Mem{Base: bias, Disp: offset}, 2*width, true))
			default:
				sums[row] = append(sums[row], e.initial(Mem{Base: bias, Disp: offset}, width, false))
			}
			offset += width
		}
	}
	return sums
}

// initial is what one sum begins with: both halves of a shared one with the same.
func (e *emission) initial(bias Mem, width int, shared bool) reg.VecVirtual {
	sum := vector(width)
	switch {
	case e.kind == f32 && e.avx512():
		VPXORD(sum, sum, sum)
	case e.kind == f32:
		VXORPS(sum, sum, sum)
	case shared:
		VBROADCASTI128(bias, sum)
	default:
		VMOVUPS(bias, sum)
	}
	return sum
}

// separate gives the second of two rows that shared a register one of its own.
func separate(sums [][]reg.VecVirtual) {
	for row := 1; row < len(sums); row += 2 {
		last := len(sums[row]) - 1
		own := XMM()
		VEXTRACTI128(Imm(1), sums[row][last].AsY(), own)
		sums[row][last] = own
	}
}

// multiply is the inner loop: it adds the products of all dimensions.
func (e *emission) multiply(rows int, sums [][]reg.VecVirtual) {
	q, rounds := base("q"), value("dim")
	SHRQ(Imm(3), rounds) // numbersARound
	bases := e.rowBases(rows)
	ahead := e.prefetchFrom(rows)
	var ones reg.VecVirtual
	if e.isa == "AVX2" && e.kind == i8 {
		ones = YMM()
		VMOVDQU(words(1), ones)
	}

	loop := fmt.Sprintf("multiply%d", rows)
	Label(loop)
	for round := range e.kind.rounds {
		numbers := e.queryNumbers(q, round, rows)
		var before reg.VecVirtual // the numbers of the row before
		for row := range sums {
			number := e.broadcast(bases, row, round)
			for v, width := range e.vectors() {
				switch {
				case !e.shares(rows) || v < len(e.vectors())-1:
					e.accumulate(as(sums[row][v], width), numbers[v], as(number, width), ones)
				case row%2 == 1:
					both := YMM()
					VPBLENDD(Imm(0xf0), number.AsY(), before.AsY(), both)
					e.accumulate(sums[row][v], numbers[v], both, ones)
				}
			}
			before = number
		}
	}
	if rows == e.rows {
		bytes := rows * numbersARound * e.kind.bytes
		for line := 0; line < bytes; line += 64 {
			PREFETCHT0(Mem{Base: ahead, Disp: line})
		}
		ADDQ(U32(bytes), ahead)
	}
	ADDQ(U32(4*e.kind.rounds*e.lanes), q)
	for _, b := range bases {
		ADDQ(U32(4*e.kind.rounds), b)
	}
	DECQ(rounds)
	JNZ(LabelRef(loop))
}

// broadcast is a register full of the numbers of one row and round.
func (e *emission) broadcast(bases []reg.GPVirtual, row, round int) reg.VecVirtual {
	number := vector(e.vectors()[0])
	at := e.rowAddress(bases, row)
	at.Disp = 4 * round
	if e.kind == f32 {
		VBROADCASTSS(at, number)
	} else {
		VPBROADCASTD(at, number)
	}
	return number
}

// queryNumbers is the operands with one round's numbers of all lanes: registers,
// but where AVX2's int8 needs those for other things, memory.
func (e *emission) queryNumbers(q reg.Register, round, rows int) []Op {
	var numbers []Op
	offset := 4 * round * e.lanes
	for v, width := range e.vectors() {
		at := Mem{Base: q, Disp: offset}
		offset += width
		switch {
		case e.shares(rows) && v == len(e.vectors())-1:
			r := vector(2 * width)
			VBROADCASTI128(at, r)
			numbers = append(numbers, r)
		case e.kind == i8 && !e.avx512():
			numbers = append(numbers, at)
		default:
			r := vector(width)
			VMOVUPS(at, r)
			numbers = append(numbers, r)
		}
	}
	return numbers
}

// accumulate adds one round's products of one row.
func (e *emission) accumulate(sum reg.Register, query Op, number, ones reg.Register) {
	switch {
	case e.kind == f32:
		VFMADD231PS(query, number, sum)
	case e.avx512():
		VPDPBUSD(query, number, sum)
	default:
		products := vector(int(sum.Size()))
		VPMADDUBSW(query, number, products) // 16 bits; see I8 for why they do not saturate
		VPMADDWD(as(ones.(reg.VecVirtual), int(sum.Size())), products, products)
		VPADDD(products, sum, sum)
	}
}

// rowBases is a pointer for every four rows: an address reaches three rows on by
// one or two strides, or by the register of three.
func (e *emission) rowBases(rows int) []reg.GPVirtual {
	var bases []reg.GPVirtual
	for row := 0; row < rows; row += 4 {
		b := GP64()
		if row == 0 {
			MOVQ(e.doc, b)
		} else {
			LEAQ(Mem{Base: bases[len(bases)-1], Index: e.stride, Scale: 4}, b)
		}
		bases = append(bases, b)
	}
	return bases
}

func (e *emission) rowAddress(bases []reg.GPVirtual, row int) Mem {
	at := Mem{Base: bases[row/4]}
	switch row % 4 {
	case 1, 2:
		at.Index, at.Scale = e.stride, uint8(row%4)
	case 3:
		at.Index, at.Scale = e.stride3, 1
	}
	return at
}

// prefetchFrom is where to prefetch from. The rows of a tile are read side by side
// in small steps, which the processor's own prefetcher does not follow: without
// this, float32 from memory took twice as long. AVX2's tiles are so short that
// two ahead pay.
func (e *emission) prefetchFrom(rows int) reg.GPVirtual {
	ahead := GP64()
	if rows != e.rows {
		return ahead
	}
	tiles := 1
	if !e.avx512() {
		tiles = 2
	}
	IMUL3Q(U32(tiles*rows), e.stride, ahead)
	ADDQ(e.doc, ahead)
	return ahead
}

// scale turns integer sums into products.
func (e *emission) scale(sums [][]reg.VecVirtual) {
	for row := range sums {
		scale := vector(e.vectors()[0])
		VBROADCASTSS(Mem{Base: e.scales, Disp: 4 * row}, scale)
		for v, width := range e.vectors() {
			sum := as(sums[row][v], width)
			VCVTDQ2PS(sum, sum)
			VMULPS(as(scale, width), sum, sum)
		}
	}
}

// raise raises the best products. Of a number and NaN, VMAXPS takes the operand
// named first here: the best so far.
func (e *emission) raise(sums [][]reg.VecVirtual) {
	best := base("best")
	offset := 0
	for v, width := range e.vectors() {
		at, m := Mem{Base: best, Disp: offset}, vector(width)
		offset += width
		VMOVUPS(at, m)
		for row := range sums {
			VMAXPS(m, as(sums[row][v], width), m)
		}
		VMOVUPS(m, at)
	}
}

// greater is the predicate that is false for equals and for NaN.
const greater = 0x1e

// raiseWithRow raises the best products and keeps whose they are.
func (e *emission) raiseWithRow(sums [][]reg.VecVirtual) {
	best, rows := base("best"), base("row")
	offset := 0
	for v, width := range e.vectors() {
		bestAt, rowsAt := Mem{Base: best, Disp: offset}, Mem{Base: rows, Disp: offset}
		offset += width
		m, r := vector(width), vector(width)
		VMOVUPS(bestAt, m)
		VMOVUPS(rowsAt, r)
		var take func(sum reg.Register)
		if e.avx512() {
			take = e.takeByMask(m, r)
		} else {
			take = e.takeByBlend(m, r, width)
		}
		for row := range sums {
			take(as(sums[row][v], width))
		}
		VMOVUPS(m, bestAt)
		VMOVUPS(r, rowsAt)
	}
}

// takeByBlend takes sums of one row after another in: m is the best, r their rows.
func (e *emission) takeByBlend(m, r reg.Register, width int) func(sum reg.Register) {
	number, mask := vector(width), vector(width)
	VMOVD(e.first.As32(), number.AsX())
	VPBROADCASTD(number.AsX(), number)
	return func(sum reg.Register) {
		VCMPPS(Imm(greater), m, sum, mask)
		VBLENDVPS(mask, sum, m, m)
		VBLENDVPS(mask, number, r, r)
		VPADDD(doublewords(1), number, number)
	}
}

// takeByMask is takeByBlend with the mask registers of AVX-512.
func (e *emission) takeByMask(m, r reg.Register) func(sum reg.Register) {
	number, mask := GP32(), K()
	MOVL(e.first.As32(), number)
	return func(sum reg.Register) {
		VCMPPS(Imm(greater), m, sum, mask)
		VMOVAPS(sum, mask, m)
		VPBROADCASTD(number, mask, r)
		INCL(number)
	}
}

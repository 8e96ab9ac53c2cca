package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitScan writes the scan of a centroid table for ids of size bytes.
func emitScan(name, id string, size int) {
	begin(name, "scan of portable.go for ids of "+id, "AVX2 and BMI2",
		"func(table []uint8, shift int, ids []"+id+", offsets, rows, sums []uint32)")
	table, shift, ids, offsets := base("table"), value("shift"), base("ids"), base("offsets")
	rows, sums := base("rows"), base("sums")
	left := GP64()
	Load(Param("rows").Len(), left)
	TESTQ(left, left)
	JZ(LabelRef("done"))

	Label("document")
	at, count := GP64(), GP64()
	row := GP64()
	MOVL(Mem{Base: rows}, row.As32())
	MOVL(Mem{Base: offsets, Index: row, Scale: 4}, at.As32())
	MOVL(Mem{Base: offsets, Index: row, Scale: 4, Disp: 4}, count.As32())
	SUBQ(at, count)
	LEAQ(Mem{Base: ids, Index: at, Scale: uint8(size)}, at)
	// Four chains, so that no load waits for the maximum before it.
	var best [4]reg.VecVirtual
	for i := range best {
		best[i] = YMM()
		VPXOR(best[i], best[i], best[i])
	}
	const together = 8
	SUBQ(Imm(together), count)
	JL(LabelRef("rest"))
	Label("eight")
	for i := range together {
		entry := loadID(Mem{Base: at, Disp: i * size}, size, shift)
		VPMAXUB(Mem{Base: table, Index: entry, Scale: 1}, best[i%4], best[i%4])
	}
	ADDQ(Imm(uint64(together*size)), at)
	SUBQ(Imm(together), count)
	JGE(LabelRef("eight"))
	Label("rest")
	ADDQ(Imm(together), count)
	JZ(LabelRef("sum"))
	Label("one")
	entry := loadID(Mem{Base: at}, size, shift)
	VPMAXUB(Mem{Base: table, Index: entry, Scale: 1}, best[0], best[0])
	ADDQ(Imm(uint64(size)), at)
	DECQ(count)
	JNZ(LabelRef("one"))

	Label("sum")
	VPMAXUB(best[1], best[0], best[0])
	VPMAXUB(best[3], best[2], best[2])
	VPMAXUB(best[2], best[0], best[0])
	addLanes(best[0], Mem{Base: sums})
	ADDQ(Imm(4), rows)
	ADDQ(Imm(4), sums)
	DECQ(left)
	JNZ(LabelRef("document"))

	Label("done")
	VZEROUPPER()
	RET()
}

// emitNear writes the search for the ids of a document that are near its best ones.
func emitNear(name, id string, size int) {
	begin(name, "near of portable.go for ids of "+id, "AVX2 and BMI2",
		"func(table []uint8, shift int, ids []"+id+", margin int, marks []uint8)")
	table, shift, ids, marks := base("table"), value("shift"), base("ids"), base("marks")
	margin, best, above := YMM(), YMM(), YMM()
	number := value("margin")
	VMOVD(number.As32(), margin.AsX())
	VPBROADCASTB(margin.AsX(), margin)
	VPXOR(best, best, best)
	count, i := GP64(), GP64()
	Load(Param("ids").Len(), count)
	at := Mem{Base: ids, Index: i, Scale: uint8(size)}

	eachID(count, i, "raise", func() {
		entry := loadID(at, size, shift)
		VPMAXUB(Mem{Base: table, Index: entry, Scale: 1}, best, best)
	})
	VPSUBUSB(margin, best, best) // not below zero
	eachID(count, i, "compare", func() {
		entry := loadID(at, size, shift)
		VMOVDQU(Mem{Base: table, Index: entry, Scale: 1}, above)
		VPSUBUSB(best, above, above) // zero where it is not larger
		mark := GP8()
		VPTEST(above, above)
		SETNE(mark)
		ORB(mark, Mem{Base: marks, Index: i, Scale: 1})
	})
	VZEROUPPER()
	RET()
}

// eachID counts i from 0 to count, which may be 0.
func eachID(count, i reg.GPVirtual, label string, body func()) {
	XORQ(i, i)
	JMP(LabelRef(label + "Next"))
	Label(label)
	body()
	INCQ(i)
	Label(label + "Next")
	CMPQ(i, count)
	JL(LabelRef(label))
}

// loadID is an id as an offset into the table. SHLX shifts by any register in one
// step; SHL would take three on Intel's processors.
func loadID(at Mem, size int, shift reg.Register) reg.GPVirtual {
	id := GP64()
	if size == 2 {
		MOVWLZX(at, id.As32())
	} else {
		MOVL(at, id.As32())
	}
	SHLXQ(shift, id, id)
	return id
}

// addLanes adds the 32 bytes of v to a number in memory.
func addLanes(v reg.VecVirtual, at Mem) {
	zero, high := YMM(), YMM()
	VPXOR(zero, zero, zero)
	VPSADBW(zero, v, v) // four sums of 8 bytes
	VEXTRACTI128(Imm(1), v, high.AsX())
	VPADDQ(high.AsX(), v.AsX(), v.AsX())
	VPSRLDQ(Imm(8), v.AsX(), high.AsX())
	VPADDQ(high.AsX(), v.AsX(), v.AsX())
	sum := GP32()
	VMOVD(v.AsX(), sum)
	ADDL(sum, at)
}

// emitNarrow writes the step that makes a table out of products.
func emitNarrow() {
	begin("narrowAVX2", "narrow of portable.go for a multiple of 4 lanes", "AVX2",
		"func(dst []uint8, stride int, src []float32, lanes int, mul, add []float32)")
	n := narrowing{dst: base("dst"), src: base("src"), mul: base("mul"), add: base("add"), lane: GP64(), zero: YMM(), most: YMM()}
	left, lanes, stride := GP64(), value("lanes"), value("stride")
	Load(Param("src").Len(), left)
	VXORPS(n.zero, n.zero, n.zero)
	VBROADCASTSS(float(255), n.most)
	eights := GP64() // lanes that are done eight at a time
	MOVQ(lanes, eights)
	ANDQ(I8(-8), eights)

	Label("row")
	SUBQ(lanes, left)
	JL(LabelRef("done"))
	XORQ(n.lane, n.lane)
	Label("eight")
	n.emit(32)
	CMPQ(n.lane, eights)
	JL(LabelRef("eight"))
	CMPQ(n.lane, lanes)
	JGE(LabelRef("next"))
	n.emit(16)
	Label("next")
	LEAQ(Mem{Base: n.src, Index: lanes, Scale: 4}, n.src)
	ADDQ(stride, n.dst)
	JMP(LabelRef("row"))

	Label("done")
	VZEROUPPER()
	RET()
}

// narrowing is what narrow keeps in registers.
type narrowing struct {
	dst, src, mul, add, lane reg.GPVirtual
	zero, most               reg.VecVirtual
}

// emit narrows one register of width bytes.
func (n narrowing) emit(width int) {
	x := vector(width)
	VMOVUPS(Mem{Base: n.src, Index: n.lane, Scale: 4}, x)
	VMULPS(Mem{Base: n.mul, Index: n.lane, Scale: 4}, x, x)
	VADDPS(Mem{Base: n.add, Index: n.lane, Scale: 4}, x, x)
	VMAXPS(as(n.zero, width), x, x) // NaN becomes the operand named first, zero
	VMINPS(as(n.most, width), x, x)
	VCVTPS2DQ(x, x)
	bytes := x.AsX()
	if width == 32 {
		high := XMM()
		VEXTRACTI128(Imm(1), x, high)
		VPACKUSDW(high, bytes, bytes)
		VPACKUSWB(bytes, bytes, bytes)
		VMOVQ(bytes, Mem{Base: n.dst, Index: n.lane, Scale: 1})
	} else {
		VPACKUSDW(bytes, bytes, bytes)
		VPACKUSWB(bytes, bytes, bytes)
		VMOVD(bytes, Mem{Base: n.dst, Index: n.lane, Scale: 1})
	}
	ADDQ(Imm(uint64(width/4)), n.lane)
}

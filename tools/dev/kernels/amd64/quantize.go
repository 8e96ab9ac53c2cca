package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitLargest writes the search for the largest magnitude.
func emitLargest() {
	begin("largestAVX2", "largest of portable.go for a multiple of 8 numbers", "AVX2", "func(row []float32) float32")
	row, left := base("row"), GP64()
	Load(Param("row").Len(), left)
	most, magnitudes := YMM(), YMM()
	VPXOR(most, most, most)
	VMOVDQU(doublewords(1<<31-1), magnitudes)
	Label("eight")
	SUBQ(Imm(8), left)
	JL(LabelRef("done"))
	x := YMM()
	VPAND(Mem{Base: row}, magnitudes, x)
	VPMAXUD(x, most, most)
	ADDQ(Imm(32), row)
	JMP(LabelRef("eight"))
	Label("done")
	half, most4 := XMM(), most.AsX()
	VEXTRACTI128(Imm(1), most, half)
	VPMAXUD(half, most4, most4)
	VPSHUFD(Imm(0b1110), most4, half)
	VPMAXUD(half, most4, most4)
	VPSHUFD(Imm(0b01), most4, half)
	VPMAXUD(half, most4, most4)
	VZEROUPPER()
	Store(most4, ReturnIndex(0))
	RET()
}

// emitQuantize writes the rounding of a row to 8-bit codes, in float64, four numbers of
// eight at a time.
func emitQuantize() {
	begin("quantizeAVX2", "quantize of portable.go for a multiple of 8 numbers", "AVX2 and FMA",
		"func(codes []uint8, row []float32, step, inverse float64) (lost, kept float64)")
	codes, row, left := base("codes"), base("row"), GP64()
	Load(Param("row").Len(), left)
	step, inverse := broadcastDouble("step"), broadcastDouble("inverse")
	least, most, offset := YMM(), YMM(), XMM()
	VMOVUPD(double("127", 127), most)
	VMOVUPD(double("Minus127", -127), least)
	VMOVDQU(bytes(128), offset)
	var lost, kept [2]reg.VecVirtual
	for half := range 2 {
		lost[half], kept[half] = YMM(), YMM()
		VXORPD(lost[half], lost[half], lost[half])
		VXORPD(kept[half], kept[half], kept[half])
	}

	Label("eight")
	SUBQ(Imm(8), left)
	JL(LabelRef("done"))
	var integers [2]reg.VecVirtual
	for half := range 2 {
		x, code := YMM(), YMM()
		VCVTPS2PD(Mem{Base: row, Disp: 16 * half}, x)
		VMULPD(inverse, x, code)
		VROUNDPD(Imm(8), code, code) // to nearest, ties to even
		VMAXPD(least, code, code)
		VMINPD(most, code, code)
		integers[half] = XMM()
		VCVTPD2DQY(code, integers[half])
		VMULPD(step, code, code)
		VSUBPD(code, x, x)
		VFMADD231PD(x, x, lost[half])
		VFMADD231PD(code, code, kept[half])
	}
	VPACKSSDW(integers[1], integers[0], integers[0])
	VPACKSSWB(integers[0], integers[0], integers[0])
	VPXOR(offset, integers[0], integers[0])
	VMOVQ(integers[0].AsX(), Mem{Base: codes})
	ADDQ(Imm(32), row)
	ADDQ(Imm(8), codes)
	JMP(LabelRef("eight"))

	Label("done")
	for _, sums := range [][2]reg.VecVirtual{lost, kept} {
		sum, half := sums[0], XMM()
		VADDPD(sums[1], sum, sum)
		VEXTRACTF128(Imm(1), sum, half)
		VADDPD(half, sum.AsX(), sum.AsX())
		VHADDPD(sum.AsX(), sum.AsX(), sum.AsX())
	}
	VZEROUPPER()
	Store(lost[0].AsX(), ReturnIndex(0))
	Store(kept[0].AsX(), ReturnIndex(1))
	RET()
}

// broadcastDouble is a register full of a parameter that is a float64.
func broadcastDouble(param string) reg.VecVirtual {
	at, err := Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	r := YMM()
	VBROADCASTSD(at.Addr, r)
	return r
}

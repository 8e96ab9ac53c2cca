package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitWiden writes the conversion of float16.
func emitWiden() {
	begin("widenF16C", "widen of portable.go for a multiple of 8 numbers", "F16C", "func(dst []float32, src []uint16)")
	dst, src, left := base("dst"), base("src"), GP64()
	Load(Param("src").Len(), left)
	Label("eight")
	SUBQ(Imm(8), left)
	JL(LabelRef("done"))
	x := YMM()
	VCVTPH2PS(Mem{Base: src}, x)
	VMOVUPS(x, Mem{Base: dst})
	ADDQ(Imm(16), src)
	ADDQ(Imm(32), dst)
	JMP(LabelRef("eight"))
	Label("done")
	VZEROUPPER()
	RET()
}

// emitPrefetch writes the announcement of bytes, a cache line of 64 at a time.
func emitPrefetch() {
	begin("Prefetch", "what set_other.go says", "SSE", "func(b []byte)")
	at, end := base("b"), GP64()
	Load(Param("b").Len(), end)
	ADDQ(at, end)
	ANDQ(I8(-64), at)
	JMP(LabelRef("next"))
	Label("line")
	PREFETCHT0(Mem{Base: at})
	ADDQ(Imm(64), at)
	Label("next")
	CMPQ(at, end)
	JCS(LabelRef("line"))
	RET()
}

// emitHasF16C asks the processor, which golang.org/x/sys/cpu does not about this.
func emitHasF16C() {
	TEXT("hasF16C", 0, "func() bool")
	Doc("hasF16C tells whether the processor converts float16: bit 29 of ECX, CPUID 1.")
	MOVL(U32(1), reg.EAX)
	XORL(reg.ECX, reg.ECX)
	CPUID()
	SHRL(Imm(29), reg.ECX)
	ANDL(Imm(1), reg.ECX)
	Store(reg.CL, ReturnIndex(0))
	RET()
}

package main

// emitWiden writes the conversion of float16.
func (l *listing) emitWiden() {
	const (
		dst reg = iota
		src
		left
	)
	const halves, low, high = vec(0), vec(1), vec(2)
	l.begin("widenNEON", "widen of portable.go for a multiple of 8 numbers", "NEON", "func(dst []float32, src []uint16)")
	l.load("dst_base", dst)
	l.load("src_base", src)
	l.load("src_len", left)
	l.label("eight")
	l.line("SUBS $8, %v", left)
	l.line("BLT done")
	l.line("FMOVQ.P 16(%v), %s", src, halves.scalar())
	l.word(fcvtl(low, halves))
	l.word(fcvtl2(high, halves))
	l.line("FSTPQ.P (%s, %s), 32(%v)", low.scalar(), high.scalar(), dst)
	l.line("B eight")
	l.label("done")
	l.line("RET")
}

// emitPrefetch writes the announcement of bytes, a cache line of 64 at a time.
func (l *listing) emitPrefetch() {
	const (
		at reg = iota
		end
	)
	l.begin("Prefetch", "what set_other.go says", "ARMv8", "func(b []byte)")
	l.load("b_base", at)
	l.load("b_len", end)
	l.line("ADD %v, %v", at, end)
	l.line("AND $~63, %v", at)
	l.line("B next")
	l.label("line")
	l.line("PRFM (%v), PLDL1KEEP", at)
	l.line("ADD $64, %v", at)
	l.label("next")
	l.line("CMP %v, %v", end, at)
	l.line("BLO line")
	l.line("RET")
}

package main

// scale turns integer sums into products.
func (e *emission) scale(rows int) {
	for row := range rows {
		scale := e.number(row)
		e.line("FMOVS %d(%v), %s", 4*row, scales, scale.scalar())
		for v := range e.vectors() {
			sum := e.sum(row, v)
			e.word(scvtf(sum, sum))
			e.word(fmulBy(sum, sum, scale, 0))
		}
	}
}

// numberRows writes the number of each row into all lanes of a register.
func (e *emission) numberRows(rows int) {
	e.line("VDUP %v, %v.S4", first, e.number(0))
	for row := 1; row < rows; row++ {
		e.line("ADD $%d, %v, %v", row, first, t0)
		e.line("VDUP %v, %v.S4", t0, e.number(row))
	}
}

// raise raises the best products, in argmax with the numbers of their rows. One
// comparison serves both and is false for NaN, which FMAX would let win. FMAXNM
// would not, but it takes +0 for more than -0, which no other kernel does.
func (e *emission) raise(rows int) {
	const m, r, mask = vec(0), vec(1), vec(2)
	best, bestRow := t0, t1
	e.load("best_base", best)
	if e.mode == modeArgmax {
		e.load("row_base", bestRow)
	}
	for v := range e.vectors() {
		e.line("FMOVQ %d(%v), %s", 16*v, best, m.scalar())
		if e.mode == modeArgmax {
			e.line("FMOVQ %d(%v), %s", 16*v, bestRow, r.scalar())
		}
		for row := range rows {
			e.word(fcmgt(mask, e.sum(row, v), m))
			e.line("VBIT %v.B16, %v.B16, %v.B16", mask, e.sum(row, v), m)
			if e.mode == modeArgmax {
				e.line("VBIT %v.B16, %v.B16, %v.B16", mask, e.number(row), r)
			}
		}
		e.line("FMOVQ %s, %d(%v)", m.scalar(), 16*v, best)
		if e.mode == modeArgmax {
			e.line("FMOVQ %s, %d(%v)", r.scalar(), 16*v, bestRow)
		}
	}
}

// store writes the products.
func (e *emission) store(rows int) {
	for row := range rows {
		for v := range e.vectors() {
			e.line("FMOVQ %s, %d(%v)", e.sum(row, v).scalar(), 4*row*e.lanes+16*v, out)
		}
	}
}

package main

import "fmt"

// needs is what a processor must have for the tiles of an instruction set.
var needs = map[string]string{
	"NEON": "NEON",
	"SDOT": "ASIMDDP",
}

// emission is one kernel under way.
type emission struct {
	*listing
	tile
	mode mode
}

// emit writes one kernel: as many tiles as fit, a last one moved back to end with
// the document, or, for a document shorter than a tile, row after row.
func (t tile) emit(l *listing, m mode) {
	e := emission{listing: l, tile: t, mode: m}
	e.begin()

	e.line("CMP $%d, %v", e.rows, left)
	e.line("BLT short")
	e.prefetchFrom()
	e.label("whole")
	e.score(e.rows)
	e.advance(e.rows)
	e.line("CMP $%d, %v", e.rows, left)
	e.line("BGE whole")
	e.line("CBZ %v, done", left)
	e.stepBack()
	e.line("B whole")

	e.label("short")
	e.line("CBZ %v, done", left)
	e.label("row")
	e.score(1)
	e.advance(1)
	e.line("CBNZ %v, row", left)

	e.label("done")
	e.line("RET")
}

// begin writes the signature and loads what stays in registers.
func (e *emission) begin() {
	name := fmt.Sprintf("%s%s%sx%d", e.mode, e.kind.name, e.isa, e.lanes)
	reference := fmt.Sprintf("%s%s of portable.go for %d lanes, %d rows at a time", e.mode, e.kind.name, e.lanes, e.rows)
	e.listing.begin(name, reference, needs[e.isa], e.signature())
	e.load("d_base", doc)
	e.load("rows", left)
	if e.kind == f32 {
		e.load("stride", stride)
	} else {
		e.load("dim", stride)
		e.load("scales_base", scales)
	}
	switch e.mode {
	case modeArgmax:
		e.load("first", first)
	case modeDots:
		e.load("out_base", out)
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
	e.line("MOVD $%d, %v", rows, t0)
	e.line("MADD %v, %v, %v, %v", t0, doc, stride, doc)
	e.line("SUB $%d, %v", rows, left)
	if e.kind == i8 {
		e.line("ADD $%d, %v", 4*rows, scales)
	}
	switch e.mode {
	case modeArgmax:
		e.line("ADD $%d, %v", rows, first)
	case modeDots:
		e.line("ADD $%d, %v", 4*rows*e.lanes, out)
	}
}

// stepBack moves back until a whole tile is left.
func (e *emission) stepBack() {
	back, bytes := t0, t1
	e.line("MOVD $%d, %v", e.rows, back)
	e.line("SUB %v, %v", left, back)
	e.line("MOVD $%d, %v", e.rows, left)
	e.line("MUL %v, %v, %v", back, stride, bytes)
	e.line("SUB %v, %v", bytes, doc)
	if e.kind == i8 {
		e.line("SUB %v<<2, %v", back, scales)
	}
	switch e.mode {
	case modeArgmax:
		e.line("SUB %v, %v", back, first)
	case modeDots:
		e.line("MOVD $%d, %v", 4*e.lanes, bytes)
		e.line("MUL %v, %v", back, bytes)
		e.line("SUB %v, %v", bytes, out)
	}
}

// score computes the dot products of `rows` document rows with all lanes and does
// with them what the mode says.
func (e *emission) score(rows int) {
	e.start(rows)
	e.multiply(rows)
	if e.kind == i8 {
		e.scale(rows)
	}
	switch e.mode {
	case modeMax:
		e.raise(rows)
	case modeArgmax:
		e.numberRows(rows)
		e.raise(rows)
	case modeDots:
		e.store(rows)
	}
}

// start sets the sums to zero and the pointers to the beginnings of the rows.
func (e *emission) start(rows int) {
	for row := range rows {
		for v := range e.vectors() {
			e.line("VMOVI $0, %v.B16", e.sum(row, v))
		}
	}
	e.load("q_base", query)
	e.load("dim", rounds)
	e.line("LSR $3, %v", rounds) // numbersARound
	e.line("MOVD %v, %v", doc, rowAt(0))
	for row := 1; row < rows; row++ {
		e.line("ADD %v, %v, %v", stride, rowAt(row-1), rowAt(row))
	}
}

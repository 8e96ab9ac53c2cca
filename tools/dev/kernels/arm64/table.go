package main

// The general registers of a scan.
const (
	scanTable reg = iota
	scanShift
	scanIDs
	scanOffsets
	scanRows
	scanSums
	scanDocuments // that are left
	scanAt        // the id that comes next
	scanCount     // ids of the document that are left
	scanEntry
)

// emitScan writes the scan of a centroid table for ids of size bytes that move
// loads.
func (l *listing) emitScan(name, id, move string, size int) {
	l.begin(name, "scan of portable.go for ids of "+id, "NEON",
		"func(table []uint8, shift int, ids []"+id+", offsets, rows, sums []uint32)")
	l.load("table_base", scanTable)
	l.load("shift", scanShift)
	l.load("ids_base", scanIDs)
	l.load("offsets_base", scanOffsets)
	l.load("rows_base", scanRows)
	l.load("sums_base", scanSums)
	l.load("rows_len", scanDocuments)
	l.line("CBZ %v, done", scanDocuments)

	l.label("document")
	l.startDocument(size)
	const together = 8
	l.line("SUBS $%d, %v", together, scanCount)
	l.line("BLT rest")
	l.label("eight")
	for i := range together {
		l.line("%s %d(%v), %v", move, i*size, scanAt, scanEntry)
		l.raiseByEntry(i % chains)
	}
	l.line("ADD $%d, %v", together*size, scanAt)
	l.line("SUBS $%d, %v", together, scanCount)
	l.line("BGE eight")
	l.label("rest")
	l.line("ADDS $%d, %v", together, scanCount)
	l.line("BEQ sum")
	l.label("one")
	l.line("%s.P %d(%v), %v", move, size, scanAt, scanEntry)
	l.raiseByEntry(0)
	l.line("SUB $1, %v", scanCount)
	l.line("CBNZ %v, one", scanCount)

	l.label("sum")
	l.addMaxima()
	l.line("SUB $1, %v", scanDocuments)
	l.line("CBNZ %v, document", scanDocuments)

	l.label("done")
	l.line("RET")
}

// chains is how many maxima are under way, so that no entry waits for the one
// before it.
const chains = 4

// maxima is the first of the two registers with the maxima of a chain.
func maxima(chain int) vec { return vec(2 * chain) }

// startDocument sets the next document's ids, and its maxima to zero.
func (l *listing) startDocument(size int) {
	start, end := scanAt, scanCount
	l.line("MOVWU.P 4(%v), %v", scanRows, scanEntry)
	l.line("ADD %v<<2, %v, %v", scanEntry, scanOffsets, scanEntry)
	l.line("LDPW (%v), (%v, %v)", scanEntry, start, end)
	l.line("SUB %v, %v, %v", start, end, scanCount)
	l.line("ADD %v<<%d, %v, %v", start, size/2, scanIDs, scanAt) // 2 is 1<<1, 4 is 1<<2
	for v := range maxima(chains) {
		l.line("VMOVI $0, %v.B16", v)
	}
}

// raiseByEntry raises the maxima of a chain by the entry of an id.
func (l *listing) raiseByEntry(chain int) {
	low, high := maxima(chains), maxima(chains)+1
	l.line("LSL %v, %v", scanShift, scanEntry)
	l.line("ADD %v, %v", scanTable, scanEntry)
	l.line("FLDPQ (%v), (%s, %s)", scanEntry, low.scalar(), high.scalar())
	l.raiseBytes(low, maxima(chain))
	l.raiseBytes(high, maxima(chain)+1)
}

// addMaxima adds the 32 maxima of a document to its sum.
func (l *listing) addMaxima() {
	for _, pair := range [][2]int{{1, 0}, {3, 2}, {2, 0}} {
		from, to := maxima(pair[0]), maxima(pair[1])
		l.raiseBytes(from, to)
		l.raiseBytes(from+1, to+1)
	}
	low, high := maxima(0), maxima(0)+1
	l.line("VUADDLV %v.B16, %v", low, low)
	l.line("VUADDLV %v.B16, %v", high, high)
	l.line("VADD %v.H8, %v.H8, %v.H8", high, low, low) // at most 32*255
	l.line("VMOV %v.H[0], %v", low, scanEntry)
	l.line("MOVWU (%v), %v", scanSums, scanCount)
	l.line("ADD %v, %v", scanEntry, scanCount)
	l.line("MOVW.P %v, 4(%v)", scanCount, scanSums)
}

// raiseBytes raises the bytes of `to` to those of `from`.
func (l *listing) raiseBytes(from, to vec) {
	l.line("VUMAX %v.B16, %v.B16, %v.B16", from, to, to)
}

// emitNarrow writes the step that makes a table out of products. Its conversions
// take what is out of range to the ends of the range and NaN to 0, so nothing has
// to be compared. 4 numbers at a time are enough: it does 3 operations to them
// after at least 8, commonly 128, that made the products.
func (l *listing) emitNarrow() {
	const (
		dst reg = iota
		stride
		src
		left
		lanes
		mul
		add
		dstAt
		mulAt
		addAt
		lanesLeft
	)
	const x, y = vec(0), vec(1)
	l.begin("narrowNEON", "narrow of portable.go", "NEON",
		"func(dst []uint8, stride int, src []float32, lanes int, mul, add []float32)")
	l.load("dst_base", dst)
	l.load("stride", stride)
	l.load("src_base", src)
	l.load("src_len", left)
	l.load("lanes", lanes)
	l.load("mul_base", mul)
	l.load("add_base", add)

	l.label("row")
	l.line("SUBS %v, %v", lanes, left)
	l.line("BLT done")
	l.line("MOVD %v, %v", dst, dstAt)
	l.line("MOVD %v, %v", mul, mulAt)
	l.line("MOVD %v, %v", add, addAt)
	l.line("MOVD %v, %v", lanes, lanesLeft)
	l.label("four")
	l.line("FMOVQ.P 16(%v), %s", src, x.scalar())
	l.line("FMOVQ.P 16(%v), %s", mulAt, y.scalar())
	l.word(fmul(x, x, y))
	l.line("FMOVQ.P 16(%v), %s", addAt, y.scalar())
	l.word(fadd(x, x, y))
	l.word(fcvtnu(x, x))
	l.word(uqxtnHalf(x, x))
	l.word(uqxtnByte(x, x))
	l.line("FMOVS.P %s, 4(%v)", x.scalar(), dstAt)
	l.line("SUBS $4, %v", lanesLeft)
	l.line("BGT four")
	l.line("ADD %v, %v", stride, dst)
	l.line("B row")

	l.label("done")
	l.line("RET")
}

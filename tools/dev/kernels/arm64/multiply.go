package main

import "fmt"

// multiply is the inner loop: it adds the products of all dimensions. The query's
// numbers stand in the order of their use, so that pair i is 32*i bytes on.
func (e *emission) multiply(rows int) {
	loop := fmt.Sprintf("multiply%d", rows)
	e.label(loop)
	vectors := e.kind.loads * e.kind.elements * e.vectors()
	pairs := vectors / 2
	e.loadQuery(0)
	for pair := range pairs {
		if 2*pair%(e.kind.elements*e.vectors()) == 0 {
			e.loadNumbers(rows)
		}
		if pair+1 < pairs {
			e.loadQuery(pair + 1)
		}
		for half := range 2 {
			element, v := (2*pair+half)/e.vectors()%e.kind.elements, (2*pair+half)%e.vectors()
			for row := range rows {
				e.word(e.kind.multiply(e.sum(row, v), e.queryPair(pair)+vec(half), e.number(row), element))
			}
		}
	}
	if rows == e.rows {
		e.prefetch()
	}
	e.line("ADD $%d, %v", 32*pairs, query)
	e.line("SUB $1, %v", rounds)
	e.line("CBNZ %v, %s", rounds, loop)
}

// loadQuery loads a pair of registers with numbers of the query.
func (e *emission) loadQuery(pair int) {
	v := e.queryPair(pair)
	e.line("FLDPQ %d(%v), (%s, %s)", 32*pair, query, v.scalar(), (v + 1).scalar())
}

// loadNumbers loads the next numbers of each row.
func (e *emission) loadNumbers(rows int) {
	if e.kind == i8 {
		e.loadCodes(rows)
		return
	}
	for row := range rows {
		e.line("FMOVQ.P 16(%v), %s", rowAt(row), e.number(row).scalar())
	}
}

// loadCodes loads the next codes of each row. SDOT multiplies signed bytes by
// signed ones, so it is given the codes themselves: to flip the high bit of a
// stored number is to take 128 from it, and the bias is of no use. General
// registers do that, because the vector units that could are those that multiply:
// 4 such instructions to 48 multiplications would cost 8 %. Each step is done for
// all rows before the next one, which processors that execute in order need: by
// LLVM's model of Cortex-A55 a round takes 61 cycles, row after row it took 79.
func (e *emission) loadCodes(rows int) {
	for row := range rows {
		e.line("MOVD.P 8(%v), %v", rowAt(row), codesOf(row))
	}
	for row := range rows {
		e.line("EOR $0x8080808080808080, %v", codesOf(row))
	}
	for row := range rows {
		e.line("FMOVD %v, %s", codesOf(row), e.number(row).scalar())
	}
}

// prefetchFrom sets where to prefetch from: the rows of a tile are read side by
// side in small steps, which processors' own prefetchers do not follow. Four
// multipliers spend as long on a tile as AVX2's two do on theirs, 768 cycles at
// float32 and 128 dimensions, and there two tiles ahead paid.
func (e *emission) prefetchFrom() {
	e.line("MOVD $%d, %v", 2*e.rows, ahead)
	e.line("MUL %v, %v", stride, ahead)
	e.line("ADD %v, %v", doc, ahead)
}

// prefetch fetches as many bytes as one round has read.
func (e *emission) prefetch() {
	bytes := e.rows * numbersARound * e.kind.bytes
	for line := 0; line < bytes; line += 64 {
		e.line("PRFM %d(%v), PLDL1KEEP", line, ahead)
	}
	e.line("ADD $%d, %v", bytes, ahead)
}

package main

// A peak is a loop of nothing but multiplications and additions in registers: the limit that no kernel of
// its kind can pass on this CPU.
type peak struct {
	name string
	macs int // multiplications with addition in one loop
	run  func(loops int)
}

// vnni begins the names of the int8 peaks that one instruction gives.
const vnni = "VPDPBUSD"

// loopsAtOnce is about 20 microseconds of work, so that the call does not count.
const loopsAtOnce = 10_000

// contender is the peak as if it scored documents: its time is what their products take at the least.
// Thus a share of the peak is a ratio like any other.
func (p peak) contender(name string, s shape) *contender {
	documents := float64(p.macs) * loopsAtOnce / s.macs()
	return goContender(name, s, documents, func() { p.run(loopsAtOnce) })
}

// trials of each peak decide which one is this CPU's limit.
const trials = 5

// best is the fastest of some peaks; the zero peak if there is none.
func best(peaks []peak) (fastest peak) {
	var record float64
	for _, p := range peaks {
		for range trials {
			start := clock()
			p.run(100 * loopsAtOnce)
			if rate := float64(p.macs) / (clock() - start).Seconds(); rate > record {
				record, fastest = rate, p
			}
		}
	}
	return fastest
}

// memoryBytes is far more than any cache holds, and memoryChunk is what one call reads of it.
const (
	memoryBytes = 512 << 20
	memoryChunk = 1 << 20
)

// memoryContender reads memory as fast as one core can; its documents are bytes. It is nil where there is no
// such loop.
func memoryContender() *contender {
	read := memoryReader()
	if read == nil {
		return nil
	}
	memory := make([]byte, memoryBytes)
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1 // a page that was never written is backed by one page of zeros
	}
	next := 0
	return goContender(memoryRead, shape{}, memoryChunk, func() {
		read(memory[next : next+memoryChunk])
		next = (next + memoryChunk) % len(memory)
	})
}

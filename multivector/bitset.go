package multivector

import "sync/atomic"

// bitset is a set of small numbers that may grow while it is read.
type bitset []atomic.Uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) clone() bitset {
	c := make(bitset, len(b))
	for i := range b {
		c[i].Store(b[i].Load())
	}
	return c
}

func (b bitset) has(i int) bool { return b[i/64].Load()>>(i%64)&1 == 1 }

// set adds i and reports whether it is new.
func (b bitset) set(i int) bool { return b[i/64].Or(1<<(i%64))>>(i%64)&1 == 0 }

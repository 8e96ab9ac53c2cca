//go:build noasm || !(amd64 || arm64)

package kernel

// Sets is every set that this build can run: here the portable one.
func Sets() []*Set { return []*Set{&portable} }

// Prefetch tells the processor that bytes are about to be read, and waits for none. Go
// has no such instruction: here they are read when they are needed.
func Prefetch([]byte) {}

//go:build noasm || !(amd64 || arm64)

package kernel

// Sets is every set that this build can run: here the portable one.
func Sets() []*Set { return []*Set{&portable} }

//go:build !(386 || amd64 || arm || arm64 || loong64 || mipsle || mips64le || ppc64le || riscv64 || wasm)

package maxsim

// Stored vectors are scored where they lie, and they are little-endian. No
// processor that Weaviate is built for is anything else.
var _ = thisPackageNeedsALittleEndianProcessor
